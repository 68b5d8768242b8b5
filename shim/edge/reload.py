"""Rereading the configuration: what is taken over while the shim runs, what needs a restart, and how it went.

Laws: a configuration is judged whole before anything of it is taken over; what needs a restart goes on as it
runs and is named each time, until the restart. No value stands in any of it, only the names of settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from shim.edge.settings.load import Config

LIVE = (
    "admin.names",
    "admin.oidc",
    "admin.session_idle",
    "admin.session_longest",
    "admin.tls_cert",
    "admin.tls_key",
    "admin.tokens",
    "admin.users",
    "conduct",
    "deprecation.keep_out",
    "deprecation.link",
    "deprecation.since",
    "deprecation.sunset",
    "integrations",
    "integrations_file",
    "limits",
    "listen.answer_timeout",
    "listen.body_timeout",
    "listen.drain",
    "listen.handshake_timeout",
    "listen.header_timeout",
    "listen.keepalive_timeout",
    "listen.max_connections",
    "listen.max_connections_per_address",
    "listen.tls_cert",
    "listen.tls_key",
    "log.level",
    "login_forms",
    "notify",
    "quota",
)
"""Settings, and whole sections, that are taken over; everything else needs a restart."""

_Section = TypeVar("_Section", bound=BaseModel)


def is_live(key: str) -> bool:
    """True if a setting is taken over while the shim runs; `key` is dotted."""
    return any(key == live or key.startswith(f"{live}.") for live in LIVE)


def changes(old: BaseModel, new: BaseModel, prefix: str = "") -> Iterator[str]:
    """The dotted names of settings whose values differ. A list is one setting."""
    for name in type(new).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, BaseModel) and isinstance(after, BaseModel) and type(before) is type(after):
            yield from changes(before, after, f"{prefix}{name}.")
        elif before != after:
            yield prefix + name


def taken_over(running: _Section, new: _Section, prefix: str = "") -> _Section:
    """The configuration that runs, with those settings of `new` that may change meanwhile."""
    update: dict[str, Any] = {}
    for name in type(new).model_fields:
        before, after = getattr(running, name), getattr(new, name)
        if is_live(prefix + name):
            update[name] = after
        elif isinstance(before, BaseModel) and type(before) is type(after):
            update[name] = taken_over(before, after, f"{prefix}{name}.")
    return running.model_copy(update=update)


def live_only(config: Config, running: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The settings that a reload changes, and those of `config` that wait for a restart; each sorted."""
    differing = sorted(changes(running, config))
    return tuple(filter(is_live, differing)), tuple(key for key in differing if not is_live(key))


@dataclass(slots=True)
class Reload:
    """How the last reading of the configuration went; the first is that of the start.

    `number` counts readings, `at` is in seconds since 1970, `problems` is empty when it was taken over.
    """

    number: int
    at: float
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "number": self.number,
            "at": self.at,
            "worked": not self.problems,
            "changed": list(self.changed),
            "restart": list(self.restart),
            "problems": list(self.problems),
        }
