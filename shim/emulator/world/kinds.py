"""The kinds of objects that the generic handlers keep, as one table.

The verbs come from the names of the operations (AddCardCode, GetCardCode, ...). What the interface cannot say
is here: to whom an object belongs, which element holds one object, and how its key is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccountKind:
    """One kind of object.

    `owner` is "account", "extension", "plan", "system" or another kind. `item` is the element of an Add (and
    Edit) that holds one object; None: the request itself is the object. `row` is the element of a list that
    shows one. `key` is the name of its key in a row, `edit_key`, `del_key` in those requests.
    `owner_names` name the owner in requests when it is another kind; `owner_from` the group of parameters
    that names an owning account. `nests` are kinds that an Add makes along with it, by element. `counts` are
    numbers in a row: how many of a nested kind, or how many fields of a name. `defaults` are what the server
    puts where nothing was sent. `writes_need` is a permission, or "administrator". `inherited` objects are
    seen by the accounts below their owner.
    """

    noun: str
    owner: str
    row: str
    item: str | None = None
    key: str = "ID"
    edit_key: str = "ID"
    del_key: str = "ID"
    owner_names: tuple[str, ...] = ()
    owner_from: str = "user"
    required: tuple[str, ...] = ()
    nests: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    writes_need: str | None = None
    inherited: bool = False


_ADMIN = "administrator"

KINDS = {
    kind.noun: kind
    for kind in (
        AccountKind(
            "CallRulesIn",
            "extension",
            "rules",
            item="rule",
            key="ruleID",
            edit_key="ruleID",
            defaults={"status": "true"},
        ),
        AccountKind(
            "CardCode",
            "extension",
            "code",
            item="code",
            counts={"recharges": "recharged"},
            defaults={"status": "true"},
        ),
        AccountKind(
            "AuthCallerID",
            "extension",
            "CallerID",
            item="CallerID",
            counts={"recharges": "recharged"},
            defaults={"status": "true"},
        ),
        AccountKind(
            "ChargingPlan",
            "account",
            "chargingPlan",
            required=("name",),
            nests={"exception": "DestinationException"},
            defaults={"planType": "prepaid", "status": "true", "default": "false"},
            writes_need="chargingPlanManag",
        ),
        AccountKind("ChargingPackage", "plan", "package", edit_key="chargingPackageID", required=("name",)),
        AccountKind("DestinationException", "plan", "exception", item="exception", edit_key="exceptionID"),
        AccountKind(
            "Channel",
            "system",
            "channel",
            defaults={"name": "", "status": "true", "type": "sip", "paid": "false", "flow": "both"},
            writes_need=_ADMIN,
            inherited=True,
        ),
        AccountKind(
            "ChannelGroup",
            "system",
            "group",
            required=("name",),
            counts={"channels": "channelID"},
            writes_need=_ADMIN,
        ),
        AccountKind(
            "PublicNo",
            "system",
            "publicNo",
            item="publicNo",
            key="didID",
            edit_key="didID",
            writes_need=_ADMIN,
            defaults={"type": "exclusive"},
        ),
        AccountKind(
            "CallRulesOutGroup",
            "account",
            "rulesGroup",
            required=("name",),
            nests={"rules": "CallRulesOut"},
            counts={"rulesNo": "CallRulesOut"},
            defaults={"status": "true", "default": "false"},
        ),
        AccountKind(
            "CallRulesOut",
            "CallRulesOutGroup",
            "rules",
            item="rules",
            key="ruleID",
            owner_names=("rulesGroupID", "ID"),
            defaults={"status": "true"},
        ),
        AccountKind(
            "CustomAlert", "account", "button", key="code", edit_key="code", del_key="code", required=("text",)
        ),
        AccountKind(
            "CustomButton", "account", "button", key="code", edit_key="code", del_key="code", required=("text",)
        ),
        AccountKind(
            "TimeIntervalBlock",
            "account",
            "timeIntervalBlock",
            required=("name",),
            nests={"timeInterval": "TimeInterval"},
            counts={"intervals": "TimeInterval"},
            defaults={"type": "interval"},
        ),
        AccountKind(
            "TimeInterval",
            "TimeIntervalBlock",
            "timeInterval",
            item="timeInterval",
            key="intervalID",
            edit_key="intervalID",
            del_key="intervalID",
            owner_names=("ID",),
        ),
        AccountKind(
            "Device",
            "account",
            "devices",
            key="deviceID",
            edit_key="deviceID",
            del_key="deviceID",
            owner_from="owner",
        ),
        AccountKind("Template", "account", "template", inherited=True),
    )
}

PLAN_NAMES = ("chargingPlanID", "chargingPlanIdentifier")
OWNER_PARAMETERS = frozenset(
    ("userID", "userIdentifier", "userLogin", "ownerID", "extendedNumber", "scope", *PLAN_NAMES)
)
"""The elements that name an owner in a request, whatever the kind."""
