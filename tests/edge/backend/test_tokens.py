from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from shim.core.errors import BackendError
from shim.edge.backend.tokens import SingleFlight, Tokens, open_http
from shim.edge.settings.backend import BackendSettings
from shim.edge.settings.model import Integration

URL = "https://v3.example/oauth/token.php"
SECRET = "canary-secret"


def integration(name: str = "acme", secret: str = SECRET) -> Integration:
    new = {"app_key": f"{name}-key", "app_secret": secret}
    return Integration.model_validate({"name": name, "old": {"crypted_auth": "x"}, "new": new})


def granted(token: str = "canary-token-1", expires_in: Any = 3600) -> httpx.Response:
    return httpx.Response(200, json={"access_token": token, "expires_in": expires_in})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class World:
    def __init__(self, http: httpx.AsyncClient, route: respx.Route) -> None:
        self.clock = Clock()
        self.tokens = Tokens(http, URL, self.clock)
        self.route = route

    def answers(self, *answers: Any) -> None:
        self.route.side_effect = list(answers)

    @property
    def asked(self) -> int:
        return self.route.call_count


@pytest.fixture
async def world() -> AsyncIterator[World]:
    with respx.mock(assert_all_called=False) as mock:
        async with httpx.AsyncClient() as http:
            world = World(http, mock.post(URL))
            yield world
            await world.tokens.close()


async def test_asks_as_the_backend_wants_it(world: World) -> None:
    world.answers(granted("t"))
    assert await world.tokens.token(integration()) == "t"
    request = world.route.calls.last.request
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = b"grant_type=client_credentials&client_id=acme-key&client_secret=canary-secret"
    assert request.content == form


@pytest.mark.parametrize(("expires_in", "good_for"), [(3600, 3540), (7200, 7140), (100, 90), ("3600", 3540)])
async def test_kept_until_shortly_before_it_expires(world: World, expires_in: Any, good_for: float) -> None:
    world.answers(granted("a", expires_in), granted("b"))
    assert await world.tokens.token(integration()) == "a"
    world.clock.now += good_for - 1
    assert await world.tokens.token(integration()) == "a"
    world.clock.now += 1
    assert await world.tokens.token(integration()) == "b"


async def test_a_token_for_each_integration_and_each_secret(world: World) -> None:
    world.answers(granted("a"), granted("b"), granted("c"))
    assert await world.tokens.token(integration("one")) == "a"
    assert await world.tokens.token(integration("two")) == "b"
    assert await world.tokens.token(integration("one", "changed")) == "c"
    assert await world.tokens.token(integration("one", "changed")) == "c"


async def test_without_expires_in_an_hour(world: World) -> None:
    world.answers(httpx.Response(200, json={"access_token": "a"}), granted("b"))
    await world.tokens.token(integration())
    world.clock.now += 3539
    assert await world.tokens.token(integration()) == "a"
    world.clock.now += 1
    assert await world.tokens.token(integration()) == "b"


@pytest.mark.parametrize("said", [None, "", "  "])
async def test_an_expires_in_that_says_nothing_is_an_hour(world: World, said: Any) -> None:
    world.answers(granted("a", said), granted("b"))
    await world.tokens.token(integration())
    world.clock.now += 3539
    assert await world.tokens.token(integration()) == "a"
    world.clock.now += 1
    assert await world.tokens.token(integration()) == "b"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "backend-busy"), (503, "backend-busy"), (502, "backend-unreachable"), (504, "backend-unreachable")],
)
async def test_a_token_endpoint_that_is_busy_or_away_says_so(world: World, status: int, reason: str) -> None:
    world.answers(httpx.Response(status, headers={"Retry-After": "1"}))
    with pytest.raises(BackendError) as caught:
        await world.tokens.token(integration())
    assert caught.value.reason == reason
    assert f"HTTP status {status}" in caught.value.text
    assert "the call was not made" in caught.value.text
    assert "check backend" not in caught.value.text


async def test_fetched_once_for_many_and_one_who_leaves_harms_nobody(world: World) -> None:
    open_door = asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        await open_door.wait()
        return granted("t")

    world.route.side_effect = slowly
    first = asyncio.create_task(world.tokens.token(integration()))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(world.tokens.token(integration())) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    open_door.set()
    assert set(await asyncio.gather(*rest)) == {"t"}
    assert first.cancelled()
    assert world.asked == 1


async def test_a_failed_fetch_is_tried_again_by_the_next(world: World) -> None:
    world.answers(httpx.ConnectError("x"), granted("t"))
    with pytest.raises(BackendError):
        await world.tokens.token(integration())
    assert await world.tokens.token(integration()) == "t"


@pytest.mark.parametrize(
    ("answer", "reason", "what"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), "backend-login-refused", "new.app_key"),
        (httpx.Response(401, text="no"), "backend-login-refused", "'acme'"),
        (httpx.Response(400, json={"error": "invalid_client"}), "backend-login-refused", "new.app_secret"),
        (httpx.Response(400, json={"error": "canary"}), "backend-nonsense", "HTTP status 400"),
        (httpx.Response(400, json=["canary"]), "backend-nonsense", "HTTP status 400"),
        (httpx.Response(302, headers={"location": "https://canary"}), "backend-nonsense", "HTTP status 302"),
        (httpx.Response(503, text="canary"), "backend-busy", "HTTP status 503"),
        (httpx.Response(200, text="<canary>"), "backend-nonsense", "no token"),
        (httpx.Response(200, json=["canary"]), "backend-nonsense", "no token"),
        (httpx.Response(200, json={"access_token": ""}), "backend-nonsense", "no token"),
        (httpx.Response(200, json={"access_token": 5}), "backend-nonsense", "no token"),
        (granted(expires_in="canary"), "backend-nonsense", "no token"),
        (granted(expires_in=0), "backend-nonsense", "no token"),
        (httpx.ConnectError("canary"), "backend-unreachable", "cannot be reached"),
        (httpx.ConnectTimeout("canary"), "backend-unreachable", "cannot be reached"),
        (httpx.ReadTimeout("canary"), "backend-late", "in time"),
        (httpx.RemoteProtocolError("canary"), "backend-unreachable", "broke the connection"),
    ],
)
async def test_errors_say_what_to_do_and_no_value(world: World, answer: Any, reason: str, what: str) -> None:
    world.answers(answer)
    with pytest.raises(BackendError) as caught:
        await world.tokens.token(integration())
    assert (caught.value.reason, caught.value.side) == (reason, "Server")
    assert what in caught.value.text
    assert "canary" not in caught.value.text


async def test_one_dead_token_is_renewed_once_for_all(world: World) -> None:
    world.answers(granted("dead"), granted("fresh"))
    who = integration()
    await world.tokens.token(who)
    renewed = await asyncio.gather(*(world.tokens.renewed(who, "dead") for _ in range(10)))
    assert set(renewed) == {"fresh"}
    assert await world.tokens.renewed(who, "dead") == "fresh"
    assert await world.tokens.token(who) == "fresh"
    assert world.asked == 2


async def test_a_renewal_for_each_pause_at_most(world: World) -> None:
    world.answers(granted("a"), granted("b"), granted("c"), granted("z"))
    who = integration()
    await world.tokens.token(who)
    assert await world.tokens.renewed(who, "a") == "b"
    world.clock.now += 9.9
    assert await world.tokens.renewed(who, "b") is None
    world.clock.now += 0.1
    assert await world.tokens.renewed(who, "b") == "c"
    other = integration("other")
    assert await world.tokens.token(other) == "z"


async def test_the_same_token_again_is_no_renewal(world: World) -> None:
    world.answers(granted("a"), granted("a"))
    who = integration()
    await world.tokens.token(who)
    assert await world.tokens.renewed(who, "a") is None


async def test_a_renewal_that_fails_leaves_the_fault_as_it_is(world: World) -> None:
    world.answers(granted("a"), httpx.ConnectError("x"))
    who = integration()
    await world.tokens.token(who)
    assert await world.tokens.renewed(who, "a") is None
    assert await world.tokens.token(who) == "a"


async def test_a_renewal_that_finds_the_secret_dead_says_so(world: World) -> None:
    world.answers(granted("a"), httpx.Response(401, json={"error": "invalid_client"}))
    who = integration()
    await world.tokens.token(who)
    with pytest.raises(BackendError) as caught:
        await world.tokens.renewed(who, "a")
    assert caught.value.reason == "backend-login-refused"


async def test_nothing_secret_is_shown(world: World) -> None:
    world.answers(granted())
    await world.tokens.token(integration())
    assert "canary" not in repr(world.tokens) + repr(world.tokens._kept)


async def test_work_that_nobody_waits_for_any_more_fails_in_silence() -> None:
    flights = SingleFlight()

    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError

    waiting = asyncio.create_task(flights.run("x", work))
    await asyncio.sleep(0)
    waiting.cancel()
    for _ in range(4):
        await asyncio.sleep(0)
    assert not flights.has("x")


async def test_client_has_the_time_outs_of_the_backend() -> None:
    async with open_http(BackendSettings(url="https://v3.example", verify_tls=False)) as http:
        assert (http.timeout.connect, http.timeout.read) == (3.0, 15.0)
        assert not http.follow_redirects
