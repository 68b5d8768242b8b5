"""Messages that are refused, one small and one large for each reason, and who sends thousands of them."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.messages import CLIENT, credentials, edit_client, envelope, request
from tests.end_to_end.native import USER, native
from tests.end_to_end.running import HOST, PATIENCE, Shim
from tests.hostile.shapes import LARGEST, hostile

TEXT = 200_000
"""Characters of one text. Many small elements would have the collector run, and it would tidy up."""
WRONG = ("acme", "wrong")


@dataclass(frozen=True, slots=True)
class Refused:
    """One message. `reason` is what the shim's log says of it; None: it is no call, and has an HTTP status."""

    reason: str | None
    body: bytes = field(repr=False)
    path: str = CLIENT
    headers: tuple[tuple[str, str], ...] = ()


def _envelope(fields: str, name: str = "GetClientsRequest", **more: str) -> bytes:
    return envelope(request(name, fields), **more)


def refused(size: int) -> list[Refused]:
    """One message for each reason, of about `size` bytes where the reason leaves that open."""
    many = "".join(f"<note>{'x' * min(TEXT, size - at)}</note>" for at in range(0, size, TEXT))
    good = _envelope(many)
    after = good.index(b"</E:Body>")
    v3 = f"<h:userCredentials xmlns:h='urn:h'><h:accessToken>{'t' * 32}</h:accessToken></h:userCredentials>"
    attributes = " ".join(f"b{number}=''" for number in range(65))
    circle = f"<m id='a'><n href='#a'/></m><b href='#a'/>{many}"
    return [
        Refused("malformed-xml", good[:after]),
        Refused("malformed-xml", good.replace(b"</E:Header>", b"</E:Haeder>")),
        Refused("malformed-xml", gzip.compress(good)[:-9], headers=(("Content-Encoding", "gzip"),)),
        Refused("not-soap", f"<hello>{many}</hello>".encode()),
        Refused("doctype-refused", b"<!DOCTYPE x>" + good),
        Refused("encoding-refused", b'<?xml version="1.0" encoding="utf-7"?>' + good),
        Refused("encoding-refused", good, headers=(("Content-Encoding", "br"),)),
        Refused(
            "multipart", b"--b\r\n\r\n" + good, headers=(("Content-Type", "multipart/related; boundary=b"),)
        ),
        Refused("over-limit", _envelope("<a>" * 70 + many + "</a>" * 70)),
        Refused("over-limit", _envelope("<a/>" * 1_001 + many)),
        Refused("over-limit", _envelope(f"<{'a' * 257}/>" + many)),
        Refused("over-limit", _envelope(f"<a {attributes}/>" + many)),
        Refused("reference-circle", _envelope(circle)),
        Refused("login-refused", _envelope(many, header=credentials(WRONG))),
        Refused("login-refused", _envelope(many, header="")),
        Refused("login-throttled", _envelope(many, header=credentials(("contoso", "wrong")))),
        Refused("v3-token", _envelope(many, header=v3)),
        Refused("unknown-operation", _envelope(many, "GetClientRequest")),
        Refused("wrong-version", envelope(request("GetClientsRequest", many, version="1.2"))),
        Refused("bad-value", _envelope("<parentID>ten</parentID>" + many)),
        Refused("missing-parameter", _envelope("<cpAccess>1</cpAccess>" + many, "SetClientCpAccessRequest")),
        Refused("backend-fault", edit_client(999_999, "<company>Nobody</company>" + many)),
        Refused("old-login", native("t", f"<GetUsers>{many}<cryptedAuth>x</cryptedAuth></GetUsers>"), USER),
        Refused(None, good, "/soap2/no_agent.php"),
        Refused(None, good, "/"),
        Refused("too-large", good + b" " * (LARGEST + 1 - len(good))),
    ]


def heaviest() -> list[Refused]:
    """Messages that take the most memory while they are looked at: a process keeps some of it."""
    names = ("elements-with-names-of-their-own", "headers", "as-many-values-as-may-be", "in-utf-16", "latin")
    return [Refused("", hostile()[name]) for name in names] * 3


class Sender:
    """One connection at a time, kept as long as the shim keeps it."""

    def __init__(self, shim: Shim) -> None:
        self._shim = shim
        self._connection = self._opened()

    def _opened(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self._shim.http, timeout=PATIENCE)

    def send(self, message: Refused) -> int:
        """The status of the answer."""
        headers = {"Content-Type": "text/xml; charset=utf-8", **dict(message.headers)}
        self._connection.request("POST", message.path, message.body, headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.will_close:
            self.close()
            self._connection = self._opened()
        return answer.status

    def close(self) -> None:
        self._connection.close()


def mixed(count: int, large: int) -> Iterator[Refused]:
    """So many messages, `large` of them of 256 KiB or more, evenly between the small ones."""
    smalls = refused(300)
    larges = [*refused(256 << 10), *refused(900 << 10)]
    taken = 0
    for number in range(count):
        if taken * count < number * large:
            yield larges[taken % len(larges)]
            taken += 1
        else:
            yield smalls[number % len(smalls)]


def resident(shim: Shim) -> int:
    """Bytes of memory that the process has in use."""
    lines = Path(f"/proc/{shim.process.pid}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
