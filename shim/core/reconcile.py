"""Reconcile: what v3 changed behind the shim's back, noticed when a user's extensions are read.

A number that is gone while another one came is the same extension renumbered: the one with the same local part
(an organization that was renumbered), or the only one that changed. Old IDs stay with their extension.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
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
        pairs = _pairs(gone, came)
        if pairs:
            yield RenumberIdentities(pairs)
        gone = [number for number in gone if number not in pairs]
    if gone:
        yield ForgetIdentities(tuple(gone))
    if not seen:
        return ()
    learned: tuple[Identity, ...] = yield LearnIdentities(tuple(seen))
    return learned


def _pairs(gone: list[str], came: list[str]) -> dict[str, str]:
    """Old number to new number, for those that are certain."""
    by_local = {_local(number): number for number in came}
    pairs = {number: by_local[_local(number)] for number in gone if _local(number) in by_local}
    left_gone = [number for number in gone if number not in pairs]
    left_came = [number for number in came if number not in pairs.values()]
    if len(left_gone) == len(left_came) == 1:
        pairs[left_gone[0]] = left_came[0]
    return pairs


def _local(number: str) -> str:
    return number.rpartition("*")[2]
