"""How an extension of 2.5 is read: user and phone of v3 put together, one of them or a list.

A list costs no v3 call for each row: rows are joined by what the lists say, and only what stays unclear is
looked up.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from shim.core.commands import (
    Command,
    FindIdentities,
    Identity,
    Known,
)
from shim.core.compiled import Catalogue, Translation
from shim.core.errors import PARAMETER_MISSING, CallerError, Fault
from shim.core.forward import forward
from shim.core.identities import about, extensions_of, learn, note, recognise, renumbered
from shim.core.identities import known as known_to_map
from shim.core.model import Element
from shim.core.reconcile import reconcile
from shim.core.rules.model import Work
from translations.extension_templates import put, put_old, successors
from translations.person_names import joined as joined_name

Step = Generator[Command, Any, Element]


def finish(translation: Translation, work: Work, *answers: Element) -> Element:
    """One old answer out of what the legs gave; of the same element the first counts."""
    target = Element(translation.old.output.name)
    for answer in answers:
        known = {each.name for each in target.children}
        target.children += [each for each in answer.children if each.name not in known]
    for produce in translation.on_answer:
        produce(target, work)
    return target


def details(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
    """Profile and phone of one extension; where none is named, of the caller's own."""
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
    finished = finish(translation, work, user.to_old(profile, work), phone.to_old(device, work))
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


def listed(catalogue: Catalogue, translation: Translation, work: Work) -> Step:
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
    return finish(translation, work, Element(old.name, children=listed))


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
