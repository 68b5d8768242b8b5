"""Channels, public numbers and outgoing routing: the same in v3, but for who is named and how."""

from __future__ import annotations

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.forward import forward
from shim.core.journal.single_add import traced
from shim.core.message import Element
from shim.core.rules.declare import call, operation, service
from shim.core.rules.extensions import account_or_extension, owned
from shim.core.rules.required import needed
from shim.core.rules.vocabulary import added, refuse, unread
from translations.shared import reading_first as first
from translations.shared import traces
from translations.shared.accounts import UPDATED, newcomer

_COUNTED = "Numbers by count or place are new in v3: 2.5 names each number."
_SIP_ONLY = "2.5 sets up SIP channels only; send SIP."

SIP = (
    added("SIP/sipTransport", "2.5 knew UDP only, which is what v3 takes when nothing is said."),
    added("SIP/SIPNode", "Several SIP nodes are new in v3: it picks one."),
    newcomer("SIP/port"),
    refuse("Dahdi", _SIP_ONLY),
    refuse("IAX", _SIP_ONLY),
)
"""A channel as 2.5 describes it."""


def _groups(context: CallContext) -> Steps[Element]:
    """2.5 always says whose the groups are, even if there are none; v3 may leave that to the groups."""
    translation = context.translation
    answer = yield from forward(context, translation.new, translation.to_new(context), writes=False)
    old = translation.to_old(answer, context)
    user_id = (context.request.get("userID") or "").strip()
    if user_id and old.child("userID") is None:
        old.children.append(Element("userID", user_id))
    return old


SERVICE = service(
    "Channel",
    "Channel",
    traced(traces.CHANNEL_GROUP, operation("AddChannelGroup", rules=[
        UPDATED, needed("name", because="v3 adds no group without a name."),
    ])),
    operation(
        "EditChannelGroup",
        rules=[UPDATED, first.GROUP],
        plan=first.edit_group,
        calls=[first.GROUPS_READ, call("Channel.EditChannelGroup")],
    ),
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
    traced(traces.PUBLIC_NO, operation("AddPublicNo", rules=[UPDATED])),
    operation("EditPublicNo", rules=[UPDATED]),
    traced(traces.CHANNEL, operation("AddChannel", rules=[SIP, UPDATED])),
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
    traced(traces.RULES_OUT_GROUP, operation("AddCallRulesOutGroup", rules=[UPDATED])),
    operation("GetCallRulesOutGroup", plan=_groups),
    operation("DelCallRulesOutGroup"),
    operation("EditCallRulesOutGroup", rules=[UPDATED]),
    operation("AddCallRulesOut", rules=[UPDATED]),
    operation("GetCallRulesOut"),
    operation("DelCallRulesOut"),
)  # fmt: skip
