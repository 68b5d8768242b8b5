"""What a running shim writes down of the calls that it serves."""

from __future__ import annotations

import json
import signal

from lxml import etree

from tests.end_to_end import sinks
from tests.end_to_end.messages import ACME, CLIENT, GET_CLIENTS, add_client, credentials, envelope, request
from tests.end_to_end.running import Backend, Shim, StartShim, integration
from tests.end_to_end.wire import answered, faulted, post

SLOW = {"deprecation.flush": 0.1, "backend.total_timeout": 1.5}


def usage(shim: Shim) -> dict[tuple[object, object], tuple[object, object]]:
    return {
        (row["integration"], row["operation"]): (row["calls"], row["faults"])
        for row in sinks.table(shim, "usage")
    }


def written(shim: Shim, calls: int) -> None:
    sinks.until(lambda: sinks.calls(shim) == calls, "calls are written")


def test_who_called_what_and_what_was_found(start_shim: StartShim) -> None:
    shim = start_shim({"deprecation.flush": 0.1})
    answered(post(shim, GET_CLIENTS, CLIENT, "User-Agent: PHP-SOAP/8.2"))
    answered(post(shim, add_client("seen", "<industry>4</industry><notifyOnly>1111</notifyOnly>"), CLIENT))
    faulted(post(shim, envelope(request("GetClientsRequest"), login=("acme", "wrong")), CLIENT))
    faulted(post(shim, b"<nothing/>", CLIENT))
    written(shim, 4)
    assert usage(shim) == {
        ("acme", "Client.GetClients"): (1, 0),
        ("acme", "Client.AddClient"): (1, 0),
        ("(unknown)", "Client.GetClients"): (1, 1),
        ("(unknown)", "(none)"): (1, 1),
    }
    callers = {
        (row["integration"], row["agent"], row["toolkit"], row["version"], row["address"])
        for row in sinks.table(shim, "callers")
    }
    assert ("acme", "PHP-SOAP/8.2", "PHP SoapClient", "2.5.1", "127.0.0.1") in callers
    assert ("acme", "", "hand-written", "2.5.1", "127.0.0.1") in callers
    findings = {row["path"]: row for row in sinks.table(shim, "findings")}
    kept = findings["industry"]
    assert (kept["integration"], kept["operation"], kept["code"], kept["state"]) == (
        "acme",
        "Client.AddClient",
        "field-kept",
        "new",
    )
    sample = json.loads(str(kept["sample"]))
    assert "<login>{login}</login>" in sample["old"]
    looked, call = sample["calls"]
    assert looked["operation"] == "Organization.GetOrganizations"
    assert (call["operation"], call["endpoint"]) == (
        "Organization.AddOrganization",
        "/soap2/organization_agent.php",
    )
    new = etree.fromstring(call["xml"])
    assert [each.tag.rpartition("}")[2] for each in new[1]] == ["AddOrganization"]
    assert "{accessToken}" in call["xml"]
    assert "Test Ltd" not in call["xml"]


def test_a_call_that_took_too_long_counts_for_whoever_made_it(backend: Backend, start_shim: StartShim) -> None:
    shim = start_shim(SLOW)
    answered(post(shim, GET_CLIENTS, CLIENT))
    backend.world.interfere("GetOrganizations", "late:3")
    fields = "<naem>x</naem>"
    assert faulted(post(shim, envelope(request("GetClientsRequest", fields)), CLIENT)).reason == "backend-late"
    written(shim, 2)
    assert usage(shim) == {("acme", "Client.GetClients"): (2, 1)}
    assert [row["path"] for row in sinks.table(shim, "findings")] == ["naem"]
    assert shim.said("call", reason="backend-late")["integration"] == "acme"


def test_what_was_counted_is_written_before_the_end(start_shim: StartShim) -> None:
    shim = start_shim({"deprecation.flush": 3600})
    answered(post(shim, GET_CLIENTS, CLIENT))
    assert sinks.calls(shim) == 0
    shim.signal(signal.SIGINT)
    assert shim.wait() is not None
    assert sinks.calls(shim) == 1


def test_whom_to_keep_out_is_reread(start_shim: StartShim) -> None:
    shim = start_shim({"deprecation.flush": 0.1})
    answered(post(shim, GET_CLIENTS, CLIENT))
    written(shim, 1)
    shim.configure(integrations=[{**integration(*ACME), "watched": False}])
    since = shim.mark
    shim.signal(signal.SIGHUP)
    shim.said("configuration reread", since=since)
    answered(post(shim, envelope(request("GetClientsRequest"), credentials(ACME)), CLIENT))
    kept_out = 'shim_calls_total{integration="acme",operation="Client.GetClients",result="kept-out"}'
    assert sinks.metric(shim, kept_out) == 1
    shim.signal(signal.SIGINT)
    shim.wait()
    assert sinks.calls(shim) == 1
