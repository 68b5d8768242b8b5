"""A refused message leaves nothing behind, even while nothing collects garbage."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest

from shim.core.commands.backend import Call
from shim.core.errors import BackendError
from shim.core.message import Element
from shim.interfaces.load import old
from tests.hostile.shapes import hostile, ordinary
from tests.support.conversation import World, old_request

OPERATION = old().operations["Client.GetClients"]


def unreachable(call: Call, request: Element) -> BackendError:
    return BackendError("backend-unreachable", "The v3 backend cannot be reached.")


def refused() -> dict[str, bytes]:
    good = old_request(OPERATION, Element(OPERATION.input.name))
    return {
        **ordinary(),
        **hostile(),
        "nothing": b"",
        "no-xml": b"GetClients",
        "no-soap": b"<hello/>",
        "a-doctype": b"<!DOCTYPE x>" + good,
        "an-encoding": b'<?xml version="1.0" encoding="utf-7"?>' + good,
        "too-large": good + b" " * (1 << 20),
        "unreachable": good,
    }


@pytest.mark.parametrize("name", refused())
def test_a_refused_message_is_freed_at_once(name: str) -> None:
    """By counting references alone: no cycle holds the body, its tree or the frames that saw them."""
    body = refused()[name]
    world = World(unreachable)
    world.run(OPERATION, body)  # what is made once is made
    gc.collect()
    gc.disable()
    try:
        outcome = world.run(OPERATION, body)
        fault = outcome.fault
        assert fault is not None
        assert (fault.__traceback__, fault.__context__, fault.__cause__) == (None, None, None)
        assert sys.getrefcount(outcome) == 2
        gone = weakref.ref(fault)
        del fault, outcome
        assert gone() is None
        assert gc.collect() == 0, "something waits for the collector"
    finally:
        gc.enable()
