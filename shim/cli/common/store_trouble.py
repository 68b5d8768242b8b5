"""Why a store cannot be opened, for its operator: what is wrong, what was probably meant, how to fix it."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from shim.core.errors import Fault, StoreUnavailable


class Trouble(NamedTuple):
    """Without any value of the address of the store, which holds a password."""

    what: str
    hint: str | None
    fix: str

    def __str__(self) -> str:
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.what[0].upper()}{self.what[1:]}.{hint} {self.fix}."


_HOST = "The host in store.url may be misspelt, or this machine has no name server"
_RUNNING = "PostgreSQL may not run, or host or port in store.url may be others"


def trouble(fault: Fault) -> Trouble:
    """The cause of a fault of the store; its own text where nothing better is known."""
    if not isinstance(fault, StoreUnavailable):
        what, _, fix = fault.text.rstrip(".").partition("; nothing was changed. ")
        return Trouble(what, "Nothing was changed.", fix) if fix else Trouble(what, None, "See there")
    causes = list(causes_of(fault))
    for cause in causes:
        if (known := _postgres(cause)) or (known := _system(cause)) or (known := _sqlite(cause)):
            return known
    hint = "A relative path of SQLite is beside the configuration file."
    fix = "Set store.url to an address whose folder or database exists and may be written"
    return Trouble(fault.text.rstrip(".").removesuffix(". Its operator has to look"), hint, fix)


def causes_of(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, BaseExceptionGroup):
            for each in seen.exceptions:
                yield from causes_of(each)
        yield seen
        seen = seen.__cause__ or seen.__context__


def _postgres(error: BaseException) -> Trouble | None:
    """By the SQLSTATE that a driver's errors carry."""
    match getattr(error, "sqlstate", None):
        case "3D000":
            what = "the PostgreSQL server is there, and has no database of that name"
            return Trouble(what, None, "Make it (createdb), or correct the name at the end of store.url")
        case "28000" | "28P01":
            what = "PostgreSQL refuses the user of the store, or its password"
            return Trouble(what, None, "Correct both in store.url, and see pg_hba.conf of the server")
        case "42501":
            what = "PostgreSQL lets the user of the store not make or change its tables"
            return Trouble(what, None, "Make that user the owner of the database (ALTER DATABASE ... OWNER TO)")
        case "53300":
            what = "PostgreSQL takes no more connections"
            return Trouble(what, None, "Raise its max_connections, or end what holds them")
    return None


def _system(error: BaseException) -> Trouble | None:
    if isinstance(error, socket.gaierror):
        return Trouble("nobody knows the host of the store", f"{_HOST}.", "Correct it")
    if isinstance(error, ConnectionRefusedError):
        what = "the host of the store refuses the connection: nothing listens on that port"
        return Trouble(what, f"{_RUNNING}.", "Start it, or correct the address")
    if isinstance(error, TimeoutError):
        what = "the store does not answer in time"
        return Trouble(what, "A firewall may drop the connection.", "Open the way, or correct the address")
    return None


def _sqlite(error: BaseException) -> Trouble | None:
    if not isinstance(error, sqlite3.Error):
        return None
    if "database is locked" in str(error):
        what = "another program writes into the store and does not end"
        return Trouble(what, "It may be a backup or an sqlite3 shell.", "End it, or raise store.busy_timeout")
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return Trouble(
            "the file of the store is no SQLite database", None, "Put the right file, or none, there"
        )
    if "readonly" in str(error):
        what = "the file of the store, or its folder, may not be written"
        return Trouble(what, None, "Give both to the user that the shim runs as")
    return None
