"""The ladder and brownouts on a shim that runs, moved from the command line meanwhile."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner

from shim.cli.main import app
from tests.end_to_end.meanings.test_linked_op import operation, packed
from tests.end_to_end.messages import ACME, ADMIN, CLIENT, GET_CLIENTS, RESELLER, envelope, request
from tests.end_to_end.running import PATIENCE, Backend, Shim, Tls, demo_integrations, running_shim
from tests.end_to_end.wire import Reply, answered, faulted, post

GET_RESELLERS = envelope(request("GetResellersRequest"), login=ADMIN)
AS_ADMIN = envelope(request("GetClientsRequest"), login=ADMIN)
RUNGS = {"acme": {"Client.GetClientDetails": "v3"}}


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    entries = [{**each, "porting": RUNGS.get(each["name"], {})} for each in demo_integrations()]
    with running_shim(backend.url, tls, {"integrations": entries}) as running:
        yield running


def command(shim: Shim, *args: str) -> str:
    """What a `shim` command prints, on the store of the shim that runs."""
    done = CliRunner().invoke(app, [*args[:2], "-c", str(shim.folder / "config.yaml"), *args[2:]])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def until(shim: Shim, body: bytes, wanted: Callable[[Reply], bool], path: str = CLIENT) -> Reply:
    """The reply to a call, once it is the wanted one: a shim that runs notices changes within seconds."""
    deadline = time.monotonic() + PATIENCE
    while not wanted(reply := post(shim, body, path)):
        assert time.monotonic() < deadline, reply.text
        time.sleep(0.1)
    return reply


def served(reply: Reply) -> bool:
    return reply.status == 200


def refused(reply: Reply) -> bool:
    return reply.status == 500


def test_a_rung_of_the_configuration_holds_from_the_start(shim: Shim) -> None:
    since = shim.mark
    answered(post(shim, envelope(request("GetClientDetailsRequest", "<ID>20</ID>"))))
    assert ("came-back", "GetClientDetailsRequest") in shim.found(since)


def test_up_and_down_the_ladder_while_it_runs(shim: Shim, backend: Backend) -> None:
    command(shim, "porting", "set", "acme", "Client.GetClients", "locked", "--why", "silent since May")
    said = faulted(until(shim, GET_CLIENTS, refused))
    assert (said.reason, said.code, said.side) == ("locked", "520", "Client")
    assert "make the v3 call instead" in said.text
    with backend.watched() as calls:
        faulted(post(shim, GET_CLIENTS))
    assert calls == []
    found = shim.wait_for(lambda each: each.get("code") == "operation-locked")
    assert (found["integration"], found["severity"]) == ("acme", "refused")
    answered(post(shim, AS_ADMIN))
    answered(post(shim, envelope(request("GetClientDetailsRequest", "<ID>20</ID>"))))

    command(shim, "porting", "set", "acme", "Client.GetClients", "v3")
    since = shim.mark
    answered(until(shim, GET_CLIENTS, served))
    shim.said("finding", since, code="came-back", operation="Client.GetClients", severity="warning")

    command(shim, "porting", "reset", "acme", "Client.GetClients")
    command(shim, "porting", "set", "acme", "*", "locked")
    faulted(until(shim, GET_CLIENTS, refused))
    since = shim.mark
    answered(post(shim, envelope(request("GetClientDetailsRequest", "<ID>20</ID>"))))
    assert ("came-back", "GetClientDetailsRequest") in shim.found(since), "the exact operation goes over all"
    command(shim, "porting", "reset", "acme", "*")
    answered(until(shim, GET_CLIENTS, served))
    history = json.loads(command(shim, "porting", "history", "acme", "--format", "json"))["changes"]
    assert [(each["operation"], each["was"], each["became"]) for each in reversed(history)] == [
        ("Client.GetClients", "", "locked"),
        ("Client.GetClients", "locked", "v3"),
        ("Client.GetClients", "v3", ""),
        ("*", "", "locked"),
        ("*", "locked", ""),
    ]


def test_rungs_hold_for_the_calls_inside_a_call(shim: Shim, backend: Backend) -> None:
    """Each by its own: one comes back and is served, the other is refused, and the list goes on."""
    command(shim, "porting", "set", "acme", "Client.GetClients", "locked")
    faulted(until(shim, GET_CLIENTS, refused))
    held = ("<GetClientsRequest/>", "<GetClientDetailsRequest><ID>20</ID></GetClientDetailsRequest>")
    packages = [operation(str(number), packed(each), final=False) for number, each in enumerate(held)]
    message = envelope(f"<LinkedOpRequest>{''.join(packages)}</LinkedOpRequest>")
    since = shim.mark
    with backend.watched() as calls:
        answer = answered(post(shim, message, "/soap2/globalop_agent.php"))
    assert [each.get("result") for each in answer.all("operation")] == ["failure", "success"]
    assert [each.operation for each in calls] == ["Organization.GetOrganizationDetails"]
    within = {"within": "GlobalOp.LinkedOp", "integration": "acme"}
    shim.said("finding", since, code="operation-locked", operation="Client.GetClients", **within)
    shim.said("finding", since, code="came-back", operation="Client.GetClientDetails", **within)
    shim.said("inner calls", since, operation="Client.GetClients", calls=1, faults=1, **within)
    command(shim, "porting", "reset", "acme", "Client.GetClients")
    answered(until(shim, GET_CLIENTS, served))


def test_the_configuration_is_reread_on_sighup(shim: Shim) -> None:
    before, since = shim.settings["integrations"], shim.mark
    for porting, status in (({"Client.*": "locked"}, 500), ({}, 200)):
        shim.configure(integrations=[{**each, "porting": porting} for each in before])
        shim.signal(signal.SIGHUP)
        shim.said("configuration reread", since)
        assert post(shim, AS_ADMIN).status == status
        since = shim.mark
    shim.configure(integrations=before)
    shim.signal(signal.SIGHUP)
    shim.said("configuration reread", since)


def test_a_brownout_begins_by_itself_and_one_command_stops_it(shim: Shim) -> None:
    window = (
        "--starts",
        "now",
        "--for",
        "1h",
        "--text",
        "2.5 ends in March",
        "--link",
        "https://example.com/v3",
    )
    command(shim, "brownout", "plan", "*", "Client.*", *window)
    said = faulted(until(shim, GET_CLIENTS, refused))
    assert (said.reason, said.code, said.side) == ("brownout", None, "Server")
    assert "2.5 ends in March" in said.text
    assert "https://example.com/v3" in said.text
    assert " UTC" in said.text
    assert faulted(post(shim, AS_ADMIN)).reason == "brownout"
    answered(post(shim, GET_RESELLERS, RESELLER))
    shim.said("finding", code="browned-out", severity="refused", integration="admin")
    command(shim, "brownout", "stop")
    answered(until(shim, GET_CLIENTS, served))
    answered(post(shim, AS_ADMIN))


def test_a_stranger_learns_nothing_of_rungs(shim: Shim) -> None:
    stranger = envelope(request("GetClientsRequest"), login=(ACME[0], "wrong"))
    assert faulted(post(shim, stranger)).reason == "login-refused"
