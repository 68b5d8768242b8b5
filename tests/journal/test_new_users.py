"""What a new extension's user may do, and templates, against the emulated backend."""

from __future__ import annotations

import pytest

from shim.core.message import Element
from shim.emulator.world.world import EmulatedAccount
from tests.journal import house as houses
from tests.journal.house import House, added
from tests.journal.test_calls import ADD


@pytest.fixture
def conduct(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Rules of conduct of the one integration, to be filled."""
    own: dict[str, object] = {}
    plain = houses.INTEGRATION.model_dump(exclude={"conduct"})
    integration = type(houses.INTEGRATION)
    secret = houses.INTEGRATION.new.app_secret.get_secret_value()

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

    monkeypatch.setattr(houses, "INTEGRATION", Filled())
    return own


async def new_user(house: House, **fields: str) -> EmulatedAccount:
    outcome = await house.process().call("AddExtension", [*ADD, *fields.items()])
    assert outcome.fault is None, outcome.fault.text
    [user], [_] = added(house)
    return house.world.accounts[user]


def may(user: EmulatedAccount, name: str) -> str | None:
    [value] = user.limits[name]
    return "unlimited" if value.attributes.get("unlimited") == "true" else value.text


async def test_a_template_for_users_goes_to_the_user_alone(house: House) -> None:
    user = await new_user(house, templateID="3")
    assert user.template == 3
    assert [each.template for each in house.world.extensions.values() if each.user == user.id] == [None]
    assert "User.SetUserPL" not in [each.operation for each in house.world.calls]


async def test_a_template_for_extensions_goes_to_the_extension_alone(house: House) -> None:
    user = await new_user(house, templateID="4")
    assert user.template is None
    assert [each.template for each in house.world.extensions.values() if each.user == user.id] == [4]
    assert may(user, "sipManag") == "true"


async def test_an_old_template_becomes_both(house: House, conduct: dict[str, object]) -> None:
    conduct["templates"] = {"77": {"user": 3, "extension": 4}}
    user = await new_user(house, templateID="77")
    assert user.template == 3
    assert [each.template for each in house.world.extensions.values() if each.user == user.id] == [4]
    listed = await house.process().call("GetExtensions", [("parentID", "20"), ("templateID", "77")])
    assert listed.answer is not None
    assert (listed.answer.count(b":extension>"), str(user.id).encode() in listed.answer) == (2, True)


async def test_no_such_template_changes_nothing(house: House) -> None:
    for template in ("2", "999"):  # one for organizations, and none
        outcome = await house.process().call("AddExtension", [*ADD, ("templateID", template)])
        assert outcome.fault is not None
        assert outcome.fault.code == "252"
    assert added(house) == ([], [])


async def test_nobody_gets_more_than_the_organization_has(house: House, conduct: dict[str, object]) -> None:
    conduct["new_user"] = "parent"
    conduct["new_user_values"] = {"concurentInternalCalls": 9, "IMManag": "leave", "provisionManag": 2}
    organization = house.world.accounts[20]
    organization.limits["concurentCalls"] = [Element("concurentCalls", "2", {"unlimited": "false"})]
    organization.limits["soundManag"] = [Element("soundManag", "false")]
    user = await new_user(house)
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


async def test_what_v3_refuses_to_grant_is_lowered_and_said(house: House) -> None:
    organization = house.world.accounts[20]
    organization.limits["mailboxSize"] = [Element("mailboxSize", "100", {"unlimited": "false"})]
    house.trouble.actions[("User.SetUserPL", 0)] = "fault:520"
    outcome = await house.process().call("AddExtension", ADD)
    assert outcome.fault is None
    found = {each.code: each.because for each in outcome.findings}
    assert "mailboxSize" in found["grant-lowered"]
    [user], _ = added(house)
    assert may(house.world.accounts[user], "mailboxSize") == "100"
    assert not await house.process().journal.entries("running", "undoing", "paused")
