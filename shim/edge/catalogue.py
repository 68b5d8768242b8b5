"""The catalogue that is served by: all declarations, for a backend that speaks a certain way."""

from __future__ import annotations

from functools import lru_cache

from shim.core.catalogue.build import compile_catalogue, judge_each
from shim.core.catalogue.translation import Catalogue
from shim.interfaces.load import STANDARD, Dialect, dialects, new, old
from translations.services import SERVICES


def catalogue(dialect: Dialect = STANDARD) -> Catalogue:
    """All declarations for a backend that speaks so, judged and compiled once. Raises DeclarationError.

    They are judged against every dialect that is described, whichever is spoken.
    """
    return _compiled(dialect)


@lru_cache(maxsize=2)
def _compiled(dialect: Dialect) -> Catalogue:
    interface = new(dialect)
    compiled = compile_catalogue(old(), interface, SERVICES)
    judge_each(old(), [new(each) for each in dialects()], SERVICES, compiled=interface)
    return compiled
