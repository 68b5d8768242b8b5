"""The backend about itself, and its counts: PBX calls without objects, and reports."""

from __future__ import annotations

from functools import partial

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.world.permissions import is_expired
from shim.emulator.world.refusal import AUTHENTICATION, Refusal, forbidden
from shim.emulator.world.shape import Fact
from shim.emulator.world.world import ADMINISTRATOR, LEVELS, EmulatedAccount

_PLURALS = {"serviceProvider": "serviceProviders", "organization": "organizations", "user": "users"}
_STATISTICS = {
    "term": "phoneTerminal",
    "phoneQueue": "phoneQueue",
    "queuecenter": "queueCenter",
    "ivr": "IVR",
    "voicecenter": "voicemailCenter",
    "conference": "conference",
    "callback": "callback",
    "callcard": "callingCard",
    "intercom": "intercomPaging",
}
_NO_CALLS = dict.fromkeys(("total", "answered", "unanswered", "busy", "failed", "unknown", "unallowed"), "0")
_NO_COSTS = dict.fromkeys(
    ("totalCalls", "localCall", "elocalCall", "externalCall", "incomingCall", "outgoingCall", "numberCost"), "0"
)
_NO_MONEY = dict.fromkeys(("total", "duration", "cost", "profit"), "0")


def ping(call: EmulatedRequest) -> Element:
    facts = call.world.facts
    counts = {
        _PLURALS[level]: sum(each.level == level for each in call.world.accounts.values())
        for level in LEVELS[1:]
    }
    return call.answer(
        {
            "title": "SystemAPI emulator",
            "version": facts.version,
            "buildNo": facts.build,
            **counts,
            "extensions": len(call.world.extensions),
            "availableUpdate": "NO",
            "api": {"protocol": "SystemAPI", "version": call.interface.version},
            "infrastructureID": facts.infrastructure,
            "currency": facts.currency,
            "charging": True,
            "automationAgent": False,
        }
    )


def listed(section: str, place: str, call: EmulatedRequest) -> Element:
    """A list from the seed's catalogue, narrowed by the text parameters of the request."""
    rows = [each for each in call.world.catalogue.get(section, []) if _fits(call, each)]
    return call.answer({place: rows})


def _fits(call: EmulatedRequest, entry: Element) -> bool:
    country, part = call.text("code"), call.text("region")
    return (country is None or (entry.get("country") or "").lower() == country.lower()) and (
        part is None or part.lower() in (entry.get("name") or "").lower()
    )


def get_versions(call: EmulatedRequest) -> Element:
    """Those of 2.x in the catalogue, and the one version of v3 that is spoken here."""
    listed = [each.text or "" for each in call.world.catalogue.get("versions", [])]
    others = [each for each in listed if each.startswith("2.")]
    return call.answer({"versions": [*others, call.interface.version]})


def get_codecs(call: EmulatedRequest) -> Element:
    """Every codec of the seed; those of the channel, when one is named, are the assigned ones."""
    codecs = call.world.catalogue.get("codecs", [])
    key = call.text("channelID")
    channel = call.world.kept("Channel").get(int(key)) if key else None
    if key and channel is None:
        raise Refusal(AUTHENTICATION, "The value of channelID is invalid: there is no such channel.")
    places = [inner for each in (channel.fields if channel else []) for inner in (each, *each.children)]
    used = {each.text for each in places if each.name == "codecs"}
    return call.answer(
        {
            "codecs": {
                "assigned": [each for each in codecs if each.get("ID") in used],
                "available": [each for each in codecs if each.get("ID") not in used],
            },
            "channelID": key,
        }
    )


def get_group_poll(call: EmulatedRequest) -> Element:
    key = call.need("channelID")
    rows: dict[str, list[dict[str, Fact]]] = {"assigned": [], "available": []}
    for group in call.world.kept("ChannelGroup").values():
        mine = any(each.name == "channelID" and each.text == key for each in group.fields)
        rows["assigned" if mine else "available"].append({"ID": group.key, "name": group.text("name")})
    return call.answer({"channelGroup": rows})


def administrators_only(facts: dict[str, Fact], call: EmulatedRequest) -> Element:
    if call.actor.level != ADMINISTRATOR:
        raise forbidden("only the administrator may do this")
    return call.done(**facts)


def nothing_of_this(call: EmulatedRequest) -> Element:
    """Sounds, folders, groups, upgrades: the world has none. An account that is named must exist."""
    account = call.find("user") or call.find("account") or call.actor
    return call.answer({"userID": account.id})


def nothing_here(call: EmulatedRequest) -> Element:
    return call.answer({})


def call_report(call: EmulatedRequest) -> Element:
    call.need_account("user")
    return call.answer({"incomingCalls": _NO_CALLS, "outgoingCalls": _NO_CALLS})


def call_costs(call: EmulatedRequest) -> Element:
    account = call.need_account("user")
    if (call.text("prepareDelete") or "").lower() in ("1", "true"):
        account.status = False
    return call.answer({"currency": call.world.facts.currency, **_NO_COSTS})


def quick_stats(call: EmulatedRequest) -> Element:
    top = call.find("user") or call.actor
    below = list(call.world.at_or_below(top))
    accounts = {
        plural: _statistics(call, [each for each in below if each.level == level])
        for level, plural in _PLURALS.items()
    }
    numbers = call.world.kept("PublicNo").values()
    shown = sum(each.owner[0] == "account" and each.owner[1] in {a.id for a in below} for each in numbers)
    return call.answer(
        {
            **accounts,
            "extensions": {name: _extension_statistics(call, top, kind) for kind, name in _STATISTICS.items()},
            "incomingCalls": _NO_MONEY,
            "outgoingCalls": _NO_MONEY,
            "currency": call.world.facts.currency,
            "phoneNumbers": shown,
        }
    )


def _statistics(call: EmulatedRequest, accounts: list[EmulatedAccount]) -> dict[str, Fact]:
    today = call.world.clock().date()
    expired = sum(is_expired(each, today) for each in accounts)
    suspended = sum(not each.status and not is_expired(each, today) for each in accounts)
    total = len(accounts)
    return {"total": total, "active": total - expired - suspended, "expired": expired, "suspended": suspended}


def _extension_statistics(call: EmulatedRequest, top: EmulatedAccount, kind: str) -> dict[str, Fact]:
    return _statistics(
        call, [call.world.accounts[e.user] for e in call.world.extensions_of(top) if e.type == kind]
    )


HANDLERS: dict[str, OperationHandler] = {
    "PBX.Ping": ping,
    "PBX.GetSchemaVersions": get_versions,
    "PBX.GetRegions": partial(listed, "regions", "region"),
    "PBX.GetTimezone": partial(listed, "timezones", "timezone"),
    "PBX.GetInterfaceLang": partial(listed, "interface_languages", "interfaceLang"),
    "PBX.GetPhoneLang": partial(listed, "phone_languages", "phoneLang"),
    "PBX.GetEquipmentList": partial(listed, "equipment", "equipment"),
    "PBX.GetOwnedSounds": nothing_of_this,
    "PBX.GetSharedSounds": nothing_of_this,
    "PBX.GetFolders": nothing_of_this,
    "PBX.GetFileLanguages": nothing_here,
    "PBX.UpgradeHistory": nothing_here,
    "PBX.UpgradeVoipNow": partial(administrators_only, {}),
    "PBX.UpdateLicense": partial(administrators_only, {}),
    "PBX.Enroll": partial(administrators_only, {"enrollmentID": "1"}),
    "PBX.Withdraw": partial(administrators_only, {}),
    "User.GetUserGroups": nothing_of_this,
    "Channel.GetCodecs": get_codecs,
    "Channel.GetChannelGroupPoll": get_group_poll,
    "Report.CallReport": call_report,
    "Report.CallCosts": call_costs,
    "Report.QuickStats": quick_stats,
}
