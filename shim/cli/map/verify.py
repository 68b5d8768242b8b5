"""Findings of `shim map verify`, which `shim map repair` mends: the identity map against what v3 has.

Laws: what is not in sight is never called gone; the map is read before v3 is, so that what is made meanwhile
is unknown at worst; whatever a list says against the map, v3 is asked for just that number, and that counts;
IDs are given up when it denied the number twice, with some time between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from shim.cli.map.backend import Asker, View, split, together
from shim.core.commands.extensions import Identity, Known
from shim.core.extensions.reconcile import renumberings
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Integration

MapProblemKind = Literal[
    "unknown", "moved", "renumbered", "identifier", "unconfirmed", "gone", "user-gone", "unseen", "issuable"
]  # fmt: skip
DOES: dict[MapProblemKind, str] = {
    "unknown": "learn it; else it is learned when a call meets it",
    "moved": "give it to that user",
    "renumbered": "give it that number",
    "identifier": "note that identifier",
    "unconfirmed": "note that it is there",
    "gone": "ask v3 for it; its IDs end when v3 denies it, and does so again a good while later",
    "user-gone": "ask v3 for it; its IDs end when v3 denies it, and does so again a good while later",
    "unseen": "nothing; with --unseen ask v3 for it, too",
    "issuable": "issue none of these IDs",
}
"""The remedy of a mismatch."""

_BATCH = 1000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An extension as the map has it and as v3 has it; None where one of them has it not.

    `span` is of IDs, from and to, that gone extensions may have had and that the map would issue again.
    """

    kind: MapProblemKind
    known: Identity | None
    seen: Known | None
    span: tuple[int, int] | None = None


def lost_ids(span: tuple[int, int]) -> list[Mismatch]:
    """The map was restored without its gone extensions."""
    return [Mismatch("issuable", None, None, span)]


def compare(known: Iterable[Identity], view: View) -> list[Mismatch]:
    """Every mismatch: first those of what the map has, then what it has not."""
    mismatches: list[Mismatch] = []
    missing: list[Identity] = []
    numbers = set()
    for each in known:
        numbers.add(each.number)
        seen = view.extensions.get(each.number)
        if seen is None:
            missing.append(each)
        elif seen.user_id != each.user_id:
            mismatches.append(Mismatch("moved", each, seen))
        elif each.doubt:
            mismatches.append(Mismatch("unconfirmed", each, seen))
        elif None not in (each.identifier, seen.identifier) and seen.identifier != each.identifier:
            mismatches.append(Mismatch("identifier", each, seen))
    fresh = [each for number, each in view.extensions.items() if number not in numbers]
    renumbered = _renumbered(missing, fresh)
    for each in missing:
        now = renumbered.get(each.number)
        mismatches.append(Mismatch("renumbered" if now else _lost(each, view), each, now))
    taken = {each.number for each in renumbered.values()}
    return mismatches + [Mismatch("unknown", None, each) for each in fresh if each.number not in taken]


def _lost(each: Identity, view: View) -> MapProblemKind:
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


@dataclass(slots=True)
class Repaired:
    """How many were mended; those `left` because v3 has them, or they are not in sight; and how many v3 denied
    whose IDs do not end yet."""

    mended: int
    left: list[Mismatch]
    unconfirmed: int = 0


async def repair(
    identities: IdentityMap,
    asker: Asker,
    view: View,
    mismatches: Sequence[Mismatch],
    unseen_with: Integration | None = None,
) -> Repaired:
    """Mend the map: see `DOES`. Raises BackendError."""
    if any(each.kind == "issuable" for each in mismatches):
        await identities.pass_over()
    lost = [
        (each, each.known) for each in mismatches if each.known and (not each.seen or each.kind == "renumbered")
    ]
    answers = await together(_ask(asker, known, view, unseen_with) for _, known in lost)
    denied = {known.number for (_, known), answer in zip(lost, answers, strict=True) if answer is None}
    renumbered = await _renumber(identities, asker, view, mismatches, denied)
    over = [number for number in denied if number not in renumbered]
    for batch in _batches(over):
        await identities.deny(batch)
    ended = await identities.find("number", over)
    seen = [
        each.seen for each in mismatches if each.seen and each.kind in ("unknown", "identifier", "unconfirmed")
    ]
    seen += [answer for answer in answers if isinstance(answer, Known)]
    moved = [each.seen for each in mismatches if each.seen and each.kind == "moved"]
    seen += [answer for answer in await together(_owner(asker, view, each) for each in moved) if answer]
    for known in _batches(seen):
        await identities.learn(known)
    left = [each for each, known in lost if known.number not in denied]
    return Repaired(len(mismatches) - len(left) - len(ended), left, len(ended))


async def _renumber(
    identities: IdentityMap, asker: Asker, view: View, mismatches: Sequence[Mismatch], denied: Collection[str]
) -> set[str]:
    """Give those their new numbers that v3 has there, and denies where they were."""
    pairs = {
        each.known.number: each.seen
        for each in mismatches
        if each.kind == "renumbered" and each.known and each.seen and each.known.number in denied
    }
    owners = await together(_owner(asker, view, each) for each in pairs.values())
    there = {
        old: now.number
        for (old, seen), now in zip(pairs.items(), owners, strict=True)
        if now is not None and now.user_id == seen.user_id
    }
    await identities.renumber_all(there)
    return set(there)


async def _owner(asker: Asker, view: View, seen: Known) -> Known | None:
    by = view.users.get(seen.user_id)
    answer = await asker.owner(by, seen.number) if by is not None else None
    return answer if isinstance(answer, Known) else None


async def _ask(
    asker: Asker, known: Identity, view: View, unseen_with: Integration | None
) -> Known | Literal["unsaid"] | None:
    """The extension that v3 has with just this number; None when it denies it."""
    by = view.users.get(known.user_id) or view.prefixes.get(split(known.number)[0]) or unseen_with
    return "unsaid" if by is None else await asker.owner(by, known.number)


def _batches(all_: Sequence[_T]) -> list[Sequence[_T]]:
    return [all_[start : start + _BATCH] for start in range(0, len(all_), _BATCH)]
