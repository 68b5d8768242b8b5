"""An Add of an account that is one v3 write: kept in the journal, and looked for when its end was not seen.

What the shim keeps of the account, and the answer with its ID, get lost by a crash or a time-out otherwise: the
caller could only try again, and would hear that the login is taken.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from shim.core.commands import Ask, Command, Probe, Undo
from shim.core.compiled import Called, Catalogue, Plan, Translation
from shim.core.errors import BackendError
from shim.core.forward import forward
from shim.core.identities import of_answer
from shim.core.journal import beginning, journalled
from shim.core.journal_writes import Answering, Journal, fresh, step
from shim.core.keeping import keep
from shim.core.model import Element
from shim.core.rules.model import Work

_NOT_IN_A_ROW = ("verbose", "passwordAuto", "forceUpdate")
"""With these the answer says what no list does, so that a write whose end was not seen cannot be answered."""
_PARENTS = ("parentID", "parentIdentifier")
_WHO = "Who has the login already; once more when it was not seen how the write ended."
_BELOW = "Whether somebody else has begun to use what a write made whose end was not seen."


@dataclass(frozen=True, slots=True)
class Traced:
    """How the account that an Add makes is found again: by its login, in a list that filters by it.

    `rows` are the list's elements; `undo` takes the account back, unless its `bare` list says it is in use.
    """

    lists: str
    rows: str
    undo: Undo

    def calls(self, successor: str) -> tuple[Called, ...]:
        """The v3 calls that such an Add may make, in order."""
        below = (Called(self.undo.bare, _BELOW),) if self.undo.bare else ()
        return (Called(self.lists, _WHO), Called(successor, undo=self.undo), *below)

    def probe(self, wanted: Element) -> Probe:
        """How to see whether the v3 request `wanted` took effect."""
        login = (wanted.get("login") or "").strip()
        parents = [each for each in wanted.children if each.name in _PARENTS and each.text]
        asked = Element(self.lists.partition(".")[2], children=[Element("filter", login), *parents[:1]])
        numbered = _on(wanted, "forceUpdate")
        return Probe(Ask(self.lists, asked), self.rows, "ID", {"login": login}, numbered=numbered)


def adding(traced: Traced) -> Plan:
    """The plan of such an Add."""

    def plan(catalogue: Catalogue, translation: Translation, work: Work) -> Generator[Command, Any, Element]:
        wanted = translation.to_new(work)
        login = (wanted.get("login") or "").strip()

        def steps(journal: Journal) -> Answering:
            answer = yield from _written(journal, translation, traced, wanted)
            yield from keep(catalogue, translation, answer, work, certain=journal.opened is not None)
            yield from of_answer(catalogue, translation, work, answer)
            return translation.to_old(answer, work)

        begin = beginning(translation, work, f"login {login}" if login else None)
        return (yield from journalled(catalogue, work, begin, steps, single=True))

    return plan


def _written(journal: Journal, translation: Translation, traced: Traced, wanted: Element) -> Answering:
    """The write. v3 may answer that it failed, and 2.5 then answers the same."""
    probe = yield from _seen_before(journal, traced.probe(wanted))
    if probe is None:
        return (yield from forward(journal.catalogue, journal.work, translation.new, wanted, writes=True))
    goes_on = not any(_on(wanted, name) for name in _NOT_IN_A_ROW)
    return (
        yield from step(
            journal, "add", translation.new, wanted,
            probe=probe, undo=traced.undo, goes_on=goes_on, may_fail=True,
        )
    )  # fmt: skip


def _seen_before(journal: Journal, probe: Probe) -> Generator[Command, Any, Probe | None]:
    """The probe, blind to what is there; None where there is no journal, or v3 does not show the list.

    Then the write is made all the same, as 2.5 would, and nothing is done about one whose end is not seen.
    """
    if journal.opened is None:
        return None
    try:
        return (yield from fresh(journal, probe))
    except BackendError as fault:
        if fault.reason != "backend-fault":
            raise
        return None


def _on(request: Element, name: str) -> bool:
    return (request.get(name) or "").strip() in ("1", "true")
