"""HTTP by hand over a socket, so that exactly the bytes of a test go out, and the judges of what comes back."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from shim.core.message import Element
from shim.core.parse import parse
from shim.interfaces.load import old
from tests.end_to_end.messages import CLIENT, SOAP
from tests.end_to_end.running import HOST, Shim, logged_reason
from tests.support.schemas import assert_valid

_NOTES = re.compile(r"\((code (?P<code>[0-9]+), )?reference (?P<reference>[0-9a-f]+)\)$")
_CODES = ("SOAP-ENV:Client", "SOAP-ENV:Server", "SOAP-ENV:VersionMismatch")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    head: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Wire:
    """One connection. Reads responses one after the other; what is pipelined waits."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._held = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> Reply:
        """The next response. Raises ConnectionError when the other side ends first."""
        head = self._until(b"\r\n\r\n")
        status, headers = _parsed(head)
        if status < 200:
            return Reply(status, headers, b"", head)
        length = headers.get("content-length")
        body = self._rest() if length is None else self._exactly(int(length))
        return Reply(status, headers, body, head)

    def exchange(self, data: bytes) -> Reply:
        self.send(data)
        return self.read()

    def is_closed(self) -> bool:
        """Whether the other side has ended the connection, waiting for it within the socket's time-out."""
        if self._held:
            return False
        try:
            self._held = self.socket.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
        return not self._held

    def _until(self, end: bytes) -> bytes:
        while end not in self._held:
            self._more()
        head, _, self._held = self._held.partition(end)
        return head

    def _exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        body, self._held = self._held[:size], self._held[size:]
        return body

    def _rest(self) -> bytes:
        while part := self.socket.recv(65536):
            self._held += part
        body, self._held = self._held, b""
        return body

    def _more(self) -> None:
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the connection ended before the response did")
        self._held += part


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split()[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


@contextmanager
def connected(port: int, authority: Path | None = None, timeout: float = 10.0) -> Iterator[Wire]:
    """A connection to this port, over TLS when there is an authority to trust."""
    with socket.create_connection((HOST, port), timeout) as plain:
        if authority is None:
            yield Wire(plain)
            return
        context = ssl.create_default_context(cafile=str(authority))
        with context.wrap_socket(plain, server_hostname=HOST) as secure:
            yield Wire(secure)


def http_post(body: bytes, path: str = CLIENT, /, *lines: str, version: str = "1.1") -> bytes:
    """The bytes of a POST. `lines` are further headers and stand in for the usual ones of that name."""
    given = {line.partition(":")[0].lower() for line in lines}
    usual = ("Host: old.example", "Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}")
    headers = [line for line in usual if line.partition(":")[0].lower() not in given] + [*lines]
    if "transfer-encoding" in given:
        headers = [line for line in headers if not line.startswith("Content-Length")]
    return "\r\n".join([f"POST {path} HTTP/{version}", *headers, "", ""]).encode("latin-1") + body


def http_get(target: str, *lines: str) -> bytes:
    given = {line.partition(":")[0].lower() for line in lines}
    host = () if "host" in given else ("Host: old.example",)
    return "\r\n".join([f"GET {target} HTTP/1.1", *host, *lines, "", ""]).encode("latin-1")


def chunked(body: bytes, size: int = 100) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def post(shim: Shim, body: bytes, path: str = CLIENT, /, *lines: str) -> Reply:
    """One POST on a connection of its own, over plain HTTP."""
    with connected(shim.http) as wire:
        return wire.exchange(http_post(body, path, *lines))


def get(shim: Shim, target: str, *lines: str) -> Reply:
    with connected(shim.http) as wire:
        return wire.exchange(http_get(target, *lines))


# ---- judges ----


def answered(reply: Reply, version: str = "2.5.1") -> Element:
    """The body element of an answer that is all that an answer of that schema version must be."""
    assert reply.status == 200, reply.text
    assert reply.headers["content-type"] == "text/xml; charset=utf-8"
    judge_answer(reply.body, version)
    return parse(reply.body).body


def judge_answer(body: bytes, version: str = "2.5.1") -> None:
    """Valid, with prefixes only, and with a serverInfo header; else the test fails."""
    assert_valid(body, old(), version)
    assert b"xmlns=" not in body, "old clients need prefixes on every element"
    info = parse(body).headers[0]
    assert info.name == "serverInfo"
    assert {"edition", "version", "infrastructureID"} <= {each.name for each in info.children}


@dataclass(frozen=True, slots=True)
class Said:
    """What a fault said."""

    side: str
    text: str
    code: str | None
    reference: str

    @property
    def reason(self) -> str:
        """What the log says of it: the reference leads there."""
        return logged_reason(self.reference)


def faulted(reply: Reply) -> Said:
    """The fault of a reply that is all that a fault must be: HTTP 500 and a SOAP 1.1 Fault, nothing else."""
    assert reply.status == 500, f"{reply.status} {reply.text}"
    assert reply.headers["content-type"] == "text/xml; charset=utf-8"
    return judge_fault(reply.body)


def judge_fault(body: bytes) -> Said:
    root = etree.fromstring(body)
    assert [each.tag for each in root] == [f"{{{SOAP}}}Body"]
    [fault] = root[0]
    assert fault.tag == f"{{{SOAP}}}Fault"
    assert [each.tag for each in fault] == ["faultcode", "faultstring"]
    side, text = fault.findtext("faultcode", ""), fault.findtext("faultstring", "")
    assert side in _CODES
    assert len(text.split()) > 5, "an operator reads it: a sentence is due"
    notes = _NOTES.search(text)
    assert notes is not None, text
    return Said(side.removeprefix("SOAP-ENV:"), text, notes["code"], notes["reference"])
