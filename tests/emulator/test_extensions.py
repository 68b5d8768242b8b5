"""Extensions: numbers, types, quotas, what is set for them, queues."""

from __future__ import annotations

from shim.core.message import Element
from tests.emulator.caller import Backend


def numbers(answer: Element) -> list[str]:
    return [each.get("extendedNumber") or "" for each in answer.all("extension")]


async def test_a_life(backend: Backend) -> None:
    added = await backend.call("AddExtension", "northwind", label="Desk", parentID=30)
    assert added.get("extendedNumber") == "0020*006"
    full = await backend.call(
        "AddExtension",
        label="Menu",
        parentLogin="nw001",
        extensionNo="210",
        extensionType="ivr",
        verbose="1",
        passwordAuto="1",
    )
    assert (full.get("extensionNo"), full.get("parentName"), full.get("extensionType")) == (
        "210",
        "Norma Reception",
        "ivr",
    )
    assert full.get("password")
    await backend.call("EditExtension", "nw001", extendedNumber="0020*210", label="Second menu")
    details = await backend.call("GetExtensionDetails", "nw001", extendedNumber="0020*210")
    assert (details.get("label"), details.get("parentID")) == ("Second menu", "30")
    gone = await backend.call("DelExtension", "northwind", extendedNumber=["0020*210", "0020*999"])
    assert (gone.get("items"), gone.get("result")) == ("1", "partial")
    assert 30 in backend.world.accounts
    await backend.refused("100", "GetExtensionDetails", extendedNumber="0020*210")
    await backend.refused("100", "DelExtension", extendedNumber="0020*210")


async def test_rows_tell_no_user_id(backend: Backend) -> None:
    answer = await backend.call("GetExtensions", "northwind", filter="nw003")
    (row,) = answer.all("extension")
    user = backend.world.accounts[32]
    assert dict(row.leaves()) == {
        "name": "Nora Support",
        "label": "Support queue",
        "email": "nw003@northwind.example",
        "extensionType": "phoneQueue",
        "extendedNumber": "0020*003",
        "identifier": user.identifier,
    }


async def test_list_filters(backend: Backend) -> None:
    assert numbers(await backend.call("GetExtensions", extensionType="term")) == ["0020*001", "0020*002"]
    assert numbers(await backend.call("GetExtensions", parentID=33)) == ["0020*004"]
    assert numbers(await backend.call("GetExtensions", parentID=21)) == []
    await backend.call("AddExtension", label="T", parentID=30, templateID=4)
    assert numbers(await backend.call("GetExtensions", templateID=4)) == ["0020*006"]


async def test_what_is_refused(backend: Backend) -> None:
    await backend.refused("117", "AddExtension", parentID=30)
    await backend.refused("251", "AddExtension", label="L", parentID=20)
    await backend.refused("251", "AddExtension", label="L", parentID=4000)
    await backend.refused("200", "AddExtension", label="L", parentID=30, extensionNo="002")
    await backend.refused("252", "AddExtension", label="L", parentID=30, templateID=3)
    await backend.refused("252", "AddExtension", label="L", parentID=30, templateID=4, extensionType="ivr")
    await backend.refused("100", "GetExtensionDetails", "nw001", extendedNumber="0020*002")
    await backend.refused("100", "EditExtension", "contoso", extendedNumber="0020*002", label="L")


async def test_a_new_user_needs_room_and_permission_first(backend: Backend) -> None:
    await backend.call("AddUser", "northwind", name="U", login="u")
    await backend.refused("520", "AddExtension", "northwind", label="L", parentID=100)
    await backend.call("SetUserPL", "northwind", ID=100, phoneExtMax=1)
    await backend.call("AddExtension", "northwind", label="L", parentID=100)
    await backend.refused("520", "AddExtension", "northwind", label="L", parentID=100)
    await backend.refused("520", "AddExtension", "northwind", label="L", parentID=100, extensionType="ivr")


async def test_a_quota_above_counts_too(backend: Backend) -> None:
    await backend.call("SetOrganizationPL", "acme", ID=20, phoneExtMax=2)
    await backend.refused("520", "AddExtension", "northwind", label="L", parentID=30)
    await backend.call("AddExtension", "northwind", label="L", parentID=30, extensionType="ivr")


async def test_settings_are_kept_with_what_was_not_sent(backend: Backend) -> None:
    at = {"extendedNumber": "0020*001"}
    first = await backend.call("GetVoicemailSettings", **at)
    assert (first.get("notify"), first.get("password")) == ("message", None)
    await backend.call("SetVoicemail", "nw001", **at, notify="alert", autoDelDays=3)
    await backend.call("SetVoicemail", "nw001", **at, autoDelDays=4)
    kept = await backend.call("GetVoicemailSettings", **at)
    assert (kept.get("notify"), kept.get("autoDelDays")) == ("alert", "4")
    await backend.call("SetupExtension", **at, phoneTerminal={"noAnswer": 20, "dnd": "true"})
    await backend.call("SetupExtension", **at, phoneTerminal={"dnd": "false"})
    setup = await backend.call("GetExtensionSettings", **at)
    assert (setup.get("phoneTerminal/noAnswer"), setup.get("phoneTerminal/dnd")) == ("20", "false")
    assert setup.get("extensionType") == "term"
    await backend.refused("152", "SetupExtension", **at, IVR={"name": "N"})
    await backend.call("DelExtension", extendedNumber="0020*001")
    assert not backend.world.settings


async def test_queues_and_agents(backend: Backend) -> None:
    queue = {"extendedNumber": "0020*003"}
    for agent in ("0020*001", "0020*002"):
        await backend.call("AssignQueueAgent", **queue, agentExtendedNumber=agent, penalty=2)
    await backend.refused("200", "AssignQueueAgent", **queue, agentExtendedNumber="0020*001")
    await backend.refused("152", "AssignQueueAgent", extendedNumber="0020*001", agentExtendedNumber="0020*002")
    await backend.call("AssignQueueRemoteAgent", **queue, name="Remote", agentID=7, phoneNumber="12125550123")
    await backend.call("SetQueueAgent", **queue, agentExtendedNumber="0020*001", supervisor="true", penalty=1)
    agents = await backend.call("GetQueueAgents", **queue)
    assert [dict(each.leaves()) for each in agents.all("localAgents")] == [
        {"ID": "30", "supervisor": "true", "penalty": "1", "extensionNo": "001"},
        {"ID": "31", "supervisor": "false", "penalty": "2", "extensionNo": "002"},
    ]
    assert [each.get("phoneNumber") for each in agents.all("remoteAgents")] == ["12125550123"]
    assert not (await backend.call("GetQueueAgents", **queue, filter="remote")).all("localAgents")
    member = (await backend.call("GetQueueMembership", extendedNumber="0020*001")).all("member")
    assert [each.get("queueExtendedNumber") for each in member] == ["0020*003"]
    gone = await backend.call("UnassignQueueAgent", queueExtendedNumber="0020*003", extendedNumber="0020*001")
    assert gone.get("result") == "success"
    await backend.call("DelExtension", extendedNumber="0020*002")
    assert not (await backend.call("GetQueueAgents", **queue, filter="local")).all("localAgents")
