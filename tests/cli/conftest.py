"""The shim command in its own process, as people run it, and in this one where that is enough."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shim.cli.main import app
from shim.edge.settings.load import load_config
from shim.edge.store.database import Store
from tests.cli.programs import PROGRAM, Run, Started, environment


@pytest.fixture(autouse=True)
def as_wide_as_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests are run from."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def shim() -> Run:
    def run(
        *args: str, stdin: str | bytes = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [*PROGRAM, *args], input=data, capture_output=True, env=environment(env), timeout=60, check=False
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name in [name for name in os.environ if name.startswith("SHIM_")]:
        monkeypatch.delenv(name)

    def call(*args: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(args), input=stdin)

    return call


@pytest.fixture
def make_store() -> Callable[[Path], None]:
    """Makes the store of a configuration, as `shim serve` does at its first start."""

    def make(file: Path) -> None:
        async def opened() -> None:
            kept = load_config(file).store
            await (await Store.open(kept.url)).close()

        asyncio.run(opened())

    return make


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    running: list[Started] = []

    def started(*args: str, until: str) -> Started:
        running.append(Started(*args, until=until))
        return running[-1]

    yield started
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


@pytest.fixture
def backend(start: Callable[..., Started]) -> str:
    """The URL of an emulated backend."""
    return start("emulate", "--port", "0", until="nw005").find(r"emulated: (\S+)")


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """A configuration file with free ports, a store of its own, and one integration."""

    def write(text: str = "", *, backend: str = "http://127.0.0.1:9", secret: str = "acme-app-secret") -> Path:
        path = tmp_path / "shim.yaml"
        path.write_text(
            f"listen: {{port: 0}}\nadmin: {{port: 0}}\nbackend: {{url: '{backend}'}}\n"
            f"store: {{url: 'sqlite+aiosqlite:///{tmp_path}/shim.db'}}\n"
            "integrations_file: integrations.yaml\n" + text
        )
        (tmp_path / "integrations.yaml").write_text(
            "# who may call\n- name: acme\n  old: {username: acme, password: acme-secret}\n"
            f"  new: {{app_key: acme-key, app_secret: {secret}}}\n"
        )
        for each in (path, tmp_path / "integrations.yaml"):
            each.chmod(0o600)
        return path

    return write
