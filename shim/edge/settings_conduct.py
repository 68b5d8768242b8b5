"""Settings of what old callers meet: what is done about each loss, and how they are told of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shim.core import notices as telling
from shim.core import policies
from shim.edge.settings_kinds import Section, doc


class Policy(Section):
    """One choice of what is done where something is emulated or dropped; the first that fits counts."""

    operation: Annotated[str, doc("A 2.5 operation such as Client.AddClient, or Client.*, or *.")] = "*"
    path: Annotated[str, doc("A path of its messages such as userPL/MyVoipNowManag, or *.")] = "*"
    finding: Annotated[str | None, doc("The finding that is made there by default; null: any.")] = None
    do: Annotated[
        Literal["emulate", "drop", "refuse"],
        doc("emulate: keep or answer it; drop: leave it out, with a finding; refuse: answer with a fault."),
    ]

    def core(self) -> policies.Policy:
        """The same as the core gets it."""
        return policies.Policy(self.do, self.operation, self.path, self.finding)


class Tell(Section):
    """How callers are told, in each answer, that what they use is deprecated. An integration may differ."""

    http: Annotated[bool, doc("HTTP headers Deprecation, Sunset and Link, on answers and faults.")] = True
    notices: Annotated[bool, doc("A notice element for each finding, in answers whose schema has them.")] = (
        False
    )
    header: Annotated[bool, doc("A SOAP header with the findings, in answers without notice elements.")] = False

    def core(self) -> telling.Tell:
        """The same as the core gets it."""
        return telling.Tell(self.http, self.notices, self.header)

    def over(self, base: Self) -> Self:
        """The same with the switches of all where it has none of its own."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


def _page(value: str) -> str:
    if not re.fullmatch(r"https?://[!#-;=?-\[\]_a-z~%]+", value):
        raise ValueError("a link is a whole http:// or https:// address, with anything unusual as %XX")
    return value


Page = Annotated[str, Field(max_length=500), AfterValidator(_page)]


class Deprecation(Section):
    """What callers are told of 2.5: since when it is deprecated, when it ends, and where to read on."""

    since: Annotated[date | None, doc("Day from which 2.5 is deprecated; null leaves the header out.")] = date(
        2026, 1, 1
    )
    sunset: Annotated[date | None, doc("Day from which 2.5 calls may fail; null: not decided.")] = None
    link: Annotated[
        Page | None, doc("Page that tells callers what to do, http:// or https://; null: there is none.")
    ] = None

    def core(self) -> telling.Deprecation:
        """The same as the core gets it."""
        since, sunset = (each.isoformat() if each else None for each in (self.since, self.sunset))
        return telling.Deprecation(since, sunset, self.link)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.sunset and self.sunset < self.since:
            raise ValueError("sunset is before since")
        return self
