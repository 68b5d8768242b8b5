"""Asking PHP's SoapServer what it understands of a message: one server process for all messages of a run."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shim.core.schema.wsdl import Publication
from shim.interfaces.load import old

HERE = Path(__file__).parent
PHP = shutil.which("php")
Value = list[Any]
"""A value as PHP handed it over, with its type: see `oracle.php`."""


@dataclass(frozen=True)
class Heard:
    """What the old server did with a message: the calls that its program got, or the fault that it answered."""

    calls: tuple[tuple[str, list[Value]], ...]
    status: int
    fault: str = ""

    @property
    def operation(self) -> tuple[str, list[Value]] | None:
        """The call itself, without those for headers; None when it came to none."""
        return next((each for each in reversed(self.calls) if each[0] != "userCredentials"), None)

    @property
    def logins(self) -> list[Value]:
        """What the header method was given, in order."""
        return [given[0] if given else ["n"] for name, given in self.calls if name == "userCredentials"]


def has_soap() -> bool:
    """Whether there is a PHP with its SOAP extension."""
    if PHP is None:
        return False
    return b"soap" in subprocess.run([PHP, "-m"], capture_output=True, check=True).stdout.split()


class Oracle:
    """A running SoapServer over the tree that is published."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, service: str, message: bytes, headers: Mapping[str, str], method: str = "POST") -> Heard:
        """What it understands of one message, posted to a service."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as wire:
            wire.putrequest(method, f"/{service.lower()}_agent.php", skip_accept_encoding=True)
            for name, value in {**headers, "X-Service": service, "Content-Length": str(len(message))}.items():
                wire.putheader(name, value)
            wire.endheaders(message)
            answer = wire.getresponse()
            body = answer.read().decode("utf-8", "replace")
            told = answer.getheader("X-Seen")
        calls = json.loads(base64.b64decode(told)) if told else []
        fault = re.search(r"<(?:faultstring|env:Text)[^>]*>(.*?)</", body, re.DOTALL)
        seen = tuple((name, given) for name, given in calls)
        return Heard(seen, answer.status, fault[1] if fault else "")


def publish(folder: Path, version: str = "2.5.1") -> None:
    """Write the tree of a version, as the shim publishes it, into a folder."""
    interface = old().earlier if version.startswith("2.0.") else old()
    assert interface is not None
    publication = Publication(interface)
    for name in publication.names():
        document = publication.document(name, version, "http://127.0.0.1")
        assert document is not None
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(document)


@contextmanager
def oracle(folder: Path, version: str = "2.5.1") -> Iterator[Oracle]:
    """Write the tree of a version into a folder, and run a SoapServer over it."""
    assert PHP is not None
    publish(folder, version)
    port = _free_port()
    command = [
        PHP,
        "-n",
        "-d",
        "extension=soap",
        "-d",
        "soap.wsdl_cache_enabled=1",
        "-d",
        "soap.wsdl_cache_ttl=9999",
    ]
    command += ["-S", f"127.0.0.1:{port}", str(HERE / "oracle.php")]
    environment = {"TREE": str(folder), "PATH": "/usr/bin:/bin"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            _wait(port, process)
            yield Oracle(port)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "php -S ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("php -S does not listen")


def written(value: Value) -> str:
    """A value as `cases.json` writes it."""
    kind, *rest = value
    match kind:
        case "n":
            return "null"
        case "b":
            return f"bool({'true' if rest[0] else 'false'})"
        case "i":
            return f"int({rest[0]})"
        case "f":
            return f"float({rest[0]})"
        case "s":
            return f"'{rest[0]}'"
        case "l":
            return f"[{', '.join(map(written, rest[0]))}]"
        case "m":
            return f"[{', '.join(f'{key}=>{written(each)}' for key, each in _items(rest[0]))}]"
        case "o":
            return "{" + ", ".join(f"{key}: {written(each)}" for key, each in _items(rest[0])) + "}"
    raise ValueError(kind)


def _items(found: Any) -> list[tuple[str, Value]]:
    return list(found.items()) if isinstance(found, dict) else []
