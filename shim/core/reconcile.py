"""Reconcile: what v3 changed behind the shim's back, noticed when a user's extensions are read.

A number that is gone while another one came is the same extension renumbered: the one with the same local part
(an organization that was renumbered), or the only one that changed. Old IDs stay with their extension.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from shim.core.commands import (
    Command,
    FindIdentities,
    ForgetIdentities,
    Identity,
    Known,
    LearnIdentities,
    RenumberIdentities,
)


def reconcile(user_id: str, seen: Sequence[Known]) -> Generator[Command, Any, tuple[Identity, ...]]:
    """Bring the map in line with all extensions that v3 has for a user. Returns their identities."""
    found: dict[str, tuple[Identity, ...]] = yield FindIdentities("user_id", (user_id,))
    there = {each.number for each in seen}
    before = {each.number for each in found.get(user_id, ())}
    gone, came = sorted(before - there), sorted(there - before)
    if gone and came:
        others: dict[str, tuple[Identity, ...]] = yield FindIdentities("number", tuple(came))
        came = [number for number in came if not others.get(number)]  # those were moved here
        pairs = renumberings(gone, came)
        if pairs:
            yield RenumberIdentities(pairs)
        gone = [number for number in gone if number not in pairs]
    if gone:
        yield ForgetIdentities(tuple(gone))
    if not seen:
        return ()
    learned: tuple[Identity, ...] = yield LearnIdentities(tuple(seen))
    return learned


def renumberings(gone: Iterable[str], came: Iterable[str]) -> dict[str, str]:
    """Which numbers of one user became which, old to new: those that are certain."""
    new = {_local(number): number for number in came}
    pairs: dict[str, str] = {}
    left: list[str] = []
    for number in gone:
        if now := new.pop(_local(number), None):
            pairs[number] = now
        else:
            left.append(number)
    if len(left) == len(new) == 1:
        pairs[left[0]] = next(iter(new.values()))
    return pairs


def _local(number: str) -> str:
    return number.rpartition("*")[2]
