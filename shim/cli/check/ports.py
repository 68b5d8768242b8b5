"""Ports: whether a command may have them, told before anything is started."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shim.edge.settings.model import Config


class WantedPort(NamedTuple):
    """An address that a command wants, what for, and what sets it (a flag or a setting)."""

    what: str
    host: str
    port: int
    setting: str


def wanted_ports(config: Config) -> list[WantedPort]:
    """The addresses on which a server of this configuration listens."""
    listen, admin = config.listen, config.admin
    ports = [WantedPort("HTTP", listen.host, listen.port, "listen.port (--port)")]
    if listen.tls_cert is not None:
        ports.append(WantedPort("HTTPS", listen.host, listen.tls_port, "listen.tls_port (--tls-port)"))
    return [*ports, WantedPort("admin", admin.host, admin.port, "admin.port (--admin-port)")]


def refused(address: WantedPort) -> str | None:
    """Why the address cannot be listened on; None: it can. Port 0 is any free one."""
    try:
        addresses = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError):
        return f"{address.host} is no address of this machine"
    for family, kind, protocol, _, at in addresses:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(at)
        except OSError as error:
            return _reason(address, error)
    return None


def _reason(address: WantedPort, error: OSError) -> str:
    where = f"{address.host}:{address.port}"
    if isinstance(error, PermissionError):
        return f"{where} is for privileged users only"
    return f"{where} cannot be had ({(error.strerror or 'taken').lower()})"
