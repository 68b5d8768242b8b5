"""The catalogue that is served by: all declarations, for a backend that speaks a certain way."""

from __future__ import annotations

from functools import lru_cache

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import Catalogue
from shim.interfaces.load import STANDARD, Dialect, new, old
from translations.services import SERVICES


def catalogue(dialect: Dialect = STANDARD) -> Catalogue:
    """All declarations for a backend that speaks so, judged and compiled once. Raises DeclarationError.

    They are judged against what is spoken. Against every dialect that is described they are judged by the tests
    and by `shim check`: that says something of a release, and took longer than to compile them.
    """
    return _compiled(dialect)


@lru_cache(maxsize=2)
def _compiled(dialect: Dialect) -> Catalogue:
    return compile_catalogue(old(), new(dialect), SERVICES)
