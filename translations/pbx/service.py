"""The system itself: its places and languages, buttons and alerts, time intervals, sounds, templates, devices.

What v3 has no call for at all (industries, advertising, the settings of the old APIs) the shim serves itself.
"""

from __future__ import annotations

import re

from shim.core.journal.single_add import traced
from shim.core.rules.declare import emulated, operation, service
from shim.core.rules.extensions import account
from shim.core.rules.required import needed
from shim.core.rules.vocabulary import compute, loose, rename, unread, within
from translations.pbx import buttons, devices, industries, system, templates
from translations.shared import traces
from translations.shared.accounts import UPDATED

_OWNER = account(only="request")
_OWNERS = account()
_CLOCK = "The documentation of 2.5 shows times without seconds, its schema and v3 have them."
_STARTED = {"success": "in progress", "partial": "in progress", "failure": "failure"}

_SHORT = re.compile("([01]?[0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


def _with_seconds(text: str) -> str | None:
    return f"{text.zfill(5)}:00" if _SHORT.fullmatch(text) else None


_TIMES = tuple(loose(name, _with_seconds, _CLOCK) for name in ("startTime", "endTime"))

SERVICE = service(
    "PBX",
    "PBX",
    operation("UpdateLicense", rules=[UPDATED]),
    emulated("GetSystemAPISettings", system.system_api, system.OLD_API),
    emulated("GetCallAPISettings", system.call_api, system.OLD_API),
    operation("GetRegions"),
    operation("GetTimezone"),
    operation("Enroll"),
    operation("Withdraw", rules=[needed("enrollmentID", because="v3 withdraws an enrolment by its ID.")]),
    operation("EditCustomAlert", rules=[UPDATED]),
    operation("EditCustomButton", rules=[buttons.SENT, _OWNER, UPDATED], siblings=True),
    traced(traces.CUSTOM_BUTTON, operation("AddCustomButton", rules=[
        buttons.SENT, _OWNER, UPDATED,
    ], siblings=True)),
    traced(traces.CUSTOM_ALERT, operation("AddCustomAlert", rules=[_OWNER, UPDATED], siblings=True)),
    operation("GetCustomAlerts", rules=[_OWNERS]),
    operation("DelCustomAlert"),
    operation("SetCustomAlertStatus", rules=[UPDATED]),
    operation("GetCustomButtons", rules=[_OWNERS, buttons.LISTED]),
    operation("DelCustomButton"),
    operation("SetCustomButtonStatus", rules=[UPDATED]),
    traced(traces.TIME_INTERVAL_BLOCK, operation("AddTimeIntervalBlock", rules=[
        _OWNER, within("timeInterval", _TIMES), UPDATED,
    ])),
    operation("EditTimeIntervalBlock", rules=[UPDATED]),
    operation("GetTimeIntervalBlocks", rules=[_OWNER, account("timeIntervalBlock/userID")]),
    operation("DelTimeIntervalBlock"),
    operation("GetTimeIntervals", rules=[_OWNERS]),
    operation("DelTimeInterval"),
    operation("GetOwnedSounds", rules=[_OWNERS]),
    operation("GetSharedSounds", rules=[_OWNERS]),
    operation("GetFileLanguages"),
    operation("GetFolders", rules=[_OWNER, account("folders/userID")]),
    operation("AddTimeInterval", rules=[within("timeInterval", _TIMES), UPDATED]),
    operation("EditTimeInterval", rules=[_TIMES, UPDATED]),
    emulated("GetSchemaVersions", system.schema_versions, system.OLD_VERSIONS),
    operation("GetInterfaceLang"),
    operation("GetPhoneLang"),
    operation("GetTemplates", rules=templates.RULES, plan=templates.read),
    operation("Ping", rules=[
        rename("resellers", "serviceProviders", "Resellers are service providers in v3."),
        rename("clients", "organizations", "Clients are organizations in v3."),
        unread("users", "2.5 had no users beside extensions."),
        system.PING,
    ]),
    operation("UpgradeVoipNow", rules=[
        compute("result", str, _STARTED.get, "2.5 says in progress for an upgrade that has started."),
    ]),
    operation("UpgradeHistory"),
    emulated("AddIndustry", industries.add, industries.KEPT, industries.HEIGHTS),
    emulated("EditIndustry", industries.edit, industries.KEPT, industries.HEIGHTS),
    emulated("GetIndustries", industries.read, industries.KEPT),
    emulated("DelIndustries", industries.delete, industries.KEPT),
    emulated("GetAdvertisingTemplates", system.no_advertising, system.NO_ADVERTISING),
    operation("GetDevices", rules=devices.LISTED, plan=devices.read),
    traced(traces.DEVICE, operation("AddDevice", rules=devices.ADDED)),
    operation("EditDevice", rules=devices.EDITED),
    operation("GetEquipmentList"),
    operation("DelDevice"),
)  # fmt: skip
