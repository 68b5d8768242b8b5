"""Starting the peers: each on a free port, on the backend, in a folder that is its own; gone at the end."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.wire import free_port
from shim.core.schema.wsdl import Publication
from shim.interfaces.load import new, old

ROOT = Path(__file__).resolve().parents[2]
_PHP = Path(__file__).parent / "php"
_PACKAGES = "php-fpm php-soap nginx-light"
_WAIT = 120.0


class MissingProgram(Exception):
    """A peer needs a program that is not installed; the text says which package has it."""


@dataclass(frozen=True)
class Peer:
    """One way to do a call. `processes` are the first of its trees, whose CPU and memory count."""

    name: str
    port: int
    processes: tuple[int, ...]
    admin: int = 0


def environment() -> dict[str, str]:
    """That of a process that is measured: it runs from bytecode, as a program that pip has installed does."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def running(*command: str, cwd: Path = ROOT, output: Path | None = None) -> Iterator[int]:
    """A process, whose ID this gives; it is ended with SIGTERM."""
    with ExitStack() as stack:
        out = stack.enter_context(open(output, "wb")) if output else subprocess.DEVNULL
        errors = out if output else subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=errors, env=environment())
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def entered(stack: ExitStack, manager: AbstractContextManager[Peer]) -> Peer:
    """Start a peer without holding up the backend, which other peers look after meanwhile."""
    return await asyncio.to_thread(stack.enter_context, manager)


def wait_for(port: int) -> None:
    """Until something listens. Raises RuntimeError after two minutes."""

    def listens() -> bool:
        with socket.socket() as probe:
            return not probe.connect_ex(("127.0.0.1", port))

    _until(listens, f"nothing listens on port {port}")


def _until(there: Callable[[], bool], problem: str) -> None:
    until = time.monotonic() + _WAIT
    while not there():
        if time.monotonic() > until:
            raise RuntimeError(problem)
        time.sleep(0.05)


@contextmanager
def bare(backend: int) -> Iterator[Peer]:
    """Bare aiohttp forwarding on uvloop."""
    port = free_port()
    with running(sys.executable, "-m", "bench.peers.bare", str(port), str(backend)) as pid:
        wait_for(port)
        yield Peer("bare", port, (pid,))


def configuration(
    port: int,
    backend: int,
    folder: Path,
    store: str = "",
    workers: int = 0,
    integrations: int = 1,
    admin: int = 0,
) -> Path:
    """A configuration with all that a shim has on in production; the store is SQLite unless one is given.

    Of several integrations the last one is that of the calls.
    """
    file = folder / "shim.yaml"
    several = f"\n  workers: {workers}" if workers else ""  # releases before have no such setting
    others = "".join(
        f"""
  - name: other{number}
    old: {{app_key: other{number}, app_secret: secret{number}}}
    new: {{app_key: key{number}, app_secret: secret}}"""
        for number in range(integrations - 1)
    )
    file.write_text(
        f"""
listen:
  host: 127.0.0.1
  port: {port}{several}
  max_connections: 4000
  max_connections_per_address: 3000
  drain: 0
admin: {{port: {admin or free_port()}}}
backend: {{url: "http://127.0.0.1:{backend}"}}
store: {{url: "{store or f"sqlite+aiosqlite:///{folder}/bench.db"}"}}
integrations:{others}
  - name: bench
    old: {{username: bench, password: bench-pw}}
    new: {{app_key: key, app_secret: secret}}
"""
    )
    file.chmod(0o600)
    return file


def serve_command(file: Path) -> Sequence[str]:
    """`shim serve` of the tree in the working folder."""
    return (sys.executable, "-c", "from shim.cli.main import run; run()", "serve", "-c", str(file))


@contextmanager
def shim(
    backend: int,
    folder: Path,
    name: str = "shim",
    tree: Path = ROOT,
    *,
    store: str = "",
    workers: int = 0,
    integrations: int = 1,
) -> Iterator[Peer]:
    """`shim serve` of a source tree; its log goes to a file. No number of workers: as many as it takes."""
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    port, admin = free_port(), free_port()
    file = configuration(port, backend, own, store, workers, integrations, admin)
    with running(*serve_command(file), cwd=tree, output=own / "log") as pid:
        try:
            wait_for(port)
        except RuntimeError:
            raise RuntimeError((own / "log").read_text()[-2000:]) from None
        yield Peer(name, port, (pid,), admin)


@contextmanager
def php(backend: int, folder: Path) -> Iterator[Peer]:
    """nginx and php-fpm. Raises MissingProgram."""
    own, port = folder / "php", free_port()
    own.mkdir(parents=True)
    own.chmod(0o755)
    (own / "token").write_text("0123456789abcdef")
    root = os.geteuid() == 0
    words = {
        "FOLDER": str(own),
        "PORT": str(port),
        "BACKEND": str(backend),
        "TREES": str(trees(folder)),
        "SCRIPT": str(_PHP / "reseller_agent.php"),
    }
    nginx = filled(_PHP / "nginx.conf", own, words | {"USER": "user root;" if root else ""})
    fpm = filled(_PHP / "php-fpm.conf", own, words | {"USER": "user = root\ngroup = root" if root else ""})
    command = (program("php-fpm", _PACKAGES), "--fpm-config", str(fpm), *(["-R"] if root else []))
    with running(*command) as below, running(program("nginx", _PACKAGES), "-c", str(nginx)) as front:
        wait_for(port)
        _until((own / "fpm.sock").exists, "php-fpm does not listen")
        yield Peer("PHP", port, (below, front))


def filled(template: Path, folder: Path, words: dict[str, str]) -> Path:
    """A copy of a template in a folder, with its words put in."""
    text = template.read_text()
    for word, value in words.items():
        text = text.replace(f"${word}", value)
    file = folder / template.name
    file.write_text(text)
    return file


def program(name: str, packages: str) -> str:
    """Where a program is; Debian's php-fpm has its version in its name. Raises MissingProgram."""
    folders = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin")
    found = (
        shutil.which(name)
        or next(
            (
                str(each)
                for folder in folders
                for each in sorted(Path(folder).glob(f"{name}[0-9]*"), reverse=True)
            ),
            None,
        )
        or shutil.which(name, path=":".join(folders))
    )
    if found is None:
        raise MissingProgram(f"{name} is not installed: apt-get install {packages}")
    return found


@contextmanager
def zeep(backend: int, folder: Path) -> Iterator[Peer]:
    """A shim in zeep."""
    port = free_port()
    command = (sys.executable, "-m", "bench.peers.zeep_shim", str(port), str(backend), str(trees(folder)))
    with running(*command) as pid:
        wait_for(port)
        yield Peer("zeep", port, (pid,))


def trees(folder: Path) -> Path:
    """A folder with the published WSDL trees of both versions, `old` and `new`, made once."""
    target = folder / "trees"
    for name, interface in (("old", old()), ("new", new())):
        if (target / name).exists():
            continue
        publication = Publication(interface)
        for path in publication.names():
            document = publication.document(path, interface.version, "http://127.0.0.1")
            file = target / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(document or b"")
    return target
