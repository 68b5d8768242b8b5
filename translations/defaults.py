"""The default among an account's charging plans or routing groups: 2.5 marks one, v3 marks none.

The shim keeps which one it is, by owner: so there is one at most, whichever was chosen last. Of an owner for
whom nothing was ever chosen through the shim it knows nothing, and says nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from shim.core.commands import Command, Recall, Remember
from shim.core.compiled import Called, Catalogue, Translation
from shim.core.errors import BackendError, Fault
from shim.core.forward import ask, forward
from shim.core.model import Element
from shim.core.rules.choices import accepts, gives
from shim.core.rules.model import Direction, Made, Rule, Taken, Work, split, spots
from shim.core.rules.vocabulary import keep
from shim.core.translate import refusal

Step = Generator[Command, Any, Element]

_BECAUSE = "v3 has no default {0}; the shim keeps which one it is, and gives it back."
_FIELD = "default"
_NO_FILTER = "2.5 looks at no filter when the default is asked for."


@dataclass(frozen=True, slots=True)
class Marked(Rule):
    """In answers: whether a thing is the default of its owner, out of what was recalled by owner."""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        path = self.old or ""

        def produce(root: Element, work: Work) -> None:
            for row in spots(root, split(path)[0]):
                default = _is_default(root, row, work)
                if default is None:
                    work.find("answer-field-unavailable", path, "It is not known which one is the default.")
                elif gives(work, path, self.because):
                    row.children.append(Element(_FIELD, "1" if default else "0"))

        return Made("emulated", path, produce, "field-emulated") if direction == "answer" else None


@dataclass(frozen=True, slots=True)
class Sought(Rule):
    """In requests: only the default is asked for; the plan sees to it."""

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, work: Work) -> None:
            accepts(work, "field-emulated", self.old or "", self.because)

        return Taken("emulated", None, act, "field-emulated") if direction == "request" else None


def _owner(root: Element, row: Element) -> str:
    """Whose it is: it says so itself, or the list does for all."""
    return (row.get("userID") or root.get("userID") or "").strip()


def _is_default(root: Element, row: Element, work: Work) -> bool | None:
    """Whether it is the default of its owner; None when nothing is known of the owner."""
    chosen = (work.recalled or {}).get(_owner(root, row))
    return None if chosen is None else chosen.text == row.get("ID")


@dataclass(frozen=True, slots=True)
class Defaults:
    """The default among things of one kind. `key` begins the store's keys, so that none is an account's."""

    noun: str
    key: str
    details: str
    """The v3 operation that tells the owner of one by ID or identifier."""
    row: str
    """The element of one of them in a list; what tells the owner may have it, too, or is it."""

    def chosen(self) -> Rule:
        """A request says whether it is the default."""
        return keep(_FIELD, _BECAUSE.format(self.noun))

    def marked(self) -> Rule:
        """An answer says which one is the default."""
        path = f"{self.row}/{_FIELD}"
        return Marked(path, None, _BECAUSE.format(self.noun), "answer")

    def sought(self) -> Rule:
        """A request wants the default only."""
        return Sought(_FIELD, None, _BECAUSE.format(self.noun), "request")

    def asked(self) -> Called:
        """The v3 call that tells whose it is, when a request says whether it is the default."""
        return Called(self.details, "Whose it is, when the call says whether it is the default.")

    # ---- write ----

    def add(self, catalogue: Catalogue, translation: Translation, work: Work) -> Step:
        """Add it; if it is to be the default, ask whose it is, and keep that. What is added stays added."""
        answer = yield from forward(catalogue, work, translation.new, translation.to_new(work), writes=True)
        made = answer.get("ID")
        if _is_on(work.kept.get(_FIELD)) and made and answer.get("result") != "failure":
            try:
                owner = (yield from self._look_up(catalogue, work, Element("ID", made)))[1]
                yield Remember(self._key(owner), {_FIELD: Element(_FIELD, made)})
            except Fault:
                work.find("kept-value-lost", _FIELD)
        return translation.to_old(answer, work)

    def edit(self, catalogue: Catalogue, translation: Translation, work: Work) -> Step:
        """Ask whose it is before anything is changed, if it is said whether it is the default."""
        new = translation.to_new(work)
        said = work.kept.get(_FIELD)
        named = new.child("ID") or new.child("identifier")
        known = (yield from self._look_up(catalogue, work, named)) if said is not None and named else None
        answer = yield from forward(catalogue, work, translation.new, new, writes=True)
        if known is not None and answer.get("result") != "failure":
            yield from self._mark(*known, _is_on(said))
        return translation.to_old(answer, work)

    def _mark(self, this: str, owner: str, default: bool) -> Generator[Command, Any, None]:
        """Make it the default of its owner, or no longer. Raises BackendError when that cannot be kept."""
        key = self._key(owner)
        try:
            before = (yield Recall(key)).get(_FIELD)
            if default or (before is not None and before.text == this):
                yield Remember(key, {_FIELD: Element(_FIELD, this if default else "")})
        except Fault as fault:
            raise BackendError(
                "store-unavailable",
                f"The {self.noun} was changed in v3, but whether it is the default could not be stored: "
                "repeat the call.",
            ) from fault

    def _look_up(
        self, catalogue: Catalogue, work: Work, named: Element
    ) -> Generator[Command, Any, tuple[str, str]]:
        """Its ID and its owner's. Raises BackendError when v3 does not say."""
        answer = yield from ask(catalogue, work, self.details, named)
        told = answer.child(self.row) or answer
        this = told.get("ID") or (named.text if named.name == "ID" else None)
        owner = told.get("userID")
        if not this or not owner:
            raise BackendError("backend-nonsense", f"The v3 backend does not say whose this {self.noun} is.")
        return this.strip(), owner.strip()

    # ---- read ----

    def read(self, catalogue: Catalogue, translation: Translation, work: Work) -> Step:
        """Read one or a list, and which one is the default of each owner that comes up."""
        new = translation.to_new(work)
        only = _is_on(work.request.child(_FIELD)) and work.policy("field-emulated", _FIELD) == "emulate"
        if only and new.child("filter"):
            new.children = [each for each in new.children if each.name != "filter"]
            if not accepts(work, "field-dropped", "filter", _NO_FILTER):
                raise refusal(work.problems)
        answer = yield from forward(catalogue, work, translation.new, new, writes=False)
        yield from self._recall(answer, work)
        old = translation.to_old(answer, work)
        if only:
            rows = zip(old.all(self.row), answer.all(self.row), strict=True)
            others = [id(row) for row, said in rows if not _is_default(answer, said, work)]
            old.children = [each for each in old.children if id(each) not in others]
        return old

    def _recall(self, answer: Element, work: Work) -> Generator[Command, Any, None]:
        recalled: dict[str, Element] = {}
        owners = [_owner(answer, row) for row in spots(answer, self.row)]
        for owner in dict.fromkeys(each for each in owners if each):
            try:
                kept = (yield Recall(self._key(owner))).get(_FIELD)
            except Fault:
                continue  # then it is not known, and the answer says so
            if kept is not None:
                recalled[owner] = kept
        work.recalled = recalled

    def _key(self, owner: str) -> str:
        return f"{self.key}:{owner}"


def _is_on(said: Element | None) -> bool:
    return said is not None and (said.text or "").strip().lower() in ("1", "true", "t")
