"""Tokens, endpoints, broken messages, and what goes wrong on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from shim.core.message import Element
from shim.emulator.app import TOKEN_PATH
from shim.emulator.disturb import GARBAGE
from tests.emulator.caller import Backend, Refused

Start = Callable[..., Awaitable[Backend]]
PATH = "/soap2/organization_agent.php"
GRANT = {"grant_type": "client_credentials", "client_id": "acme-key", "client_secret": "acme-app-secret"}


async def ask_token(backend: Backend, **form: str) -> tuple[int, Any]:
    async with backend.http.post(TOKEN_PATH, data=form) as response:
        return response.status, await response.json()


async def test_a_token_is_given_for_key_and_secret(backend: Backend) -> None:
    status, answer = await ask_token(backend, **GRANT, redirect_uri="https://example.com")
    assert status == 200
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")
    assert backend.world.tokens[answer["access_token"]][0] == "acme-key"


@pytest.mark.parametrize("wrong", [{"client_secret": "x"}, {"client_id": "x"}, {"client_secret": "ä"}])
async def test_wrong_credentials(backend: Backend, wrong: dict[str, str]) -> None:
    assert await ask_token(backend, **{**GRANT, **wrong}) == (401, {"error": "invalid_client"})


async def test_other_grants(backend: Backend) -> None:
    refused = (400, {"error": "unsupported_grant_type"})
    assert await ask_token(backend, **{**GRANT, "grant_type": "password"}) == refused
    assert await ask_token(backend) == refused


async def test_no_token_and_dead_tokens(backend: Backend) -> None:
    await backend.refused("100", "GetOrganizations", None)
    start = backend.world.clock()
    data = backend.envelope("GetOrganizations", "admin", {})
    backend.world.clock = lambda: start + timedelta(hours=2)
    with pytest.raises(Refused, match="100: Authentication"):
        backend.answer(*await backend.post(PATH, data))


async def test_the_endpoint_must_be_that_of_the_service(backend: Backend) -> None:
    data = backend.envelope("GetOrganizations", "admin", {})
    with pytest.raises(Refused, match="not served at") as caught:
        backend.answer(*await backend.post("/soap2/user_agent.php", data))
    assert caught.value.code is None
    status, _ = await backend.post("/soap2/reseller_agent.php", data)
    assert status == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<GetClients/>", "no operation for the element GetClients"),
        ("<GetOrganizations><industry>1</industry></GetOrganizations>", "element industry at industry"),
        (
            "<GetOrganizations><filter/><filter/></GetOrganizations>",
            "filter may be there only once",
        ),
        ("<GetOrganizations><parentID>ten</parentID></GetOrganizations>", "251: .*parentID is invalid"),
        (
            "<GetOrganizations><parentID>1</parentID><parentIdentifier>a</parentIdentifier></GetOrganizations>",
            "excludes another",
        ),
        (
            "<SetOrganizationPL><ID>20</ID><userMax unlimited='maybe'>0</userMax></SetOrganizationPL>",
            "userMax/@unlimited is invalid",
        ),
    ],
)
async def test_what_the_interface_does_not_allow(backend: Backend, body: str, text: str) -> None:
    data = backend.envelope("GetOrganizations", "admin", {}).decode()
    start, end = data.index("<SOAP-ENV:Body>") + 15, data.index("</SOAP-ENV:Body>")
    message = data[:start] + body + data[end:]
    with pytest.raises(Refused, match=text):
        backend.answer(*await backend.post(PATH, message.encode()))


async def test_nonsense_gets_a_fault(backend: Backend) -> None:
    for data in (b"", b"not XML", b"<!DOCTYPE a><a/>", b"<a/>"):
        status, answer = await backend.post(PATH, data)
        with pytest.raises(Refused):
            backend.answer(status, answer)


async def test_the_answer_says_who_answers(backend: Backend) -> None:
    _, data = await backend.post(PATH, backend.envelope("GetOrganizations", "admin", {}))
    for part in (b"edition>Professional<", b"version>3.0.0<", b"infrastructureID>demo<"):
        assert part in data


async def test_calls_are_remembered(backend: Backend) -> None:
    await backend.call("GetOrganizations", filter="x")
    await backend.refused("100", "GetOrganizationDetails", ID=4000)
    first, second = backend.world.calls
    assert (first.operation, first.outcome) == ("Organization.GetOrganizations", "ok")
    assert first.request == Element("GetOrganizations", children=[Element("filter", "x")])
    assert (second.operation, second.outcome) == ("Organization.GetOrganizationDetails", "100")


async def test_disturbances_happen_once(backend: Backend) -> None:
    world = backend.world
    new = {"name": "N", "login": "n"}
    world.interfere("AddOrganization", "fault:152")
    await backend.refused("152", "AddOrganization", "acme", **new)
    world.interfere("Organization.AddOrganization", "dead-token")
    await backend.refused("100", "AddOrganization", "acme", **new)
    assert 100 not in world.accounts
    await backend.call("AddOrganization", "acme", **new)
    assert 100 in world.accounts
    assert not world.faults


@pytest.mark.parametrize(("action", "effect"), [("drop", False), ("drop-after", True), ("half", True)])
async def test_connections_that_break(backend: Backend, action: str, effect: bool) -> None:
    backend.world.interfere("*", action)
    with pytest.raises(aiohttp.ClientError):
        await backend.call("AddOrganization", "acme", name="N", login="n")
    assert (100 in backend.world.accounts) is effect
    await backend.call("GetOrganizations")


async def test_garbage_and_lateness(backend: Backend) -> None:
    backend.world.interfere("GetOrganizations", "garbage")
    data = backend.envelope("GetOrganizations", "admin", {})
    assert await backend.post(PATH, data) == (200, GARBAGE)
    backend.world.interfere("GetOrganizations", "late:0.2")
    before = asyncio.get_running_loop().time()
    await backend.call("GetOrganizations")
    assert asyncio.get_running_loop().time() - before >= 0.2


async def test_failing_at_random_is_the_same_each_time(start: Start) -> None:
    async def outcomes() -> list[int]:
        backend = await start(fail_rate=0.5, seed_random=7)
        data = backend.envelope("GetOrganizations", "admin", {})
        return [(await backend.post(PATH, data))[0] for _ in range(30)]

    first = await outcomes()
    assert first == await outcomes()
    assert {200, 503} == set(first)


async def test_fixed_answers_are_for_reads_only(start: Start) -> None:
    backend = await start(fixed_answers=True, latency_ms=1)
    data = backend.envelope("GetOrganizations", "admin", {})
    first = await backend.post(PATH, data)
    await backend.call("AddOrganization", "acme", name="N", login="n")
    assert await backend.post(PATH, data) == first
    again = backend.envelope("EditOrganization", "admin", {"ID": 20, "name": "M"})
    assert (await backend.post(PATH, again))[0] == 200
    assert len(backend.world.calls) == 3
    await backend.post(PATH, again)
    assert len(backend.world.calls) == 4
