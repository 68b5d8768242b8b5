"""A v3 call of a sample, ready to copy: its envelope, and code that makes it."""

from __future__ import annotations

from dataclasses import dataclass

from shim.review.model import SampleCall


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to write a call; `id` is unique among the ways."""

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Copied:
    """A call with all ways to write it."""

    operation: str
    endpoint: str
    tabs: tuple[Tab, ...]


def tabs(call: SampleCall) -> Copied:
    """The call in every way."""
    return Copied(call.operation, call.endpoint, (Tab("xml", "XML", call.xml),))
