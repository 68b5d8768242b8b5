"""shim check: every problem at once, and the exit code that says whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import Result

from shim.cli.check.ports import WantedPort, refused
from shim.cli.demo.certificate import loopback_certificate
from shim.edge.telemetry import tracing
from tests.review.page.provider import Provider

Invoke = Callable[..., Result]
ConfigFile = Callable[..., Path]


@pytest.fixture
def taken() -> Iterator[int]:
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.slow
def test_all_is_well(invoke: Invoke, config: ConfigFile, backend: str) -> None:
    done = invoke("check", "--config", str(config(backend=backend)))
    assert done.exit_code == 0, done.stdout + done.stderr
    told = [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("ok")]
    names = (
        "configuration",
        "translations",
        "policies",
        "TLS files",
        "store",
        "ports",
        "backend",
        "tokens",
        "logins",
        "version",
        "lists",
        "row identifier",
        "empty list",
        "required",
        "soap action",
        "unlimited",
        "names",
        "storage",
        "report filter",
    )
    assert told == [f"ok       {name}" for name in names]
    assert done.stderr == ""


@pytest.mark.slow
def test_a_refused_login_ends_with_4(invoke: Invoke, config: ConfigFile, backend: str) -> None:
    done = invoke("check", "-c", str(config(backend=backend, secret="another")))
    assert done.exit_code == 4
    assert "integration acme: new.app_key, new.app_secret" in done.stdout
    assert "another" not in done.stdout


@pytest.mark.slow
def test_the_version_is_asked_for_when_it_is_to_be_found_out(
    invoke: Invoke, config: ConfigFile, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIM_BACKEND__SCHEMA_VERSION", "auto")
    done = invoke("check", "--config", str(config(backend=backend)))
    assert done.exit_code == 0, done.stdout
    assert "3.0.0 is spoken" in done.stdout
    done = invoke("check", "--config", str(config(backend=backend, secret="another")))
    assert "say which version it speaks: 3.0.0 is assumed" in done.stdout
    assert done.exit_code == 3


@pytest.mark.slow
def test_a_backend_that_speaks_no_tls_is_unreachable(invoke: Invoke, config: ConfigFile, backend: str) -> None:
    done = invoke("check", "-c", str(config()), "--backend-url", backend.replace("http:", "https:"))
    assert done.exit_code == 3
    assert "The port may speak plain HTTP." in done.stdout


def test_no_backend_ends_with_3_and_offline_does_not_ask(invoke: Invoke, config: ConfigFile) -> None:
    file = str(config())
    done = invoke("check", "-c", file)
    assert done.exit_code == 3
    assert "backend.url: http://127.0.0.1:9 refuses the connection" in done.stdout
    assert invoke("check", "-c", file, "--offline").exit_code == 0


def test_every_problem_of_the_configuration_at_once(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "shim.yaml"
    file.write_text("listen: {prot: 1, port: 99999}\nbackend: {url: 'ftp://x'}\n")
    done = invoke("check", "-c", str(file))
    assert done.exit_code == 2
    for told in (
        "listen.prot",
        "Did you mean listen.port?",
        "listen.port",
        "backend.url",
        "ok       translations",
    ):
        assert told in done.stdout


def test_several_workers_on_sqlite_are_a_problem_and_the_rest_is_checked(
    invoke: Invoke, tmp_path: Path
) -> None:
    file = tmp_path / "shim.yaml"
    file.write_text("listen: {port: 0, workers: 2}\nadmin: {port: 0}\nbackend: {url: 'http://127.0.0.1:9'}\n")
    done = invoke("check", "--offline", "-c", str(file))
    assert done.exit_code == 2
    assert "listen.workers: SQLite has one writer" in done.stdout
    assert "Set it to 1, or let store.url be PostgreSQL" in done.stdout
    assert "ok       translations" in done.stdout


def test_problems_of_several_kinds_end_with_the_lowest(invoke: Invoke, config: ConfigFile, taken: int) -> None:
    done = invoke("check", "-c", str(config()), "--port", str(taken))
    assert done.exit_code == 2
    assert f"127.0.0.1:{taken} cannot be had" in done.stdout
    assert "backend.url" in done.stdout
    assert invoke("check", "-c", str(config()), "--port", str(taken), "--running").exit_code == 3


def test_store_that_cannot_be_opened(
    invoke: Invoke, config: ConfigFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIM_STORE__URL", "sqlite+aiosqlite:////nowhere/at/all.db")
    done = invoke("check", "--offline", "-c", str(config()))
    assert done.exit_code == 2
    assert "store.url" in done.stdout


def test_tls_files_that_match_and_last(invoke: Invoke, config: ConfigFile, tmp_path: Path) -> None:
    files = loopback_certificate(tmp_path / "tls")
    flags = ("--tls-cert", str(files.certificate), "--tls-key", str(files.key), "--tls-port", "0")
    done = invoke("check", "--offline", "-c", str(config()), *flags)
    assert done.exit_code == 0, done.stdout
    assert "certificate and key match" in done.stdout


def test_tls_files_of_two_pairs_or_swapped(invoke: Invoke, config: ConfigFile, tmp_path: Path) -> None:
    one, other = loopback_certificate(tmp_path / "one"), loopback_certificate(tmp_path / "other")
    flags = ("--tls-cert", str(one.certificate), "--tls-key", str(other.key), "--tls-port", "0")
    assert "the key of another certificate" in invoke("check", "--offline", "-c", str(config()), *flags).stdout
    flags = ("--tls-cert", str(one.key), "--tls-key", str(one.certificate), "--tls-port", "0")
    done = invoke("check", "--offline", "-c", str(config()), *flags)
    assert done.exit_code == 2
    assert "The two may be swapped" in done.stdout


def test_a_certificate_that_ended(invoke: Invoke, config: ConfigFile, tmp_path: Path) -> None:
    cert, key = _ended(tmp_path)
    done = invoke(
        "check", "--offline", "-c", str(config()), "--tls-cert", cert, "--tls-key", key, "--tls-port", "0"
    )
    assert done.exit_code == 2
    assert "the certificate ended on" in done.stdout


def _ended(folder: Path) -> tuple[str, str]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(9)).not_valid_after(now - timedelta(1))
    (folder / "old.pem").write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    (folder / "old.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(folder / "old.pem"), str(folder / "old.key")


def test_ports(taken: int) -> None:
    assert refused(WantedPort("x", "127.0.0.1", 0, "--port")) is None
    assert "cannot be had" in (refused(WantedPort("x", "127.0.0.1", taken, "--port")) or "")


def test_a_spool_that_cannot_be_made_is_told(invoke: Invoke, config: ConfigFile, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = invoke("check", "-c", str(config("deprecation: {spool: file/spool}\n")), "--offline")
    assert done.exit_code == 0
    assert "warning  store: The folder for the deprecation log's spool cannot be made" in done.stdout
    assert "spool" not in invoke("check", "-c", str(config()), "--offline").stdout


def test_traces_that_are_wanted_without_the_extra(
    monkeypatch: pytest.MonkeyPatch, invoke: Invoke, config: ConfigFile
) -> None:
    file = config("telemetry: {otlp_endpoint: 'http://collector:4318'}\n")
    told = invoke("check", "--offline", "--config", str(file))
    assert "traces: made of 100% of the calls" in told.stdout
    monkeypatch.setattr(tracing, "find_spec", lambda name: None)
    told = invoke("check", "--offline", "--config", str(file))
    assert told.exit_code == 2
    assert "requirements-otel.lock" in " ".join((told.stdout + told.stderr).split())


async def test_the_provider_of_page_logins_is_asked(invoke: Invoke, config: ConfigFile) -> None:
    def told(issuer: str) -> Any:
        file = config()
        oidc = f"{{issuer: '{issuer}', client_id: shim, default_role: viewer}}"
        file.write_text(file.read_text().replace("admin: {port: 0}", f"admin: {{port: 0, oidc: {oidc}}}"))
        return invoke("check", "-c", str(file))

    async with Provider().running() as provider:
        done = await asyncio.to_thread(told, provider.base)
        assert f"logins of the page: {provider.base} answers" in done.stdout
        provider.keys = {"keys": 7}
        done = await asyncio.to_thread(told, provider.base)
        assert "its keys cannot be read" in " ".join((done.stdout + done.stderr).split())
        done = await asyncio.to_thread(told, f"{provider.base}/elsewhere")
        assert done.exit_code != 0
        assert "404" in done.stdout + done.stderr
