"""Compare mode: the same read on an old server, in the background; differences are findings, noise is not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shim.core.catalogue.translation import Catalogue
from shim.core.findings import Finding
from shim.edge.catalogue import catalogue as compiled
from shim.edge.rehearsal import compare_mode
from shim.edge.rehearsal.compare_mode import Comparer, Spoken
from shim.edge.settings.model import Compare

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def message(body: str) -> bytes:
    return f'<e:Envelope xmlns:e="{SOAP}"><e:Body>{body}</e:Body></e:Envelope>'.encode()


FAULT = "<e:Fault><faultcode>e:Client</faultcode><faultstring>100 no</faultstring></e:Fault>"
OURS = "<GetClientsResponse><client><ID>1</ID><login>one</login></client></GetClientsResponse>"


class Sink:
    """Where findings go; `taken` is what came."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str, str]] = []

    def add_findings(self, integration: str, operation: str, findings: Iterable[Finding]) -> None:
        self.taken += [(integration, operation, each.code, each.path) for each in findings]


class Old:
    """An old server that says what it is told to, in turn."""

    def __init__(self) -> None:
        self.answers: Callable[[], bytes] = lambda: message(OURS)
        self.seen: list[bytes] = []
        self.release = asyncio.Event()
        self.release.set()

    async def post(self, request: web.Request) -> web.Response:
        self.seen.append(await request.read())
        await self.release.wait()
        return web.Response(body=self.answers(), content_type="text/xml")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return compiled()


@pytest.fixture
async def old() -> AsyncIterator[tuple[Old, str]]:
    server = Old()
    app = web.Application()
    app.router.add_post("/{anything:.*}", server.post)
    async with TestServer(app, host="127.0.0.1") as listening:
        yield server, str(listening.make_url("")).rstrip("/")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


def spoken(
    body: str = "<GetClientsRequest/>", operation: str = "Client.GetClients", answer: str = OURS
) -> Spoken:
    return Spoken(
        "billing", operation, "/soap2/client_agent.php", "text/xml", '"x"', message(body), message(answer)
    )


async def test_equal_answers_find_nothing_and_the_same_bytes_are_sent(
    catalogue: Catalogue, old: tuple[Old, str], session: aiohttp.ClientSession
) -> None:
    server, url = old
    sink = Sink()
    comparer = Comparer(catalogue, session, Compare(url=url), sink)
    comparer.consider(spoken())
    await comparer.settle()
    assert comparer.counted == {"same": 1}
    assert server.seen == [message("<GetClientsRequest/>")]
    assert sink.taken == []


async def test_a_difference_is_a_finding_and_noise_is_none(
    catalogue: Catalogue, old: tuple[Old, str], session: aiohttp.ClientSession
) -> None:
    server, url = old
    numbers = itertools.count(500)
    server.answers = lambda: message(
        f"<GetClientsResponse><client><ID>1</ID><login>uno</login><email>a{next(numbers)}@b.example</email>"
        "</client></GetClientsResponse>"
    )
    sink = Sink()
    comparer = Comparer(catalogue, session, Compare(url=url), sink)
    ours = OURS.replace("</login>", "</login><email>a@b.example</email>")
    comparer.consider(spoken(answer=ours))
    await comparer.settle()
    assert sink.taken == [("billing", "Client.GetClients", "answer-differs", "client/login")]
    assert len(server.seen) == 2, "the second time teaches what is noise"
    comparer.consider(spoken(answer=ours))
    await comparer.settle()
    assert len(server.seen) == 3, "it is known by now"


async def test_faults_are_compared_by_their_code(
    catalogue: Catalogue, old: tuple[Old, str], session: aiohttp.ClientSession
) -> None:
    server, url = old
    server.answers = lambda: message(FAULT)
    sink = Sink()
    comparer = Comparer(catalogue, session, Compare(url=url), sink)
    comparer.consider(
        spoken(answer=FAULT.replace("100 no", "The thing is not there. (code 100, reference ab)"))
    )
    comparer.consider(spoken())
    await comparer.settle()
    assert comparer.counted == {"same": 1, "differs": 1}
    assert sink.taken == [("billing", "Client.GetClients", "answer-differs", "")]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("Client.DelClient", "<DelClientRequest><ID>1</ID></DelClientRequest>"),
        ("Report.CallCosts", "<CallCostsRequest><prepareDelete>1</prepareDelete></CallCostsRequest>"),
    ],
)
async def test_what_changes_something_is_never_sent(
    catalogue: Catalogue, old: tuple[Old, str], session: aiohttp.ClientSession, operation: str, body: str
) -> None:
    server, url = old
    comparer = Comparer(catalogue, session, Compare(url=url), None)
    comparer.consider(spoken(body, operation))
    await comparer.settle()
    assert (comparer.counted, server.seen) == ({"write": 1}, [])


async def test_an_old_server_that_is_slow_or_away_costs_nothing(
    catalogue: Catalogue, old: tuple[Old, str], session: aiohttp.ClientSession
) -> None:
    server, url = old
    server.release.clear()
    comparer = Comparer(catalogue, session, Compare(url=url, in_flight=2, timeout=0.1), None)
    for _ in range(5):
        comparer.consider(spoken())
    assert comparer.counted == {"left-out": 3}
    await comparer.settle()
    assert comparer.counted == {"left-out": 3, "not-comparable": 2}
    server.release.set()
    await comparer.close()
    away = Comparer(catalogue, session, Compare(url="http://127.0.0.1:9"), None)
    away.consider(spoken())
    await away.settle()
    assert away.counted == {"not-comparable": 1}


async def test_without_an_old_server_nothing_happens(
    catalogue: Catalogue, session: aiohttp.ClientSession
) -> None:
    comparer = Comparer(catalogue, session, Compare(), None)
    comparer.consider(spoken())
    await asyncio.sleep(0)
    assert not comparer.counted


async def test_what_is_under_way_at_the_end_has_a_while(
    catalogue: Catalogue, old: tuple[Old, str], session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = old
    server.answers = lambda: message(OURS.replace("one", "two"))
    sink = Sink()
    comparer = Comparer(catalogue, session, Compare(url=url), sink)
    server.release.clear()
    comparer.consider(spoken())
    asyncio.get_running_loop().call_later(0.05, server.release.set)
    await comparer.close()
    assert [each[2] for each in sink.taken] == ["answer-differs"], "it was compared, and its finding told"
    monkeypatch.setattr(compare_mode, "CLOSING", 0.05)
    server.release.clear()
    comparer.consider(spoken())
    await comparer.close()
    assert comparer.counted["left-out"] == 1, "what takes longer is given up, and counted"
    server.release.set()
