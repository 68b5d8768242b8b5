"""The section `backend`: the v3 system, and how it is called."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shim.edge.settings.kinds import Count, Existing, HttpUrl, NewVersion, Seconds, Section, Share, doc


class Retry(Section):
    """Repeats of calls that never ran, and of reads. A write that may have run is never repeated."""

    attempts: Annotated[Count, doc("Attempts for one call, the first included.")] = 3
    share: Annotated[Share, doc("Repeats for each call made, so that repeats never become the load.")] = 0.2
    per_second: Annotated[Share, doc("Repeats a second that are free beside the share.")] = 10.0


class BreakerSettings(Section):
    """When an address that does not answer is left alone, so that callers are told at once."""

    failures: Annotated[Count, doc("Calls in a row that were not answered before an address rests.")] = 5
    rest: Annotated[Seconds, doc("How long it rests at first, doubling with each failed try, seconds.")] = 5.0
    longest: Annotated[Seconds, doc("The longest rest, also if Retry-After asks for more, seconds.")] = 60.0


class HealthSettings(Section):
    """How it is seen whether somebody is at an address."""

    path: Annotated[str, doc("What is asked for by GET; any HTTP answer will do."), Field(pattern="^/")] = "/"
    every: Annotated[float, Field(ge=0, le=3600), doc("How often while nobody waits, seconds; 0: never.")] = 5.0
    after: Annotated[Seconds, doc("How long a call waits before its address is checked, seconds.")] = 0.25
    timeout: Annotated[
        Seconds, doc("How long an answer may take; after two that do not come, or one and a call, it rests.")
    ] = 0.6


class BackendSettings(Section):
    """The v3 system that calls are forwarded to."""

    url: Annotated[HttpUrl, doc("Address of the v3 system, without a path: https://voipnow.example.com")]
    others: Annotated[
        tuple[HttpUrl, ...],
        doc("Further addresses of the same v3 system, for when the ones before do not answer, in this order."),
    ] = ()
    breaker: BreakerSettings = BreakerSettings()
    health: HealthSettings = HealthSettings()
    schema_version: Annotated[
        NewVersion,
        doc("Interface version that is spoken to it, from 3.0.0 on; auto asks it at start what it lists."),
    ] = "3.0.0"
    person_names: Annotated[
        Literal["auto", "name", "both", "split"],
        doc("Account holders have: name; both (first and last name, too); split (no name); auto: by version."),
    ] = "auto"
    storage_limits: Annotated[
        Literal["auto", "five", "one"],
        doc("Limits of storage that accounts have: five, one for all of it, or auto: by version."),
    ] = "auto"
    header_namespace: Annotated[
        Literal["version", "latest"],
        doc("Namespace of the login: that of the version; latest: the one the vendor's own tool sends."),
    ] = "version"
    token_path: Annotated[str, doc("Path where access tokens are given."), Field(pattern="^/")] = (
        "/oauth/token.php"  # noqa: S105  # a path
    )
    connect_timeout: Annotated[Seconds, doc("For a connection, seconds.")] = 3.0
    call_timeout: Annotated[
        Seconds, doc("For one v3 call, seconds; for a read: until its answer begins, and between parts of it.")
    ] = 15.0
    total_timeout: Annotated[
        Seconds, doc("For an old call, seconds; what only reads has it anew with each part of an answer.")
    ] = 45.0
    longest_read: Annotated[Seconds, doc("For an old call that only reads, in all, seconds.")] = 300.0
    keepalive_timeout: Annotated[
        Seconds,
        doc("Idle connections are given up after this, seconds; keep it below the backend's own (Apache: 5)."),
    ] = 4.0
    in_flight: Annotated[Count, doc("v3 calls at the same time.")] = 32
    max_answer: Annotated[Count, doc("Largest answer taken, bytes; lists have no paging.")] = 256 << 20
    retry: Retry = Retry()
    verify_tls: Annotated[bool, doc("Check the backend's certificate; false only for trials.")] = True
    ca_file: Annotated[Existing | None, doc("PEM file of your own authority; null: the system's.")] = None
