"""Deleting: one account or extension after the other, under the journal, until v3 refuses one.

An extension that its user was made for takes the user with it, unless the user has another one by then.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from shim.core.catalogue import Catalogue
from shim.core.commands import Ask, Command, Forget, Identity, Probe, Step, subject_of
from shim.core.errors import Fault
from shim.core.journal import beginning, journalled
from shim.core.journal_writes import Answering, Journal, redo_step
from shim.core.model import Element
from shim.core.rules.model import Work
from shim.core.translate import Translation

GONE = "v3 does not have one of them (any more): the others were deleted."
_STAYS = "The user has other extensions, or was not made for this one: it stays."


@dataclass(frozen=True, slots=True)
class Doomed:
    """Something to delete: the v3 write, the element that names it, and accounts whose kept values go too."""

    step: Step
    path: str = "ID"
    kept: tuple[str, ...] = ()


def extension(identity: Identity, path: str = "ID", whole: str = "User.DelUser") -> Doomed:
    """The extension goes; its user with it, by the operation `whole`, when it was made for it."""
    probe = extensions_of(identity.user_id, extendedNumber=identity.number)
    phone = Ask("Extension.DelExtension", _only("DelExtension", "extendedNumber", identity.number))
    user = Ask(whole, _only(whole.rpartition(".")[2], "ID", identity.user_id))
    ask, instead = (user, phone) if identity.old_id == identity.user_id else (phone, None)
    step = Step("delete", ask, probe, instead=instead, gone=True, found=identity.number)
    return Doomed(step, path, (identity.old_id,))


def extensions_of(user_id: str, **match: str) -> Probe:
    """Whether a user has an extension."""
    asked = _only("GetExtensions", "parentID", user_id)
    return Probe(Ask("Extension.GetExtensions", asked), "extension", "extendedNumber", match)


def delete_all(
    catalogue: Catalogue, translation: Translation, work: Work, doomed: Sequence[Doomed], wanted: int
) -> Answering:
    """Delete all in this order. `wanted` is how many the request names, also such as there are not."""

    def answer(deleted: int) -> Element:
        result = "success" if deleted == wanted else "partial"
        items = [Element("items", str(deleted)), Element("result", result)]
        return Element(translation.old.output.name, children=items)

    def steps(journal: Journal) -> Generator[Command, Any, Element]:
        deleted = 0
        for position, each in enumerate(doomed):
            try:
                done = yield from redo_step(journal, position)
            except Fault:
                if not deleted or journal.steps[position].state == "started":
                    raise
                work.find("partly-done", each.path, "Some were deleted, then v3 refused one.")
                break
            deleted += done.ask is not None
            if done.ask is None:
                work.find("partly-done", each.path, GONE)
            elif done.ask.operation == "Extension.DelExtension":
                work.find("user-kept", each.path, _STAYS)
            if each.kept:
                yield Forget(each.kept)
        return answer(deleted)

    writes = [each.step for each in doomed]
    begin = beginning(translation, work, "redo", _subject(writes), writes, answer(len(doomed)))
    return (yield from journalled(catalogue, work, begin, steps))


def _subject(writes: Sequence[Step]) -> str | None:
    """One extension is not deleted while another call changes it. (An entry has one subject.)"""
    numbers = [each.found for each in writes if each.found]
    return subject_of(numbers[0]) if len(writes) == len(numbers) == 1 else None


def _only(request: str, name: str, text: str) -> Element:
    return Element(request, children=[Element(name, text)])
