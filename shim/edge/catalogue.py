"""The catalogue that is served by: all declarations, for a backend that speaks a certain way."""

from __future__ import annotations

from functools import lru_cache

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import Catalogue
from shim.interfaces.load import STANDARD, Dialect, new, old
from translations.services import SERVICES


def catalogue(dialect: Dialect = STANDARD) -> Catalogue:
    """All declarations for a backend that speaks so, judged against that and compiled, once. Raises DeclarationError.

    Against the other dialects that are described they are judged by the tests and `shim check`: that says
    something of a release, nothing of a start, and took longer than all else that is compiled.
    """
    return _compiled(dialect)


@lru_cache(maxsize=2)
def _compiled(dialect: Dialect) -> Catalogue:
    return compile_catalogue(old(), new(dialect), SERVICES)
