"""Rules that the account services share: resellers and clients, and later extensions."""

from __future__ import annotations

from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.rules.kept import keep
from shim.core.rules.rule import Rule
from shim.core.rules.vocabulary import added, rename, unread, within
from translations.shared import completing, person_names

UPDATED = (unread("identifier", "v3 also names the identifier of what it changed."),)
"""For the many answers that are a plain updateObject."""


def verbose(context: CallContext) -> bool:
    """True if an Add asked for the details of the new account."""
    return context.request.is_on("verbose")


_LIMITS = (
    "phoneExtMax", "queueExtMax", "ivrExtMax", "voicemailExtMax", "queuecenterExtMax", "confExtMax",
    "callbackExtMax", "callCardExtMax", "intercomExtMax",
)  # fmt: skip
"""The limits of 2.5 that bound how many extensions an account may have."""


def _user_max(relative: bool) -> Rule:
    def value(context: CallContext) -> Element | None:
        setting = context.caller.settings.get("user_max", "unlimited")
        if setting == "leave" or not any(context.request.child(each) for each in _LIMITS):
            return None
        if relative:
            inner = Element("unlimited", "true") if setting == "unlimited" else Element("value", setting)
            return Element("userMax", children=[inner])
        if setting == "unlimited":
            return Element("userMax", "0", {"unlimited": "true"})
        return Element("userMax", setting, {"unlimited": "false"})

    return added(
        "userMax",
        "v3 bounds users as well as extensions, 2.5 only extensions: users are left unbounded (setting "
        "user_max), so that the limits on extensions are what counts, as before.",
        value=value,
    )


_NEW_ELEMENT = "Later versions of v3 have it, and take it as optional: 2.5 cannot say it."
_IN_TWO = (
    "Only some versions of v3 know how strong an automatic password is; the shim keeps it and gives it back."
)


def newcomer(path: str) -> Rule:
    """An optional element of later versions of v3, in requests and in what answers repeat of them."""
    return added(path, _NEW_ELEMENT, where=path)


_SUBSCRIPTION = newcomer("subscriptionID")
_STRENGTH = keep("passwordStrength", _IN_TWO, unless="passwordStrength")
ADDED_ACCOUNT: tuple[Rule, ...] = (
    *person_names.BOTH,
    *completing.ORGANIZATION,
    _SUBSCRIPTION,
    newcomer("otherNotifyEmail"),
    keep("passwordStrength", _IN_TWO, when=verbose, unless="passwordStrength"),
)
"""The differences between versions of v3 where a reseller or client is added."""
EDITED_ACCOUNT: tuple[Rule, ...] = (*person_names.SENT, _SUBSCRIPTION, _STRENGTH)
READ_ACCOUNT: tuple[Rule, ...] = (*person_names.READ, _SUBSCRIPTION, _STRENGTH)


_MY_VOIPNOW = "v3 has no MyVoipNow; the shim keeps the choice and gives it back."
MESSAGES = keep(
    "IMManag",
    "Later versions of v3 have no permission for instant messages, so everybody has it; the shim keeps what is "
    "set and gives it back.",
    default="true",
    unless="IMManag",
)
_TRUNKING = "SIP trunking is new in v3: it is left as it is."


def permissions(*, relative: bool = False) -> tuple[Rule, ...]:
    """Permissions and limits of resellers and clients, as requests have them."""
    return (
        rename("ProvisionManag", "provisionManag", "v3 writes it with a small letter."),
        keep("MyVoipNowManag", _MY_VOIPNOW, default="none"),
        added("sipTrunkingManag", _TRUNKING),
        _user_max(relative),
        MESSAGES,
    )


def reseller_permissions(*, relative: bool = False) -> tuple[Rule, ...]:
    """The elements that resellers have besides."""
    return (
        *permissions(relative=relative),
        rename("clientManag", "organizationManag", "Clients are organizations in v3."),
        rename("clientMax", "organizationMax", "Clients are organizations in v3."),
        keep("advertisingManag", "v3 has no advertising; the shim keeps the permission and gives it back.",
             default="false"),
    )  # fmt: skip


def answered(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The same permissions where they are read: below userPL."""
    return within("userPL", rules)
