"""Readiness says why, to whoever may know."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from aiohttp.test_utils import TestClient, TestServer

from shim.cli.common.console import ExitCode
from shim.cli.health import HealthForm, _ask
from shim.edge.app import Application, open_application
from shim.edge.exchange.recovery import Recovery
from shim.edge.health import HealthState, certificate_problem
from shim.edge.settings.admin import Admin
from shim.edge.settings.load import load_config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    issued.cert_chain_pems[0].write_to_path(tmp_path / "old.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.issue_cert("localhost").cert_chain_pems[0].write_to_path(tmp_path / "good.pem")
    path = tmp_path / "config.yaml"
    path.write_text("backend: {url: 'http://127.0.0.1:1'}\nlisten: {tls_cert: good.pem, tls_key: key.pem}\n")
    return path


async def asked(application: Application, path: str, *, admin: bool = True) -> tuple[int, str]:
    application.health._at = None
    routes = application.admin_routes() if admin else application.routes()
    async with TestClient(TestServer(routes)) as client, client.get(path) as answer:
        return answer.status, await answer.text()


async def test_every_check_has_its_reason(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.health._PATIENCE", 0.05)
    async with open_application(load_config(file, environ={})) as application:
        assert await asked(application, "/livez") == (200, "alive\n")
        assert await asked(application, "/readyz") == (200, "ready\n")
        assert await asked(application, "/readyz", admin=False) == (200, "ready\n")
        verbose = await asked(application, "/readyz?verbose")
        assert verbose == (200, "[+] store\n[+] backend\n[+] journal\n[+] certificate\nready\n")

        other = sqlite3.connect(file.parent / "shim.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for each in application.performers.backend.addresses.all:
            each.rest(60, "test")
        application.config = application.config.model_copy(
            update={
                "listen": application.config.listen.model_copy(update={"tls_cert": file.parent / "old.pem"})
            }
        )
        status, text = await asked(application, "/readyz?verbose")
        assert status == 503
        assert "[-] store: The shim cannot use its store" in text
        assert "[-] backend: no address of the v3 backend answers" in text
        assert "[-] certificate: listen.tls_cert ended on 2020-01-01" in text
        assert await asked(application, "/readyz") == (503, "not ready: store, backend, certificate\n")
        assert await asked(application, "/readyz?verbose", admin=False) == (503, "not ready\n")
        other.close()

        application.ready = False
        assert await asked(application, "/readyz?verbose") == (503, "[-] shutdown: the shim stops\nstopping\n")
        assert await asked(application, "/livez", admin=False) == (200, "alive\n")


async def test_a_recovery_that_cannot_look_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(recovery: Recovery) -> None:
        """Start nothing: a sweep that ends after the clock has moved would be one that looked."""

    monkeypatch.setattr(Recovery, "start", nobody)
    async with open_application(load_config(file, environ={})) as application:
        journal = application.journal
        assert journal is not None
        before = journal.monotonic
        journal.monotonic = lambda: before() + 1000  # type: ignore[method-assign]
        status, text = await asked(application, "/readyz?verbose")
        assert status == 503
        assert "[-] journal: nobody could look after calls that were left behind for 1000 seconds" in text


async def test_what_was_found_is_told_again_for_a_second() -> None:
    now = [0.0]
    asked_of = 0

    async def check() -> None:
        nonlocal asked_of
        asked_of += 1

    health = HealthState({"store": check}, lambda: now[0])
    for now[0] in (0.0, 0.5, 1.0, 1.5):
        await health.problems()
    assert asked_of == 2


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert certificate_problem(None, now) is None
    assert "cannot be read" in (certificate_problem(tmp_path / "nothing", now) or "")
    (tmp_path / "bad").write_text("x")
    assert "cannot be read" in (certificate_problem(tmp_path / "bad", now) or "")


def test_the_command_says_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask(Admin(host="127.0.0.1", port=1), "/livez", 1, HealthForm.TEXT) is ExitCode.FINDINGS
    assert "No shim answers at 127.0.0.1:1" in capsys.readouterr().err


async def test_the_command_prints_the_checks(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    opened = open_application(load_config(file, environ={}))
    async with opened as application, TestServer(application.admin_routes()) as server:
        ask = (_ask, Admin(host="127.0.0.1", port=server.port or 0), "/readyz?verbose", 30, HealthForm.TEXT)
        assert await asyncio.to_thread(*ask) is ExitCode.FINE
        application.ready = False
        assert await asyncio.to_thread(*ask) is ExitCode.FINDINGS
    told = capsys.readouterr().out
    assert told.startswith("[+] store\n")
    assert told.endswith("stopping\n")
