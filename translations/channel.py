"""Channels, public numbers and outgoing routing: the same in v3, but for who is named and how."""

from __future__ import annotations

from shim.core.compiled import Catalogue, Translation
from shim.core.model import Element
from shim.core.rules.declare import call, operation, service
from shim.core.rules.model import Work
from shim.core.rules.references import account_or_extension, owned
from shim.core.rules.vocabulary import added, drop, refuse, unread
from translations.accounts import UPDATED
from translations.defaults import Defaults, Step

_COUNTED = "Numbers by count or place are new in v3: 2.5 names each number."
_SIP_ONLY = "2.5 sets up SIP channels only; send SIP."

SIP = (
    drop("SIP/concurentCalls", "v3 bounds the calls of accounts, not of channels; 2.5 never read it back."),
    drop("SIP/qualify", "v3 decides itself how a channel is watched; 2.5 never read it back."),
    added("SIP/sipTransport", "2.5 knew UDP only, which is what v3 takes when nothing is said."),
    added("SIP/SIPNode", "Several SIP nodes are new in v3: it picks one."),
    refuse("Dahdi", _SIP_ONLY),
    refuse("IAX", _SIP_ONLY),
    added("Dahdi", _SIP_ONLY),
    added("IAX", _SIP_ONLY),
)
"""A channel as 2.5 describes it."""

GROUPS = Defaults("routing group", "rulesGroups", "Channel.GetCallRulesOut", "rulesGroup")


def _groups(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    """2.5 always says whose the groups are, even if there are none; v3 may leave that to the groups."""
    old = yield from GROUPS.read(catalogue, translation, work)
    asked = (work.request.get("userID") or "").strip()
    if asked and old.child("userID") is None:
        old.children.append(Element("userID", asked))
    return old


SERVICE = service(
    "Channel",
    "Channel",
    operation("AddChannelGroup", rules=[UPDATED]),
    operation("EditChannelGroup", rules=[UPDATED]),
    operation("GetChannelGroups"),
    operation("DelChannelGroup", rules=[unread("notice", "2.5 deletes channel groups without notices.")]),
    operation("GetPublicNoPoll", rules=[
        account_or_extension(),
        owned("publicNo/assigned/callbackExtID", "callbackExt", "callback_ext_id"),
    ]),
    operation("AssignPublicNo", rules=[
        account_or_extension(),
        added("count", _COUNTED),
        added("location", _COUNTED),
    ]),
    operation("UnassignPublicNo", rules=[
        account_or_extension(),
        unread("extendedNumber", "v3 also names the extensions that lost the numbers."),
        UPDATED,
    ]),
    operation("AddPublicNo", rules=[UPDATED]),
    operation("EditPublicNo", rules=[UPDATED]),
    operation("AddChannel", rules=[SIP, UPDATED]),
    operation("EditChannel", rules=[SIP, UPDATED]),
    operation("GetCodecs"),
    operation("GetChannelGroupPoll"),
    operation("GetChannels"),
    operation("GetPublicNo", rules=[
        account_or_extension(),
        owned("publicNo/callbackExtID", "callbackExt", "callback_ext_id"),
    ]),
    operation("DelChannel"),
    operation("DelPublicNo"),
    operation(
        "AddCallRulesOutGroup",
        rules=[GROUPS.chosen(), UPDATED],
        plan=GROUPS.add,
        calls=[call("Channel.AddCallRulesOutGroup"), GROUPS.asked()],
    ),
    operation("GetCallRulesOutGroup", rules=[GROUPS.marked()], plan=_groups),
    operation("DelCallRulesOutGroup"),
    operation("EditCallRulesOutGroup", rules=[UPDATED]),
    operation("AddCallRulesOut", rules=[UPDATED]),
    operation("GetCallRulesOut"),
    operation("DelCallRulesOut"),
)  # fmt: skip
