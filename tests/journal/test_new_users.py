"""What a new extension's user may do, and templates, against the emulated backend."""

from __future__ import annotations

import pytest

from shim.core.message import Element
from shim.emulator.world.world import EmulatedAccount
from tests.journal import fixture as fixtures
from tests.journal.fixture import JournalFixture, added
from tests.journal.test_calls import ADD


@pytest.fixture
def conduct(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Rules of conduct of the one integration, to be filled."""
    own: dict[str, object] = {}
    plain = fixtures.INTEGRATION.model_dump(exclude={"conduct"})
    integration = type(fixtures.INTEGRATION)
    secret = fixtures.INTEGRATION.new.app_secret.get_secret_value()

    class Filled:
        def __getattr__(self, name: str) -> object:
            made = integration.model_validate(
                {
                    **plain,
                    "old": {"username": "northwind", "password": "x"},
                    "new": {"app_key": "northwind-key", "app_secret": secret},
                    "conduct": own,
                }
            )
            return getattr(made, name)

    monkeypatch.setattr(fixtures, "INTEGRATION", Filled())
    return own


async def new_user(fixture: JournalFixture, **fields: str) -> EmulatedAccount:
    outcome = await fixture.process().call("AddExtension", [*ADD, *fields.items()])
    assert outcome.fault is None, outcome.fault.text
    [user], [_] = added(fixture)
    return fixture.world.accounts[user]


def may(user: EmulatedAccount, name: str) -> str | None:
    [value] = user.limits[name]
    return "unlimited" if value.attributes.get("unlimited") == "true" else value.text


async def test_a_template_for_users_goes_to_the_user_alone(fixture: JournalFixture) -> None:
    user = await new_user(fixture, templateID="3")
    assert user.template == 3
    assert [each.template for each in fixture.world.extensions.values() if each.user == user.id] == [None]
    assert "User.SetUserPL" not in [each.operation for each in fixture.world.calls]


async def test_a_template_for_extensions_goes_to_the_extension_alone(fixture: JournalFixture) -> None:
    user = await new_user(fixture, templateID="4")
    assert user.template is None
    assert [each.template for each in fixture.world.extensions.values() if each.user == user.id] == [4]
    assert may(user, "sipManag") == "true"


async def test_an_old_template_becomes_both(fixture: JournalFixture, conduct: dict[str, object]) -> None:
    conduct["templates"] = {"77": {"user": 3, "extension": 4}}
    user = await new_user(fixture, templateID="77")
    assert user.template == 3
    assert [each.template for each in fixture.world.extensions.values() if each.user == user.id] == [4]
    listed = await fixture.process().call("GetExtensions", [("parentID", "20"), ("templateID", "77")])
    assert listed.answer is not None
    assert (listed.answer.count(b":extension>"), str(user.id).encode() in listed.answer) == (2, True)


async def test_no_such_template_changes_nothing(fixture: JournalFixture) -> None:
    for template in ("2", "999"):  # one for organizations, and none
        outcome = await fixture.process().call("AddExtension", [*ADD, ("templateID", template)])
        assert outcome.fault is not None
        assert outcome.fault.code == "252"
    assert added(fixture) == ([], [])


async def test_nobody_gets_more_than_the_organization_has(
    fixture: JournalFixture, conduct: dict[str, object]
) -> None:
    conduct["new_user"] = "parent"
    conduct["new_user_values"] = {"concurentInternalCalls": 9, "IMManag": "leave", "provisionManag": 2}
    organization = fixture.world.accounts[20]
    organization.limits["concurentCalls"] = [Element("concurentCalls", "2", {"unlimited": "false"})]
    organization.limits["soundManag"] = [Element("soundManag", "false")]
    user = await new_user(fixture)
    given = (
        "concurentCalls",
        "soundManag",
        "concurentInternalCalls",
        "IMManag",
        "provisionManag",
        "mailboxMax",
    )
    assert [may(user, name) for name in given] == ["2", "false", "9", "false", "2", "unlimited"]
    assert may(user, "phoneExtMax") == "1"


async def test_what_v3_refuses_to_grant_is_lowered_and_said(fixture: JournalFixture) -> None:
    organization = fixture.world.accounts[20]
    organization.limits["mailboxSize"] = [Element("mailboxSize", "100", {"unlimited": "false"})]
    fixture.trouble.actions[("User.SetUserPL", 0)] = "fault:520"
    outcome = await fixture.process().call("AddExtension", ADD)
    assert outcome.fault is None
    found = {each.code: each.because for each in outcome.findings}
    assert "mailboxSize" in found["grant-lowered"]
    [user], _ = added(fixture)
    assert may(fixture.world.accounts[user], "mailboxSize") == "100"
    assert not await fixture.process().journal.entries("running", "undoing", "paused")
