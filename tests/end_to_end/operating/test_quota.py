"""What one integration may take: a rate with a fault that says when to come again, and places in flight."""

from __future__ import annotations

import pytest

from tests.end_to_end.messages import GET_CLIENTS, NORTHWIND, envelope, request
from tests.end_to_end.running import StartShim, demo_integrations
from tests.end_to_end.wire import answered, post


@pytest.mark.slow
def test_calls_above_the_rate_get_a_fault_with_retry_after_and_others_are_served(start_shim: StartShim) -> None:
    limited = {"calls_per_second": 0.001, "burst": 3}
    logins = [{**each, "quota": limited} if each["name"] == "acme" else each for each in demo_integrations()]
    shim = start_shim({"integrations": logins})
    for _ in range(3):
        answered(post(shim, GET_CLIENTS))
    refused = post(shim, GET_CLIENTS)
    assert refused.status == 500
    assert "calls more often than it may: nothing was changed" in refused.text
    assert 900 < int(refused.headers["retry-after"]) <= 1000
    answered(post(shim, envelope(request("GetClientsRequest"), login=NORTHWIND)))
    call = shim.said("call", reason="too-many-calls")
    assert (call["integration"], call["operation"], call["calls"]) == ("acme", "Client.GetClients", [])
