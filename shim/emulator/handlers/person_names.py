"""Names of account holders: `name`, first and last name beside it, or only those, as the interface has them.

The world keeps `name` whatever the interface: it is what lists are filtered by.
"""

from __future__ import annotations

from collections.abc import Mapping

from shim.emulator.call import EmulatedRequest, fields_of
from shim.emulator.world.shape import Fact

_ALL = ("name", "firstName", "lastName")


def require_names(call: EmulatedRequest) -> None:
    """Raises Refusal when an account is added without a name: the whole one, or both halves."""
    known = fields_of(call.interface, call.operation.full_name)
    halves = all(name in known and call.text(name) for name in _ALL[1:])
    if not halves:
        call.need(_ALL[0] if _ALL[0] in known else _ALL[1])
        for name in _ALL[2:] if _ALL[0] not in known else ():
            call.need(name)


def settle_name(profile: dict[str, str], *, anew: bool) -> None:
    """Where there are only first and last name, the name is both; `anew`: also where it was so before."""
    if (anew or "name" not in profile) and "firstName" in profile and "lastName" in profile:
        profile["name"] = f"{profile['firstName']} {profile['lastName']}"


def name_facts(profile: Mapping[str, str]) -> dict[str, Fact]:
    """First and last name; those of the seed, which has names only, by their first word."""
    first, _, last = profile.get("name", "").partition(" ")
    return {"firstName": profile.get("firstName", first), "lastName": profile.get("lastName", last)}
