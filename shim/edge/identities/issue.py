"""Which IDs the identity map issues: in order through a range of its own, those that somebody has left out.

A counter in the database says where it is, so that an ID whose row was lost is not issued again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shim.core.errors import ShimError
from shim.edge.settings.model import Identities

DESCENDING = frozenset({"four-digit"})
"""The counters that go downwards."""


def range_of(settings: Identities) -> tuple[str, int, int, int]:
    """The counter of the IDs to issue, the first and the last of them, and the step."""
    if settings.four_digit_ids:
        return "four-digit", 9999, settings.issued_from_four, -1
    return "issued", settings.issued_from, settings.issued_to, 1


def next_id(settings: Identities, counters: Mapping[str, int | None]) -> int:
    """The ID to issue next, unless somebody has it."""
    name, first, last, step = range_of(settings)
    at = counters[name]
    in_range = at is not None and at in range(first, last + 2 * step, step)
    return at if at is not None and in_range else first  # else the range was set anew


def unaccounted(
    settings: Identities, counters: Mapping[str, int | None], ids: Collection[str]
) -> tuple[int, int] | None:
    """The IDs that would be issued next although later ones were issued already, from and to.

    Who had those of them that the map does not have is not known: extensions that are gone since.
    """
    _, _, last, step = range_of(settings)
    to_come = range(next_id(settings, counters), last + step, step)
    issued = {number for each in ids if each.isdecimal() and (number := int(each)) in to_come}
    end = (max if step > 0 else min)(issued, default=None)
    if end is None or len(issued) == len(to_come[: to_come.index(end) + 1]):
        return None
    return to_come[0], end


def used_up(four: bool) -> ShimError:
    """No ID is left."""
    setting = "identity.issued_from_four has to go down" if four else "identity.issued_to has to go up"
    return ShimError("identities-used-up", f"The shim has no extension ID left to give: {setting}.")
