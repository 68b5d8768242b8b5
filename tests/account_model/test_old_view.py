"""Users of v3 with several extensions, none, or types that 2.5 cannot set up: a consistent old world."""

from __future__ import annotations

import pytest
from lxml import etree

from shim.core.message import Element
from tests.account_model.driver import CLIENTS, FIRST_ISSUED, PROVIDER, ModelFixture, Reply
from tests.account_model.history import History

CLIENT = CLIENTS[0]
KINDS = ("term", "queue", "ivr", "voicecenter", "conference", "callback", "callcard", "intercom", "queuecenter")
LISTS = ["User.GetUsers", "Extension.GetExtensions"]
BY_ID = (
    "GetExtensionDetails", "GetExtensionPL", "GetExtensionSettings", "GetAvailableCallerID",
    "GetVoicemailSettings", "GetCallRecordingSettings", "GetFaxCenterSettings", "GetConferenceSettings",
    "GetQueueMembership",
)  # fmt: skip
BY_USER_ID = ("GetCallRulesIn", "GetCardCode", "GetAuthCallerID")


@pytest.fixture
def fixture() -> ModelFixture:
    return ModelFixture()


def listed(fixture: ModelFixture, **more: str) -> dict[str, Element]:
    rows = fixture.call("GetExtensions", parentID=CLIENT, **more).rows()
    return {row.get("extensionNo") or "": row for row in rows}


def several(fixture: ModelFixture, count: int = 3) -> int:
    user = fixture.new_user(CLIENT, "anna")
    for number in range(count):
        fixture.new_extension(user, f"50{number}")
    return user


# ---- each ID that a list shows can be used in the next call ----


@pytest.mark.parametrize("operation", [*BY_ID, *BY_USER_ID])
@pytest.mark.parametrize("kind", KINDS)
def test_every_listed_id_can_be_read_with(fixture: ModelFixture, operation: str, kind: str) -> None:
    for login in ("anna", "bob"):
        user = fixture.new_user(CLIENT, login)
        for number in range(2):
            fixture.new_extension(user, f"{len(login)}0{number}", "phoneQueue" if kind == "queue" else kind)
    fixture.new_user(CLIENT, "nobody")
    rows = listed(fixture)
    assert len(rows) == 4
    for row in rows.values():
        assert row.get("extensionType") == kind
        name = "userID" if operation in BY_USER_ID else "ID"
        reply = fixture.call(operation, **{name: row.get("ID") or ""})
        assert reply.fault is None, reply.fault.text
        said = {each.text for each in reply.answer.children if each.name in ("ID", "userID")}
        assert said <= {row.get("ID")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_listed_id_can_be_written_with(fixture: ModelFixture, kind: str) -> None:
    user = fixture.new_user(CLIENT, "anna")
    for number in range(3):
        fixture.new_extension(user, f"50{number}", "phoneQueue" if kind == "queue" else kind)
    ids = [row.get("ID") or "" for row in listed(fixture).values()]
    for old_id in ids:
        assert fixture.call("EditExtension", ID=old_id, name=f"Name {old_id}").get("ID") == old_id
        assert fixture.call("SetExtensionStatus", ID=old_id, status="1").get("ID") == old_id
        assert fixture.call("SetExtensionCpAccess", ID=old_id, cpAccess="1").get("ID") == old_id
        assert fixture.call("SetExtensionPL", ID=old_id, soundManag="1").get("ID") == old_id
        assert fixture.call("SetVoicemail", ID=old_id, status="1").get("ID") == old_id
    for old_id in ids:
        assert fixture.call("DelExtension", ID=old_id).get("items") == "1"
    assert listed(fixture) == {}


def test_each_of_several_extensions_is_an_account(fixture: ModelFixture) -> None:
    user = several(fixture)
    rows = listed(fixture)
    assert set(rows) == {"500", "501", "502"}
    ids = {row.get("ID") for row in rows.values()}
    assert len(ids) == 3
    assert str(user) in ids
    issued = [int(each) for each in ids if each and each != str(user)]
    assert all(each >= FIRST_ISSUED for each in issued)
    again = {local: row.get("ID") for local, row in listed(fixture).items()}
    assert again == {local: row.get("ID") for local, row in rows.items()}


def test_a_user_without_extensions_is_no_extension(fixture: ModelFixture) -> None:
    user = fixture.new_user(CLIENT, "anna")
    assert listed(fixture) == {}
    reads = ("GetExtensionDetails", "GetExtensionPL", "GetExtensionSettings")
    assert {fixture.call(each, ID=user).code for each in reads} == {"100"}
    assert fixture.call("SetExtensionStatus", ID=user, status="0").code == "100"
    assert fixture.world.accounts[user].status


def test_an_id_can_be_used_before_any_list(fixture: ModelFixture) -> None:
    user = several(fixture, 2)
    cold, warm = (fixture.call("SetExtensionStatus", ID=user, status="0") for _ in range(2))
    assert cold.get("ID") == warm.get("ID") == str(user)
    assert len(cold.calls) <= 3
    assert warm.calls == ["User.SetUserStatus"]


# ---- how many v3 calls a list makes ----


def test_a_list_makes_two_calls_cold_and_warm(fixture: ModelFixture) -> None:
    for number in range(40):
        fixture.new_extension(fixture.new_user(CLIENT, f"user{number}"), f"{number:03d}")
    fixture.new_extension(100, "900")
    cold, warm = (fixture.call("GetExtensions", parentID=CLIENT) for _ in range(2))
    assert (cold.calls, warm.calls) == (LISTS, LISTS)
    assert len(cold.rows()) == len(warm.rows()) == 41
    assert [row.get("ID") for row in cold.rows()] == [row.get("ID") for row in warm.rows()]


def test_a_list_by_type_or_filter_makes_two_calls_too(fixture: ModelFixture) -> None:
    for number in range(6):
        user = fixture.new_user(CLIENT, f"user{number}")
        fixture.new_extension(user, f"{number:03d}", "ivr" if number % 2 else "term")
    assert fixture.call("GetExtensions", parentID=CLIENT, extensionType="ivr").calls == LISTS
    found = fixture.call("GetExtensions", parentID=CLIENT, filter="user3")
    assert found.calls == LISTS
    assert [row.get("login") for row in found.rows()] == ["user3"]


def test_rows_that_do_not_tell_their_owner_are_looked_up_once(
    fixture: ModelFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        fixture.new_extension(fixture.new_user(CLIENT, f"user{number}"), f"{number:03d}")
    _forget_identifiers(monkeypatch)
    cold, warm = (fixture.call("GetExtensions", parentID=CLIENT) for _ in range(2))
    assert cold.calls == [*LISTS, *["Extension.GetExtensionDetails"] * 5]
    assert warm.calls == LISTS
    assert len(cold.rows()) == len(warm.rows()) == 5


def _forget_identifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A v3 whose list of extensions says no identifiers."""
    answer = ModelFixture._backend

    def without(self: ModelFixture, call: object, by: int) -> object:
        told = answer(self, call, by)  # type: ignore[arg-type]
        if getattr(call, "full_name", "") != "Extension.GetExtensions":
            return told
        return type(told)(told.status, told.content_type, _cut(told.body))

    monkeypatch.setattr(ModelFixture, "_backend", without)


def _cut(body: bytes) -> bytes:
    root = etree.fromstring(body)
    for each in root.xpath("//*[local-name()='identifier']"):
        each.getparent().remove(each)
    return etree.tostring(root)


# ---- siblings ----


def test_editing_one_of_several_extensions_tells_of_the_others(fixture: ModelFixture) -> None:
    several(fixture)
    rows = listed(fixture)
    reply = fixture.call("EditExtension", ID=rows["501"].get("ID") or "", email="new@example.com")
    assert "siblings-touched" in reply.findings
    assert "2 more" in _because(reply, "siblings-touched")
    assert {row.get("email") for row in listed(fixture).values()} == {"new@example.com"}


def test_editing_the_only_extension_tells_of_nobody(fixture: ModelFixture) -> None:
    user = several(fixture, 1)
    assert "siblings-touched" not in fixture.call("EditExtension", ID=user, email="new@example.com").findings


@pytest.mark.parametrize("operation", ["SetExtensionStatus", "SetExtensionCpAccess", "SetExtensionPL"])
def test_what_is_set_on_the_user_tells_of_the_others(fixture: ModelFixture, operation: str) -> None:
    user = several(fixture, 2)
    listed(fixture)
    fields = {"SetExtensionStatus": "status", "SetExtensionCpAccess": "cpAccess", "SetExtensionPL": "sipManag"}
    reply = fixture.call(operation, ID=user, **{fields[operation]: "1"})
    assert "1 more" in _because(reply, "siblings-touched")


def _because(reply: Reply, code: str) -> str:
    return next(each.because for each in reply.outcome.findings if each.code == code)


# ---- deleting ----


def test_deleting_a_second_extension_keeps_the_user(fixture: ModelFixture) -> None:
    user = several(fixture, 2)
    rows = listed(fixture)
    issued = next(row.get("ID") or "" for row in rows.values() if row.get("ID") != str(user))
    reply = fixture.call("DelExtension", ID=issued)
    assert (reply.get("items"), reply.get("result")) == ("1", "success")
    assert "user-kept" in reply.findings
    assert user in fixture.world.accounts
    assert [row.get("ID") for row in listed(fixture).values()] == [str(user)]


def test_deleting_the_first_extension_keeps_the_user_for_the_second(fixture: ModelFixture) -> None:
    user = several(fixture, 2)
    before = {row.get("ID") for row in listed(fixture).values()}
    reply = fixture.call("DelExtension", ID=user)
    assert reply.get("items") == "1"
    assert "user-kept" in reply.findings
    assert {row.get("ID") for row in listed(fixture).values()} == before - {str(user)}
    assert fixture.call("GetExtensionDetails", ID=user).code == "100"


def test_deleting_the_last_extension_deletes_the_user(fixture: ModelFixture) -> None:
    user = several(fixture, 1)
    assert fixture.call("DelExtension", ID=user).calls[-1] == "User.DelUser"
    assert user not in fixture.world.accounts


def test_deleting_all_extensions_of_a_user_at_once_deletes_it(fixture: ModelFixture) -> None:
    history = History(fixture)
    person = history.native_user(CLIENT, "anna", "term", "ivr", "queue")
    assert person is not None
    history.look()
    history.delete(history.model.of(person), lost=["7"])
    assert person.user not in fixture.world.accounts


def test_an_organization_sees_only_its_own(fixture: ModelFixture) -> None:
    several(fixture, 2)
    fixture.new_extension(fixture.new_user(CLIENTS[1], "bob"), "600")
    own, other = (fixture.call("GetExtensions", by=client) for client in CLIENTS)
    assert [len(each.rows()) for each in (own, other)] == [2, 1]
    foreign = own.rows()[0].get("ID") or ""
    assert fixture.call("GetExtensionDetails", by=CLIENTS[1], ID=foreign).fault is not None
    assert len(fixture.call("GetExtensions", by=PROVIDER).rows()) == 3
