"""The admin listener over TLS: only HTTPS, the commands that ask it, a renewed certificate."""

from __future__ import annotations

import shutil
import ssl
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shim.cli.main import app
from tests.end_to_end.operating.test_signals import renew, reread, serial_number
from tests.end_to_end.running import HOST, Shim, StartShim, Tls
from tests.end_to_end.wire import connected


@pytest.fixture
def shim(start_shim: StartShim, tls: Tls, tmp_path: Path) -> Shim:
    shutil.copy(tls.certificate, tmp_path / "cert.pem")
    shutil.copy(tls.key, tmp_path / "key.pem")
    pair = {"admin.tls_cert": str(tmp_path / "cert.pem"), "admin.tls_key": str(tmp_path / "key.pem")}
    return start_shim(pair)


def asked(shim: Shim, path: str) -> tuple[int, str, str]:
    context = ssl.create_default_context(cafile=str(shim.tls.authority))
    with urllib.request.urlopen(f"https://{HOST}:{shim.admin}{path}", context=context) as answer:
        return answer.status, answer.read().decode(), answer.url


def test_health_metrics_and_commands_over_tls(shim: Shim) -> None:
    assert asked(shim, "/livez")[0] == 200
    assert "shim_calls_total" in asked(shim, "/metrics")[1]
    config = shim.folder / "config.yaml"
    port = ["--config", str(config), "--admin-port", str(shim.admin)]
    done = CliRunner().invoke(app, ["health", *port])
    assert done.exit_code == 0, done.output
    assert "store" in done.stdout
    done = CliRunner().invoke(app, ["reload", *port])
    assert "Taken over: nothing had changed" in done.stdout, done.output


def test_commands_trust_no_other_certificate(shim: Shim, tmp_path: Path) -> None:
    """Somebody else who listens at the port is not believed."""
    before = (tmp_path / "cert.pem").read_bytes()
    renew(shim.tls, tmp_path)
    assert (tmp_path / "cert.pem").read_bytes() != before
    port = ["--config", str(shim.folder / "config.yaml"), "--admin-port", str(shim.admin)]
    done = CliRunner().invoke(app, ["health", *port])
    assert (done.exit_code, "SSLCertVerificationError" in done.output) == (1, True), done.output


def test_plain_http_gets_no_answer(shim: Shim) -> None:
    with connected(shim.admin) as wire:
        wire.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.is_closed()


def test_a_renewed_certificate_is_taken_over(shim: Shim, tmp_path: Path) -> None:
    def serial() -> int:
        with connected(shim.admin, shim.tls.authority) as wire:
            return serial_number(wire)

    before = serial()
    renew(shim.tls, tmp_path)
    reread(shim)
    assert serial() != before
