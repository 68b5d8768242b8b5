"""The rung `compare`: the shim answers as always, and finds where an old server answers differently."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.messages import CLIENT, GET_CLIENTS, edit_client, envelope, request
from tests.end_to_end.running import HOST, Backend, Shim, StartShim, demo_integrations
from tests.end_to_end.wire import answered, post

DETAILS = envelope(request("GetClientDetailsRequest", "<ID>20</ID>"))


@pytest.fixture
def old_backend() -> Iterator[Backend]:
    """A world in which one thing is different."""
    other = Backend()
    other.world.accounts[20].profile["company"] = "Northwind as it was"
    yield other
    other.close()


def comparing(start_shim: StartShim, old_backend: Backend, rung: str) -> tuple[Shim, Shim]:
    """(the shim, what stands for the old server): the first asks the second on this rung."""
    old = start_shim(backend_url=old_backend.url)
    integrations = [{**each, "porting": {"Client.*": rung}} for each in demo_integrations()]
    compare = {"url": f"http://{HOST}:{old.http}"}
    return start_shim({"compare": compare, "integrations": integrations}), old


def test_what_an_old_server_answers_differently_is_found(start_shim: StartShim, old_backend: Backend) -> None:
    shim, old = comparing(start_shim, old_backend, "compare")
    assert answered(post(shim, DETAILS)).get("company") == "Northwind Traders", "the shim answers"
    found = shim.said("finding", code="answer-differs")
    assert (found["integration"], found["operation"], found["path"]) == (
        "acme", "Client.GetClientDetails", "company"
    )  # fmt: skip
    answered(post(shim, GET_CLIENTS))
    old.wait_for(lambda event: event["event"] == "call" and event["operation"] == "Client.GetClients")
    assert "Northwind as it was" not in shim.log


def test_writes_and_other_rungs_reach_no_old_server(start_shim: StartShim, old_backend: Backend) -> None:
    shim, old = comparing(start_shim, old_backend, "compare")
    before = len(old_backend.calls)
    answered(post(shim, edit_client(20, "<company>Changed</company>"), CLIENT))
    answered(post(shim, DETAILS))
    shim.said("finding", code="answer-differs")
    operations = {event["operation"] for event in old.events if event["event"] == "call"}
    assert operations == {"Client.GetClientDetails"}
    assert not [each for each in old_backend.calls[before:] if "Edit" in each.operation]

    other, untouched = comparing(start_shim, old_backend, "translate")
    answered(post(other, DETAILS))
    assert not [event for event in untouched.events if event["event"] == "call"]
