"""Gaps in what the catalogue says of itself: old paths without a fate, places that v3 does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache

from shim.core.catalogue.translation import Catalogue, Translation
from shim.core.rules.rule import Fate
from shim.core.schema.interface import ElementDecl, Operation, paths


def gaps(catalogue: Catalogue, names: Iterable[str]) -> list[str]:
    """A sentence for each gap of these old operations, by full name. None is left in a catalogue that holds."""
    translations = (catalogue.translations.get(name) for name in names)
    return [gap for each in translations if each is not None for gap in _gaps(catalogue, each)]


def _gaps(catalogue: Catalogue, translation: Translation) -> Iterator[str]:
    name = translation.old.full_name
    judged = {(each.direction, each.path) for each in translation.fates}
    for direction in ("request", "answer"):
        there = _paths(_message(translation.old, direction))
        for path in there:
            if (direction, path) not in judged:
                yield f"{name}, {direction}: {path} has no fate"
        for fate in translation.fates:
            if fate.direction == direction:
                for gap in _wrong(catalogue, translation, fate, there):
                    yield f"{name}, {direction}: {gap}"


def _wrong(catalogue: Catalogue, translation: Translation, fate: Fate, there: Collection[str]) -> Iterator[str]:
    if fate.path not in there:
        yield f"{fate.path} has a fate, and 2.5 does not have it"
    if fate.v3_path is None:
        return
    name, colon, path = fate.v3_path.rpartition(":")
    operation = catalogue.new.operations.get(name) if colon else translation.new
    if operation is None:
        yield f"{fate.path} goes to {fate.v3_path}, and v3 has no operation {name}"
    elif path not in _paths(_message(operation, fate.direction)):
        yield f"{fate.path} goes to {fate.v3_path}, which v3 does not have"


def _message(operation: Operation, direction: str) -> ElementDecl:
    return operation.input if direction == "request" else operation.output


@cache
def _paths(message: ElementDecl) -> Collection[str]:
    return dict(paths(message))
