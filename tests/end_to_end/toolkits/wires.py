"""What toolkits put on the wire, as files that tests send again: four requests of each, in sections `=== name`.

Heads and bodies are as a byte recorder saw them, but for what differs with every run: `$first` and `$second`
are the IDs of two clients, `$login` a new login, `$length` the length of the body, and the port is 8025.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.end_to_end.recorder import Recorded

WIRES = Path(__file__).parents[1] / "wires"
_ID = re.compile(rb"<(?:\w+:)?ID>(\d+)</")


def written(wire: Sequence[Recorded], port: int, login: str) -> bytes:
    """The file of a conversation that was recorded in front of that port, with that login added."""
    posts = [each for each in wire if each.head.startswith(b"POST")]
    ids = [
        found[1] for each in posts if b"AddClientRequest" in each.body and (found := _ID.search(each.answer))
    ]
    first, second = ids[:2]
    wanted = {
        "empty": next(each for each in posts if b"acme-secret" in each.body),
        "adds": next(each for each in posts if b"AddExtensionRequest" in each.body),
        "limits": next(each for each in posts if b"SetClientPLRequest" in each.body),
        "deletes": next(each for each in posts if b"DelClientRequest" in each.body),
    }
    text = b""
    for name, each in wanted.items():
        head = re.sub(rb"(?im)^(content-length:[ \t]*)\d+", rb"\1$length", each.head).replace(b"\r\n", b"\n")
        body = each.body.replace(b">%s<" % first, b">$first<").replace(b">%s<" % second, b">$second<")
        text += b"=== %s\n%s\n\n%s\n" % (name.encode(), head, body)
    text = re.sub(rb"(?m)^(User-Agent: .*; Linux) [^ )]+\)", rb"\1 6.1.0)", text)  # tclws names the kernel
    return text.replace(b":%d" % port, b":8025").replace(login.encode(), b"$login")


def requests(path: Path, values: Mapping[str, str]) -> dict[str, bytes]:
    """The requests of a file by name, ready to be sent; `values` are first, second and login."""
    text = path.read_bytes()
    for name, value in values.items():
        text = text.replace(b"$" + name.encode(), value.encode())
    _, *parts = re.split(rb"^=== (\w+)\n", text, flags=re.MULTILINE)
    return {parts[i].decode(): _framed(parts[i + 1][:-1]) for i in range(0, len(parts), 2)}


def _framed(request: bytes) -> bytes:
    head, _, body = request.partition(b"\n\n")
    head = head.replace(b"\n", b"\r\n").replace(b"$length", b"%d" % len(body))
    if re.search(rb"(?im)^transfer-encoding:.*chunked", head):
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return head + b"\r\n\r\n" + body
