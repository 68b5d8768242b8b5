"""Settings of traces: where they go, and of how many calls they are made."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shim.edge.settings.kinds import HttpUrl, Seconds, Section, doc


class Telemetry(Section):
    """Traces of calls by OpenTelemetry; they need the extra `otel` (docs/operating.md)."""

    otlp_endpoint: Annotated[
        HttpUrl | None,
        doc("Where traces go by OTLP/HTTP: http://collector:4318 (/v1/traces is added); null: none are made."),
    ] = None
    service_name: Annotated[str, doc("What this shim is called in them."), Field(min_length=1)] = (
        "systemapi-shim"
    )
    sample: Annotated[
        float,
        Field(ge=0, le=1),
        doc("Share of calls that are traced; calls with a traceparent do as that says."),
    ] = 1.0
    timeout: Annotated[Seconds, doc("For sending a batch of them, seconds; what is not taken is lost.")] = 2.0
