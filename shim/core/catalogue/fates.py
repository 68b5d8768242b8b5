"""The fate of every path of an old operation, in the order of its messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shim.core.catalogue.translation import Catalogue
from shim.core.findings import KINDS
from shim.core.rules.rule import Fate
from shim.core.schema.interface import Operation, paths


def fates_of(catalogue: Catalogue, operation: Operation) -> Iterable[Fate]:
    """Those of the request, then those of the answer; of an operation without a translation all are refused."""
    translation = catalogue.translations.get(operation.full_name)
    if translation is not None:
        return sorted(translation.fates, key=lambda each: each.direction != "request")
    return _untranslated(operation)


def _untranslated(operation: Operation) -> Iterator[Fate]:
    because = KINDS["not-translated"].meaning
    for path, _ in paths(operation.input):
        yield Fate("request", path, "refused", None, "not-translated", because)
    for path, _ in paths(operation.output):
        yield Fate("answer", path, "refused", None, "not-translated", because)
