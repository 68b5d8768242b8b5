"""Tracing: what a call does, as spans, for whoever set `telemetry.otlp_endpoint`.

Laws: OpenTelemetry is imported by `otel` alone, and only when the setting is there. No span holds a value of a
message, a login or an address of a caller. Off, a part of a call costs the look at one context variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Literal, Protocol

from shim.edge.settings.load import ConfigError, SettingProblem
from shim.edge.settings.model import Config

Kind = Literal["server", "client", "internal"]


class TraceSpan(Protocol):
    """One part of a call, under way."""

    def named(self, name: str) -> None:
        """Name the span, whose operation was found out only now."""

    def tell(self, facts: Mapping[str, str | int | None]) -> None:
        """Facts about it; None tells nothing."""

    def failed(self, reason: str) -> None:
        """It went wrong, for a reason in the program's own words."""


class Tracing(Protocol):
    """Makes spans, and sends them away."""

    def call(self, headers: Mapping[str, str]) -> AbstractContextManager[TraceSpan]:
        """A call of a client whose headers may say what it is a part of."""

    def part(self, name: str, kind: Kind) -> AbstractContextManager[TraceSpan]:
        """A part of the call that is under way."""

    def headers(self) -> dict[str, str]:
        """W3C trace context for whoever is asked within the span that is under way."""

    def close(self) -> None:
        """Send what is left. It may take a while."""


class _NoSpan:
    """Stands where nothing is traced."""

    def named(self, name: str) -> None:
        pass

    def tell(self, facts: Mapping[str, str | int | None]) -> None:
        pass

    def failed(self, reason: str) -> None:
        pass


NO_SPAN: TraceSpan = _NoSpan()
_NOTHING: AbstractContextManager[TraceSpan] = nullcontext(NO_SPAN)

UNDER_WAY: ContextVar[Tracing | None] = ContextVar("tracing", default=None)
"""The trace of the call that is under way here; None: nothing does."""


def call(tracing: Tracing | None, headers: Mapping[str, str]) -> AbstractContextManager[TraceSpan]:
    """The span of a call; `tracing` is None where it is off."""
    return _NOTHING if tracing is None else tracing.call(headers)


def part(name: str, kind: Kind = "internal") -> AbstractContextManager[TraceSpan]:
    """The span of a part of the call under way, if that is traced."""
    tracing = UNDER_WAY.get()
    return _NOTHING if tracing is None else tracing.part(name, kind)


def headers() -> dict[str, str]:
    """W3C trace context for whoever is asked here; empty where nothing is traced."""
    tracing = UNDER_WAY.get()
    return {} if tracing is None else tracing.headers()


def judge_telemetry(config: Config, where: str = "") -> list[SettingProblem]:
    """Problems that keep traces from being made, where the configuration wants them."""
    if config.telemetry.otlp_endpoint is None or _is_installed():
        return []
    what = "OpenTelemetry is not installed"
    fix = (
        "Install the extra, pip install --require-hashes -r requirements-otel.lock, or pip install "
        "'systemapi-shim[otel]'; or leave the setting out"
    )
    key = "telemetry.otlp_endpoint"
    return [SettingProblem(f"{where}: {key}" if where else key, what, None, fix)]


def open_tracing(config: Config) -> Tracing | None:
    """The tracing that the configuration wants; None: nothing is traced. Raises ConfigError when it is not
    installed."""
    if config.telemetry.otlp_endpoint is None:
        return None
    if problems := judge_telemetry(config):
        raise ConfigError(problems)
    from shim.edge.telemetry.otel import Otel  # noqa: PLC0415  # it imports the extra

    return Otel(config.telemetry)


def _is_installed() -> bool:
    try:
        return all(find_spec(f"opentelemetry.{each}") for each in ("sdk", "exporter.otlp.proto.http"))
    except ModuleNotFoundError:
        return False
