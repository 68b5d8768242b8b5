"""Settings of what old callers meet: what is done about each loss, and how they are told of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

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
