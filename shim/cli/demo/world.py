"""The demo: emulated backend and shim in one process on loopback, with the logins of the demo world."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shim.cli.common.listening import listening, url
from shim.cli.demo.certificate import Files, loopback_certificate
from shim.edge.app import open_application
from shim.edge.callers.passwords import Passwords
from shim.edge.serve import Server
from shim.edge.settings.load import load_config
from shim.edge.settings.model import Config
from shim.emulator.app import Options, application
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import World
from shim.review.listener import review

LOOPBACK = "127.0.0.1"
REVIEWER, REVIEW_PASSWORD = "demo", "demo-secret"  # of a world that lives on loopback


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A 2.5 login of the demo world; its v3 app is `<login>-key` with `<login>-app-secret`."""

    login: str
    password: str
    id: int
    old_level: str
    new_level: str


LOGINS = (
    DemoLogin("admin", "admin-secret", 1, "administrator", "administrator"),
    DemoLogin("acme", "acme-secret", 10, "reseller", "service provider"),
    DemoLogin("fabrikam", "fabrikam-secret", 11, "reseller", "service provider"),
    DemoLogin("northwind", "northwind-secret", 20, "client of acme", "organization"),
    DemoLogin("contoso", "contoso-secret", 21, "client of acme", "organization"),
    *(
        DemoLogin(
            f"nw00{number}", "nw-secret", 29 + number, "extension of northwind", "user with one extension"
        )
        for number in range(1, 6)
    ),
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; 0 takes any free port."""

    http: int
    https: int
    admin: int
    backend: int


@dataclass(frozen=True, slots=True)
class Demo:
    """The running demo: URLs without a path, the backend's world, the certificate that clients may trust."""

    http: str
    https: str
    admin: str
    backend: str
    world: World
    tls: Files


@asynccontextmanager
async def running(ports: Ports, tls_dir: Path | None) -> AsyncIterator[Demo]:
    """Everything up, and down again at the end of the block. Raises OSError when a port is taken."""
    world = load_seed(None)
    with tempfile.TemporaryDirectory(prefix="shim-demo-") as temporary:
        tls = loopback_certificate(tls_dir or Path(temporary))
        async with listening(application(world, Options()), LOOPBACK, ports.backend) as backend:
            config = _config(ports, backend, tls, Path(temporary))
            async with open_application(config) as opened:
                server = Server(opened, patience=2.0, extend=review)
                try:
                    await server.start()
                    at = {name: url(name, *address) for name, address in server.addresses.items()}
                    admin = url("http", *server.addresses["admin"])
                    yield Demo(at["http"], at["https"], admin, backend, world, tls)
                finally:
                    await server.stop()


def _config(ports: Ports, backend: str, tls: Files, folder: Path) -> Config:
    settings = {
        "listen.host": LOOPBACK,
        "listen.port": ports.http,
        "listen.tls_port": ports.https,
        "listen.tls_cert": tls.certificate.absolute(),
        "listen.tls_key": tls.key.absolute(),
        "admin.host": LOOPBACK,
        "admin.port": ports.admin,
        "admin.users": [{"name": REVIEWER, "password_hash": Passwords().hash(REVIEW_PASSWORD)}],
        "backend.url": backend,
        "store.url": f"sqlite+aiosqlite:///{folder / 'shim.db'}",
        "integrations": [_integration(each) for each in LOGINS],
    }
    return load_config(None, settings, {})


def _integration(login: DemoLogin) -> dict[str, Any]:
    return {
        "name": login.login,
        "old": {"username": login.login, "password": login.password},
        "new": {"app_key": f"{login.login}-key", "app_secret": f"{login.login}-app-secret"},
    }
