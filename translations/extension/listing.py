"""GetExtensions: users and extensions of v3, joined to the rows that 2.5 lists.

A list costs no v3 call for each row: rows are joined by what the lists say, and only what stays unclear, or
what they say against the identity map, is looked up. Two things no source tells of v3, so both are served:
whether a list reaches all below its parent or only the parent's own (setting `lists`), and whose the identifier
of a row is (setting `row_identifier`). With `auto` the shim goes by the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shim.core.commands.extensions import Known
from shim.core.commands.steps import Steps, Together, ask
from shim.core.context import CallContext
from shim.core.extensions.evidence import ask_each
from shim.core.extensions.lookup import known as known_to_map
from shim.core.extensions.lookup import note, unnote
from shim.core.extensions.reconcile import MOST_ASKED, ListedExtensions, reconcile
from shim.core.extensions.rows import fill
from shim.core.forward import forward, look
from shim.core.message import Element
from translations.extension.templates import put, successors
from translations.shared.person_names import joined as joined_name

NO_RECORDS = "030"
_PARENT = ("parentID", "parentIdentifier")


@dataclass(slots=True)
class _Lists:
    """The lists of v3: people by ID, those that the filter found, rows of extensions by number."""

    people: dict[str, Element] = field(default_factory=dict)
    chosen: set[str] = field(default_factory=set)
    rows: dict[str, Element] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Whose extensions are that were listed by user, by number."""
    others: list[Element] = field(default_factory=list)
    """The elements of the answers besides rows: notices, of either list."""

    def take_people(self, answer: Element | None, *, chosen: bool = True) -> list[str]:
        people = {user_id: each for each in answer.all("user") if (user_id := each.get("ID"))} if answer else {}
        self.others += [each for each in answer.children if each.name == "notice"] if answer else []
        self.people |= people
        self.chosen |= people.keys() if chosen else set()
        return list(people)

    def take_rows(self, answer: Element | None, user: str = "") -> None:
        for each in answer.children if answer else ():
            number = each.get("extendedNumber") or ""
            if each.name == "extension" and number:
                self.rows[number] = each
                if user:
                    self.owners[number] = user
            elif each.name != "extension":
                self.others.append(each)


@dataclass(frozen=True, slots=True)
class _Listing:
    """One GetExtensions: the v3 requests, and how it is to be read."""

    context: CallContext
    users: Element
    phones: Element
    text: str

    @property
    def whole(self) -> bool:
        """True if every extension of the people is asked for."""
        return not any(self.context.request.get(name) for name in ("extensionType", "templateID"))

    @property
    def narrowed(self) -> bool:
        """True if only some of the people below the parent are asked for, whatever the filter."""
        return any(each.name not in (*_PARENT, "filter") for each in self.users.children)

    @property
    def may_be_number(self) -> bool:
        """True if the filter may be (a part of) a number."""
        return bool(self.text) and not self.text.strip("0123456789*")

    @property
    def everybody(self) -> Element:
        """The request for users without the filter."""
        return Element(
            self.users.name, children=[each for each in self.users.children if each.name != "filter"]
        )

    def setting(self, name: str) -> str:
        return self.context.caller.settings.get(name, "auto")


def listed(context: CallContext) -> Steps[Element]:
    """Extensions and users of the same parent, joined. The filter is one on accounts and on numbers.

    A template narrows down those that it is for: PBX.GetTemplates is asked whether it is one of users.
    """
    translation = context.translation
    translation.to_new(context)
    users, phones = (translation.legs[name].to_new(context) for name in ("user", "extension"))
    templates = yield from successors(context)
    put(users, templates.user)
    put(phones, templates.extension)
    text = (context.request.get("filter") or "").strip().lower()
    listing = _Listing(context, users, phones, text)
    lists = yield from _read(listing)
    yield from _join(listing, lists)
    yield from _complete_people(listing, lists)
    return _answer(listing, lists)


# ---- reading ----


def _read(listing: _Listing) -> Steps[_Lists]:
    """The lists of the parent; where they reach its own only, those of what is below it as well."""
    lists = _Lists()
    lists.take_people((yield from _ask(listing, "user", listing.users)))
    lists.take_rows((yield from _ask(listing, "extension", listing.phones)))
    way = listing.setting("lists")
    if way == "subtree" or (way == "auto" and lists.rows):
        return lists
    if listing.may_be_number:
        lists.take_people((yield from _ask(listing, "user", listing.everybody)), chosen=False)
    yield from _rows_of_each(listing, lists, tuple(lists.people))
    if way == "direct" or not (lists.rows or lists.people):
        yield from _below(listing, lists)
    return lists


def _ask(listing: _Listing, leg: str, request: Element) -> Steps[Element]:
    operation = listing.context.translation.legs[leg].new
    return (yield from forward(listing.context, operation, request, writes=False))


def _rows_of_each(listing: _Listing, lists: _Lists, users: Iterable[str]) -> Steps[None]:
    """The extensions that each of these users has."""
    each = list(dict.fromkeys(users))
    answers = yield from _below_each(listing, "Extension.GetExtensions", listing.phones, each)
    for user, answer in zip(each, answers, strict=True):
        lists.take_rows(answer, user)


def _below_each(
    listing: _Listing, name: str, request: Element, parents: Iterable[str]
) -> Steps[list[Element | None]]:
    """The lists of v3 of each of these parents, side by side; None where it refuses."""
    kept = [each for each in request.children if each.name not in _PARENT]
    parts = tuple(
        look(listing.context, name, *kept, Element("parentID", parent)) for parent in dict.fromkeys(parents)
    )
    answers = (yield from ask(Together(parts))) if parts else []
    return answers


def _below(listing: _Listing, lists: _Lists) -> Steps[None]:
    """People and extensions of all organizations below the parent."""
    parent = [each for each in listing.users.children if each.name in _PARENT]
    above = yield from look(listing.context, "ServiceProvider.GetServiceProviders", *parent)
    places = [(yield from look(listing.context, "Organization.GetOrganizations", *parent))]
    providers = _ids([above], "serviceProvider")
    nothing = Element("GetOrganizations")
    places += yield from _below_each(listing, "Organization.GetOrganizations", nothing, providers)
    organizations = _ids(places, "organization")
    before = set(lists.people)
    for answer in (yield from _below_each(listing, "User.GetUsers", listing.users, organizations)):
        lists.take_people(answer)
    if listing.may_be_number:
        for answer in (yield from _below_each(listing, "User.GetUsers", listing.everybody, organizations)):
            lists.take_people(answer, chosen=False)
    yield from _rows_of_each(listing, lists, [each for each in lists.people if each not in before])


def _ids(answers: Iterable[Element | None], row: str) -> list[str]:
    return [row_id for answer in answers if answer for each in answer.all(row) if (row_id := each.get("ID"))]


# ---- joining ----


def _join(listing: _Listing, lists: _Lists) -> Steps[None]:
    """Find out whose each row is, and bring the identity map and the rows in line with v3."""
    context = listing.context
    yield from known_to_map(context, lists.rows)
    by: dict[str, str] = {}
    for user, each in lists.people.items():
        name = each.get("identifier") or ""
        by[name] = "" if name in by else user
    tells = yield from _rows_tell_users(listing, lists, by)
    known: list[Known] = []
    unclear: list[str] = []
    for number, row in lists.rows.items():
        identifier = row.get("identifier") or ""
        identity = context.extensions.identities.get(("number", number))
        if tells and identifier and (holder := by.get(identifier)):
            known.append(Known(holder, number, identifier))
        elif number in lists.owners:
            known.append(Known(lists.owners[number], number))
        elif identity is not None and (listing.text or listing.narrowed or identity.user_id in lists.people):
            known.append(Known(identity.user_id, number))
        elif identity is not None or _may_be_listed(listing, number, identifier, by, tells):
            unclear.append(number)
    said_of = yield from ask_each(context, unclear)
    known += [said_of.known(number) for number in unclear if number in said_of.there]
    users = dict.fromkeys([*lists.people, *(each.user_id for each in known)]) if listing.whole else ()
    seen = ListedExtensions(known, lists.rows, tuple(users), denied=said_of.denied)
    outcome = yield from reconcile(context, seen)
    for identity in outcome.gone:
        unnote(context, identity)
    for identity in outcome.identities.values():
        note(context, identity)
    for number in (*outcome.ghosts, *said_of.denied):
        lists.rows.pop(number, None)
    for number, details in outcome.omitted.items():
        lists.rows[number] = _only(listing, "extension", details)


def _rows_tell_users(listing: _Listing, lists: _Lists, by: Mapping[str, str]) -> Steps[bool]:
    """True if the identifier of a row is its user's; v3 is asked of one where nothing else tells.

    `by` has the users by identifier, '' for one that several have.
    """
    way = listing.setting("row_identifier")
    rows = {number: identifier for number, row in lists.rows.items() if (identifier := row.get("identifier"))}
    if way != "auto" or not rows or any(identifier in by for identifier in rows.values()):
        return way != "extension"
    for number, identifier in rows.items():
        identity = listing.context.extensions.identities.get(("number", number))
        if identity is not None and identity.identifier:
            return identity.identifier == identifier
    number, identifier = next(iter(rows.items()))
    details = yield from look(
        listing.context, "Extension.GetExtensionDetails", Element("extendedNumber", number)
    )
    return details is None or details.get("parentIdentifier") in (None, "", identifier)


def _may_be_listed(listing: _Listing, number: str, identifier: str, by: Mapping[str, str], tells: bool) -> bool:
    """True if a row of an unknown owner may be one to list: then v3 is asked whose it is."""
    if not (listing.text or listing.narrowed) or not tells or not identifier or identifier in by or "" in by:
        return True
    return _number_fits(listing, number)


def _complete_people(listing: _Listing, lists: _Lists) -> Steps[None]:
    """Owners that are to be listed and that v3 did not list: found by their number, or left out by mistake."""
    if listing.may_be_number and _absent_owners(listing, lists):
        lists.take_people((yield from _ask(listing, "user", listing.everybody)), chosen=False)
    absent = _absent_owners(listing, lists)
    if not absent or listing.narrowed:
        return
    users = yield from ask(
        Together(tuple(look(listing.context, "User.GetUserDetails", Element("ID", user)) for user in absent))
    )
    for user, details in zip(absent, users, strict=True):
        if details is not None:
            lists.people[user] = _only(listing, "user", details)


def _absent_owners(listing: _Listing, lists: _Lists) -> list[str]:
    owners = {
        identity.user_id: None
        for number in lists.rows
        if (identity := listing.context.extensions.identities.get(("number", number))) is not None
        and (not listing.text or _number_fits(listing, number))
    }
    return [user for user in owners if user not in lists.people][:MOST_ASKED]


def _only(listing: _Listing, row: str, details: Element) -> Element:
    """The details that a row of a list has."""
    kind = listing.context.translation.legs[row].new.output.complex
    inner = kind.slots[row].decl.complex if kind is not None else None
    names = inner.slots.keys() if inner is not None else ()
    return Element(row, children=[each for each in details.children if each.name in names])


# ---- answering ----


def _answer(listing: _Listing, lists: _Lists) -> Element:
    """The old list. That it is empty is said only of one that is."""
    phones, context = listing.context.translation.legs["extension"], listing.context
    old = phones.to_old(
        Element(phones.new.output.name, children=[*lists.others, *lists.rows.values()]), context
    )
    rows = _rows(listing, lists, old.all("extension"))
    notices = [each for each in old.children if each.name != "extension"]
    others = [each for each in notices if not rows or each.get("code") != NO_RECORDS]
    target = Element(listing.context.translation.old.output.name, children=[*_once(others), *rows])
    for produce in listing.context.translation.on_answer:
        produce(target, context)
    return target


def _once(notices: list[Element]) -> list[Element]:
    """Many lists may have said the same, and that there is nothing in words of their own."""
    elements: list[Element] = []
    for each in notices:
        empty = each.get("code") == NO_RECORDS and any(other.get("code") == NO_RECORDS for other in elements)
        if each not in elements and not empty:
            elements.append(each)
    return elements


def _rows(listing: _Listing, lists: _Lists, phones: list[Element]) -> list[Element]:
    """The rows of the old list, made of phones that were translated; without those that were not asked for."""
    identities, people, text = listing.context.extensions.identities, lists.people, listing.text
    rows: list[Element] = []
    for number, phone in zip(lists.rows, phones, strict=True):
        identity = identities.get(("number", number))
        owner = people.get(identity.user_id) if identity is not None else None
        if identity is None or owner is None:
            continue
        if text and identity.user_id not in lists.chosen and not _number_fits(listing, number):
            continue
        fill(phone, joined_name(owner.children), identity, number)
        rows.append(phone)
    return rows


def _number_fits(listing: _Listing, number: str) -> bool:
    """True if the filter is found in the number: in the extension's own part, unless it names the whole."""
    return listing.text in (number if "*" in listing.text else number.rpartition("*")[2])
