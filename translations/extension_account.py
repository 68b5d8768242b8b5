"""The five operations in which a 2.5 extension is an account and a phone at once: each is several v3 calls."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from shim.core.catalogue import Catalogue
from shim.core.commands import (
    Ask,
    Command,
    FindIdentities,
    Identity,
    Known,
    Probe,
    Undo,
    subject_of,
)
from shim.core.commands import Step as JournalStep
from shim.core.errors import PARAMETER_MISSING, BackendError, CallerError, Fault
from shim.core.forward import forward
from shim.core.identities import about, extensions_of, learn, note, recognise, renumbered
from shim.core.identities import known as known_to_map
from shim.core.journal import Learning, beginning, journalled
from shim.core.journal_writes import Journal, fresh, redo_step, step
from shim.core.model import Element
from shim.core.reconcile import reconcile
from shim.core.rules.declare import leg, plan
from shim.core.rules.model import Work
from shim.core.rules.references import extension, own_extension_id, own_id, this_user
from shim.core.rules.vocabulary import compute, elsewhere, joined, unread, values
from shim.core.translate import Translation
from translations import extension_rights as rights
from translations.deletions import delete_all
from translations.deletions import extension as extension_goes
from translations.deletions import extensions_of as extensions_of_user
from translations.extension_templates import TEMPLATE, kind_of, put, put_old, successors
from translations.person_names import joined as joined_name

Step = Generator[Command, Any, Element]

_QUEUES = {"queue": "phoneQueue"}
_PHONE_QUEUE = "Queues are called phone queues in v3."
QUEUE = values("extensionType", _QUEUES, _PHONE_QUEUE)
_OF_USER = "v3 has it on the user that owns the extension."
_OWNER = "The owner of a v3 extension is its user; 2.5 means the client."


def _finish(translation: Translation, work: Work, *answers: Element) -> Element:
    """One old answer out of what the legs gave; of the same element the first counts."""
    target = Element(translation.old.output.name)
    for answer in answers:
        known = {each.name for each in target.children}
        target.children += [each for each in answer.children if each.name not in known]
    for produce in translation.on_answer:
        produce(target, work)
    return target


# ---- add ----


def _add(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    """The user, what it may do, its extension; undone by deleting the user.

    A template goes to the call that it is for: PBX.GetTemplates is asked whether it is one of users.
    """
    user, phone = translation.legs["user"], translation.legs["extension"]
    translation.to_new(work)
    wanted_user, wanted_phone = user.to_new(work), phone.to_new(work)
    templates = yield from successors(catalogue, work)
    put(wanted_user, templates.user)
    put(wanted_phone, templates.extension)

    def steps(journal: Journal) -> Generator[Command, Any, Learning]:
        goes_on = not any(_on(wanted_user, name) for name in ("verbose", "passwordAuto", "forceUpdate"))
        made = yield from step(
            journal, "add-user", user.new, wanted_user, goes_on=goes_on,
            probe=(yield from fresh(journal, _user_with_login(wanted_user))),
            undo=Undo("User.DelUser", "ID", bare="Extension.GetExtensions"),
        )  # fmt: skip
        user_id = made.get("ID") or ""
        if templates.user is None:
            kind = yield from kind_of(catalogue, work, templates)
            yield from _allow(journal, user_id, kind)
        wanted_phone.children.append(Element("parentID", user_id))
        added = yield from step(
            journal, "add-extension", phone.new, wanted_phone, goes_on=goes_on,
            probe=extensions_of_user(user_id), undo=Undo("Extension.DelExtension", "extendedNumber"),
            falls=True, gone=True,
        )  # fmt: skip

        def answer(learned: tuple[Identity, ...]) -> Element:
            for identity in learned:
                note(work, identity)
                about(work, identity)
            finished = _finish(translation, work, user.to_old(made, work), phone.to_old(added, work))
            put_old(finished, work, made, added)
            return finished

        number = added.get("extendedNumber") or ""
        return Learning((Known(user_id, number, made.get("identifier"), "created"),), answer)

    login = (wanted_user.get("login") or "").strip()
    begin = beginning(translation, work, "undo", f"login {login}" if login else None)
    return (yield from journalled(catalogue, work, begin, steps))


def _allow(journal: Journal, user_id: str, kind: str) -> Generator[Command, Any, None]:
    """Grant what the extension needs; what v3 refuses to grant, once more within what the organization has."""
    catalogue, work = journal.catalogue, journal.work
    operation = catalogue.new.operations["User.SetUserPL"]
    granted = rights.configured(work)
    parent = work.caller.settings.get("new_user") == "parent"
    if parent:
        granted = yield from rights.bounded(catalogue, work, granted, user_id)
    work.find("default-added", "extensionType", rights.GRANTED, "User.SetUserPL")
    request = rights.request(catalogue, granted, kind, user_id)
    try:
        yield from step(journal, "allow-user", operation, request, again=True)
    except BackendError as fault:
        if parent or fault.reason != "backend-fault":
            raise
        less = yield from rights.bounded(catalogue, work, granted, user_id)
        if less == granted:
            raise
        request = rights.request(catalogue, less, kind, user_id)
        yield from step(journal, "allow-user", operation, request, again=True)


def _on(request: Element, name: str) -> bool:
    return (request.get(name) or "").strip() in ("1", "true")


def _user_with_login(wanted: Element) -> Probe:
    """Who has the login that is asked for, under the parent that is asked for where v3 can list by it."""
    login = (wanted.get("login") or "").strip()
    parents = [each for each in wanted.children if each.name in ("parentID", "parentIdentifier") and each.text]
    asked = Element("GetUsers", children=[Element("filter", login), *parents[:1]])
    return Probe(
        Ask("User.GetUsers", asked), "user", "ID", {"login": login}, numbered=_on(wanted, "forceUpdate")
    )


# ---- edit ----


def _edit(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    user, phone = translation.legs["user"], translation.legs["extension"]
    if work.extension is None:
        raise CallerError(
            "missing-parameter", "Parameter missing: ID or identifier; send it.", PARAMETER_MISSING
        )
    translation.to_new(work)
    profile, device = user.to_new(work), phone.to_new(work)
    if not (device.child("label") or device.child("password")):
        answer = yield from forward(catalogue, work, user.new, profile, writes=True)
        return _finish(translation, work, user.to_old(answer, work))

    def steps(journal: Journal) -> Step:
        edited = yield from redo_step(journal, 0)
        changed = yield from redo_step(journal, 1)
        said = [edited.answer or Element(""), changed.answer or Element("")]
        return _finish(translation, work, user.to_old(said[0], work), phone.to_old(said[1], work))

    writes = (
        JournalStep("edit-user", Ask(user.new.full_name, profile)),
        JournalStep("edit-extension", Ask(phone.new.full_name, device)),
    )
    begin = beginning(translation, work, "redo", subject_of(work.extension.number), writes)
    return (yield from journalled(catalogue, work, begin, steps))


# ---- read ----


def _details(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    user, phone = translation.legs["user"], translation.legs["extension"]
    translation.to_new(work)
    profile = yield from forward(catalogue, work, user.new, user.to_new(work), writes=False)
    if work.extension is None:
        yield from _own(catalogue, work, profile)
    asked = Element(phone.new.input.name, children=[Element("extendedNumber", _extension(work).number)])
    try:
        device = yield from forward(catalogue, work, phone.new, asked, writes=False)
    except Fault as fault:
        if not (yield from renumbered(catalogue, work, fault)):
            raise
        asked = Element(phone.new.input.name, children=[Element("extendedNumber", _extension(work).number)])
        device = yield from forward(catalogue, work, phone.new, asked, writes=False)
    finished = _finish(translation, work, user.to_old(profile, work), phone.to_old(device, work))
    put_old(finished, work, profile, device)
    return finished


def _own(catalogue: Catalogue, work: Work, profile: Element) -> Generator[Command, Any, None]:
    """No extension was named: it is the caller's own, if it is one."""
    found = yield from extensions_of(catalogue, work, profile.get("ID") or "")
    if not found:
        raise CallerError(
            "missing-parameter", "Parameter missing: ID or identifier; send it.", PARAMETER_MISSING
        )
    about(work, found[0])


def _extension(work: Work) -> Identity:
    assert work.extension is not None
    return work.extension


def _list(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    """Extensions and users of the same parent, joined; the filter is one on accounts, so users decide.

    A template narrows down those that it is for: PBX.GetTemplates is asked whether it is one of users.
    """
    users, phones = translation.legs["user"], translation.legs["extension"]
    translation.to_new(work)
    wanted_users, wanted_phones = users.to_new(work), phones.to_new(work)
    templates = yield from successors(catalogue, work)
    put(wanted_users, templates.user)
    put(wanted_phones, templates.extension)
    people = yield from forward(catalogue, work, users.new, wanted_users, writes=False)
    devices = yield from forward(catalogue, work, phones.new, wanted_phones, writes=False)
    owners = {said: each for each in people.all("user") if (said := each.get("ID"))}
    unclear = yield from _learn_rows(work, people, devices)
    yield from recognise(catalogue, work, unclear)
    rows = devices.all("extension")
    old = phones.to_old(devices, work)
    listed = [child for child in old.children if child.name != "extension"]
    for row, made in zip(rows, old.all("extension"), strict=True):
        identity = work.identities.get(("number", row.get("extendedNumber") or ""))
        owner = owners.get(identity.user_id) if identity else None
        if identity and owner:
            listed.append(_row(made, identity, owner))
    return _finish(translation, work, Element(old.name, children=listed))


def _learn_rows(work: Work, people: Element, devices: Element) -> Generator[Command, Any, list[str]]:
    """Learn the rows that share the identifier of exactly one user: they need no call of their own.

    Returns the numbers of the rows that may be on the list and have to be looked up one by one.
    """
    yield from known_to_map(work, [row.get("extendedNumber") or "" for row in devices.all("extension")])
    by: dict[str, list[str]] = {}
    for each in people.all("user"):
        by.setdefault(each.get("identifier") or "", []).append(each.get("ID") or "")
    told: dict[str, list[Known]] = {}
    unclear: list[str] = []
    for row in devices.all("extension"):
        said, number = row.get("identifier") or "", row.get("extendedNumber") or ""
        identity = work.identities.get(("number", number))
        if said and len(by.get(said, ())) == 1:
            user = by[said][0]
            told.setdefault(user, []).append(Known(user, number, said))
        elif identity is None and (not said or said in by or "" in by):
            unclear.append(number)
    whole = not unclear and not work.request.get("extensionType") and not work.request.get("templateID")
    users = tuple(owner for each in people.all("user") if (owner := each.get("ID")))
    yield from _take_in(work, users, told, whole)
    return unclear


def _take_in(
    work: Work, users: tuple[str, ...], told: dict[str, list[Known]], whole: bool
) -> Generator[Command, Any, None]:
    """Learn users' rows. Where a whole list differs from what was known, see `shim.core.reconcile`."""
    rows = [each for known in told.values() for each in known]
    yield from learn(work, [each for each in rows if _is_anothers(work, each)])
    before: dict[str, tuple[Identity, ...]] = yield FindIdentities("user_id", users)
    fresh: list[Known] = []
    for user in users:
        there = told.get(user, [])
        if {each.number for each in before.get(user, ())} == {each.number for each in there}:
            continue
        if before.get(user) and whole:
            for identity in (yield from reconcile(user, there)):
                note(work, identity)
        else:
            fresh += there
    yield from learn(work, fresh)


def _is_anothers(work: Work, known: Known) -> bool:
    """Whether the map has the number under another user: the extension was moved."""
    identity = work.identities.get(("number", known.number))
    return identity is not None and identity.user_id != known.user_id


def _row(made: Element, identity: Identity, owner: Element) -> Element:
    """One row of the old list: the phone's type and number, the account's names."""
    kept = [each for each in made.children if each.name not in ("name", "email", "identifier")]
    local = identity.number.rpartition("*")[2]
    kept += [Element("ID", identity.old_id), Element("extensionID", identity.extension_id)]
    kept += [Element(each.name, each.text) for each in joined_name(owner.children) if each.name != "ID"]
    if local.isdecimal():
        kept.append(Element("extensionNo", local))
    return Element(made.name, children=kept)


# ---- delete ----


def _delete(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    translation.to_new(work)
    wanted = [each for name in ("ID", "identifier") for each in work.request.all(name) if each.text]
    named = [("old_id" if each.name == "ID" else "identifier", (each.text or "").strip()) for each in wanted]
    gone = list(dict.fromkeys(work.identities[key] for key in named if key in work.identities))
    gone.sort(key=lambda each: each.old_id == each.user_id)  # by then it may be its user's last

    return (
        yield from delete_all(
            catalogue, translation, work, [extension_goes(each) for each in gone], len(wanted)
        )
    )


# ---- declarations ----

_USERS_ID = unread("ID", "It is the user's ID; 2.5 answers with the extension's.")
_LABEL = compute(
    "name", str, str, "The label of a v3 extension is the name of its 2.5 account.", new="label", finding=None
)

ADD = plan(
    "AddExtension",
    _add,
    leg("user", "User.AddUser", [_USERS_ID, TEMPLATE]),
    leg("extension", "Extension.AddExtension", [
        _LABEL, TEMPLATE, QUEUE, compute("extensionNo", str.strip, str, "a number", finding=None),
        *(unread(name, _OWNER) for name in ("parentID", "parentIdentifier", "parentName")),
        *(elsewhere(name, _OWNER) for name in ("parentID", "parentIdentifier", "parentLogin")),
    ]),
    rules=[own_id(), own_extension_id()],
    notes=rights.NOTES,
)  # fmt: skip
EDIT = plan(
    "EditExtension",
    _edit,
    leg("user", "User.EditUser", [this_user(), _USERS_ID]),
    leg("extension", "Extension.EditExtension", [_LABEL, extension(main=True, only="request")]),
    rules=[own_id()],
    siblings=True,
)
LIST = plan(
    "GetExtensions",
    _list,
    leg("user", "User.GetUsers", [TEMPLATE]),
    leg(
        "extension",
        "Extension.GetExtensions",
        [
            QUEUE,
            TEMPLATE,
            values("extension/extensionType", _QUEUES, _PHONE_QUEUE),
            elsewhere("filter", _OF_USER),
        ],
    ),
    rules=[
        joined("extension/ID", "It is the old ID, which the identity map knows."),
        joined("extension/extensionID", "v3 has no such number; the shim issues one and keeps it."),
        *(joined(f"extension/{name}", _OF_USER) for name in ("name", "login", "email", "identifier", "scope")),
        joined("extension/extensionNo", "It is the last part of the extended number."),
    ],
)
DETAILS = plan(
    "GetExtensionDetails",
    _details,
    leg("user", "User.GetUserDetails", [this_user(), _USERS_ID]),
    leg(
        "extension",
        "Extension.GetExtensionDetails",
        [
            extension(main=True, only="request"),
            QUEUE,
            *(unread(name, _OWNER) for name in ("parentID", "parentIdentifier", "parentName")),
        ],
    ),
    rules=[own_id(), own_extension_id()],
)
DELETE = plan(
    "DelExtension",
    _delete,
    leg("extension", "Extension.DelExtension", [extension(main=True, only="request")]),
    lenient=True,
)  # fmt: skip
PLANS = (ADD, EDIT, LIST, DETAILS, DELETE)
