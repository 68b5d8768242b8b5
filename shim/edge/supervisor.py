"""The service manager that started the shim: sockets that it opened for us, and what it is told of our state.

Both are plain protocols of systemd, which other supervisors speak too: sd_listen_fds(3) hands over listening
sockets, so that a restart refuses no connection; sd_notify(3) tells when the shim is up, rereads its
configuration, or ends (`Type=notify`). Without a service manager both do nothing.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

FIRST = 3
"""The number of the first descriptor that is handed over: after stdin, stdout and stderr."""
NAMES = ("http", "https", "admin")
"""The listeners, which are also what `FileDescriptorName=` of a socket unit has to say."""


class SocketsError(Exception):
    """Sockets were handed over that cannot be used; the text says which, and what to write instead."""


def inherited_sockets(environ: MutableMapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """The listening sockets that were handed over, by the name of the listener.

    The variables are removed, so that no child takes the sockets for its own. Raises SocketsError when a socket
    has no name of a listener, or is none that listens.
    """
    count, owner, names = (environ.pop(f"LISTEN_{each}", "") for each in ("FDS", "PID", "FDNAMES"))
    if not count or owner != str(os.getpid()):
        return {}
    inherited: dict[str, list[socket.socket]] = {}
    labels = names.split(":") if names else []
    for index in range(int(count)):
        label = labels[index] if index < len(labels) else "unknown"
        if label not in NAMES:
            raise SocketsError(
                f"a socket named {label!r} was handed over; write FileDescriptorName=http, https or admin "
                "in its socket unit"
            )
        inherited.setdefault(label, []).append(_listening(FIRST + index, label))
    return inherited


def _listening(descriptor: int, name: str) -> socket.socket:
    os.set_inheritable(descriptor, False)
    try:
        handed = socket.socket(fileno=descriptor)
        listens = handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise SocketsError(f"descriptor {descriptor}, handed over for {name}, is no socket") from error
    if not listens or handed.type != socket.SOCK_STREAM:
        raise SocketsError(
            f"the socket handed over for {name} does not listen: write ListenStream= and Accept=no"
        )
    handed.setblocking(False)
    return handed


class Notifier:
    """Tells the service manager what state the shim is in; does nothing where none asked."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self._address = environ.pop("NOTIFY_SOCKET", "")

    def ready(self) -> None:
        """All listeners are open."""
        self._tell(f"READY=1\nMAINPID={os.getpid()}\nSTATUS=Serving\n")

    def reloading(self) -> None:
        """The configuration is being reread; `ready` ends that."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\n")

    def stopping(self) -> None:
        """The end has begun; calls under way are still answered."""
        self._tell("STOPPING=1\nSTATUS=Answering the calls under way\n")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(1)
                sender.sendto(state.encode(), address)
        except OSError:
            pass  # a service manager that does not listen is no reason to end
