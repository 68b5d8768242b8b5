"""A byte recorder between a client and the shim: passes on what it gets, and keeps both directions."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request and its response. Heads end with their last line; bodies are without the framing of chunks."""

    head: bytes
    body: bytes
    answer_head: bytes
    answer: bytes

    def header(self, name: str) -> str:
        """A header of the request, or nothing."""
        found = re.search(rb"(?im)^%s:[ \t]*(.*?)\r?$" % re.escape(name.encode()), self.head)
        return found[1].decode("latin-1") if found else ""


class Recorder:
    """Listens on a free port and connects on to another one."""

    def __init__(self, onward: int) -> None:
        self._onward = onward
        self._listener = socket.create_server((HOST, 0))
        self._streams: list[tuple[bytearray, bytearray]] = []
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="recorder")]
        self.port: int = self._listener.getsockname()[1]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self._onward))
                streams = bytearray(), bytearray()
                self._streams.append(streams)
                self._open += [client, server]
                relay = threading.Thread(target=_relay, args=(client, server, *streams), name="recorder")
                self._threads.append(relay)
                relay.start()

    def close(self) -> None:
        """End all connections, and wait until nothing runs any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    @property
    def exchanges(self) -> list[Recorded]:
        """What was asked and answered so far, connection by connection."""
        return [each for asked, said in self._streams for each in _paired(bytes(asked), bytes(said))]


@contextmanager
def recorder(onward: int) -> Iterator[Recorder]:
    """A recorder in front of a port of this machine, for the length of the block."""
    made = Recorder(onward)
    try:
        yield made
    finally:
        made.close()


def _relay(client: socket.socket, server: socket.socket, asked: bytearray, said: bytearray) -> None:
    """Pass on both ways until both sides have ended."""
    ways = {client: (server, asked), server: (client, said)}
    with client, server, suppress(OSError):
        while ways:
            for source in select.select(list(ways), [], [])[0]:
                target, kept = ways[source]
                data = source.recv(_CHUNK)
                kept += data
                if data:
                    target.sendall(data)
                else:
                    del ways[source]
                    with suppress(OSError):
                        target.shutdown(socket.SHUT_WR)


def _paired(asked: bytes, said: bytes) -> Iterator[Recorded]:
    answers = (
        each for each in _messages(said, is_answer=True) if b" 100 " not in each[0].partition(b"\r\n")[0]
    )
    for (head, body), (answer_head, answer) in zip(_messages(asked), answers, strict=False):
        yield Recorded(head, body, answer_head, answer)


def _messages(stream: bytes, is_answer: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Heads and bodies of what went one way over a connection."""
    while stream:
        head, end, stream = stream.partition(b"\r\n\r\n")
        if not end:
            return
        length = re.search(rb"(?im)^content-length:[ \t]*(\d+)", head)
        if re.search(rb"(?im)^transfer-encoding:.*chunked", head):
            body, stream = _unchunked(stream)
        elif length:
            body, stream = stream[: int(length[1])], stream[int(length[1]) :]
        elif is_answer and not re.match(rb"HTTP/1\.[01] (1..|204|304)", head):
            body, stream = stream, b""
        else:
            body = b""
        yield head, body


def _unchunked(stream: bytes) -> tuple[bytes, bytes]:
    """The body that chunks make up, and what comes after the last of them."""
    body = b""
    while stream:
        size, _, stream = stream.partition(b"\r\n")
        length = int(size.partition(b";")[0] or b"0", 16)
        body, stream = body + stream[:length], stream[length + 2 :]
        if not length:
            break
    return body, stream
