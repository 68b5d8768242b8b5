from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from shim.core.commands.backend import Call
from shim.core.errors import BackendError, BackendLoginRefused
from shim.edge.backend.client import Backend, RetryBudget, open_session
from shim.edge.backend.tokens import Tokens
from shim.edge.settings.backend import BackendSettings as Settings
from shim.edge.settings.backend import Retry
from shim.edge.settings.model import Integration

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OK = f'<s:Envelope xmlns:s="{SOAP}"><s:Body><done/></s:Body></s:Envelope>'
WHO = Integration.model_validate(
    {"name": "acme", "old": {"crypted_auth": "x"}, "new": {"app_key": "k", "app_secret": "s"}}
)


def fault(text: str) -> str:
    inner = f"<s:Fault><faultcode>s:Server</faultcode><faultstring>{text}</faultstring></s:Fault>"
    return OK.replace("<done/>", inner)


def call(writes: bool = False) -> Call:
    return Call(
        "User",
        "AddUser" if writes else "GetUsers",
        "/soap2/user_agent.php",
        "urn:action",
        lambda token: f"<envelope>{token}</envelope>".encode(),
        writes,
    )


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeTokens(Tokens):
    """Gives `t1`, and `t2` after a renewal; or raises what it is told to."""

    def __init__(self) -> None:
        self.current = "t1"
        self.renewals: list[str] = []
        self.certain: list[bool] = []
        self.only_certain = False
        self.next: str | None = "t2"
        self.errors: list[BackendError] = []

    def kept(self, integration: Integration) -> str | None:
        return None

    async def token(self, integration: Integration) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return self.current

    async def renewed(self, integration: Integration, refused: str, *, certain: bool = False) -> str | None:
        self.renewals.append(refused)
        self.certain.append(certain)
        if self.only_certain and not certain:
            return None
        self.current = self.next or self.current
        return self.next


Reply = Callable[[web.Request], Awaitable[web.StreamResponse]] | web.Response


class World:
    """A backend that replies as told, the last reply for ever, and the way to it."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [answer(OK)]
        self.requests: list[tuple[web.Request, bytes]] = []
        self.tokens = FakeTokens()
        self.clock = Clock()
        self.pauses: list[int] = []
        self.busy = self.busiest = 0
        self.url = ""
        self.session: aiohttp.ClientSession
        self.settings = Settings(url="http://unset")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request, await request.read()))
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        try:
            if isinstance(reply, web.Response):
                return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
            return await reply(request)
        finally:
            self.busy -= 1

    def backend(self, **settings: Any) -> Backend:
        self.settings = Settings.model_validate(
            {"url": self.url, "call_timeout": 5.0, "breaker": {"failures": 1000}, **settings}
        )
        return Backend(self.session, self.tokens, self.settings, self.clock, self.pause)

    async def pause(self, attempt: int) -> None:
        self.pauses.append(attempt)

    async def fails(self, sent: Call, backend: Backend | None = None) -> BackendError:
        with pytest.raises(BackendError) as caught:
            await (backend or self.backend()).forward(sent, WHO)
        assert "canary" not in caught.value.text
        return caught.value


def answer(text: str, status: int = 200, **headers: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/xml", headers=headers)


async def drop(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def never(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def cut_in_the_middle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"<half")
    return await drop(request)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", world.handle)
    async with TestServer(app) as server:
        world.url = str(server.make_url("")).rstrip("/")
        async with open_session(Settings(url=world.url)) as session:
            world.session = session
            yield world


# ---- what goes out and what comes in ----


async def test_one_call(world: World) -> None:
    got = await world.backend().forward(call(), WHO)
    assert (got.status, got.content_type, got.body) == (200, "text/xml; charset=utf-8", OK.encode())
    [(request, body)] = world.requests
    assert (request.method, request.path) == ("POST", "/soap2/user_agent.php")
    assert request.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert request.headers["SOAPAction"] == '"urn:action"'
    assert body == b"<envelope>t1</envelope>"


async def test_a_fault_of_the_backend_is_an_answer(world: World) -> None:
    world.replies = [answer(fault("200 duplicate"), 500)]
    got = await world.backend().forward(call(True), WHO)
    assert (got.status, got.body) == (500, fault("200 duplicate").encode())
    assert world.tokens.renewals == []


@pytest.mark.parametrize("prefix", ["\ufeff", "\n <?xml version='1.0'?>\n", "<!-- c -->"])
async def test_xml_in_all_its_shapes(world: World, prefix: str) -> None:
    world.replies = [answer(prefix + OK)]
    assert (await world.backend().forward(call(), WHO)).status == 200
    world.replies = [web.Response(body=(prefix.lstrip("\ufeff") + OK).encode("utf-16"))]
    assert (await world.backend().forward(call(), WHO)).status == 200


async def test_compressed_answers(world: World) -> None:
    world.replies = [web.Response(body=gzip.compress(OK.encode()), headers={"Content-Encoding": "gzip"})]
    assert (await world.backend().forward(call(), WHO)).body == OK.encode()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_size_is_capped_as_it_comes_out(world: World, encoding: str) -> None:
    big = b"<canary>" + b" " * 100_000
    body = gzip.compress(big) if encoding == "gzip" else big
    world.replies = [web.Response(body=body, headers={"Content-Encoding": encoding})]
    error = await world.fails(call(), world.backend(max_answer=50_000))
    assert (error.reason, "more than 50000 bytes" in error.text) == ("backend-nonsense", True)
    assert len(world.requests) == 1


# ---- nonsense ----


@pytest.mark.parametrize(
    "reply",
    [
        answer("canary", 404),
        answer("canary", 302, Location="/canary"),
        answer("", 200),
        answer("<!DOCTYPE html><canary/>", 200),
        answer("<HTML>canary", 500),
        answer("canary", 200),
        answer(OK, 201),
    ],
)
async def test_nonsense_names_the_status_and_is_not_repeated(world: World, reply: web.Response) -> None:
    world.replies = [reply]
    error = await world.fails(call())
    assert error.reason == "backend-nonsense"
    assert f"HTTP status {reply.status}" in error.text
    assert "not known" not in error.text
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    ("status", "unknown"), [(502, True), (503, True), (504, True), (404, False), (200, True)]
)
async def test_nonsense_after_a_write_is_unknown_unless_it_was_refused(
    world: World, status: int, unknown: bool
) -> None:
    world.replies = [answer("canary", status)]
    error = await world.fails(call(True))
    assert error.reason == "backend-nonsense"
    assert ("Whether the change was made is not known" in error.text) is unknown
    assert len(world.requests) == 1


async def test_what_is_not_http(network_attempts: list[str]) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"canary canary canary\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    world = World()
    port = server.sockets[0].getsockname()[1]
    world.url = f"http://127.0.0.1:{port}"
    async with server, open_session(Settings(url=world.url)) as world.session:
        error = await world.fails(call())
    assert (error.reason, "not HTTP" in error.text) == ("backend-nonsense", True)


# ---- drops and time-outs ----


@pytest.mark.parametrize("reply", [drop, cut_in_the_middle, *(answer("x", n) for n in (502, 503, 504))])
async def test_a_read_is_repeated(world: World, reply: Reply) -> None:
    world.replies = [reply, reply, answer(OK)]
    assert (await world.backend().forward(call(), WHO)).body == OK.encode()
    assert world.pauses == [1, 2]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(drop, "backend-cut"), (cut_in_the_middle, "backend-cut"), (answer("x", 503), "backend-nonsense")],
)
async def test_three_attempts_and_no_more(world: World, reply: Reply, reason: str) -> None:
    world.replies = [reply]
    assert (await world.fails(call())).reason == reason
    assert len(world.requests) == 3


async def test_a_late_read_is_repeated(world: World) -> None:
    world.replies = [never, answer(OK)]
    assert (await world.backend(call_timeout=2).forward(call(), WHO)).status == 200
    world.replies = [never]
    error = await world.fails(call(), world.backend(call_timeout=0.03))
    assert (error.reason, "Try again" in error.text) == ("backend-late", True)


@pytest.mark.parametrize(
    ("reply", "reason"), [(drop, "backend-cut"), (cut_in_the_middle, "backend-cut"), (never, "backend-late")]
)
async def test_a_write_whose_end_was_not_seen_is_unknown_and_never_repeated(
    world: World, reply: Reply, reason: str
) -> None:
    world.replies = [reply, answer(OK)]
    error = await world.fails(call(True), world.backend(call_timeout=0.04 if reply is never else 5))
    assert (error.reason, error.side, error.code) == (reason, "Server", None)
    assert "Whether the change was made is not known: look before repeating it." in error.text
    assert len(world.requests) == 1


@pytest.mark.parametrize("writes", [False, True])
async def test_what_never_ran_is_repeated_even_a_write(world: World, writes: bool) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        world.url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        error = await world.fails(call(writes))
    assert error.reason == "backend-unreachable"
    assert "nothing was changed" in error.text
    assert world.pauses == [1, 2]


async def test_a_connection_that_takes_too_long_never_ran(world: World) -> None:
    async def slow(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(60)

    world.session.connector._create_connection = slow  # type: ignore[union-attr, method-assign]
    error = await world.fails(call(True), world.backend(connect_timeout=0.01))
    assert error.reason == "backend-unreachable"
    assert world.pauses == [1, 2]


async def test_a_certificate_that_is_not_trusted(world: World) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    app = web.Application()
    app.router.add_post("/{anything:.*}", world.handle)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    async with server:
        world.url = str(server.make_url("")).rstrip("/")
        error = await world.fails(call(True))
        assert (error.reason, "certificate" in error.text) == ("backend-unreachable", True)
        assert world.pauses == []
        async with open_session(Settings(url=world.url, verify_tls=False)) as world.session:
            assert (await world.backend().forward(call(), WHO)).status == 200


# ---- tokens ----


async def test_a_dead_token_is_renewed_and_the_call_repeated_once(world: World) -> None:
    world.replies = [answer(fault("100 authentication"), 500), answer(OK)]
    assert (await world.backend().forward(call(True), WHO)).status == 200
    assert [body for _, body in world.requests] == [b"<envelope>t1</envelope>", b"<envelope>t2</envelope>"]
    assert world.tokens.renewals == ["t1"]


async def test_code_100_again_is_an_answer(world: World) -> None:
    world.replies = [answer(fault("100 object ID invalid"), 500)]
    assert (await world.backend().forward(call(True), WHO)).status == 500
    assert len(world.requests) == 2


async def test_without_a_new_token_the_fault_is_the_answer(world: World) -> None:
    world.tokens.next = None
    world.replies = [answer(fault("100 object ID invalid"), 500)]
    assert (await world.backend().forward(call(True), WHO)).status == 500
    assert len(world.requests) == 1


# ---- code 100: a dead token, or an ID that is not there ----

DENIED = fault("100 object ID invalid")
CONTROL = Call(
    "PBX",
    "GetInterfaceLang",
    "/soap2/pbx_agent.php",
    "urn:control",
    lambda token: f"<c>{token}</c>".encode(),
    False,
)


def _asked(world: World) -> list[bytes]:
    return [body for _, body in world.requests]


async def test_code_100_is_an_answer_where_the_token_is_good(world: World) -> None:
    world.tokens.next = None
    world.replies = [answer(DENIED, 500), answer(OK)]
    backend = world.backend()
    backend.control = CONTROL
    assert (await backend.forward(call(True), WHO)).body == DENIED.encode()
    assert _asked(world) == [b"<envelope>t1</envelope>", b"<c>t1</c>"]


async def test_a_token_that_dies_soon_after_it_was_given_denies_nothing(world: World) -> None:
    """Within the pause between renewals: what v3 says with code 100 is not taken for the absence of a thing."""
    world.tokens.next = None
    world.replies = [answer(DENIED, 500)]
    backend = world.backend()
    backend.control = CONTROL
    with pytest.raises(BackendError) as raised:
        await backend.forward(call(True), WHO)
    assert (raised.value.reason, raised.value.code, raised.value.unknown) == ("backend-token-dead", None, False)
    assert raised.value.retry_after
    assert world.tokens.certain == [False, True]


async def test_a_token_that_is_seen_to_be_dead_is_renewed_soon(world: World) -> None:
    world.tokens.only_certain = True
    world.replies = [answer(DENIED, 500), answer(DENIED, 500), answer(OK)]
    backend = world.backend()
    backend.control = CONTROL
    assert (await backend.forward(call(True), WHO)).body == OK.encode()
    assert _asked(world) == [b"<envelope>t1</envelope>", b"<c>t1</c>", b"<envelope>t2</envelope>"]


async def test_code_100_after_a_renewal_is_an_answer_where_the_new_token_is_good(world: World) -> None:
    world.replies = [answer(DENIED, 500), answer(DENIED, 500), answer(OK)]
    backend = world.backend()
    backend.control = CONTROL
    assert (await backend.forward(call(True), WHO)).body == DENIED.encode()
    assert _asked(world) == [b"<envelope>t1</envelope>", b"<envelope>t2</envelope>", b"<c>t2</c>"]


async def test_broken_xml_with_status_500_is_the_cores_business(world: World) -> None:
    world.replies = [answer("<broken", 500)]
    assert (await world.backend().forward(call(), WHO)).status == 500
    assert world.tokens.renewals == []


async def test_tokens_that_are_not_to_be_had(world: World) -> None:
    away = BackendError("backend-unreachable", "away")
    world.tokens.errors = [away, away]
    assert (await world.backend().forward(call(True), WHO)).status == 200
    world.tokens.errors = [BackendLoginRefused("backend-login-refused", "no")]
    assert (await world.fails(call())).reason == "backend-login-refused"
    assert len(world.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 503])
@pytest.mark.parametrize("writes", [False, True])
async def test_a_fault_is_a_fault_whatever_its_status(world: World, status: int, writes: bool) -> None:
    world.replies = [answer(fault("520 no permission"), status)]
    got = await world.backend().forward(call(writes), WHO)
    assert (got.status, got.body) == (status, fault("520 no permission").encode())
    assert len(world.requests) == (2 if status == 401 else 1), "a token may be dead behind a 401"


DEAD = [
    web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}),
    web.Response(status=401, text="<html>canary</html>"),
    answer(fault("not authorised"), 401),
    answer(fault("100 authentication"), 200),
    answer(fault("100 authentication"), 403),
]


@pytest.mark.parametrize("reply", DEAD)
async def test_a_dead_token_is_renewed_however_the_backend_says_so(world: World, reply: web.Response) -> None:
    world.replies = [reply, answer(OK)]
    assert (await world.backend().forward(call(True), WHO)).body == OK.encode()
    assert [body for _, body in world.requests] == [b"<envelope>t1</envelope>", b"<envelope>t2</envelope>"]
    assert world.tokens.renewals == ["t1"]


@pytest.mark.parametrize("renewed", ["t2", None])
async def test_a_token_refused_without_a_word_ends_as_a_fault_that_says_so(
    world: World, renewed: str | None
) -> None:
    world.tokens.next = renewed
    world.replies = [DEAD[0]]
    error = await world.fails(call(True))
    assert (error.reason, error.unknown) == ("backend-login-refused", False)
    assert "refuses the access token" in error.text
    assert "'acme'" in error.text
    assert len(world.requests) == (2 if renewed else 1)


async def test_a_token_endpoint_that_is_busy_is_asked_again_within_the_budget(world: World) -> None:
    world.tokens.errors = [BackendError("backend-busy", "busy"), BackendError("backend-unreachable", "away")]
    assert (await world.backend().forward(call(True), WHO)).status == 200
    assert world.pauses == [1, 2]
    world.tokens.errors = [BackendError("backend-busy", "busy") for _ in range(9)]
    assert (await world.fails(call())).reason == "backend-busy"
    assert len(world.tokens.errors) == 6


# ---- how much ----


async def test_so_many_in_flight_and_the_rest_waits(world: World) -> None:
    free = asyncio.Event()

    async def hold(request: web.Request) -> web.StreamResponse:
        await free.wait()
        return answer(OK)

    world.replies = [hold]
    backend = world.backend(in_flight=2)
    calls = [asyncio.create_task(backend.forward(call(), WHO)) for _ in range(6)]
    while world.busy < 2:  # noqa: ASYNC110  # what the server has got, nobody tells
        await asyncio.sleep(0.001)
    free.set()
    assert {got.status for got in await asyncio.gather(*calls)} == {200}
    assert world.busiest == 2


async def test_no_place_in_time_is_busy_and_a_cancelled_call_gives_its_place_back(world: World) -> None:
    world.replies = [never]
    backend = world.backend(in_flight=1, call_timeout=0.05)
    backend._reading = aiohttp.ClientTimeout(total=60)
    first = asyncio.create_task(backend.forward(call(), WHO))
    while not world.busy:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    error = await world.fails(call(True), backend)
    assert error.reason == "backend-busy"
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    world.replies = [answer(OK)]
    assert (await backend.forward(call(), WHO)).status == 200


async def test_repeats_stop_when_their_budget_is_spent(world: World) -> None:
    world.replies = [drop]
    backend = world.backend(retry={"attempts": 3, "share": 0.5, "per_second": 1})
    counts = []
    for _ in range(4):
        before = len(world.requests)
        await world.fails(call(), backend)
        counts.append(len(world.requests) - before)
    assert counts == [2, 2, 1, 2]


def test_budget_is_a_share_of_the_calls_and_some_a_second() -> None:
    clock = Clock()
    budget = RetryBudget(Retry(share=0.2, per_second=10), clock)
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(5):
        budget.call()
    assert [budget.spend() for _ in range(2)] == [True, False]
    clock.now += 0.5
    assert [budget.spend() for _ in range(6)] == [True] * 5 + [False]
    clock.now += 3600
    assert sum(budget.spend() for _ in range(200)) == 110


# ---- what passes through ----


async def test_what_passes_through_never_takes_all_places(world: World) -> None:
    backend = world.backend(in_flight=2, call_timeout=2.0)
    async with backend.passing("POST", "/soap2/user_agent.php", {}, b"<native/>") as answer:
        assert answer.status == 200
        with pytest.raises(BackendError) as caught:
            async with backend.passing("POST", "/soap2/user_agent.php", {}, b"<native/>"):
                pytest.fail("there was a place")
        assert (caught.value.reason, caught.value.unknown) == ("backend-busy", False)
        await backend.forward(call(), WHO)
    async with backend.passing("GET", "/soap2/schema/x?y=%2F", {"X-Own": "1"}) as answer:
        assert await answer.read() == OK.encode()
    request, body = world.requests[-1]
    assert (request.method, request.raw_path, body) == ("GET", "/soap2/schema/x?y=%2F", b"")
    assert (request.headers["X-Own"], "Accept" in request.headers) == ("1", False)


async def test_what_passes_through_is_made_once_and_its_loss_is_told(world: World) -> None:
    world.replies = [drop]
    backend = world.backend()
    with pytest.raises(BackendError) as caught:
        async with backend.passing("POST", "/soap2/user_agent.php", {}, b"<native/>"):
            pytest.fail("there was an answer")
    assert (caught.value.reason, caught.value.unknown, len(world.requests)) == ("backend-cut", True, 1)
    assert world.pauses == []
