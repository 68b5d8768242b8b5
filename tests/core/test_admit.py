"""Who is let through: the rungs of the porting ladder and brownouts, on calls as the core sees them."""

from __future__ import annotations

import pytest

from shim.core.admit import admit, covers, pattern_problem, rung_of
from shim.core.commands.backend import Call
from shim.core.commands.caller import Brownout, Caller, Identify, Rung
from shim.core.errors import CallerError
from shim.core.findings import Findings
from shim.core.message import Element
from shim.core.pipeline import Request, Shim, exchange
from shim.interfaces.load import old
from tests.support.conversation import catalogue, old_request

GET = old().operations["Client.GetClients"]
ADD = old().operations["Client.AddClient"]


def brownout(operation: str = "*", **more: str) -> Brownout:
    return Brownout("b1", operation, "2026-02-01 12:00 UTC", **more)


def codes(findings: Findings) -> list[tuple[str, str, str]]:
    return [(each.code, each.severity, each.path) for each in findings]


@pytest.mark.parametrize(
    ("rungs", "rung"),
    [
        ({}, "translate"),
        ({"*": "v3"}, "v3"),
        ({"*": "v3", "Client.*": "compare"}, "compare"),
        ({"Client.GetClients": "translate", "Client.*": "locked", "*": "v3"}, "translate"),
        ({"Client.AddClient": "locked", "Reseller.*": "locked"}, "translate"),
    ],
)
def test_the_exact_operation_goes_over_its_service_over_all(rungs: dict[str, Rung], rung: Rung) -> None:
    assert rung_of(rungs, "Client.GetClients") == rung


def test_what_a_scope_takes_in() -> None:
    assert all(covers(scope, "Client.GetClients") for scope in ("*", "Client.*", "Client.GetClients"))
    assert not any(covers(scope, "Client.GetClients") for scope in ("Client.GetClient", "Reseller.*", "Client"))


def test_scopes_are_judged_by_the_old_interface() -> None:
    for scope in ("*", "Client.*", "Client.GetClients", "GlobalOp.LinkedOp"):
        assert pattern_problem(old(), scope) is None
    assert "there is no Client.GetClient in 2.5: `shim coverage Client`" in str(
        pattern_problem(old(), "Client.GetClient")
    )
    for scope in ("GetClients", "Organization.GetOrganizations", "client.*", "", "*.GetClients"):
        assert "write Service.Operation" in str(pattern_problem(old(), scope))


@pytest.mark.parametrize("rung", ["translate", "compare"])
def test_the_lower_rungs_say_nothing(rung: Rung) -> None:
    findings = Findings()
    admit(Caller("crm", rungs={"*": rung}), GET, findings)
    assert not list(findings)


def test_a_call_of_a_ported_operation_is_served_and_found() -> None:
    findings = Findings()
    admit(Caller("crm", rungs={"Client.GetClients": "v3"}), GET, findings)
    assert codes(findings) == [("came-back", "warning", "GetClientsRequest")]
    untouched = Findings()
    admit(Caller("crm", rungs={"Client.GetClients": "v3"}), ADD, untouched)
    assert not list(untouched)


def test_a_locked_operation_is_refused_and_the_fault_says_what_to_do() -> None:
    findings = Findings()
    caller = Caller("crm", rungs={"*": "locked"}, brownouts=(brownout(),))
    with pytest.raises(CallerError, match="make the v3 call instead") as caught:
        admit(caller, GET, findings)
    assert (caught.value.reason, caught.value.code, caught.value.side) == ("locked", "520", "Client")
    assert codes(findings) == [("operation-locked", "refused", "GetClientsRequest")]


def test_a_brownout_says_why_until_when_and_where_to_read_on() -> None:
    findings = Findings()
    said = brownout("Client.*", text="2.5 ends in March.", link="https://example.com/v3")
    with pytest.raises(CallerError) as caught:
        admit(Caller("crm", rungs={"*": "v3"}, brownouts=(said,)), GET, findings)
    assert (caught.value.reason, caught.value.code, caught.value.side) == ("brownout", None, "Server")
    for part in ("Client.GetClients", "2026-02-01 12:00 UTC", "in March. It", "https://example.com/v3."):
        assert part in caught.value.text
    assert codes(findings) == [("browned-out", "refused", "GetClientsRequest")]


def test_a_brownout_of_others_is_none() -> None:
    findings = Findings()
    admit(Caller("crm", brownouts=(brownout("Client.AddClient"), brownout("Reseller.*"))), GET, findings)
    assert not list(findings)


def served(caller: Caller) -> tuple[str | None, object, list[str]]:
    """Rung, next command after the identification (or the fault's reason), and finding codes."""
    message = old_request(GET, Element("GetClientsRequest"))
    under_way = exchange(Shim(catalogue()), Request("/soap2/client_agent.php", "text/xml", message))
    assert isinstance(next(under_way), Identify)
    try:
        command = under_way.send(caller)
    except StopIteration as stop:
        outcome = stop.value
        return outcome.rung, outcome.fault.reason, [each.code for each in outcome.findings]
    return None, command, []


def test_the_request_path_makes_no_v3_call_for_what_is_refused() -> None:
    assert isinstance(served(Caller("crm"))[1], Call)
    assert isinstance(served(Caller("crm", rungs={"*": "v3"}))[1], Call)
    assert served(Caller("crm", rungs={"*": "locked"})) == ("locked", "locked", ["operation-locked"])
    assert served(Caller("crm", brownouts=(brownout(),))) == ("translate", "brownout", ["browned-out"])
