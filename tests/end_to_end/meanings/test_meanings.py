"""What 2.5 meant is what v3 does: passwords, limits, zeros, remote agents and words, through the whole shim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shim.core.message import Element
from tests.end_to_end.messages import CLIENT, NORTHWIND, envelope
from tests.end_to_end.running import Backend, Shim, StartShim
from tests.end_to_end.wire import Said, answered, faulted, post

EXTENSION = "/soap2/extension_agent.php"


def message(operation: str, fields: str) -> bytes:
    return envelope(f"<{operation}Request>{fields}</{operation}Request>", login=NORTHWIND)


def call(shim: Shim, operation: str, fields: str, path: str = EXTENSION) -> Element:
    return answered(post(shim, message(operation, fields), path))


def refused(shim: Shim, operation: str, fields: str, path: str = EXTENSION) -> Said:
    return faulted(post(shim, message(operation, fields), path))


def add(shim: Shim, backend: Backend, login: str, fields: str = "") -> tuple[str, str]:
    """A new extension's ID and its number in v3."""
    profile = f"<name>{login}</name><login>{login}</login><country>us</country>{fields}"
    made = call(shim, "AddExtension", profile)
    account = backend.world.by_login(login)
    assert account is not None
    [number] = [each.number for each in backend.world.extensions.values() if each.user == account.id]
    return made.get("ID") or "", number


PASSWORD = "<password>Pass-2025</password>"


def test_a_password_that_v3_makes_is_that_of_user_and_phone_and_answered(shim: Shim, backend: Backend) -> None:
    since = len(backend.calls)
    profile = "<name>Auto</name><login>auto1</login><passwordAuto>1</passwordAuto><country>us</country>"
    made = call(shim, "AddExtension", profile)
    password = made.get("password")
    assert password
    account = backend.world.by_login("auto1")
    assert account is not None
    [phone] = [each for each in backend.world.extensions.values() if each.user == account.id]
    assert phone.password == password
    names = [each.operation for each in backend.calls[since:]]
    assert names.index("User.AddUser") < names.index("Extension.AddExtension")


def test_the_phone_follows_its_account_until_its_password_was_set_apart(shim: Shim, backend: Backend) -> None:
    identity, number = add(shim, backend, "apart1", PASSWORD)
    call(shim, "EditExtension", f"<password>Second-2025</password><ID>{identity}</ID>")
    assert backend.world.extensions[number].password == "Second-2025"
    call(shim, "SetProvision", f"<ID>{identity}</ID><password>Phone-2025</password>")
    assert backend.world.extensions[number].password == "Phone-2025"
    since = shim.mark
    call(shim, "EditExtension", f"<password>Third-2025</password><ID>{identity}</ID>")
    assert backend.world.extensions[number].password == "Phone-2025"
    assert shim.said("finding", since, code="phone-password-stays")["path"] == "password"


def test_empty_numbers_of_php_are_nothing(shim: Shim, backend: Backend) -> None:
    zeros = "<region>0</region><templateID>0</templateID><extensionNo>0</extensionNo><parentID>0</parentID>"
    _, number = add(shim, backend, "zero1", PASSWORD + zeros + "<chargingPlanID>0</chargingPlanID>")
    assert number.rpartition("*")[2].strip("0")
    assert refused(shim, "GetExtensionPL", "<ID>0</ID>").code == "117"


def test_a_limit_without_the_attribute_is_unlimited_for_v3(shim: Shim, backend: Backend) -> None:
    identity, _ = add(shim, backend, "limit1", PASSWORD)
    call(shim, "SetExtensionPL", f"<ID>{identity}</ID><concurentCalls>7</concurentCalls>")
    read = call(shim, "GetExtensionPL", f"<ID>{identity}</ID>").child("extensionPL")
    assert read is not None
    limit = read.child("concurentCalls")
    assert limit is not None
    assert (limit.text, limit.attributes) == ("7", {"unlimited": "true"})
    account = backend.world.by_login("limit1")
    assert account is not None
    assert account.limits["concurentCalls"][0].attributes == {"unlimited": "true"}


def test_a_remote_agent_is_named_by_its_id(shim: Shim, backend: Backend) -> None:
    queue, _ = add(shim, backend, "queue1", PASSWORD + "<extensionType>queue</extensionType>")
    agent, _ = add(shim, backend, "agent1", PASSWORD)
    here = f"<queueID>{queue}</queueID>"
    call(shim, "AssignQueueRemoteAgent", f"<name>Carl</name><agentID>7</agentID>{here}")
    call(shim, "AssignQueueAgent", f"<ID>{agent}</ID>{here}")
    call(shim, "SetQueueAgent", f"<supervisor>0</supervisor><penalty>9</penalty>{here}<ID>7</ID>")
    found = call(shim, "GetQueueAgents", f"<ID>{queue}</ID>")
    assert [each.get("penalty") for each in found.all("remoteAgents")] == ["9"]
    assert [each.get("ID") for each in found.all("localAgents")] == [agent]
    assert refused(shim, "UnassignQueueAgent", f"<ID>8</ID>{here}").code == "100"
    gone = call(shim, "UnassignQueueAgent", f"<ID>7</ID><ID>{agent}</ID>{here}")
    assert sorted(each.text or "" for each in gone.all("ID")) == sorted(("7", agent))
    found = call(shim, "GetQueueAgents", f"<ID>{queue}</ID>")
    assert not found.all("remoteAgents")
    assert not found.all("localAgents")


def test_faults_of_v3_name_what_the_caller_knows(shim: Shim) -> None:
    said = refused(shim, "MoveClients", "<resellerID>10</resellerID><ID>20</ID>", CLIENT)
    for word in ("organization", "serviceProvider", "MoveOrganizations"):
        assert word not in said.text


def test_a_new_extension_manages_nothing_that_2_5_did_not_let_it(shim: Shim, backend: Backend) -> None:
    add(shim, backend, "rights1", PASSWORD)
    account = backend.world.by_login("rights1")
    assert account is not None
    rights = {name: each[0].text for name, each in account.limits.items() if each and name.endswith("Manag")}
    for name in ("extensionManag", "extFeatureManag", "numberManag", "sipTrunkingManag"):
        assert rights.get(name, "false") == "false", name
    assert rights["sipManag"] == "true"


@pytest.mark.parametrize("name", ["email", "login"])
def test_an_empty_list_says_so_in_a_notice(shim: Shim, name: str) -> None:
    found = call(shim, "GetClients", f"<filter>no such {name}</filter>", CLIENT)
    assert not found.all("client")
    assert [each.get("code") for each in found.all("notice")] == ["030"]


@pytest.fixture
def own_emails(backend: Backend) -> Iterator[None]:
    """v3 wants an e-mail address of each account's own."""
    before, backend.world.ways = backend.world.ways, replace(backend.world.ways, emails="unique")
    yield
    backend.world.ways = before


def test_an_address_that_v3_takes_is_shared(start_shim: StartShim, backend: Backend) -> None:
    shim = start_shim({"conduct.shared_email": "leave_out"})
    for login in ("share1", "share2"):
        add(shim, backend, login, "<email>share@example.com</email>")
        account = backend.world.by_login(login)
        assert account is not None
        assert account.profile["email"] == "share@example.com"


@pytest.mark.usefixtures("own_emails")
def test_a_refused_address_is_left_out_where_that_is_set(start_shim: StartShim, backend: Backend) -> None:
    shim = start_shim({"conduct.shared_email": "leave_out"})
    add(shim, backend, "alone1", "<email>alone@example.com</email>")
    identity, _ = add(shim, backend, "alone2", "<email>alone@example.com</email><password>Pass-2025</password>")
    call(shim, "EditExtension", f"<name>Alone Two</name><email>alone@example.com</email><ID>{identity}</ID>")
    account = backend.world.by_login("alone2")
    assert account is not None
    assert (account.profile["name"], account.profile.get("email")) == ("Alone Two", None)
    assert shim.log.count('"field-dropped"') == 2


@pytest.mark.usefixtures("own_emails")
@pytest.mark.parametrize("how", ["use", "refuse"])
def test_an_address_that_v3_refuses_is_refused(start_shim: StartShim, backend: Backend, how: str) -> None:
    shim = start_shim({"conduct.shared_email": how})
    add(shim, backend, f"{how}1", f"<email>{how}@example.com</email>")
    profile = f"<name>B</name><login>{how}2</login><country>us</country><email>{how}@example.com</email>"
    assert refused(shim, "AddExtension", profile).code == "300"
    assert backend.world.by_login(f"{how}2") is None
