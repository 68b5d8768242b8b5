"""Histories that went wrong: each is a defect of its own, kept so that it does not come back."""

from __future__ import annotations

import pytest

from tests.account_model.driver import CLIENTS
from tests.account_model.history import OPEN, History
from tests.account_model.model import Person

CLIENT = CLIENTS[0]


def still_open(defect: str) -> pytest.MarkDecorator:
    """Fails as long as the defect is listed as open; take it off the list once it is mended."""
    return pytest.mark.xfail(
        defect in OPEN, reason=OPEN.get(defect, "mended"), strict=True, raises=AssertionError
    )


def a_user(history: History, login: str, *kinds: str) -> Person:
    person = history.native_user(CLIENT, login, *kinds)
    assert person is not None
    return person


def test_editing_an_extension_tells_of_the_siblings() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term", "ivr")
    history.look(gone=0)
    history.edit(history.model.of(person)[1], email="both@example.com")
    history.look(gone=0)


@still_open("number-again")
def test_a_new_extension_with_the_number_of_a_deleted_users_has_its_own_ids() -> None:
    history = History(strict=True)
    first = history.add(CLIENT, "anna", local="201")
    assert first is not None
    history.native_delete_user(first.person)
    history.look(gone=0)
    history.add(CLIENT, "bob", local="201")
    history.look(gone=0)


@still_open("number-again")
def test_a_new_extension_with_the_number_of_a_deleted_one_has_its_own_ids() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term")
    phone = history.native_extension(person, "term", "201")
    history.look(gone=0)
    history.native_delete(phone)
    history.look(gone=0)
    history.add(CLIENT, "bob", local="201")
    history.look(gone=0)


@still_open("delete-counts-gone")
def test_what_v3_deleted_before_is_not_counted_as_deleted() -> None:
    history = History(strict=True)
    person, other = a_user(history, "anna", "term"), a_user(history, "bob", "term")
    history.look(gone=0)
    history.native_delete_user(person)
    history.look(gone=0)
    [dead] = history.model.dead()
    history.delete(history.model.of(other), lost=[dead])
    history.look(gone=0)


@still_open("gone-unnoticed")
def test_an_extension_that_v3_adds_after_deleting_another_one_has_its_own_ids() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term", "term")
    second = history.model.of(person)[1]
    history.look(gone=0)
    history.native_delete(second)
    history.look(gone=0)
    history.native_extension(person, "ivr")
    history.look(gone=0)


@still_open("gone-unnoticed")
def test_a_renumbered_extension_keeps_its_ids_after_v3_deleted_its_sibling() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term", "term", "term")
    _, second, third = history.model.of(person)
    history.look(gone=0)
    history.native_delete(second)
    history.look(gone=0)
    history.native_renumber(third)
    history.look(gone=0)


@still_open("gone-unnoticed")
def test_an_identifier_finds_the_extension_that_is_left() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term", "term")
    first, second = history.model.of(person)
    history.look(gone=0)
    history.native_delete(first)
    history.look(gone=0)
    history.find_by_identifier(second)


def test_what_was_kept_of_a_deleted_extension_is_not_the_next_ones() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term", "term")
    history.look(gone=0)
    first = next(each for each in history.model.of(person) if each.id == str(person.user))
    history.permit(first, "premium")
    history.delete([first])
    history.look(gone=0)
    third = history.native_extension(person)
    history.look(gone=0)
    assert third.id != str(person.user)
    history.compare_permissions(third)


@still_open("gone-unnoticed")
def test_status_by_the_id_of_an_extension_that_is_gone_changes_nobody() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term", "term")
    history.look(gone=0)
    second = history.model.of(person)[1]
    history.native_delete(second)
    history.look(gone=0)
    reply = history.fixture.call("SetExtensionStatus", ID=str(second.id), status="0")
    assert reply.code == "100"
    assert history.fixture.world.accounts[person.user].status


@still_open("delete-counts-gone")
def test_deleting_an_extension_that_v3_deleted_before_leaves_its_user() -> None:
    history = History(strict=True)
    person = a_user(history, "anna", "term")
    history.look(gone=0)
    [phone] = history.model.of(person)
    history.native_delete(phone)
    history.delete([], lost=[str(phone.id)])
    assert person.user in history.fixture.world.accounts, "a user that v3 kept was deleted"


@still_open("moved-as-renumbered")
def test_an_extension_moved_to_a_user_who_lost_one_keeps_its_ids() -> None:
    history = History(strict=True)
    giver, taker = a_user(history, "anna", "term", "term"), a_user(history, "bob", "term", "term")
    history.look(gone=0)
    history.native_delete(history.model.of(taker)[1])
    history.native_move(history.model.of(giver)[1], taker)
    history.look(gone=0)


@still_open("moved-as-renumbered")
def test_an_extension_moved_from_a_user_who_gets_another_one_keeps_its_ids() -> None:
    history = History(strict=True)
    giver, taker = a_user(history, "anna", "term", "term"), a_user(history, "bob", "term")
    history.look(gone=0)
    history.native_move(history.model.of(giver)[1], taker)
    history.native_extension(giver)
    history.look(gone=0)
