"""Additions to rows of some kinds: names behind IDs, and only of what there still is."""

from __future__ import annotations

from collections.abc import Callable

from shim.core.message import Element
from shim.emulator.world.shape import Fact
from shim.emulator.world.world import Object, World, switched_on


def device(world: World, item: Object) -> dict[str, Fact]:
    """A device as it is listed: its model and firmware by name, its extensions with their local numbers."""
    phone = _in_catalogue(world, "equipment", "uniqueID", item.text("phoneModel"))
    firmware = item.text("firmware")
    named = [each.get("name") for each in phone.all("firmware") if each.get("uniqueID") == firmware]
    zone = _in_catalogue(world, "timezones", "ID", item.text("timezoneID"))
    organization = item.text("assignedOrganizationID")
    there = organization is not None and int(organization) in world.accounts
    return {
        "mac": item.text("phoneMAC"),
        "model": phone.get("model") or item.text("phoneModel"),
        "firmware": named[0] if named else firmware,
        "timezone": zone.get("name") or "",
        "status": 1 if switched_on(item.text("status") or "1") else 0,
        "assignedOrganizationID": organization if there else None,
        "assignedExtensions": [
            {"extendedNumber": each.get("extendedNumber"), "line": each.get("line"), "number": extension.local}
            for each in item.fields
            if each.name == "assignedExtensions"
            and (extension := world.extensions.get(each.get("extendedNumber") or ""))
        ],
    }


def _in_catalogue(world: World, section: str, key: str, value: str | None) -> Element:
    """The entry of a list of the seed with that key; an empty one when there is none."""
    entries = world.catalogue.get(section, [])
    return next((each for each in entries if value and each.get(key) == value), Element(section))


def template(world: World, item: Object) -> dict[str, Fact]:
    """A template as it is listed: its charging plan by name, and how many accounts or extensions have it."""
    plan = world.kept("ChargingPlan").get(int(item.text("chargingPlanID") or 0))
    by_account = sum(each.template == item.key for each in world.accounts.values())
    by_extension = sum(each.template == item.key for each in world.extensions.values())
    return {"chargingPlan": plan.text("name") if plan else None, "users": by_account + by_extension}


MORE: dict[str, Callable[[World, Object], dict[str, Fact]]] = {"Device": device, "Template": template}
"""By kind."""
