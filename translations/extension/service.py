"""Extensions of 2.5 are users with an extension in v3: profile, login, status and permissions are the user's,
number, type, label and settings the extension's. See `shim.core.extensions.lookup` for who is who."""

from __future__ import annotations

from shim.core.catalogue.translation import Earlier
from shim.core.commands.journal import Ask, Step, lock_of
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import PARAMETER_MISSING, CallerError
from shim.core.forward import forward
from shim.core.journal.run import beginning, journalled
from shim.core.journal.single_add import traced
from shim.core.journal.writes import JournalRun, redo_step
from shim.core.message import Element
from shim.core.reading.flat_call_rules import rules_from_earlier, rules_to_earlier
from shim.core.rules.declare import call, leg, operation, plan, service
from shim.core.rules.extensions import extension, own_id, owned, this_extension, this_user
from shim.core.rules.required import needed
from shim.core.rules.vocabulary import added, compute
from translations.extension import permissions, phone_passwords, queue_agents, settings
from translations.extension.settings import NUMBER_AGAIN, OWN, OWN_OF_TWO, storage
from translations.shared import reading_first as first
from translations.shared import traces
from translations.shared.accounts import UPDATED

MAIN = extension(main=True, only="request")
"""The extension that is asked for, where the answer names it in another way or not at all."""
OWNER = extension("userID", "userIdentifier", main=True)
"""The extension that call rules, card codes and caller IDs belong to."""
CHANGED = extension("ID", None, only="answer")
"""Answers that name the extensions that were changed."""
QUEUE = extension("queueID", "identifier", main=True, only="request")
"""The queue whose agents are assigned, by its own identifier."""
_WHICH = "v3 has no call without it: nobody but the caller knows which one is meant."
_WHICH_RULE = "v3 changes a rule by its ID."
ONE = needed("ID", "identifier", because=_WHICH)
ITS_OWNER = needed("userID", "userIdentifier", because=_WHICH)
ITS_QUEUE = needed("queueID", "identifier", because=_WHICH)
ITS_QUEUE_AGAIN = needed("queueID", "queueIdentifier", because=_WHICH)
USER = (*this_user(), added("identifier", "The user's ID says who it is, in requests and in answers."))
ENVELOPE = added("envelope", "Saying when a message came is new in v3: left as it is.")
SENDERS = added("faxFromEmailActive", "Switching the list of senders is new in v3: left as it is.")


def _status(text: str) -> str:
    """1 is active; 2.5 knew no other number that means it."""
    return "1" if text.strip().lstrip("+0") == "1" else "0"


STATUS = compute("status", _status, str, "2.5 said 1 for active; v3 says true or false.")
ANY_TEXT = compute("name", str, str, "2.5 let the name be anything; it is a text in v3.", finding=None)


def _set_provision(context: CallContext) -> Steps[Element]:
    """The settings first, then the phone's password, which is the extension's in v3. Finished, not undone."""
    translation = context.translation
    settings, phone = translation.legs["settings"], translation.legs["phone"]
    translation.to_new(context)
    provision, secret = settings.to_new(context), phone.to_new(context)
    if secret.child("password") is not None and not secret.get("password"):
        context.find("empty-as-absent", "password")
    if not secret.get("password"):
        answer = yield from forward(context, settings.new, provision, writes=True)
        return settings.to_old(answer, context)
    if context.extensions.main is None:
        raise CallerError(
            "missing-parameter", "Parameter missing: ID or identifier; send it.", PARAMETER_MISSING
        )

    secret = yield from first.label(context, secret)

    def steps(journal: JournalRun) -> Steps[Element]:
        done = yield from redo_step(journal, 0)
        yield from redo_step(journal, 1)
        return settings.to_old(done.answer or Element(""), context)

    writes = (
        Step("set-provision", Ask(settings.new.full_name, provision)),
        Step("set-password", Ask(phone.new.full_name, secret)),
    )
    begin = beginning(context, lock_of(context.extensions.main.number), writes)
    writes_all = journalled(context, begin, steps)
    return (yield from phone_passwords.set_apart(context, writes_all))


SET_PROVISION = plan(
    "SetProvision",
    _set_provision,
    first.LABEL_READ,
    leg("settings", "Extension.SetProvision", [this_extension(), ANY_TEXT]),
    leg(
        "phone",
        "Extension.EditExtension",
        [MAIN, first.LABEL],
        because="When the call sets a password.",
    ),
    journal="redo",
)

SERVICE = service(
    "Extension",
    "Extension",
    SET_PROVISION,
    operation("GetProvisionFile", rules=[MAIN, ONE]),
    operation("SetExtensionStatus", "User.SetUserStatus", [USER, own_id()], siblings=True),
    operation("SetExtensionCpAccess", "User.SetUserCpAccess", [USER, own_id()], siblings=True),
    operation("SetExtensionPL", "User.SetUserPL", [USER, own_id(), permissions.SET], siblings=True),
    operation("GetExtensionPL", "User.GetUserPL", [USER, permissions.READ]),
    operation("GetExtensionGroups", "User.GetUserGroups", [USER]),
    operation("AddCallRulesIn", rules=[OWNER, ITS_OWNER, UPDATED], earlier=Earlier(rules_from_earlier)),
    operation(
        "EditCallRulesIn",
        rules=[OWNER, UPDATED, first.RULES, needed("rule/ruleID", because=_WHICH_RULE)],
        plan=first.edit_rules,
        calls=[first.RULES_READ, call("Extension.EditCallRulesIn")],
        earlier=Earlier(rules_from_earlier),
    ),
    operation("GetCallRulesIn", rules=[
        extension("userID", "userIdentifier", main=True, only="request"), own_id("userID"), NUMBER_AGAIN,
    ], earlier=Earlier(answer=rules_to_earlier)),
    operation("DelCallRulesIn", rules=[OWNER]),
    operation("GetAvailableCallerID", rules=[MAIN]),
    traced(traces.CARD_CODE, operation("AddCardCode", rules=[OWNER, UPDATED])),
    operation("EditCardCode", rules=[UPDATED]),
    operation("GetCardCode", rules=[OWNER, first.CODES], plan=first.card_codes),
    operation("DelCardCode", rules=[OWNER]),
    operation("AddCardCodeCredit", rules=[OWNER, UPDATED]),
    operation("GetCardCodeRecharges"),
    traced(traces.AUTH_CALLER_ID, operation("AddAuthCallerID", rules=[OWNER, ITS_OWNER, UPDATED])),
    operation("EditAuthCallerID", rules=[STATUS, UPDATED]),
    operation("GetAuthCallerID", rules=[OWNER]),
    operation("DelAuthCallerID", rules=[OWNER]),
    operation("AddAuthCallerIDCredit", rules=[OWNER, ITS_OWNER, UPDATED]),
    operation("GetAuthCallerIDRecharges"),
    operation("SetupExtension", rules=[this_extension(), settings.SETUP]),
    operation("GetExtensionSettings", rules=[MAIN, OWN, settings.READ]),
    operation("SetVoicemail", rules=[this_extension(), storage("voicemailStorage"), ENVELOPE]),
    operation("GetVoicemailSettings", rules=[MAIN, OWN_OF_TWO, storage("voicemailStorage"), ENVELOPE]),
    operation("SetConference", rules=[this_extension()]),
    operation("GetConferenceSettings", rules=[MAIN, OWN_OF_TWO]),
    operation("SetCallRecording", rules=[this_extension(), storage("recordingStorage")]),
    operation("GetCallRecordingSettings", rules=[MAIN, OWN_OF_TWO, storage("recordingStorage")]),
    operation("SetFaxCenter", rules=[MAIN, own_id(), UPDATED, storage("faxStorage"), SENDERS]),
    operation("GetFaxCenterSettings", rules=[MAIN, OWN_OF_TWO, storage("faxStorage"), SENDERS]),
    operation("AssignQueueAgent", rules=[
        extension("ID", None, "agentExtendedNumber", only="request"), QUEUE, ITS_QUEUE, CHANGED,
    ]),
    operation("UnassignQueueAgent", rules=[
        queue_agents.agent("ID", "extendedNumber"),
        extension("queueID", "identifier", "queueExtendedNumber", main=True, only="request"),
        ITS_QUEUE,
        CHANGED,
    ], plan=queue_agents.by_id, calls=[queue_agents.WHOSE, call("Extension.UnassignQueueAgent")]),
    operation("SetQueueAgent", rules=[
        queue_agents.agent("ID", "agentExtendedNumber"),
        extension(None, "identifier", "agentExtendedNumber", only="request"),
        extension("queueID", "queueIdentifier", main=True, only="request"),
        ITS_QUEUE_AGAIN,
        CHANGED,
    ], plan=queue_agents.by_id, calls=[queue_agents.WHOSE, call("Extension.SetQueueAgent")]),
    operation("AssignQueueRemoteAgent", rules=[QUEUE, ITS_QUEUE, CHANGED]),
    operation("SetQueueRemoteAgent", rules=[
        extension("queueID", "queueIdentifier", main=True, only="request"), ITS_QUEUE_AGAIN, CHANGED,
    ]),
    operation("SetQueueMember", rules=[this_extension(), ONE]),
    operation("GetQueueAgents", rules=[MAIN, ONE, owned("localAgents/ID", "extensionNo", "queue_agent_id")]),
    operation("GetQueueMembership", rules=[
        MAIN, ONE, extension("member/queueID", None, "member/queueExtendedNumber"),
    ]),
)  # fmt: skip
