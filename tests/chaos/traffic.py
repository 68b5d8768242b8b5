"""What callers of the chaos run do, and what they were told: the ledger that the end is judged by."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.chaos.toolkits import Caller, Refused

NORTHWIND, ACME = "northwind", "acme"
OWN = "20"
"""Northwind's client account in the demo world."""
PASSWORD = "Pass-2025"
PAUSE = 0.4
"""Seconds before a call is made again that ended by a fault."""
GIVE_UP = 240.0
"""Seconds of repeating after which a call is given up: whatever happens here is over long before."""

_DELETED = 0.9
"""So many of the extensions are deleted again: lists that grow for an hour would be late by themselves."""
_MOST_TOLD = 60
NOT_THERE = re.compile("There is no extension with this ID|none of these accounts exists")


@dataclass
class Line:
    """An extension or a client account that a caller made, and what it was told about it last."""

    login: str
    kind: str
    id: str = ""
    name: str = ""
    deleted: bool = False
    told: list[str] = field(default_factory=list)
    """Everything that was told about it, with the time: for who looks for what went wrong."""
    unsure: str = ""
    """The call that was given up: what is there is not known."""


@dataclass
class Ledger:
    """What was told, shared by all callers."""

    lines: dict[str, Line] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Answers that contradict what was told before."""
    given_up: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """The run has failed: calls are made no more."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, key: str, fault: str = "") -> None:
        with self.lock:
            self.calls[key] += 1
            if fault:
                self.faults[kind_of(fault)] += 1

    def contradicts(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what)


def kind_of(fault: str) -> str:
    """A fault's text without what differs from call to call."""
    return re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{2,}\b|'[^']*'", "…", fault)[:110]


@dataclass
class Life:
    """A caller's: it adds, edits, reads and deletes, and makes a call again until it is answered well."""

    caller: Caller
    ledger: Ledger
    stop: threading.Event
    seed: int
    chance: random.Random = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed} {self.caller.key}")

    def lead(self) -> None:
        """One story after the other, until told to stop; a story that has begun is told to its end."""
        while not self.stop.is_set():
            self.number += 1
            login = f"{self.caller.key}-{self.number}"
            if self.chance.random() < 0.25:
                self._account(login)
            else:
                self._extension(login)
        self.caller.close()

    def _extension(self, login: str) -> None:
        line = Line(login, "extension")
        profile = {"name": login, "company": "Chaos", "login": login, "password": PASSWORD, "country": "us"}
        added = self._told(line, NORTHWIND, "Extension.AddExtension", "ID", {**profile, "parentID": OWN})
        if added is None:
            return
        line.id, line.name = added, login
        for edit in range(self.chance.randrange(3)):
            name = f"{login} edited {edit}"
            fields = {"name": name, "ID": line.id}
            if self._told(line, NORTHWIND, "Extension.EditExtension", "result", fields) is None:
                return
            line.name = name
            self._look(line)
        if self.chance.random() < 0.3:
            self._once(NORTHWIND, "Extension.GetExtensions", "", {"parentID": OWN, "filter": login})
        if self.chance.random() < _DELETED:
            self._delete(line, NORTHWIND, "Extension.DelExtension")

    def _account(self, login: str) -> None:
        line = Line(login, "client")
        profile = {"name": login, "company": "Chaos", "login": login, "password": PASSWORD, "country": "us"}
        added = self._told(line, ACME, "Client.AddClient", "ID", profile)
        if added is None:
            return
        line.id, line.name = added, login
        self._once(ACME, "Client.GetClients", "", {})
        if self.chance.random() < 0.6:
            self._delete(line, ACME, "Client.DelClient")

    def _look(self, line: Line) -> None:
        """What was written has to be read, unless nothing can be read now."""
        said = self._once(NORTHWIND, "Extension.GetExtensionDetails", "name", {"ID": line.id})
        if said is not None and said != line.name:
            self.ledger.contradicts(f"{line.login}: its name reads {said!r}, told was {line.name!r}")

    def _delete(self, line: Line, login: str, operation: str) -> None:
        if self._told(line, login, operation, "items", {"ID": line.id}, gone=True) is not None:
            line.deleted = True

    def _once(self, login: str, operation: str, wanted: str, fields: Mapping[str, str]) -> str | None:
        """The answer; None for a fault."""
        try:
            said = self.caller.ask(login, operation, wanted, fields)
        except Refused as fault:
            self.ledger.count(self.caller.key, str(fault))
            return None
        self.ledger.count(self.caller.key)
        return said

    def _told(
        self,
        line: Line,
        login: str,
        operation: str,
        wanted: str,
        fields: Mapping[str, str],
        gone: bool = False,
    ) -> str | None:
        """The answer, however often it takes; None when it was given up.

        With `gone`, that the thing is not there is an answer as well, after a call whose end was not told.
        """
        with self.ledger.lock:
            self.ledger.lines[line.login] = line
        deadline, last, tries = time.monotonic() + GIVE_UP, "", 0
        while time.monotonic() < deadline and not self.ledger.over.is_set():
            tries += 1
            try:
                said = self.caller.ask(login, operation, wanted, fields)
            except Refused as fault:
                last = str(fault)
                self.ledger.count(self.caller.key, last)
                self._note(line, operation, last)
                if gone and tries > 1 and NOT_THERE.search(last):
                    return ""
                time.sleep(PAUSE)
                continue
            self.ledger.count(self.caller.key)
            self._note(line, operation, f"answered {said!r}")
            if wanted == "ID" and not said.isdigit():
                self.ledger.contradicts(f"{line.login}: {operation} was answered without an ID: {said!r}")
            return said
        line.unsure = operation
        with self.ledger.lock:
            self.ledger.given_up.append(f"{line.login} {operation}: {last}")
        return None

    @staticmethod
    def _note(line: Line, operation: str, said: str) -> None:
        if len(line.told) < _MOST_TOLD:
            line.told.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {operation}: {said}")
