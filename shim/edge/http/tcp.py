"""TCP as Linux sees it: what the system knows of a connection and the event loop does not.

Sources: `struct tcp_info` in Linux's include/uapi/linux/tcp.h, the states in include/net/tcp_states.h, and
SIOCOUTQ in tcp(7). Elsewhere nobody says.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import sys
import termios

_STATE = slice(0, 1)
_LAST_DATA = slice(52, 56)
"""`tcpi_last_data_recv`, milliseconds."""
_ACKED = slice(120, 128)
"""`tcpi_bytes_acked`."""
_CLOSE_WAIT = 8
"""The state of a connection whose other side said that it sends no more, and which is there all the same."""


def acknowledged(transport: asyncio.BaseTransport) -> int | None:
    """Bytes that the client's system has taken since the connection was made; None where nobody says.

    A long answer is filled up again as it is read, and the system's own buffer of megabytes empties in steps:
    only this tells a slow client from one that does not read.
    """
    return _info(transport, _ACKED)


def silent(transport: asyncio.BaseTransport | None) -> float | None:
    """Seconds since the system had the last byte of a client; None where nobody says."""
    milliseconds = _info(transport, _LAST_DATA)
    return None if milliseconds is None else milliseconds / 1000


def untaken(transport: asyncio.BaseTransport) -> int | None:
    """Bytes that the system of a client which sends no more has not taken yet.

    None where the connection has ended, or nobody says. The bytes are read first: those of a connection that
    ends right after were taken.
    """
    try:
        with _copy(transport) as copy:
            waiting = fcntl.ioctl(copy, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return None
    there = _info(transport, _STATE) == _CLOSE_WAIT
    return int.from_bytes(waiting, sys.byteorder) if there else None


def _info(transport: asyncio.BaseTransport | None, field: slice) -> int | None:
    """A number out of tcp_info."""
    if transport is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        with _copy(transport) as copy:
            info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, field.stop)
    except OSError:
        return None
    return int.from_bytes(info[field], sys.byteorder) if len(info) == field.stop else None


def _copy(transport: asyncio.BaseTransport) -> socket.socket:
    """The socket of a connection, since uvloop's own has no getsockopt. Raises OSError where there is none."""
    plain = transport.get_extra_info("socket")
    if plain is None:
        raise OSError("no socket")
    return socket.socket(fileno=os.dup(plain.fileno()))
