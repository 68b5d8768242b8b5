"""HTTP headers that say that 2.5 is deprecated, those of every answer and fault, where they are wanted.

`Deprecation` is of RFC 9745 (a structured-field date), `Sunset` of RFC 8594 (an HTTP date); `Link` names one
page for both relations. They are the same for all calls, so they are made once for a configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import format_datetime

from shim.core.commands.caller import Caller
from shim.edge.settings.model import Config, DeprecationSettings

_NOTHING: Mapping[str, str] = {}


class DeprecationHeaders:
    """The headers that inform callers of the end of 2.5, as configured."""

    def __init__(self, config: Config) -> None:
        self.deprecation = config.deprecation.core()
        self._everyone = config.conduct.tell.core()
        self._headers = deprecation_headers(config.deprecation)

    def headers(self, caller: Caller | None) -> Mapping[str, str]:
        """The HTTP headers for a caller; None is one that was not recognised."""
        tell = self._everyone if caller is None else caller.tell
        return self._headers if tell.http else _NOTHING


def deprecation_headers(deprecation: DeprecationSettings) -> dict[str, str]:
    """The headers, by name; what is not known is left out. Days begin at midnight UTC."""
    headers: dict[str, str] = {}
    if deprecation.since is not None:
        headers["Deprecation"] = f"@{int(_midnight(deprecation.since).timestamp())}"
    if deprecation.sunset is not None:
        headers["Sunset"] = format_datetime(_midnight(deprecation.sunset), usegmt=True)
    if deprecation.link is not None:
        links = (f'<{deprecation.link}>; rel="{relation}"' for relation in ("deprecation", "sunset"))
        headers["Link"] = ", ".join(links)
    return headers


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
