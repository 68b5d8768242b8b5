"""Callers of the chaos run: real SOAP toolkits as processes, and one that writes its messages by hand.

A process reads one call a line, its words parted by tabs: login, `Service.Operation`, the element of the
answer that is wanted (or nothing), `field=value`...; it writes one line: `=` and what was wanted, or `!` and
the fault. Its first line is `ready`, once it has read the WSDL.
"""

from __future__ import annotations

import http.client
import os
import queue
import random
import re
import select
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Protocol

from tests.end_to_end.generated_clients import JARS, RUNTIME, run
from tests.end_to_end.messages import envelope, namespace
from tests.end_to_end.running import HOST, Tls
from tests.end_to_end.toolkits.row import PHP, of_perl, of_python

CLIENTS = Path(__file__).parent / "clients"
PATIENCE = 150.0
"""Seconds within which a toolkit has answered, by its own time-out at the latest."""


SHORT_PATIENCE = 1.0
"""Seconds after which one caller leaves, and calls again."""


class Refused(Exception):
    """What a toolkit told its program in place of an answer."""


class Caller(Protocol):
    """Who makes one call at a time. `ask` raises Refused."""

    key: str

    def ask(self, login: str, operation: str, wanted: str, fields: Mapping[str, str]) -> str: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where callers find the shims: the balancer's ports, with TLS and without; a folder for what is built.

    `shims` are the shims' own ports, without TLS.
    """

    https: int
    http: int
    tls: Tls
    folder: Path
    shims: tuple[int, ...]

    @property
    def plain(self) -> str:
        return f"http://{HOST}:{self.http}"

    @property
    def safe(self) -> str:
        return f"https://{HOST}:{self.https}"


@dataclass
class Program:
    """A toolkit in a process of its own, begun anew when it is gone."""

    key: str
    command: list[str]
    authority: Path
    deaths: int = 0
    _process: subprocess.Popen[str] | None = None
    _said: queue.Queue[str] = field(default_factory=queue.Queue)

    def begin(self) -> None:
        """Raises Refused when it cannot read the WSDL now."""
        environment = {**os.environ, "SHIM_CA": str(self.authority), "LC_ALL": "C.UTF-8", "NO_PROXY": "*"}
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self._process, self._said = process, queue.Queue()
        threading.Thread(target=_read, args=(process, self._said), daemon=True).start()
        first = self._line()
        if first != "ready":
            self.close()
            raise Refused(f"it did not begin: {first}")

    def ask(self, login: str, operation: str, wanted: str, fields: Mapping[str, str]) -> str:
        if self._process is None:
            self.begin()
        assert self._process is not None
        assert self._process.stdin is not None
        words = [login, operation, wanted, *(f"{name}={value}" for name, value in fields.items())]
        try:
            self._process.stdin.write("\t".join(words) + "\n")
            self._process.stdin.flush()
        except OSError:
            self._gone()
        said = self._line()
        if said.startswith("="):
            return said[1:]
        if not said:
            self._gone()
        raise Refused(said[1:])

    def _line(self) -> str:
        """What it says next; empty when it has ended."""
        try:
            return self._said.get(timeout=PATIENCE)
        except queue.Empty:
            self.close()
            raise Refused(f"nothing within {PATIENCE:.0f} seconds") from None

    def _gone(self) -> None:
        self.deaths += 1
        self.close()
        raise Refused("its process has ended")

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for each in (self._process.stdin, self._process.stdout):
                if each is not None:
                    with closing(each):
                        pass
            self._process = None


def _read(process: subprocess.Popen[str], said: queue.Queue[str]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said.put(line.rstrip("\n"))
    except ValueError:  # closed by whoever ended it
        return
    finally:
        said.put("")


@dataclass
class ByHand:
    """Messages as old scripts write them, a connection each."""

    key: str
    place: Place

    def ask(self, login: str, operation: str, wanted: str, fields: Mapping[str, str]) -> str:
        service, name = operation.split(".")
        inner = "".join(f"<{key}>{value}</{key}>" for key, value in fields.items())
        space = namespace(f"{service}Messages")
        body = f'<m:{name}Request xmlns:m="{space}">{inner}</m:{name}Request>'
        message = envelope(body, login=(login, f"{login}-secret"))
        try:
            with closing(self._connection()) as wire:
                path = f"/soap2/{service.lower()}_agent.php"
                wire.request("POST", path, message, {"Content-Type": "text/xml; charset=utf-8"})
                self._wait(wire)
                text = wire.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Refused(repr(error)) from None
        fault = re.search(r"<faultstring[^>]*>(.*?)</faultstring>", text, re.DOTALL)
        if fault:
            raise Refused(unescape(fault[1]))
        found = re.search(rf"<(?:\w+:)?{wanted}>([^<]*)<", text) if wanted else None
        return unescape(found[1]) if found else ""

    def _connection(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(self.place.tls.authority))
        return http.client.HTTPSConnection(HOST, self.place.https, timeout=PATIENCE, context=context)

    def _wait(self, wire: http.client.HTTPConnection) -> None:
        """Wait for an answer as long as it takes."""

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass
class Leaver(ByHand):
    """The same, and the connection is closed when no answer came for a short while.

    It goes to a shim itself: what a balancer has taken just when its client leaves is lost to both.
    """

    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.chance.choice(self.place.shims), timeout=PATIENCE)

    def _wait(self, wire: http.client.HTTPConnection) -> None:
        if not select.select([wire.sock], [], [], SHORT_PATIENCE)[0]:
            raise Refused("left before an answer came")


@dataclass(frozen=True, slots=True)
class Toolkit:
    """One that may be installed: `present` is a command that works then."""

    title: str
    present: list[str]
    command: Callable[[Place], list[str]]


def _jaxws(place: Place) -> list[str]:
    """Bindings made from the WSDL of all services that the shims serve."""
    jars = ":".join(str(JARS / f"{name}.jar") for name in RUNTIME)
    sources, classes = place.folder / "src", place.folder / "classes"
    if not classes.exists():
        sources.mkdir()
        classes.mkdir()
        options = ["-quiet", "-extension", "-XadditionalHeaders", "-Xnocompile", "-keep"]
        root = f"{place.plain}/soap2/schema/latest/voipnowservice-all.wsdl"
        run("wsimport", *options, "-s", str(sources), root)
        files = [*map(str, sources.rglob("*.java")), str(CLIENTS / "Calls.java")]
        run("javac", "-nowarn", "-proc:none", "-cp", jars, "-d", str(classes), *files)
    return ["java", "-Xmx128m", "-XX:+UseSerialGC", "-cp", f"{jars}:{classes}", "Calls", place.plain]


def _script(program: str, name: str, *more: str, plain: bool = False) -> Callable[[Place], list[str]]:
    return lambda place: [program, str(CLIENTS / name), *more, place.plain if plain else place.safe]


TOOLKITS = {
    "php": Toolkit("PHP SoapClient", PHP, _script("php", "calls.php")),
    "soap-lite": Toolkit(
        "Perl SOAP::Lite",
        of_perl("SOAP::Lite", "IO::Socket::SSL", "LWP::Protocol::https"),
        _script("perl", "calls.pl"),
    ),
    "zeep": Toolkit("Python zeep", of_python("zeep"), _script(sys.executable, "calls.py", "zeep")),
    "suds": Toolkit(
        "Python suds-community", of_python("suds-community"), _script(sys.executable, "calls.py", "suds")
    ),
    "soap4r": Toolkit(
        "Ruby soap4r",
        ["ruby", "-e", "gem 'soap4r-ruby1.9'"],
        _script("ruby", "calls.rb", plain=True),
    ),
    "jax-ws": Toolkit("Java JAX-WS, generated by wsimport", ["wsimport", "-version"], _jaxws),
}


def callers(place: Place, keys: list[str], by_hand: int) -> tuple[list[Caller], list[str]]:
    """Those that are installed, begun, and so many by hand; and the names of those that are missing."""
    made: list[Caller] = [ByHand(f"hand{number}", place) for number in range(by_hand)]
    made.append(Leaver("leaves", place))
    missing: list[str] = []
    for key in keys:
        toolkit = TOOLKITS[key]
        if not _installed(toolkit.present):
            missing.append(toolkit.title)
            continue
        program = Program(key, toolkit.command(place), place.tls.authority)
        program.begin()
        made.append(program)
    return made, missing


def _installed(present: list[str]) -> bool:
    if shutil.which(present[0]) is None:
        return False
    return subprocess.run(present, capture_output=True, check=False).returncode == 0
