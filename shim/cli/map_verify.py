"""What `shim map verify` finds and `shim map repair` mends: the identity map against what v3 was seen to have.

Laws: what is not in sight is never called gone; the map is read before v3 is, so that what is made meanwhile
is unknown at worst; before IDs are given up, v3 is asked once more for just that number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from shim.cli.map_walk import Asker, View, split, together
from shim.core.commands import Identity, Known
from shim.core.reconcile import renumberings
from shim.edge.identity_map import IdentityMap
from shim.edge.settings import Integration

Kind = Literal["unknown", "moved", "renumbered", "identifier", "gone", "user-gone", "unseen", "issuable"]
DOES: dict[Kind, str] = {
    "unknown": "learn it; else it is learned when a call meets it",
    "moved": "give it to that user",
    "renumbered": "give it that number",
    "identifier": "note that identifier",
    "gone": "give up its IDs",
    "user-gone": "give up its IDs",
    "unseen": "nothing; with --unseen give up its IDs",
    "issuable": "issue none of these IDs",
}
"""What a repair does about a mismatch."""

_BATCH = 1000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An extension as the map has it and as v3 has it; None where one of them has it not.

    `span` is of IDs, from and to, that gone extensions may have had and that the map would issue again.
    """

    kind: Kind
    known: Identity | None
    seen: Known | None
    span: tuple[int, int] | None = None


def lost_ids(span: tuple[int, int]) -> list[Mismatch]:
    """The map was restored without its gone extensions."""
    return [Mismatch("issuable", None, None, span)]


def compare(known: Iterable[Identity], view: View) -> list[Mismatch]:
    """Every mismatch: first those of what the map has, then what it has not."""
    found: list[Mismatch] = []
    missing: list[Identity] = []
    numbers = set()
    for each in known:
        numbers.add(each.number)
        seen = view.extensions.get(each.number)
        if seen is None:
            missing.append(each)
        elif seen.user_id != each.user_id:
            found.append(Mismatch("moved", each, seen))
        elif None not in (each.identifier, seen.identifier) and seen.identifier != each.identifier:
            found.append(Mismatch("identifier", each, seen))
    fresh = [each for number, each in view.extensions.items() if number not in numbers]
    renumbered = _renumbered(missing, fresh)
    for each in missing:
        now = renumbered.get(each.number)
        found.append(Mismatch("renumbered" if now else _lost(each, view), each, now))
    taken = {each.number for each in renumbered.values()}
    return found + [Mismatch("unknown", None, each) for each in fresh if each.number not in taken]


def _lost(each: Identity, view: View) -> Kind:
    if each.user_id in view.users:
        return "gone"
    return "user-gone" if split(each.number)[0] in view.prefixes else "unseen"


def _renumbered(missing: Iterable[Identity], fresh: Iterable[Known]) -> dict[str, Known]:
    """Missing numbers and what they are now, for those that are certain."""
    gone: dict[str, list[str]] = {}
    came: dict[str, dict[str, Known]] = {}
    for was in missing:
        gone.setdefault(was.user_id, []).append(was.number)
    for now in fresh:
        came.setdefault(now.user_id, {})[now.number] = now
    return {
        number: came[user][new]
        for user, numbers in gone.items()
        for number, new in renumberings(numbers, came.get(user, ())).items()
    }


async def repair(
    identities: IdentityMap,
    asker: Asker,
    view: View,
    found: Sequence[Mismatch],
    unseen_with: Integration | None = None,
) -> list[Mismatch]:
    """Mend the map. What is left: not in sight (unless there is somebody to ask with), or there again.

    Raises BackendError.
    """
    if any(each.kind == "issuable" for each in found):
        await identities.pass_over()
    lost = [(each, each.known) for each in found if each.known and not each.seen]
    gone = await together(_is_gone(asker, known, view, unseen_with) for _, known in lost)
    numbers = [known.number for (_, known), yes in zip(lost, gone, strict=True) if yes]
    for batch in _batches(numbers):
        await identities.forget(batch)  # first: the user's own ID goes on to the next of its extensions
    renumbered = [each for each in found if each.kind == "renumbered"]
    await identities.renumber_all({a.known.number: a.seen.number for a in renumbered if a.known and a.seen})
    for known in _batches([each.seen for each in found if each.seen and each.kind != "renumbered"]):
        await identities.learn(known)
    return [each for (each, _), yes in zip(lost, gone, strict=True) if not yes]


async def _is_gone(asker: Asker, known: Identity, view: View, unseen_with: Integration | None) -> bool:
    by = view.users.get(known.user_id) or view.prefixes.get(split(known.number)[0]) or unseen_with
    return by is not None and await asker.owner(by, known.number) is None


def _batches(all_: Sequence[_T]) -> list[Sequence[_T]]:
    return [all_[start : start + _BATCH] for start in range(0, len(all_), _BATCH)]
