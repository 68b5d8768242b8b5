"""Every operation of 2.5 is called with marked values, well and badly, and no place where the shim leaves what
it knows of calls has a mark: not the log, the deprecation log with its samples, its spool, or the metrics.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from shim.core.message import Element
from shim.core.schema.interface import Operation, Simple
from shim.core.serialise import MessageWriter
from shim.interfaces.load import old
from tests.end_to_end import sinks
from tests.end_to_end.running import Backend, Shim, Tls, running_shim
from tests.end_to_end.wire import connected, http_post
from tests.support.messages import Messages

MARK, NUMBER = "zq", "739104655"
LOGIN, PASSWORD = "zq-login", "zq-password"
HEADERS = ("User-Agent: billing/1", "SOAPAction: zq-action", "Cookie: a=zq")
NUMBERS = ("positiveInteger", "nonNegativeInteger", "integer", "unsignedInt", "decimal", "float")
BECOMES = {
    "Client.EditClient": "EditOrganization",
    "Client.GetClients": "GetOrganizations",
    "Extension.GetExtensions": "GetExtensions",
}
TROUBLE = ("fault:999 zq-told-by-the-backend", "garbage", "drop-after")


class Marked(Messages):
    """Messages in which every value that its interface does not enumerate is marked, as far as it can be."""

    def value(self, simple: Simple) -> str:
        if simple.enum or simple.base == "boolean":
            return super().value(simple)
        if simple.base in NUMBERS:
            return NUMBER
        return f"zq@zq.example {self.count}" if simple.base == "string" else super().value(simple)


def messages(operation: Operation, password: str = PASSWORD) -> list[bytes]:
    """Calls of an operation: with nearly everything, and with little."""
    writer = MessageWriter(old(), operation.input)
    login = Element("userCredentials", children=[Element("username", LOGIN), Element("password", password)])
    made = []
    for full in (0.95, 0.2):
        marked = Marked(random.Random(f"{operation.full_name} {full}"), full)
        body, _ = writer.write(marked.message(operation.input))
        made.append(writer.envelope(body, login))
    return made


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend()
    app = backend.world.apps["admin-key"]
    backend.world.apps["zq-v3-key"] = type(app)("zq-v3-key", "zq-v3-secret", app.account)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    changes = {
        "integrations": [
            {
                "name": "by-password",
                "old": {"username": LOGIN, "password": PASSWORD},
                "new": {"app_key": "zq-v3-key", "app_secret": "zq-v3-secret"},
            }
        ],
        "log.level": "debug",
        "backend.call_timeout": 0.5,
        "backend.breaker": {"failures": 1000},  # the trouble made here hits single calls
        "store.busy_timeout": 1,
        "deprecation.flush": 0.1,
        "deprecation.samples": 1000,
        "login.free_failures": 1000,
        "login.address_failures": 1000,
    }
    with running_shim(backend.url, tls, changes) as running:
        yield running


def posted(shim: Shim, message: bytes, operation: Operation) -> int:
    path = old().services[operation.service].endpoint
    with connected(shim.http) as wire:
        return wire.exchange(http_post(message, path, *HEADERS)).status


def has_no_mark(text: str) -> bool:
    return MARK not in text.lower() and NUMBER not in text


def test_no_place_has_a_mark(backend: Backend, shim: Shim) -> None:
    operations = list(old().operations.values())
    sent = 0
    for operation in operations:
        for message in messages(operation):
            posted(shim, message, operation)
            sent += 1
    for name in ("Client.EditClient", "Client.GetClients", "Extension.GetExtensions"):
        operation = old().operations[name]
        for action in TROUBLE:
            backend.world.interfere(BECOMES[name], action)
            posted(shim, messages(operation)[0], operation)
            sent += 1
    add = old().operations["Client.AddClient"]
    assert posted(shim, messages(add, "zq-wrong")[0], add) == 500
    sinks.until(lambda: sinks.calls(shim) == sent + 1, "every call counts")

    with sinks.locked(shim):
        for operation in list(old().services["Client"].operations.values())[:5]:
            posted(shim, messages(operation)[0], operation)
        sinks.until(lambda: sinks.metric(shim, "shim_deprecation_spool_bytes") > 0, "what is locked is spooled")
        spooled = sinks.spool(shim)
    sinks.until(lambda: sinks.calls(shim) == sent + 6, "what was spooled follows")

    used = {row["operation"] for row in sinks.table(shim, "usage")}
    assert used == {each.full_name for each in operations}
    findings = sinks.table(shim, "findings")
    codes = {row["code"] for row in findings}
    assert {"field-dropped", "field-kept", "operation-emulated", "default-added"} <= codes
    assert sum(row["sample"] is not None for row in findings) == len(findings)
    assert any("{accessToken}" in str(row["sample"]) for row in findings)
    assert '"usage"' in spooled
    for text in (shim.log, sinks.deprecation_rows(shim), spooled, sinks.metrics(shim)):
        assert text
        assert has_no_mark(text), next(line for line in text.splitlines() if not has_no_mark(line))
    assert {row["agent"] for row in sinks.table(shim, "callers")} == {"billing/1"}
