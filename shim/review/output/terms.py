"""The terms of all letters: addresses, days, and what becomes of operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from shim.core.catalogue.translation import Catalogue
from shim.edge.settings.load import Config
from shim.review.output.snippets import EXAMPLE, UNKNOWN_BASE
from shim.review.reading.mapping import OperationMap, mapping_of
from shim.review.reading.model import SampleCall
from shim.review.reading.model_calls import model_calls


def _no_map(_: str) -> OperationMap | None:
    return None


def _no_models(_: str) -> Sequence[SampleCall]:
    return ()


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of all letters: the address that callers use, without a path; when 2.5 ends and where to read
    on; and by the full name of an operation what becomes of it, and its least calls."""

    base: str = EXAMPLE
    since: date | None = None
    sunset: date | None = None
    link: str | None = None
    mapping: Callable[[str], OperationMap | None] = _no_map
    models: Callable[[str], Sequence[SampleCall]] = _no_models


def base_of(config: Config) -> str:
    """The public address of the shim, or a mark that stands for it. Where v3 calls do not pass through the
    shim, that of the v3 system."""
    if not config.native_v3.enabled:
        return config.backend.url
    return str(config.listen.public_url or UNKNOWN_BASE).rstrip("/")


def terms(config: Config, catalogue: Catalogue) -> Terms:
    """The terms as a configuration has them."""
    deprecation = config.deprecation
    return Terms(
        base_of(config),
        deprecation.since,
        deprecation.sunset,
        deprecation.link,
        lambda operation: mapping_of(catalogue, operation),
        lambda operation: model_calls(catalogue, operation),
    )
