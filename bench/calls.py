"""The calls that are measured: what is sent to whom, and what the backend answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from bench.wire import Answering, call_of
from shim.core.message import Element
from shim.core.serialise import MessageWriter
from shim.interfaces.load import new, old

_LOGIN = re.compile(rb":login>([^<]*)<")
_PARENT = re.compile(rb":parentID>([^<]*)<")


@dataclass(frozen=True)
class Measured:
    """A 2.5 call: `message` makes the one with a number, `path` is its endpoint.

    `answers` are the backend's by operation, `answer` is for any other. `peers` are those beside bare and shim
    that can do it. The bare forwarder carries the v3 calls that the shim made of the first one.
    """

    name: str
    path: str
    message: Callable[[int], bytes]
    answer: bytes = b""
    answers: Mapping[str, Answering] = field(default_factory=dict)
    peers: tuple[str, ...] = ()


def read() -> Measured:
    """GetResellerDetails, with generated messages: one v3 call."""
    old_call, new_call = call_of("Reseller.GetResellerDetails")
    return Measured(
        "Reseller.GetResellerDetails",
        old_call.path,
        lambda _: old_call.request,
        new_call.answer,
        {},
        ("PHP", "zeep"),
    )


def set_limits() -> Measured:
    """SetClientPL with thirty limits, some of which are findings: one v3 call."""
    old_call, new_call = call_of("Client.SetClientPL")
    return Measured("Client.SetClientPL", old_call.path, lambda _: old_call.request, new_call.answer)


def add_reseller() -> Measured:
    """AddReseller of a new login each time, with findings: journalled, a question first, two v3 calls."""
    old_call, new_call = call_of("Reseller.AddReseller")
    login = _LOGIN.search(old_call.request)
    assert login is not None
    before, after = old_call.request[: login.start(1)], old_call.request[login.end(1) :]
    nobody = _new("ServiceProvider.GetServiceProviders")
    return Measured(
        "Reseller.AddReseller",
        old_call.path,
        lambda number: b"%bbob%d%b" % (before, number, after),
        new_call.answer,
        {"GetServiceProviders": lambda _: nobody},
    )


def add_extension() -> Measured:
    """AddExtension of a new login each time: one journalled call that becomes four v3 calls."""
    adding = Adding()
    nobody = _new("User.GetUsers")
    answers = {
        "GetUsers": lambda _: nobody,
        "AddUser": adding.add_user,
        "SetUserPL": lambda _: _new("User.SetUserPL", ("result", "success"), ("ID", "1")),
        "AddExtension": adding.add_extension,
    }
    path = old().services["Extension"].endpoint
    return Measured("Extension.AddExtension", path, adding.message, answers=answers)


class Adding:
    """Old AddExtension messages, and what a backend answers that has numbers for all of them."""

    def __init__(self) -> None:
        self._ids = count(100_000)

    def message(self, number: int) -> bytes:
        """An old call whose login nobody else has; `number` is its own."""
        fields = {
            "name": "Bob Stone",
            "company": "Northwind",
            "login": f"bob{number}",
            "password": "s3cret-Pass1",
            "phone": "555",
            "chargingPlanID": "3",
            "parentID": "20",
            "extensionNo": str(1000 + number),
        }
        return _old("Extension.AddExtension", fields)

    def add_user(self, _: bytes) -> bytes:
        id = next(self._ids)
        return _new("User.AddUser", ("ID", str(id)), ("identifier", f"u-{id}"), ("result", "success"))

    def add_extension(self, request: bytes) -> bytes:
        found = _PARENT.search(request)
        user = int(found[1]) if found else 0
        return _new("Extension.AddExtension", ("extendedNumber", f"0020*{user}"), ("result", "success"))


def _old(name: str, fields: Mapping[str, str]) -> bytes:
    operation = old().operations[name]
    writer = MessageWriter(old(), operation.input)
    body, _ = writer.write(Element(operation.input.name, children=[Element(*each) for each in fields.items()]))
    login = [Element("username", "bench"), Element("password", "bench-pw")]
    return writer.envelope(body, Element("userCredentials", children=login))


def _new(name: str, *fields: tuple[str, str]) -> bytes:
    operation = new().operations[name]
    writer = MessageWriter(new(), operation.output)
    body, _ = writer.write(Element(operation.output.name, children=[Element(*each) for each in fields]))
    return writer.envelope(body, None)
