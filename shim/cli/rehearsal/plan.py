"""Planning: what captured calls that change something would become, without sending anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shim.core.catalogue.translation import Catalogue
from shim.core.message import Element
from shim.core.rehearsal.capture import Conversation
from shim.core.rehearsal.compare import MASK
from shim.core.rehearsal.dry_run import dry_run
from shim.core.rehearsal.placeholders import sample
from shim.core.schema.interface import ElementDecl
from shim.core.serialise import MessageWriter


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """Calls of one shape: how many there were, which v3 calls each becomes, which findings it makes."""

    operation: str
    count: int
    calls: tuple[str, ...]
    findings: tuple[str, ...]


def plan(catalogue: Catalogue, conversations: Iterable[Conversation]) -> list[PlannedCall]:
    """The v3 calls of each kind of call; values that the capture does not have are samples of their type."""
    kinds: Counter[tuple[str, tuple[str, ...], tuple[str, ...]]] = Counter()
    for each in conversations:
        kinds[_one(catalogue, each)] += 1
    return [PlannedCall(name, count, calls, codes) for (name, calls, codes), count in sorted(kinds.items())]


def _one(catalogue: Catalogue, each: Conversation) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    name = each.operation or ""
    operation = catalogue.old.operations[name]
    assert each.request is not None
    writer = MessageWriter(catalogue.old, operation.input)
    body, _ = writer.write(_filled(each.request, operation.input))
    run = dry_run(catalogue, writer.envelope(body, None, each.version), "http://backend.invalid")
    calls = tuple(f"{call.service}.{call.operation}" for call in run.calls)
    codes = sorted({finding.code for finding in run.findings})
    return name, calls, tuple(codes if run.fault is None else [*codes, f"fault: {run.fault.reason}"])


def _filled(masked: Element, decl: ElementDecl | None) -> Element:
    """The message with a sample in place of each digest."""
    slots = decl.complex.slots if decl is not None and decl.complex is not None else {}
    children = [
        _filled(child, slots[child.name].decl if child.name in slots else None) for child in masked.children
    ]
    text = masked.text
    if text and text.startswith(MASK):
        simple = decl.simple if decl is not None else None
        text = (sample(simple) if simple is not None else None) or "text"
    attributes = dict(_attributes(masked))
    return Element(masked.name, text, attributes, children, masked.nil)


def _attributes(masked: Element) -> Iterator[tuple[str, str]]:
    for name, value in masked.attributes.items():
        yield name, "text" if value.startswith(MASK) else value
