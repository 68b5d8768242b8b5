"""One limit for all that an account stores, for backends whose schema has it instead of the five of 2.5.

The rules hold where the v3 message has `storage`, which is a matter of its version. The five become their sum,
and the shim keeps them as they were given: as long as the sum is still theirs they come back so, else in
proportion. A call that gives some of them changes those, so the others are looked up first. An extension's
sounds and music are kept: the one limit of its user is for voicemail and faxes as well, as none was in 2.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shim.core.catalogue.translation import CalledOperation
from shim.core.commands.kept import Recall
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext, Problem
from shim.core.errors import Fault
from shim.core.forward import forward, look
from shim.core.keeping import account_of
from shim.core.keeping import keep as remember
from shim.core.message import Element, is_on
from shim.core.rules.declare import call
from shim.core.rules.kept import keep
from shim.core.rules.rule import Made, Rule, Taken
from shim.core.rules.table import Direction
from shim.core.rules.vocabulary import added
from shim.core.translate import is_unlimited

STORAGE = "storage"
FIVE = ("mailboxSize", "recordStorage", "soundStorage", "mohStorage", "faxStorage")
_LARGEST = 2**32 - 1

Limit = int | None
"""In MB; None: unlimited."""

_ADDED_UP = (
    "v3 has one limit for all that is stored, the sum of the five; the shim keeps each of them and gives it "
    "back as long as the sum is still theirs."
)
_AS_GIVEN = (
    "v3 has one limit for all that is stored, which is still the sum of what was set: each is given back."
)
_SHARED_OUT = "v3 has one limit for all that is stored, and it is not what was set here: the five share it."
_NOT_NUMBERS = "send whole numbers, or unlimited: v3 has one limit for all that is stored"
_KEPT = (
    "v3 bounds all that a user stores together: the shim keeps the extension's own bound, nothing enforces it."
)
_LEFT = "v3's one limit for all that a user stores is left as it is."
_READ = "Where v3 has one limit for all that is stored, and the call changes some of the five: what there is."


@dataclass(frozen=True, slots=True)
class AddedUp(Rule):
    """One of the five: part of the one in requests, which `limits` makes; a part of it in answers."""

    def takes(self, direction: Direction) -> Taken | None:
        return Taken("computed", self.new, self._add, "value-converted") if direction == "request" else None

    def produces(self, direction: Direction) -> Made | None:
        return Made("computed", self.old, None) if direction == "answer" else None

    def _add(self, child: Element, into: Element, context: CallContext) -> None:
        context.find("value-converted", self.old, self.because, self.new)
        numbers = (each.text or "" for each in child.children if each.name != "unlimited")
        if not all(text.strip().isascii() and text.strip().isdecimal() and len(text) < 20 for text in numbers):
            context.record.problems.append(Problem("field-refused", self.old, _NOT_NUMBERS, None))
        context.kept.fields[self.old] = child
        if into.child(STORAGE) is None:
            into.children.append(Element(STORAGE))


@dataclass(frozen=True, slots=True)
class Part(Rule):
    """The elements below the one in relative changes: `limits` makes it with it."""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        return Made("computed", self.new, None) if direction == "request" else None


@dataclass(frozen=True, slots=True)
class SharedOut(Rule):
    """The one, in answers: what the five get of it."""

    def takes(self, direction: Direction) -> Taken | None:
        return Taken("ignored", None, self._share) if direction == "answer" else None

    def _share(self, child: Element, into: Element, context: CallContext) -> None:
        total = _total(child, context)
        if total == _UNREADABLE:
            context.find("answer-value-omitted", self.new, self.because)
            return
        five, as_given = shares(total, context.kept.recalled or {})
        first = (self.new).removesuffix(STORAGE) + FIVE[0]
        if as_given:
            context.find("field-emulated", first, _AS_GIVEN, self.new)
        else:
            context.find("value-converted", first, self.because, self.new)
        into.children += [_element(name, limit) for name, limit in five.items()]


_UNREADABLE = -1


def _total(child: Element, context: CallContext) -> Limit:
    text = (child.text or "").strip()
    if is_unlimited(child, context, "answer"):
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else _UNREADABLE


def _element(name: str, limit: Limit) -> Element:
    return Element(name, str(limit or 0), {"unlimited": "true" if limit is None else "false"})


def _limit(element: Element) -> Limit:
    if element.attributes.get("unlimited") == "true":
        return None
    text = (element.text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def summed(limits: Mapping[str, Limit]) -> Limit:
    """The bound of all together: unlimited, if one is."""
    numbers = [each for each in limits.values() if each is not None]
    return min(_LARGEST, sum(numbers)) if len(numbers) == len(limits) else None


def shares(total: Limit, kept: Mapping[str, Element]) -> tuple[dict[str, Limit], bool]:
    """The part of one limit that each of the five has, and whether that is as they were given.

    As they were given while their sum is the limit; else in proportion to that, or in equal parts where nothing
    is kept, or nothing but zeros. The parts always add up to the limit.
    """
    given = {name: _limit(kept[name]) for name in FIVE if name in kept}
    if len(given) == len(FIVE) and summed(given) == total:
        return given, True
    if total is None:
        return dict.fromkeys(FIVE, None), False
    weights = {name: given.get(name) or 0 for name in FIVE}
    if not any(weights.values()):
        weights = dict.fromkeys(FIVE, 1)
    whole = sum(weights.values())
    parts: dict[str, Limit] = {name: total * weight // whole for name, weight in weights.items()}
    rest = total - sum(each or 0 for each in parts.values())
    for name in [each for each in FIVE if weights[each]][:rest]:
        parts[name] = (parts[name] or 0) + 1
    return parts, False


# ---- requests ----


def limits(context: CallContext) -> Steps[Element]:
    """Set or change limits; some of the five change the one by what they change. Raises Fault."""
    translation = context.translation
    new = translation.to_new(context)
    if new.child(STORAGE) is not None:
        yield from _settle(context, new)
    answer = yield from forward(context, translation.new, new, writes=True)
    yield from remember(answer, context)
    return translation.to_old(answer, context)


def _settle(context: CallContext, new: Element) -> Steps[None]:
    """Make the one limit of a request, and what is kept of the five."""
    given = {name: context.kept.fields.pop(name) for name in FIVE if name in context.kept.fields}
    changes = [each for one in given.values() for each in one.children]
    steps = bool(changes) and {each.name for each in changes} <= set(_SIGNS)
    now: dict[str, Limit] = {}
    if changes or len(given) < len(FIVE):
        kept = yield from _kept(context)
        if steps:
            now = {name: _limit(kept[name]) for name in FIVE if name in kept}
        else:
            now = yield from _now(context, new, kept)
    known = {name: each for name, each in given.items() if not steps or name in now}
    five = now | {name: _changed(each, now.get(name, 0)) for name, each in known.items()}
    element = _stepped(changes) if steps else _whole(summed(five), relative=bool(changes))
    new.children = [element if each.name == STORAGE else each for each in new.children]
    if five:
        context.find("field-kept", next(iter(given)), _ADDED_UP)
    context.kept.fields |= {name: _element(name, limit) for name, limit in five.items()}


def _kept(context: CallContext) -> Steps[Mapping[str, Element]]:
    """The elements that the shim keeps of the account; nothing where that cannot be found out."""
    account = yield from account_of(Element(""), context)
    if account is None:
        return {}
    try:
        kept = yield from ask(Recall(account))
    except Fault:
        return {}
    return kept


def _now(context: CallContext, new: Element, kept: Mapping[str, Element]) -> Steps[dict[str, Limit]]:
    """The five as they are; nothing where v3 does not tell the one."""
    service = context.translation.new.service
    who = [each for each in new.children if each.name in ("ID", "identifier")][:1]
    answer = yield from look(context, f"{service}.Get{service}PL", *who)
    place = answer.child("userPL") if answer is not None else None
    one = place.child(STORAGE) if place is not None else None
    total = _UNREADABLE if one is None else _total(one, context)
    return {} if total == _UNREADABLE else shares(total, kept)[0]


_SIGNS = {"increase": 1, "decrease": -1}


def _changed(limit: Element, now: Limit) -> Limit:
    """A limit after what was said of it: a value, or a change."""
    if not limit.children:
        return _limit(limit)
    change = limit.children[0]
    if change.name == "unlimited":
        return None if is_on(change.text) else now or 0
    number = int((change.text or "").strip())
    if change.name == "value":
        return number
    return None if now is None else max(0, now + _SIGNS[change.name] * number)


def _stepped(changes: list[Element]) -> Element:
    """All increases and decreases as one."""
    total = sum(_SIGNS[each.name] * int((each.text or "").strip()) for each in changes)
    name = "increase" if total >= 0 else "decrease"
    return Element(STORAGE, children=[Element(name, str(min(_LARGEST, abs(total))))])


def _whole(total: Limit, *, relative: bool) -> Element:
    """The one limit as a request says it: what it is, or what it is to become."""
    if not relative:
        return _element(STORAGE, total)
    element = Element("unlimited", "true") if total is None else Element("value", str(total))
    return Element(STORAGE, children=[element])


def calls(level: str, write: str) -> tuple[CalledOperation, ...]:
    """The v3 calls of `limits`, in order."""
    details = call(
        f"{level}.Get{level}Details", "The same, where the call names the account by identifier.", where=STORAGE
    )
    return (details, call(f"{level}.Get{level}PL", _READ, where=STORAGE), call(f"{level}.{write}"))


# ---- declarations ----


def sent(*, relative: bool = False) -> tuple[Rule, ...]:
    """For requests about a reseller's or client's limits; `relative`: about changes of them."""
    five = tuple(AddedUp(each, STORAGE, _ADDED_UP, "request", where=STORAGE) for each in FIVE)
    below = ("value", "increase", "decrease", "unlimited") if relative else ()
    parts = (f"{STORAGE}/{each}" for each in below)
    return (*five, *(Part("", each, _ADDED_UP, "request", where=each) for each in parts))


def read(at: str) -> tuple[Rule, ...]:
    """For answers with the limits at `at`, up to the last slash."""
    one = at + STORAGE
    five = tuple(AddedUp(at + each, one, _ADDED_UP, "answer", where=one) for each in FIVE)
    return (*five, SharedOut("", one, _SHARED_OUT, "answer", where=one))


OF_EXTENSION: tuple[Rule, ...] = (
    *(keep(each, _KEPT, field=each, unless=each) for each in ("soundStorage", "mohStorage")),
    added(STORAGE, _LEFT, where=STORAGE),
)
"""For an extension's limits, which are those of its user, both ways."""
