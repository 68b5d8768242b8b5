"""Answers of journalled calls: noted as delivered when the client was there for them, and only then."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from structlog.testing import capture_logs
from yarl import URL

from shim.edge.app import Application, open_application
from shim.edge.http import arrival
from shim.edge.serve import Server
from shim.edge.settings.load import Config
from tests.end_to_end.messages import CLIENT, add_client
from tests.end_to_end.running import PATIENCE, Backend, make_tls, settings_for

PATHS = (CLIENT, f"//.{CLIENT}", f"{CLIENT}/more")
"""The endpoint as it is written in the WSDL, and in two ways that reach it all the same."""


class Served:
    """A shim in this process, by its plain listener and the one with TLS."""

    def __init__(self, application: Application, server: Server) -> None:
        self._application = application
        self.addresses = {name: server.addresses[name] for name in ("http", "https")}

    async def post(self, body: bytes, path: str = CLIENT) -> bytes:
        """The body of an answer that is no fault."""
        host, port = self.addresses["http"]
        url = URL(f"http://{host}:{port}{path}", encoded=True)
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        async with ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def send(
        self, name: str, body: bytes, path: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which a call was sent."""
        context = ssl._create_unverified_context() if name == "https" else None
        reader, writer = await asyncio.open_connection(*self.addresses[name], ssl=context)
        writer.write(self.head(body, path) + body)
        return reader, writer

    @staticmethod
    def head(body: bytes, path: str) -> bytes:
        lines = (
            f"POST {path} HTTP/1.1",
            "Host: shim",
            "Content-Type: text/xml",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*lines, "", "")).encode()

    async def states(self) -> list[str]:
        assert self._application.journal is not None
        return [each.state for each in await self._application.journal.entries()]

    async def ends(self, state: str) -> None:
        """Wait until the only entry of the journal is in this state."""
        async with asyncio.timeout(PATIENCE):
            while await self.states() != [state]:  # noqa: ASYNC110  # of a database
                await asyncio.sleep(0.005)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest_asyncio.fixture
async def served(backend: Backend, tmp_path: Path) -> AsyncIterator[Served]:
    settings = settings_for(backend.url, make_tls(tmp_path), tmp_path, {})
    async with open_application(Config.model_validate(settings)) as application:
        server = Server(application)
        await server.start()
        yield Served(application, server)
        await server.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # of another thread
            await asyncio.sleep(0.005)


def adding(backend: Backend) -> int:
    """How often v3 was asked to add an organization."""
    return sum(b"AddOrganization" in each for each in backend.bodies)


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_that_arrives_is_delivered(served: Served, path: str) -> None:
    body = await served.post(add_client(f"arrives{len(path)}"), path)
    assert b"AddClientResponse" in body
    await served.ends("done-clean")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("listener", ["http", "https"])
async def test_a_client_that_left_finds_the_answer_when_it_calls_again(
    served: Served, backend: Backend, listener: str, path: str
) -> None:
    message = add_client(f"left{listener}{len(path)}")
    before = adding(backend)
    with backend.held("AddOrganization"):
        _, writer = await served.send(listener, message, path)
        await until(lambda: adding(backend) > before)
        writer.transport.abort()
    await served.ends("done-unclean")
    assert b"AddClientResponse" in await served.post(message)
    assert adding(backend) == before + 1
    await served.ends("done-clean")


@pytest.mark.parametrize("listener", ["http", "https"])
async def test_a_call_whose_client_left_while_it_waited_for_an_equal_one_is_not_begun(
    served: Served, backend: Backend, listener: str
) -> None:
    """It was made again, perhaps, and would add what its next one has deleted meanwhile."""
    message = add_client(f"waits{listener}")
    before = adding(backend)
    with backend.held("AddOrganization"), capture_logs() as logs:
        reader, first = await served.send("http", message, CLIENT)
        await until(lambda: adding(backend) > before)
        _, second = await served.send(listener, message, CLIENT)
        await asyncio.sleep(0.7)  # for at once it would be a client that wants no answer
        second.transport.abort()
        await until(lambda: any(each.get("reason") == "client-left" for each in logs))
    assert b"200 OK" in await reader.readline()
    first.close()
    await served.ends("done-clean")
    assert adding(backend) == before + 1


async def test_a_call_that_a_stopped_process_reads_when_its_client_has_left_is_not_begun(
    served: Served, backend: Backend
) -> None:
    before = adding(backend)
    message = add_client("stopped")
    with capture_logs() as logs:
        with socket.create_connection(served.addresses["http"]) as client:
            client.sendall(served.head(message, CLIENT) + message)
            time.sleep(0.7)  # noqa: ASYNC251  # nothing runs here meanwhile
        await until(lambda: any(each.get("reason") == "client-left" for each in logs))
    assert adding(backend) == before


@pytest.mark.parametrize("listener", ["http", "https"])
async def test_a_client_that_wants_no_answer_has_its_call_made(
    served: Served, backend: Backend, listener: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "_TOGETHER", PATIENCE)  # however late a busy machine sees it leave
    before = adding(backend)
    _, writer = await served.send(listener, add_client(f"forgets{listener}"), CLIENT)
    await writer.drain()
    writer.close()
    await until(lambda: adding(backend) > before)
    await served.ends("done-unclean")


async def test_a_client_that_has_nothing_more_to_send_has_the_answer(
    served: Served, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "_TOGETHER", PATIENCE)  # however late a busy machine sees it close its side
    before = adding(backend)
    with backend.held("AddOrganization"):
        reader, writer = await served.send("http", add_client("half"), CLIENT)
        writer.write_eof()
        await until(lambda: adding(backend) > before)
    assert b"AddClientResponse" in await reader.read()
    await served.ends("done-clean")
    writer.close()


async def test_a_fault_keeps_no_answer(served: Served) -> None:
    await served.post(add_client("twice"))
    with pytest.raises(AssertionError, match="Fault"):
        await served.post(add_client("twice"))
    assert "done-unclean" not in await served.states()
