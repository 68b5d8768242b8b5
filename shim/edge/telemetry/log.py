"""Logs: structlog, JSON lines in production and readable on a terminal. Shapes and words, never values."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import structlog

from shim.edge.settings.model import Log
from shim.edge.telemetry.sinks import RotatedFile, Stream, Syslog, of_journal
from shim.edge.telemetry.writer import LogWriter, Sink

LogFormat = Literal["auto", "json", "console"]

_ENCODER = json.JSONEncoder(default=repr)
_Renderer = Callable[[Any, str, MutableMapping[str, Any]], Any]


def configure(level: str = "info", form: LogFormat = "auto") -> None:
    """Log to stderr, each line when it comes, for commands that run for a moment.

    `auto` is console on a terminal and JSON lines everywhere else.
    """
    _configure(level, _renderer(form), structlog.PrintLoggerFactory(sys.stderr))


@contextmanager
def logging_to(settings: Log) -> Iterator[LogWriter]:
    """Log to where the settings say, through a queue, for what must not wait for it: the shim itself.

    What libraries log goes the same way. Raises OSError when the file or the server cannot be opened.
    """
    renderer = _renderer(settings.format if settings.file is None and settings.syslog is None else "json")

    def line_for_dropped(lost: dict[str, int], seconds: float) -> str:
        event = {"event": "log lines dropped", "seconds": round(seconds, 1), **lost}
        for processor in _PROCESSORS:
            event = processor(None, "error", event)
        return str(renderer(None, "error", event))

    writer = LogWriter(_sink(settings), line_for_dropped, settings.queue)
    _configure(settings.level, renderer, lambda *_: _Queued(writer))
    library = _Library(logging.WARNING)
    logging.getLogger().addHandler(library)
    try:
        yield writer
    finally:
        logging.getLogger().removeHandler(library)
        writer.close()


def _sink(settings: Log) -> Sink:
    if settings.file is not None:
        return RotatedFile(settings.file, settings.file_bytes, settings.files)
    if settings.syslog is not None:
        return Syslog(settings.syslog)
    _keep_two()
    return Stream(priorities=of_journal(os.environ))


def _keep_two() -> None:
    """A process that was started without stderr must not get another file as number 2, and log into it."""
    try:
        os.fstat(2)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != 2:
            os.dup2(nowhere, 2)
            os.close(nowhere)


class _Queued:
    """A logger as structlog has it: takes rendered lines, and gives them to the writer with their severity."""

    def __init__(self, writer: LogWriter) -> None:
        self._put = writer.put

    def __getattr__(self, level: str) -> Callable[[str], None]:
        if level.startswith("_"):
            raise AttributeError(level)
        name = {"warn": "warning", "err": "error", "exception": "error", "fatal": "critical"}.get(level, level)
        put = self._put

        def write(line: str) -> None:
            put(name, line)

        setattr(self, level, write)  # found at once the next time
        return write


class _Library(logging.Handler):
    """Log records of libraries, above all asyncio and aiohttp, as an event of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        level = "error" if record.levelno >= logging.ERROR else "warning"
        getattr(log, level)("library", logger=record.name, said=record.getMessage(), exc_info=record.exc_info)


def _renderer(form: LogFormat) -> _Renderer:
    console = form == "console" or (form == "auto" and sys.stderr is not None and sys.stderr.isatty())
    return structlog.dev.ConsoleRenderer() if console else _JSON


class _Threshold:
    """Drops what is below a level, which may change meanwhile: loggers that are made keep asking it."""

    lowest = logging.INFO

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if _LEVELS.get(method, logging.ERROR) < self.lowest:
            raise structlog.DropEvent
        return event


_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "warn": logging.WARNING}
"""Everything else is an error, or worse."""
_THRESHOLD = _Threshold()


def set_level(level: str) -> None:
    """Log from this level on, from now on."""
    _THRESHOLD.lowest = logging.getLevelNamesMapping()[level.upper()]


_PROCESSORS: tuple[_Renderer, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


def _configure(level: str, renderer: _Renderer, factory: Callable[..., Any]) -> None:
    set_level(level)
    processors: list[_Renderer] = [_THRESHOLD, *_PROCESSORS, renderer]
    if renderer is _JSON:
        processors = [_json_line]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )


def _json_line(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """The line that `_THRESHOLD`, `_PROCESSORS` and the renderer of JSON make of an event, in one step.

    There is one for each call, and the way through them takes longer than the writing.
    """
    if _LEVELS.get(method, logging.ERROR) < _THRESHOLD.lowest:
        raise structlog.DropEvent
    event["level"] = _NAMES.get(method, method)
    event["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    return _ENCODER.encode(event)


_NAMES = {"warn": "warning", "exception": "error"}
"""Methods that are called otherwise than the severity that they log with."""


def _json(event: object, **_: object) -> str:
    """One encoder for all lines: json.dumps makes one for each."""
    return _ENCODER.encode(event)


_JSON = structlog.processors.JSONRenderer(_json)
