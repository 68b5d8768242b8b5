"""Settings of deprecation: what callers are told of 2.5, and the log of what is still in use."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, IPvAnyNetwork, model_validator

from shim.core.answers import notices as telling
from shim.edge.settings.kinds import BesideConfig, Count, Seconds, Section, doc


def _page(value: str) -> str:
    if not re.fullmatch(r"https?://[!#-;=?-\[\]_a-z~%]+", value):
        raise ValueError("a link is a whole http:// or https:// address, with anything unusual as %XX")
    return value


Page = Annotated[str, Field(max_length=500), AfterValidator(_page)]


class KeepOut(Section):
    """Calls that are served and not counted as use: those of tools and health checks."""

    agents: Annotated[
        tuple[str, ...], doc("Patterns of user agents, whatever the case: [nagios*, '*health*'].")
    ] = ()
    addresses: Annotated[tuple[IPvAnyNetwork, ...], doc("Networks of clients: [10.1.0.0/16].")] = ()


class DeprecationSettings(Section):
    """The end of 2.5 as callers are told of it (see conduct.tell), and the log of its use."""

    since: Annotated[date | None, doc("Day from which 2.5 is deprecated; null leaves the header out.")] = date(
        2026, 1, 1
    )
    sunset: Annotated[date | None, doc("Day from which 2.5 calls may fail; null: not decided.")] = None
    link: Annotated[
        Page | None, doc("Page that tells callers what to do, http:// or https://; null: there is none.")
    ] = None
    flush: Annotated[Seconds, doc("How often what was seen is written to the store, seconds.")] = 1.0
    patience: Annotated[
        Seconds, doc("How long the store may take before what is to be written is spooled, seconds.")
    ] = 5.0
    spool: Annotated[
        Path | None,
        BesideConfig,
        doc("Folder for what the store does not take; null: beside the SQLite file, else shim.spool."),
    ] = None
    spool_bytes: Annotated[Count, doc("Largest spool, bytes.")] = 64 << 20
    sample_age: Annotated[Seconds, doc("A finding's sample is renewed after this, seconds.")] = 86_400.0
    samples: Annotated[Count, doc("Samples a second, at most.")] = 10
    keys: Annotated[
        Count, doc("Different findings, and different callers, of one integration; more are only counted.")
    ] = 10_000
    days: Annotated[
        Count,
        doc(
            "Days for which use is kept by the day; what is older is added up by the month, and no sum changes."
        ),
    ] = 400
    keep_out: KeepOut = KeepOut()

    def core(self) -> telling.DeprecationDates:
        """The same as the core gets it."""
        since, sunset = (each.isoformat() if each else None for each in (self.since, self.sunset))
        return telling.DeprecationDates(since, sunset, self.link)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.sunset and self.sunset < self.since:
            raise ValueError("sunset is before since")
        return self
