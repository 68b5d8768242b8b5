"""By what each single Add is found again in v3 when its end was not seen: names that v3 itself has in a list.

Adds that have no such name (rules of calls, intervals in a block, credits) are not here: see docs/journal.md.
"""

from __future__ import annotations

from shim.core.commands.journal import Undo
from shim.core.journal.single_add import Traced

_OWNER = ("userID", "userIdentifier")
_NAME = {"name": "name"}

CHANNEL = Traced("Channel.GetChannels", "channel", Undo("Channel.DelChannel", "ID"), {"name": "SIP/name"})
CHANNEL_GROUP = Traced("Channel.GetChannelGroups", "group", Undo("Channel.DelChannelGroup", "ID"), _NAME)
PUBLIC_NO = Traced(
    "Channel.GetPublicNo", "publicNo", Undo("Channel.DelPublicNo", "ID"), {"phoneNo": "publicNo/phoneNo"},
    of=("publicNo/channelID",), key="didID", answers={"didID": "ID"},
)  # fmt: skip
RULES_OUT_GROUP = Traced(
    "Channel.GetCallRulesOutGroup", "rulesGroup", Undo("Channel.DelCallRulesOutGroup", "ID"), _NAME,
    of=("userID",),
)  # fmt: skip
CHARGING_PLAN = Traced(
    "Billing.GetChargingPlans", "chargingPlan", Undo("Billing.DelChargingPlan", "ID"), _NAME, whose=_OWNER
)
CHARGING_PACKAGE = Traced(
    "Billing.GetChargingPackages", "package", Undo("Billing.DelChargingPackage", "ID"), _NAME,
    of=("chargingPlanID",), undo_of=True,
)  # fmt: skip
DESTINATION_EXCEPTION = Traced(
    "Billing.GetDestinationExceptions", "exception", Undo("Billing.DelDestinationException", "ID"),
    {"areaCode": "exception/areaCode"}, of=("chargingPlanID",), undo_of=True,
)  # fmt: skip
CARD_CODE = Traced(
    "Extension.GetCardCode", "code", Undo("Extension.DelCardCode", "ID"), {"code": "code/code"},
    of=("extendedNumber",), undo_of=True, filters=False, private=True,
)  # fmt: skip
AUTH_CALLER_ID = Traced(
    "Extension.GetAuthCallerID", "CallerID", Undo("Extension.DelAuthCallerID", "ID"),
    {"CallerID": "CallerID/CallerID"}, of=("extendedNumber",), undo_of=True,
)  # fmt: skip
TIME_INTERVAL_BLOCK = Traced(
    "PBX.GetTimeIntervalBlocks", "timeIntervalBlock", Undo("PBX.DelTimeIntervalBlock", "ID"), _NAME,
    whose=_OWNER,
)  # fmt: skip
CUSTOM_BUTTON = Traced(
    "PBX.GetCustomButtons", "button", Undo("PBX.DelCustomButton", "code"), {"code": "code"},
    whose=_OWNER, key="code", filters=False, enough=False,
)  # fmt: skip
CUSTOM_ALERT = Traced(
    "PBX.GetCustomAlerts", "button", Undo("PBX.DelCustomAlert", "code"), {"code": "code"},
    whose=_OWNER, key="code", filters=False, enough=False,
)  # fmt: skip
DEVICE = Traced(
    "PBX.GetDevices", "devices", Undo("PBX.DelDevice", "deviceID"), {"serial": "serial"},
    filters=False, key="deviceID", answers={"serial": "serial"},
)  # fmt: skip
