"""Deleting: one account or extension after the other, under the journal.

Laws: that a list does not show something is no proof that it is gone, or that nothing else is there: what is
about to be deleted, and what the user is known to have besides, is asked for by itself then. What has the
number by then may be another user's: v3 gives a number that was set free to the next extension.
An extension that its user was made for takes the user with it, unless the user has another one by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shim.core.commands.extensions import FindIdentities, Identity
from shim.core.commands.journal import Ask, Probe, Step, lock_of
from shim.core.commands.kept import Forget
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import BackendRefused, CallerError, Fault
from shim.core.journal.run import beginning, journalled
from shim.core.journal.writes import JournalRun, redo_step
from shim.core.message import Element

GONE = "v3 does not have one of them (any more): the others were deleted."
REFUSED = "v3 refused to delete one of them: the others were deleted."
THERE = "Whether the extension is there (still), and whether its user has another one."
BY_ITSELF = "When the list does not show it, or may have left out others that its user is known to have."
ONE_OF = "When the user has another extension by then, or was not made for this one."
LAST = "When the user was made for the extension, by the shim or by the upgrade: it goes with it."
_STAYS = "The user has other extensions, or was not made for this one: it stays."


@dataclass(frozen=True, slots=True)
class Doomed:
    """Something to delete: the v3 write, the element that names it, and accounts whose kept values go too."""

    step: Step
    path: str = "ID"
    kept: tuple[str, ...] = ()


def extension(
    identity: Identity, path: str = "ID", whole: str = "User.DelUser", siblings: Sequence[str] = ()
) -> Doomed:
    """The extension goes; its user with it, by the operation `whole`, when it was made for it.

    `siblings` are the numbers of other extensions that the user is known to have, and that stay.
    """
    phone = Ask("Extension.DelExtension", _only("DelExtension", "extendedNumber", identity.number))
    user = Ask(whole, _only(whole.rpartition(".")[2], "ID", identity.user_id))
    ask, instead = (user, phone) if identity.old_id == identity.user_id else (phone, None)
    probe = replace(
        extensions_of(identity.user_id, extendedNumber=identity.number),
        by_itself=_details(identity.number),
        beside=tuple(_details(number) for number in siblings) if instead else (),
    )
    step = Step(
        "delete",
        ask,
        probe,
        alternative=instead,
        deletes_extension=True,
        row_key=identity.number,
        owner=identity.user_id,
    )
    return Doomed(step, path, (identity.old_id,))


def extensions(named: Mapping[Identity, str], whole: str = "User.DelUser") -> Steps[list[Doomed]]:
    """Deletions of extensions, given with the element that names each, in the order in which they are safe:
    the one that its user was made for last, since by then it may be the user's only one."""
    users = tuple(dict.fromkeys(each.user_id for each in named))
    identities = (yield from ask(FindIdentities("user_id", users))) if users else {}
    going = {each.number for each in named}
    stay = {
        user: [each.number for each in group if each.number not in going] for user, group in identities.items()
    }
    order = sorted(named, key=lambda each: each.old_id == each.user_id)
    return [extension(each, named[each], whole, stay.get(each.user_id, ())) for each in order]


def extensions_of(user_id: str, **match: str) -> Probe:
    """How to see whether a user has an extension."""
    request = _only("GetExtensions", "parentID", user_id)
    return Probe(Ask("Extension.GetExtensions", request), "extension", "extendedNumber", match)


def _details(number: str) -> Ask:
    return Ask("Extension.GetExtensionDetails", _only("GetExtensionDetails", "extendedNumber", number))


def delete_all(context: CallContext, doomed: Sequence[Doomed], lost: int = 0) -> Steps[Element]:
    """Delete all in this order. `lost` is how many others the request names that there are not.

    What v3 refuses does not keep the others from being deleted. When nothing is deleted since it refused, be it
    to delete or to show what is there, its fault is the answer: that nothing is there it did not say.
    """

    def answer(deleted: int) -> Element:
        result = "success" if deleted == len(doomed) and not lost else "partial"
        items = [Element("items", str(deleted)), Element("result", result)]
        return Element(context.translation.old.output.name, children=items)

    def steps(journal: JournalRun) -> Steps[Element]:
        deleted = 0
        refused: Fault | None = None
        left: list[tuple[str, str]] = []
        for position, each in enumerate(doomed):
            try:
                done = yield from redo_step(journal, position)
            except Fault as fault:
                if journal.steps[position].state == "started" or not isinstance(fault, BackendRefused):
                    raise
                refused = refused or fault
                left.append((each.path, REFUSED))
                continue
            deleted += done.ask is not None
            if done.ask is None:
                left.append((each.path, GONE))
            elif done.ask.operation == "Extension.DelExtension":
                context.find("user-kept", each.path, _STAYS)
            if each.kept:
                yield from ask(Forget(each.kept))
        if refused is not None and not deleted:
            for step in journal.steps:
                step.state = "refused"
            raise refused
        for path, because in left if deleted else ():
            context.find("partly-done", path, because)
        return answer(deleted)

    writes = [each.step for each in doomed]
    begin = beginning(context, _subject(writes), writes, answer(len(doomed)))
    explained = yield from journalled(context, begin, steps)
    if explained.get("items") == "0":
        raise nothing_there()
    return explained


def nothing_there() -> CallerError:
    """None of those that are named exists."""
    return CallerError(
        "unknown-extension", "There is no extension with this ID or identifier: look it up anew.", "100"
    )


def _subject(writes: Sequence[Step]) -> str | None:
    """One extension is not deleted while another call changes it. (An entry has one subject.)"""
    numbers = [each.row_key for each in writes if each.row_key]
    return lock_of(numbers[0]) if len(writes) == len(numbers) == 1 else None


def _only(request: str, name: str, text: str) -> Element:
    return Element(request, children=[Element(name, text)])
