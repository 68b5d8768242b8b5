"""An Add that is one v3 write: kept in the journal, and looked for when its end was not seen.

What the shim keeps of what was added, and the answer with its ID, get lost by a crash or a time-out otherwise:
the caller could only try again, and would hear that the login is taken, or have the same twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shim.core.catalogue.translation import CalledOperation, CallPlan, Declared, Translation
from shim.core.commands.journal import Ask, Probe, Undo
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import BackendError, BackendRefused
from shim.core.extensions.lookup import elsewhere
from shim.core.extensions.messages import of_answer
from shim.core.forward import forward
from shim.core.journal.run import beginning, journalled
from shim.core.journal.writes import JournalRun, fresh, step
from shim.core.keeping import keep
from shim.core.message import Element, spots

_NOT_IN_A_ROW = ("verbose", "passwordAuto", "forceUpdate")
"""With these the answer says what no list does, so that a write whose end was not seen cannot be answered."""
_WHO = "What there is already; once more when it was not seen how the write ended."
_BELOW = "Whether somebody else has begun to use what a write made whose end was not seen."


@dataclass(frozen=True, slots=True)
class Traced:
    """How what an Add makes is found again: by its own name, in a list of v3 that has it as well.

    `rows` are the elements of `lists`. `match` says which of their fields have which path of the v3 request:
    all that the request has must be equal, and one must be there, or the call is not traced. `of` are paths of
    the request that the list takes, `whose` elements of which it takes one. With `filters` the list is asked
    for the first text of `match`. `key` is the row's ID, and `answers` what the answer calls it, or other
    fields of the row. `undo` takes it back, unless its `only_if_empty` list says it is in use; it takes `of`
    too where `undo_of`. With `enough` unset, the answer needs more than a row has. What is `private` names no
    entry of the journal.
    """

    lists: str
    rows: str
    undo: Undo
    match: Mapping[str, str]
    of: tuple[str, ...] = ()
    whose: tuple[str, ...] = ()
    undo_of: bool = False
    filters: bool = True
    key: str = "ID"
    answers: Mapping[str, str] = field(default_factory=dict)
    enough: bool = True
    private: bool = False

    def calls(self, successor: str) -> tuple[CalledOperation, ...]:
        """The v3 calls that such an Add may make, in order."""
        below = (CalledOperation(self.undo.only_if_empty, _BELOW),) if self.undo.only_if_empty else ()
        return (CalledOperation(self.lists, _WHO), CalledOperation(successor, undo=self.undo), *below)

    def named(self, request: Element) -> dict[str, str]:
        """The texts that tell it from others, by field of a row; empty when nothing does, or several are
        added."""
        values = {name: spots(request, path) for name, path in self.match.items()}
        if any(len(each) > 1 for each in values.values()):
            return {}
        texts = {name: (each[0].text or "").strip() for name, each in values.items() if each}
        return {name: text for name, text in texts.items() if text}

    def probe(self, request: Element) -> Probe | None:
        """How to see whether the v3 request `request` took effect; None when nobody could tell."""
        match = self.named(request)
        of = [each for name in self.of for each in spots(request, name) if each.text]
        if not match or len(of) < len(self.of):
            return None
        whose = [each for each in request.children if each.name in self.whose and each.text][:1]
        names = [Element(each.name, each.text) for each in (*of, *whose)]
        sought = [Element("filter", next(iter(match.values())))] if self.filters else []
        listing = Element(self.lists.partition(".")[2], children=[*sought, *names])
        suffixed = request.is_on("forceUpdate")
        return Probe(
            Ask(self.lists, listing), self.rows, self.key, match,
            may_be_suffixed=suffixed, answers=self.answers, enough=self.enough,
        )  # fmt: skip

    def undoing(self, request: Element) -> Undo:
        """How the v3 request `request` is taken back."""
        if not self.undo_of:
            return self.undo
        return replace(self.undo, beside=tuple((name, request.get(name) or "") for name in self.of))

    def lock(self, request: Element) -> str | None:
        """The lock of the call, so that two of it wait for each other; None when that is not known."""
        texts = self.named(request)
        name = next(iter(texts), None)
        if name is None or self.private:
            return None
        owners = [each.text for each in request.children if each.name in (*self.of, *self.whose) and each.text]
        if name == "login":  # of which there is one in the whole system
            return f"login {texts[name]}"
        return " ".join([self.rows, name, texts[name], *(["of", *owners] if owners else [])])


def traced(how: Traced, declared: Declared) -> Declared:
    """An Add, kept in the journal and looked for as `how` says; its list is of the same v3 service."""
    calls = how.calls(f"{how.lists.partition('.')[0]}.{declared.becomes}")
    return replace(declared, plan=adding(how), calls=calls, journal="undo")


def adding(traced: Traced) -> CallPlan:
    """The plan of such an Add."""

    def plan(context: CallContext) -> Steps[Element]:
        request = context.translation.to_new(context)

        def steps(journal: JournalRun) -> Steps[Element]:
            answer = yield from _where_it_is(journal, context.translation, traced, request)
            yield from keep(answer, context, certain=journal.opened is not None)
            yield from of_answer(context, answer)
            return context.translation.to_old(answer, context)

        begin = beginning(context, traced.lock(request))
        return (yield from journalled(context, begin, steps, single=True))

    return plan


def _where_it_is(
    journal: JournalRun, translation: Translation, traced: Traced, request: Element
) -> Steps[Element]:
    """The write, and once more when it was refused because its extension has another number by now."""
    try:
        return (yield from _written(journal, translation, traced, request))
    except BackendError as fault:
        if fault.unknown or not (yield from elsewhere(journal.context, fault)):
            raise
    return (yield from _written(journal, translation, traced, translation.to_new(journal.context)))


def _written(journal: JournalRun, translation: Translation, traced: Traced, request: Element) -> Steps[Element]:
    """The write. v3 may answer that it failed, and 2.5 then answers the same."""
    probe = yield from _seen_before(journal, traced.probe(request))
    if probe is None:
        return (yield from forward(journal.context, translation.new, request, writes=True))
    goes_on = not any(request.is_on(name) for name in _NOT_IN_A_ROW)
    return (
        yield from step(
            journal, "add", translation.new, request,
            probe=probe, undo=traced.undoing(request), goes_on=goes_on, may_fail=True,
        )
    )  # fmt: skip


def _seen_before(journal: JournalRun, probe: Probe | None) -> Steps[Probe | None]:
    """The probe, blind to what is there; None where there is no journal, or v3 does not show the list.

    Then the write is made all the same, as 2.5 would, and nothing is done about one whose end is not seen.
    """
    if journal.opened is None or probe is None:
        return None
    try:
        return (yield from fresh(journal, probe))
    except BackendRefused:
        return None
