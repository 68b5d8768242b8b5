"""Events that the demo's tour looks at: the shim's own log, and what arrived at the emulated backend."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import structlog

from shim.emulator.world.world import SeenRequest, World


class DemoEvents:
    """Takes the shim's log in: events are kept, and only warnings and worse go on to stderr."""

    def __init__(self) -> None:
        self.kept: list[MutableMapping[str, Any]] = []

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        self.kept.append(dict(event))
        if method in ("debug", "info"):
            raise structlog.DropEvent
        return event

    def install(self) -> None:
        structlog.configure(
            processors=[
                self,
                structlog.processors.add_log_level,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )


@dataclass(frozen=True, slots=True)
class EventMark:
    """How far events and v3 calls were at a moment."""

    events: int
    calls: int


class Observer:
    """Tells what one old call caused: v3 calls with their fields, and findings."""

    def __init__(self, events: DemoEvents, world: World) -> None:
        self._events = events
        self._world = world

    def mark(self) -> EventMark:
        return EventMark(len(self._events.kept), len(self._world.calls))

    def calls_since(self, mark: EventMark) -> list[SeenRequest]:
        return list(islice(self._world.calls, mark.calls, None))

    def findings_since(self, mark: EventMark) -> list[MutableMapping[str, Any]]:
        return [each for each in self._events.kept[mark.events :] if each["event"] == "finding"]
