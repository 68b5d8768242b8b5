"""Logs: structlog, JSON lines in production and readable on a terminal. Shapes and words, never values."""

from __future__ import annotations

import json
import logging
import sys
from typing import Literal

import structlog

LogFormat = Literal["auto", "json", "console"]

_ENCODER = json.JSONEncoder(default=repr)


def configure(level: str = "info", form: LogFormat = "auto") -> None:
    """Set up logging to stderr. `auto` is console on a terminal and JSON lines everywhere else."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(_json)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _json(event: object, **_: object) -> str:
    """One encoder for all lines: json.dumps makes one for each."""
    return _ENCODER.encode(event)
