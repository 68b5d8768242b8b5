"""Warnings of `shim check` that need nothing but a configuration: what it allows and an operator should know.

None of them stops the shim: each may be meant, behind a proxy or on a private network for example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from shim.edge.backend.dialect import assumed, not_described
from shim.edge.deprecation.log import spool_folder
from shim.edge.http.descriptors import allowed, descriptors_needed, room
from shim.edge.settings.kinds import is_loopback
from shim.edge.settings.model import Config

MOUNTS = Path("/proc/self/mounts")
_OVER_NETWORK = frozenset(
    (
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "gfs2",
        "glusterfs",
        "lustre",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
    )
)
_OVER_NETWORK_FUSE = ("sshfs", "glusterfs", "ceph", "s3fs", "rclone", "gcsfuse", "goofys", "davfs")
_OCTAL = re.compile(r"\\([0-7]{3})")
"""How the table writes blanks in names."""
_PORTS = {"http": 80, "https": 443}

SettingPlace = tuple[str, int]
"""Host and port."""


def cautions(config: Config, mounts: Path = MOUNTS) -> list[str]:
    """A sentence for each; `mounts` is the system's table of file systems, if it has one."""
    return [
        *_in_clear(config),
        *_comparing(config),
        *_waiting(config),
        *_over_network(config, mounts),
        *_descriptors(config, allowed()),
        *filter(None, [not_described(assumed(config))]),
    ]


def _descriptors(config: Config, most: int | None) -> Iterator[str]:
    needed = descriptors_needed(config)
    if most is not None and most < needed:
        yield (
            f"{most} file descriptors are allowed here, and the configuration can need {needed}: the "
            f"shim takes {room(config, most)} connections instead of {config.listen.max_connections}. Allow "
            f"more where it is started (systemd: LimitNOFILE={needed}, elsewhere ulimit -n), or lower "
            "listen.max_connections."
        )


def _in_clear(config: Config) -> Iterator[str]:
    listen, admin = config.listen, config.admin
    if not is_loopback(listen.host):
        tls = "" if listen.tls_cert else " and no TLS is configured"
        yield (
            f"listen.host is {listen.host}{tls}: passwords cross the network in clear on the HTTP port, "
            "unless a proxy in front ends TLS."
        )
    if (admin.users or admin.oidc) and not is_loopback(admin.host) and admin.tls_cert is None:
        yield (
            f"admin.host is {admin.host}: passwords of the review page cross the network in clear, because the "
            "admin listener speaks plain HTTP: set admin.tls_cert and admin.tls_key, or let it listen on "
            "127.0.0.1, behind a proxy that ends TLS."
        )


def _comparing(config: Config) -> Iterator[str]:
    url = config.compare.url
    if url is None:
        return
    place = _place(url)
    if place in _own(config):
        yield "compare.url is this shim itself: it would compare with its own answers. Set the old server's."
    elif place == _place(config.backend.url):
        yield "compare.url is the v3 backend, which speaks no 2.5: set the address of an old server."


def _place(url: str) -> SettingPlace:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return ("localhost" if is_loopback(host) else host), parts.port or _PORTS.get(parts.scheme, 0)


def _own(config: Config) -> set[SettingPlace]:
    """Where this shim is reached, as far as its configuration says."""
    listen = config.listen
    ports = [listen.port, *([listen.tls_port] if listen.tls_cert else [])]
    host = "localhost" if is_loopback(listen.host) or listen.host in ("", "0.0.0.0", "::") else listen.host  # noqa: S104
    public = [_place(listen.public_url)] if listen.public_url else []
    return {*((host.lower(), port) for port in ports), *public}


def _waiting(config: Config) -> Iterator[str]:
    whole = config.backend.total_timeout
    waits = {"journal.wait": config.journal.wait}
    if _sqlite(config) is not None:
        waits["store.busy_timeout"] = config.store.busy_timeout
    for name, seconds in waits.items():
        if seconds >= whole:
            yield (
                f"{name} ({seconds:g} s) is not below backend.total_timeout ({whole:g} s): callers get a "
                "time-out instead of the fault that says what they wait for."
            )


def _over_network(config: Config, mounts: Path) -> Iterator[str]:
    folders = {"store.url": _sqlite(config), "deprecation.spool": spool_folder(config)}
    for setting, path in folders.items():
        kind = file_system(path, mounts) if path is not None else None
        if kind is not None and is_over_network(kind):
            yield (
                f"{setting} is on a network file system ({kind}), where locks and the last writes cannot be "
                "relied on: use a local disk, or PostgreSQL."
            )


def _sqlite(config: Config) -> Path | None:
    """The file of an SQLite store; None for another engine, or none in a file."""
    url = make_url(config.store.url.get_secret_value())
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return None
    return Path(url.database)


def is_over_network(kind: str) -> bool:
    return kind in _OVER_NETWORK or (kind.startswith("fuse.") and kind.endswith(_OVER_NETWORK_FUSE))


def file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the file system that a path is on; None where the system does not tell."""
    try:
        table = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None  # only Linux has this table: elsewhere nothing is said
    return _type_of(path.resolve(), (line.split() for line in table))


def _type_of(path: Path, rows: Iterable[list[str]]) -> str | None:
    """That of the deepest mount point above; of several on one point the last counts."""
    filesystem, depth = None, -1
    for row in rows:
        point = (
            Path(_OCTAL.sub(lambda filesystem: chr(int(filesystem[1], 8)), row[1])) if len(row) > 2 else None
        )
        if point is not None and path.is_relative_to(point) and len(point.parts) >= depth:
            filesystem, depth = row[2], len(point.parts)
    return filesystem
