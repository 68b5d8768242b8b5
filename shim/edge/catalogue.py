"""The catalogue that is served by: all declarations, for a backend that speaks a certain way."""

from __future__ import annotations

from functools import lru_cache

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import Catalogue
from shim.interfaces.load import STANDARD, Dialect, new, old
from translations.services import services


def catalogue(dialect: Dialect = STANDARD) -> Catalogue:
    """All declarations for a backend that speaks so, judged and compiled once. Raises DeclarationError."""
    return _compiled(dialect)


@lru_cache(maxsize=2)
def _compiled(dialect: Dialect) -> Catalogue:
    interface = new(dialect)
    return compile_catalogue(old(), interface, services(interface))
