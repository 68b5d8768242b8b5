"""Warnings of shim check that a configuration alone gives reason for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shim.cli.check.warnings import cautions, file_system
from shim.edge.settings.kinds import is_loopback
from shim.edge.settings.model import Config

USER = {"name": "ann", "password_hash": "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$7gDj+DS0pdY"}
NO_TABLE = Path("/nowhere/mounts")


def told(**sections: Mapping[str, Any]) -> list[str]:
    values = {"backend": {"url": "https://v3.example.com"}, **sections}
    return cautions(Config.model_validate(values), NO_TABLE)


def test_a_configuration_as_it_comes_gives_no_reason() -> None:
    assert told() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_addresses_of_this_machine_alone(host: str) -> None:
    assert is_loopback(host)
    assert told(listen={"host": host}, admin={"host": host, "users": [USER]}) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "shim.example.com"])
def test_passwords_in_clear_on_the_network(host: str) -> None:
    (listen,) = told(listen={"host": host})
    assert listen.startswith(f"listen.host is {host} and no TLS is configured: passwords cross the network")
    (admin,) = told(admin={"host": host, "users": [USER]})
    assert admin.startswith(f"admin.host is {host}: passwords of the review page cross the network in clear")
    oidc = {"issuer": "https://login.example.com", "client_id": "shim", "default_role": "viewer"}
    assert len(told(admin={"host": host, "oidc": oidc})) == 1, "sessions cross the network as well"
    assert told(admin={"host": host}) == [], "without users the page is closed"


def test_tls_still_leaves_the_http_port_open(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).touch()
    files = {"tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    (listen,) = told(listen={"host": "0.0.0.0", **files})
    assert listen.startswith("listen.host is 0.0.0.0: passwords cross the network in clear on the HTTP port")


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ({"port": 8025}, "http://127.0.0.1:8025"),
        ({"port": 8025}, "http://localhost:8025"),
        ({"host": "10.0.0.7", "port": 80}, "http://10.0.0.7"),
        ({"public_url": "https://Old.example.com"}, "https://old.example.com:443"),
    ],
)
def test_comparing_with_itself(listen: Mapping[str, Any], url: str) -> None:
    found = told(listen=listen, compare={"url": url})
    assert [each for each in found if each.startswith("compare.url is this shim itself")]


def test_comparing_with_the_backend_or_with_an_old_server() -> None:
    (found,) = told(compare={"url": "https://v3.example.com:443"})
    assert found.startswith("compare.url is the v3 backend, which speaks no 2.5")
    assert told(compare={"url": "https://old.example.com"}) == []
    assert told(compare={"url": "http://127.0.0.1:9025"}) == []


def test_waits_that_are_not_below_the_whole_time() -> None:
    backend = {"url": "https://v3.example.com", "total_timeout": 30}
    found = told(backend=backend, journal={"wait": 30}, store={"busy_timeout": 31})
    assert [each.split(":")[0] for each in found] == [
        "journal.wait (30 s) is not below backend.total_timeout (30 s)",
        "store.busy_timeout (31 s) is not below backend.total_timeout (30 s)",
    ]
    store = {"url": "postgresql://db/shim", "busy_timeout": 31}
    assert told(backend=backend, journal={"wait": 29}, store=store) == [], "PostgreSQL has no busy_timeout"


MOUNTED = """\
/dev/vda / ext4 rw 0 0
server:/export {0}/share nfs4 rw 0 0
/dev/vdb {0}/share/disk xfs rw 0 0
me@server:/home {0}/my\\040home fuse.sshfs rw 0 0
server:/old {0}/twice nfs rw 0 0
/dev/vdc {0}/twice ext4 rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    table = tmp_path / "mounts"
    table.write_text(MOUNTED.format(tmp_path.resolve()))
    return table


def test_the_deepest_mount_point_says_which_file_system(mounts: Path) -> None:
    kinds = {
        "x": "ext4",
        "share/x": "nfs4",
        "share/disk/x": "xfs",
        "my home/x": "fuse.sshfs",
        "twice/x": "ext4",
    }
    assert {name: file_system(mounts.parent / name, mounts) for name in kinds} == kinds
    assert file_system(mounts.parent, NO_TABLE) is None


def test_store_and_spool_on_a_network_file_system(mounts: Path) -> None:
    def found(**sections: Mapping[str, Any]) -> list[str]:
        config = Config.model_validate({"backend": {"url": "https://v3.example.com"}, **sections})
        return [each.partition(",")[0] for each in cautions(config, mounts)]

    here = mounts.parent
    store = "store.url is on a network file system (nfs4)"
    assert found(store={"url": f"sqlite:///{here}/share/shim.db"}) == [
        store,
        "deprecation.spool is on a network file system (nfs4)",
    ]
    local = {"spool": here / "spool"}
    assert found(store={"url": f"sqlite:///{here}/share/shim.db"}, deprecation=local) == [store]
    assert found(store={"url": f"sqlite:///{here}/share/disk/shim.db"}, deprecation=local) == []
    assert found(store={"url": "postgresql://db/shim"}, deprecation=local) == []
