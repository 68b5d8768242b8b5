"""Over HTTP, with the store: old IDs survive lists that lie, and end when v3 denies the extension twice."""

from __future__ import annotations

from typing import Any

from shim.core.message import Element
from tests.end_to_end.messages import ACME, envelope, namespace
from tests.end_to_end.running import Backend, Shim, StartShim
from tests.end_to_end.wire import Reply, answered, faulted, post

EXTENSION = "/soap2/extension_agent.php"


def call(shim: Shim, name: str, fields: str) -> Reply:
    body = f'<m:{name}Request xmlns:m="{namespace("ExtensionMessages")}">{fields}</m:{name}Request>'
    return post(shim, envelope(body, login=ACME), EXTENSION)


def listed(shim: Shim, more: str = "") -> dict[str, str]:
    rows = answered(call(shim, "GetExtensions", f"{more}<parentID>20</parentID>")).all("extension")
    return {row.get("ID") or "": row.get("extensionID") or "" for row in rows}


def details(shim: Shim, old_id: str) -> Element:
    return answered(call(shim, "GetExtensionDetails", f"<ID>{old_id}</ID>"))


def test_every_id_answers_and_stays_whatever_lists_say(start_shim: StartShim, backend: Backend) -> None:
    shim = start_shim({})
    before = listed(shim)
    assert len(before) == 5
    for lie in ("empty", "short", "late", "stale"):
        for operation in ("GetExtensions", "GetUsers"):
            backend.world.interfere(operation, f"list:{lie}")
        listed(shim)
        assert {each: details(shim, each).get("extensionID") for each in before} == before, lie
        backend.world.faults.clear()
        assert listed(shim) == before, lie


def test_an_extension_that_v3_deleted_ends_later_and_returns_with_its_ids(
    start_shim: StartShim, backend: Backend
) -> None:
    changes: dict[str, Any] = {"identity.confirm_after": 0.001}
    shim = start_shim(changes)
    before = listed(shim)
    was = backend.world.extensions["0020*004"]
    backend.world.drop_extension(was.number)
    for _ in range(3):
        assert "33" not in listed(shim)
        assert faulted(call(shim, "GetExtensionDetails", "<ID>33</ID>")).code == "100"
    backend.world.enter_extension(was)
    assert listed(shim) == before
    assert details(shim, "33").get("extensionID") == before["33"]


def test_a_number_is_found_by_the_filter(start_shim: StartShim) -> None:
    shim = start_shim({})
    assert list(listed(shim, "<filter>003</filter>")) == ["32"]
