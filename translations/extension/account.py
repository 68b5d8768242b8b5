"""The five operations in which a 2.5 extension is an account and a phone at once: each is several v3 calls."""

from __future__ import annotations

from shim.core.commands.extensions import Identity, Known
from shim.core.commands.journal import Ask, Probe, Undo, lock_of
from shim.core.commands.journal import Step as JournalStep
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import PARAMETER_MISSING, BackendRefused, CallerError
from shim.core.extensions.lookup import about, find, note
from shim.core.forward import forward
from shim.core.journal.run import Learning, beginning, journalled
from shim.core.journal.writes import JournalRun, fresh, redo_step, step
from shim.core.message import Element
from shim.core.rules.declare import call, leg, operation, plan
from shim.core.rules.extensions import extension, own_extension_id, own_id, this_user
from shim.core.rules.reference import ExtensionKey
from shim.core.rules.required import filled_in, needed, read_first
from shim.core.rules.rule import Rule
from shim.core.rules.vocabulary import compute, drop, elsewhere, joined, rename, unread, unused, values
from translations.extension import phone_passwords, reading, rights
from translations.extension.listing import listed
from translations.extension.reading import finish
from translations.extension.templates import TEMPLATE, kind_of, put, put_old, successors
from translations.shared import completing, person_names, shared_emails
from translations.shared import reading_first as first
from translations.shared.accounts import newcomer
from translations.shared.deletions import (
    BY_ITSELF,
    GONE,
    LAST,
    ONE_OF,
    THERE,
    delete_all,
    extensions,
    nothing_there,
)
from translations.shared.deletions import extensions_of as extensions_of_user

_BY: dict[str, ExtensionKey] = {"ID": "old_id", "identifier": "identifier"}
_QUEUES = {"queue": "phoneQueue"}
_PHONE_QUEUE = "Queues are called phone queues in v3."
QUEUE = values("extensionType", _QUEUES, _PHONE_QUEUE)
_OF_USER = "v3 has it on the user that owns the extension."
_HALVES = (person_names.FIRST, person_names.LAST)
_OWNER = "The owner of a v3 extension is its user; 2.5 means the client."


# ---- add ----

_USER_UNDONE = Undo("User.DelUser", "ID", only_if_empty="Extension.GetExtensions")
_EXTENSION_UNDONE = Undo("Extension.DelExtension", "extendedNumber")


def _add(context: CallContext) -> Steps[Element]:
    """The user, what it may do, its extension; undone by deleting the user.

    A template goes to the call that it is for: PBX.GetTemplates is asked whether it is one of users.
    """
    translation = context.translation
    user, phone = translation.legs["user"], translation.legs["extension"]
    translation.to_new(context)
    wanted_user, wanted_phone = user.to_new(context), phone.to_new(context)
    templates = yield from successors(context)
    put(wanted_user, templates.user)
    put(wanted_phone, templates.extension)
    yield from completing.owner(context, user.new, wanted_user)
    _label(context, wanted_phone)

    def steps(journal: JournalRun) -> Steps[Learning]:
        goes_on = not any(wanted_user.is_on(name) for name in ("verbose", "passwordAuto", "forceUpdate"))
        probe = yield from fresh(journal, _user_with_login(wanted_user))
        created = yield from shared_emails.tried(
            context, wanted_user,
            lambda: step(
                journal, "add-user", user.new, wanted_user, goes_on=goes_on, probe=probe, undo=_USER_UNDONE
            ),
        )  # fmt: skip
        phone_passwords.share(context, created, wanted_phone)
        user_id = created.get("ID") or ""
        if templates.user is None:
            kind = yield from kind_of(context, templates)
            yield from _allow(journal, user_id, kind)
        wanted_phone.children.append(Element("parentID", user_id))
        added = yield from step(
            journal, "add-extension", phone.new, wanted_phone, goes_on=goes_on,
            probe=extensions_of_user(user_id), undo=_EXTENSION_UNDONE,
            cascades=True, deletes_extension=True, owner=user_id,
        )  # fmt: skip

        def answer(learned: tuple[Identity, ...]) -> Element:
            for identity in learned:
                note(context, identity)
                about(context, identity)
            finished = finish(context, user.to_old(created, context), phone.to_old(added, context))
            put_old(finished, context, created, added)
            return finished

        number = added.get("extendedNumber") or ""
        return Learning((Known(user_id, number, created.get("identifier"), "created"),), answer)

    login = (wanted_user.get("login") or "").strip()
    begin = beginning(context, f"login {login}" if login else None)
    added = yield from journalled(context, begin, steps)
    yield from phone_passwords.remember_same(context)
    return added


def _label(context: CallContext, phone: Element) -> None:
    """v3 has no extension without a label: where the call has no name, it is the login."""
    if not phone.get("label"):
        phone.children = [each for each in phone.children if each.name != "label"]
        phone.children.append(Element("label", (context.request.get("login") or "").strip()))
        context.find("default-added", "name", _NO_NAME, "label")


def _allow(journal: JournalRun, user_id: str, kind: str) -> Steps[None]:
    """Grant what the extension needs; what v3 refuses to grant, once more within what the organization has."""
    context = journal.context
    catalogue = context.catalogue
    operation = catalogue.new.operations["User.SetUserPL"]
    granted = rights.configured(context)
    parent = context.caller.settings.get("new_user") == "parent"
    if parent:
        granted = yield from rights.bounded(context, granted, user_id)
    context.find("default-added", "extensionType", rights.GRANTED, "User.SetUserPL")
    request = rights.request(catalogue, granted, kind, user_id)
    try:
        yield from step(journal, "allow-user", operation, request, again=True)
    except BackendRefused:
        if parent:
            raise
        less = yield from rights.bounded(context, granted, user_id)
        if less == granted:
            raise
        request = rights.request(catalogue, less, kind, user_id)
        yield from step(journal, "allow-user", operation, request, again=True)


def _user_with_login(request: Element) -> Probe:
    """Who has the login that is asked for, under the parent that is asked for where v3 can list by it."""
    login = (request.get("login") or "").strip()
    parents = [each for each in request.children if each.name in ("parentID", "parentIdentifier") and each.text]
    listing = Element("GetUsers", children=[Element("filter", login), *parents[:1]])
    return Probe(
        Ask("User.GetUsers", listing),
        "user",
        "ID",
        {"login": login},
        may_be_suffixed=request.is_on("forceUpdate"),
    )


# ---- edit ----


def _edit(context: CallContext) -> Steps[Element]:
    translation = context.translation
    user, phone = translation.legs["user"], translation.legs["extension"]
    if context.extensions.main is None:
        raise CallerError(
            "missing-parameter", "Parameter missing: ID or identifier; send it.", PARAMETER_MISSING
        )
    translation.to_new(context)
    profile, device = user.to_new(context), phone.to_new(context)
    own = context.extensions.main.user_id
    yield from phone_passwords.follow(context, profile, device)
    if not (device.child("label") or device.child("password")):
        answer = yield from shared_emails.tried(
            context, profile, lambda: forward(context, user.new, profile, writes=True), own
        )
        return finish(context, user.to_old(answer, context))

    device = yield from first.label(context, device)

    def steps(journal: JournalRun) -> Steps[Element]:
        edited = yield from shared_emails.tried(context, profile, lambda: redo_step(journal, 0), own)
        changed = yield from redo_step(journal, 1)
        answers = [edited.answer or Element(""), changed.answer or Element("")]
        return finish(context, user.to_old(answers[0], context), phone.to_old(answers[1], context))

    writes = (
        JournalStep("edit-user", Ask(user.new.full_name, profile)),
        JournalStep("edit-extension", Ask(phone.new.full_name, device)),
    )
    begin = beginning(context, lock_of(context.extensions.main.number), writes)
    return (yield from journalled(context, begin, steps))


# ---- delete ----


def _delete(context: CallContext) -> Steps[Element]:
    """Those that there are; of the others the answer and a finding tell. Raises CallerError for none."""
    new = context.translation.to_new(context)
    named = [(_BY[each.name], each.text or "") for each in new.children]
    for by in _BY.values():
        yield from find(context, by, [text for name, text in named if name == by])
    there: dict[Identity, str] = {}
    lost: set[tuple[ExtensionKey, str]] = set()
    for name, text in named:
        identity = context.extensions.identities.get((name, text))
        if identity is None:
            lost.add((name, text))
        else:
            there.setdefault(identity, "ID" if name == "old_id" else "identifier")
    if not there:
        raise nothing_there()
    for name, _ in sorted(lost):
        context.find("partly-done", "ID" if name == "old_id" else "identifier", GONE)
    doomed = yield from extensions(there)
    return (yield from delete_all(context, doomed, len(lost)))


# ---- declarations ----

_USERS_ID = unread("ID", "It is the user's ID; 2.5 answers with the extension's.")
_WHICH_TEMPLATE = "When a template is named that the setting templates does not have: what it is for."
_LABEL = compute(
    "name", str, str, "The label of a v3 extension is the name of its 2.5 account.", new="label", finding=None
)

_BY_ITSELF = "Whose a row is that nothing else tells; and what the list has otherwise than the identity map."
_BELOW = "Where lists reach only the parent's own (setting lists): what is below it."

_ONE_BY_ONE = "Extensions go one by one, each with its user when that was made for it and has no other."
_NO_NAME = "v3 has no extension without a label: the login is it where the call has no name."

_STRENGTH = "Later versions of v3 do not take how strong an automatic password is."
_OWN_CALL = "The user's own call says who is told."
_USER: tuple[Rule, ...] = (
    rename("channelRuleId", "channelRuleID", "Later versions of v3 write it so.", where="channelRuleID"),
    newcomer("role"),
    newcomer("subscriptionID"),
)
_STRENGTH_SENT = drop("passwordStrength", _STRENGTH, unless="passwordStrength")
_STRENGTH_READ = unused("passwordStrength", _STRENGTH, unless="passwordStrength")
"""The differences between versions of v3 for a user."""

ADD = plan(
    "AddExtension",
    _add,
    call("PBX.GetTemplates", _WHICH_TEMPLATE),
    shared_emails.USERS_READ,
    completing.MEMBERS,
    call("User.GetUsers", "Who has the login already; once more when it was not seen how AddUser ended."),
    leg("user", "User.AddUser", [
        _USERS_ID, TEMPLATE, *person_names.BOTH, *completing.PERSON, *_USER, newcomer("otherNotifyEmail"),
        _STRENGTH_SENT, _STRENGTH_READ,
    ], undo=_USER_UNDONE),
    *(call(name, rights.LIMITS_ASKED) for name in rights.ASKS),
    call("User.SetUserPL", rights.ALLOWED, cascades=True),
    leg("extension", "Extension.AddExtension", [
        _LABEL, filled_in("label", _NO_NAME), TEMPLATE, QUEUE,
        compute("extensionNo", str.strip, str, "a number", finding=None),
        *(unread(name, _OWNER) for name in ("parentID", "parentIdentifier", "parentName")),
        *(elsewhere(name, _OWNER) for name in ("parentID", "parentIdentifier", "parentLogin")),
        elsewhere("notifyOnly", _OWN_CALL, where="notifyOnly"),
        newcomer("otherNotifyEmail"),
    ], undo=_EXTENSION_UNDONE, cascades=True),
    call("Extension.GetExtensions", "What the new user has, when it was not seen how a write ended."),
    rules=[own_id(), own_extension_id(), needed("name", "login", because=_NO_NAME)],
    journal="undo",
    notes=rights.NOTES,
)  # fmt: skip
EDIT = plan(
    "EditExtension",
    _edit,
    shared_emails.USERS_READ,
    first.LABEL_READ,
    leg("user", "User.EditUser", [this_user(), _USERS_ID, *person_names.SENT, *_USER, _STRENGTH_SENT]),
    leg(
        "extension",
        "Extension.EditExtension",
        [_LABEL, first.LABEL, extension(main=True, only="request")],
        because="When the call changes the name or the password.",
    ),
    rules=[own_id()],
    journal="redo",
    siblings=True,
)
LIST = plan(
    "GetExtensions",
    listed,
    call("PBX.GetTemplates", _WHICH_TEMPLATE),
    leg("user", "User.GetUsers", [TEMPLATE]),
    leg(
        "extension",
        "Extension.GetExtensions",
        [
            QUEUE,
            TEMPLATE,
            values("extension/extensionType", _QUEUES, _PHONE_QUEUE),
            elsewhere("filter", _OF_USER),
            *(unread(f"extension/{name}", _OF_USER, where=f"extension/{name}") for name in _HALVES),
        ],
    ),
    call("Extension.GetExtensionDetails", _BY_ITSELF),
    call("User.GetUserDetails", "An owner that the list of users has not: found by number, or left out."),
    *(call(name, _BELOW) for name in ("ServiceProvider.GetServiceProviders", "Organization.GetOrganizations")),
    rules=[
        joined("extension/ID", "It is the old ID, which the identity map knows."),
        joined("extension/extensionID", "v3 has no such number; the shim issues one and keeps it."),
        *(joined(f"extension/{name}", _OF_USER) for name in ("name", "login", "email", "identifier", "scope")),
        joined(
            "extension/extensionNo",
            "It is the last part of the extended number, as a whole number: without leading zeros, as in 2.5.",
        ),
    ],
)
DETAILS = plan(
    "GetExtensionDetails",
    reading.details,
    leg(
        "user",
        "User.GetUserDetails",
        [
            this_user(),
            _USERS_ID,
            *person_names.READ,
            *_USER,
            _STRENGTH_READ,
        ],
    ),
    call("Extension.GetExtensions", "Which extension the caller's own is, when the call names none."),
    leg(
        "extension",
        "Extension.GetExtensionDetails",
        [
            extension(main=True, only="request"),
            read_first("extendedNumber", "Extension.GetExtensions", "Without a name it is the caller's own."),
            QUEUE,
            *(unread(name, _OWNER) for name in ("parentID", "parentIdentifier", "parentName")),
        ],
    ),
    rules=[own_id(), own_extension_id()],
)
DELETE = operation(
    "DelExtension",
    "User.DelUser",
    [compute(name, str.strip, str, _ONE_BY_ONE, finding=None) for name in _BY],
    plan=_delete,
    calls=[
        call("User.GetUserDetails", "Whether an ID that is not known is a user's."),
        call("Extension.GetExtensions", THERE),
        call("Extension.GetExtensionDetails", BY_ITSELF),
        call("Extension.DelExtension", ONE_OF),
        call("User.DelUser", LAST),
    ],
    journal="redo",
)
PLANS = (ADD, EDIT, LIST, DETAILS, DELETE)
