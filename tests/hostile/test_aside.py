"""Messages that are much work are parsed aside, and not only large ones: everybody else goes on meanwhile."""

from __future__ import annotations

from contextlib import suppress

import pytest

from shim.core.commands.caller import Identify
from shim.core.commands.steps import Aside
from shim.core.errors import CallerError
from shim.core.parse import parse
from shim.core.pipeline import Request, Shim, exchange
from tests.hostile.shapes import _attributes, enveloped, grouped, hostile
from tests.hostile.whole import counted
from tests.support.conversation import catalogue

SMALL = 60_000
MOST = 180_000
"""Lines of Python: two thousand elements, which is what references may bring in whatever the size."""
WORK = {
    "tags": enveloped(grouped(lambda _: "<b/>", 14_000)),
    "attributes": enveloped(grouped(lambda _: "<b " + _attributes(60, 'a{}=""') + "/>", 110)),
    "comments": b"<!---->" * 8_000 + enveloped(""),
    "sections": enveloped("<a>" + "<![CDATA[]]>" * 4_500 + "</a>"),
}
LITTLE = {
    "a call": enveloped("<ID>7</ID>" * 20),
    "a text": enveloped(f"<a>{'x' * 15_000}</a>"),
    "references": enveloped(f"<a>{'&amp;' * 3_000}</a>"),
}


def first(body: bytes) -> object:
    return next(exchange(Shim(catalogue()), Request("/soap2/client_agent.php", "text/xml", body)))


@pytest.mark.parametrize("name", WORK)
def test_a_small_message_that_is_much_work_is_parsed_aside(name: str) -> None:
    assert len(WORK[name]) < SMALL
    assert isinstance(first(WORK[name]), Aside)


@pytest.mark.parametrize("name", LITTLE)
def test_a_message_that_is_little_work_is_parsed_at_once(name: str) -> None:
    assert isinstance(first(LITTLE[name]), Identify)


def test_what_is_not_parsed_aside_is_little_work() -> None:
    checked = 0
    for name, body in {**hostile(), **LITTLE}.items():
        try:
            command = first(body)
        except StopIteration:  # refused at once
            command = None
        if isinstance(command, Aside):
            continue
        checked += 1
        with counted(len(body)) as lines, suppress(CallerError):
            parse(body)
        assert lines[0] < MOST, name
    assert checked > 3
