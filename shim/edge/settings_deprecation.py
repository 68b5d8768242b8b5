"""Settings of the deprecation log: how it is written, what it holds, and whom it leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import IPvAnyNetwork

from shim.edge.settings_kinds import Beside, Count, Seconds, Section, doc


class KeepOut(Section):
    """Calls that are served and not counted as use: those of tools and health checks."""

    agents: Annotated[
        tuple[str, ...], doc("Patterns of user agents, whatever the case: [nagios*, '*health*'].")
    ] = ()
    addresses: Annotated[tuple[IPvAnyNetwork, ...], doc("Networks of clients: [10.1.0.0/16].")] = ()


class Deprecation(Section):
    """The deprecation log: what 2.5 calls are in use, what did not map cleanly, and who calls."""

    flush: Annotated[Seconds, doc("How often what was seen is written to the store, seconds.")] = 1.0
    patience: Annotated[
        Seconds, doc("How long the store may take before what is to be written is spooled, seconds.")
    ] = 5.0
    spool: Annotated[
        Path | None,
        Beside,
        doc("Folder for what the store does not take; null: beside the SQLite file, else shim.spool."),
    ] = None
    spool_bytes: Annotated[Count, doc("Largest spool, bytes.")] = 64 << 20
    sample_age: Annotated[Seconds, doc("A finding's sample is renewed after this, seconds.")] = 86_400.0
    samples: Annotated[Count, doc("Samples a second, at most.")] = 10
    keys: Annotated[
        Count, doc("Different findings, and different callers, of one integration; more are only counted.")
    ] = 10_000
    keep_out: KeepOut = KeepOut()
