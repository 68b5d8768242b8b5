"""Read with the old API, change one field, write it back, read again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from shim.core.message import Element, spots
from shim.core.parse import parse
from shim.core.rehearsal.compare import canonical, differences, meaning
from shim.core.schema.interface import ComplexType, ElementDecl, Simple
from shim.core.schema.values import writer
from tests.soak.fixture import ShimFixture
from tests.soak.pairs import CODED, FOLLOWING, SKIPPED, VALUES, Named, Pair, slot_of
from tests.support.messages import Messages


@dataclass(frozen=True, slots=True)
class Result:
    """What was wrong after a field was changed: what differs that should not, or the fault."""

    field: str
    wrong: str


class Changing:
    """One pair, on one thing of a fixture."""

    def __init__(self, fixture: ShimFixture, pair: Pair, named: Named) -> None:
        self.fixture, self.pair, self.named = fixture, pair, named
        self.key, _, self.value = named.key.format(**fixture.things).partition("=")
        self.item = slot_of(pair.write.input, pair.item)
        self.row = slot_of(pair.read.output, pair.row)
        self.random = random.Random(1)

    def fields(self) -> Iterator[tuple[str, str]]:
        """Those that are changed: neither names of the thing nor listed as not compared."""
        skipped = {**SKIPPED["*"], **SKIPPED.get(self.pair.write.full_name, {})}
        for ours, theirs in self.pair.fields:
            path = ours.partition("/@")[0]
            if f"{ours}/".startswith(self.named.below) and path not in skipped and ours not in self.named.names:
                yield ours, theirs

    async def results(self, *, whole: bool) -> list[Result]:
        """Change each field in turn; `whole` writes all that was read back, with the change in it."""
        found = []
        for ours, theirs in self.fields():
            wrong = await self.change(ours, theirs, whole=whole)
            if wrong:
                found.append(Result(ours, wrong))
        return found

    async def change(self, ours: str, theirs: str, *, whole: bool) -> str:
        """What is wrong after a field was changed; empty: exactly that one differs."""
        before = await self._read()
        expected = deepcopy(before)
        row = self._row(expected)
        if row is None:
            return "there is no such row"
        put(row, self.row, theirs, self._other(row, ours, theirs), self.random)
        path = ours.partition("/@")[0]
        sent = await self.fixture.try_call(self.pair.write.full_name, self._request(deepcopy(row), path, whole))
        if sent.outcome.fault is not None:
            return f"{sent.outcome.fault.reason}: {sent.outcome.fault.text}"
        decl = self.pair.read.output
        found = differences(meaning(expected, decl), meaning(await self._read(), decl))
        said = {f"{each.path} {each.kind}" for each in found}
        return ", ".join(sorted(said - set(FOLLOWING.get((self.pair.write.full_name, path), ()))))

    async def _read(self) -> Element:
        sent = await self.fixture.call(self.pair.read.full_name, self.named.read.format(**self.fixture.things))
        assert sent.answer is not None
        return sent.answer

    def _row(self, answer: Element) -> Element | None:
        rows = spots(answer, self.pair.row)
        return next((each for each in rows if not self.key or each.get(self.key) == self.value), None)

    def _other(self, row: Element, ours: str, theirs: str) -> str:
        """Another value than the field has now."""
        path, _, attribute = theirs.partition("/@")
        now = next(iter(spots(row, path)), None)
        if attribute:
            return "false" if now is not None and now.attributes.get(attribute) == "true" else "true"
        types = (slot_of(self.item, ours).simple, slot_of(self.row, theirs).simple)
        simple = next((each for each in types if each is not None and each.base == "boolean"), types[0])
        assert simple is not None
        said = {canonical((now.text or "") if now is not None else "", each) for each in types}
        for _ in range(50):
            value = canonical(self._value(ours.rpartition("/")[2], simple), simple)
            if value and value not in said:
                return {"true": "1", "false": "0"}.get(value, value)
        raise AssertionError(f"no other value for {ours}")

    def _value(self, name: str, simple: Simple) -> str:
        known = VALUES.get(self.pair.write.full_name, {}).get(name) or VALUES["*"].get(name)
        if known:
            return self.random.choice(known).format(**self.fixture.things)
        if simple.base in ("decimal", "integer", "float", "anyType") and not simple.enum:
            return str(self.random.randint(1, 9999))
        return Messages(self.random).value(simple).strip()

    def _request(self, row: Element, path: str, whole: bool) -> list[Element]:
        """The row as it is after the change, as far as a request has its elements, and what names it."""
        for write, read in self.pair.fields:
            if write != read:
                _move(row, read, write)
        written = CODED.get((self.pair.write.full_name, path), {})
        if written:
            spots(row, path)[0].text = written[spots(row, path)[0].text or ""]
        if not whole:
            row = only(row, (self.item, self.row), path, self.key)
        inner = _children(self.named.write.format(**self.fixture.things))
        if not self.pair.item:
            return permitted(Element("", children=[*inner, *row.children]), self.item, path).children
        row.children += _children(self.named.beside)
        item = permitted(row, self.item, path)
        item.name = self.pair.item
        return [*inner, item]


def _children(xml: str) -> list[Element]:
    return parse(f"<r>{xml}</r>".encode(), bare=True).body.children


def only(element: Element, decls: tuple[ElementDecl, ...], path: str, keep: str = "") -> Element:
    """The element with nothing but what leads to a path, and what has to be beside that on either side."""
    kinds = [each.complex for each in decls if each.complex is not None and each.complex.text is None]
    name, _, rest = path.partition("/")
    if not kinds or not name:
        return element
    demands = [demand for kind in kinds for demand in kind.demands if not demand.when]
    needed = {keep, *(each for demand in demands for each in demand.names)}
    made = Element(element.name, element.text, element.attributes)
    for child in element.children:
        if child.name == name:
            below = tuple(kind.slots[name].decl for kind in kinds if name in kind.slots)
            made.children.append(only(child, below, rest))
        elif child.name in needed:
            made.children.append(child)
    return made


def put(target: Element, decl: ElementDecl, path: str, value: str, source: random.Random) -> None:
    """Set a leaf, or an attribute of one; what it excludes goes, what it needs beside it comes."""
    path, _, attribute = path.partition("/@")
    *above, name = path.split("/")
    for step in (*above, name):
        kind = decl.complex
        assert kind is not None
        _exclude(target, kind, step)
        child = target.child(step)
        decl = kind.slots[step].decl
        if child is None:
            child = Element(step)
            target.children.append(child)
        target = child
        if decl.complex is not None and decl.complex.text is None:
            _complete(target, decl.complex, source)
    if attribute:
        target.attributes = {**target.attributes, attribute: value}
        target.text = target.text or "1"
    else:
        target.text = value
        if decl.complex is not None and any(each.name == "unlimited" for each in decl.complex.all_attributes):
            target.attributes = {**target.attributes, "unlimited": "false"}


def _exclude(target: Element, kind: ComplexType, name: str) -> None:
    mine = dict(kind.slots[name].choices)
    target.children = [
        each
        for each in target.children
        if each.name == name
        or each.name not in kind.slots
        or all(mine.get(number, branch) == branch for number, branch in kind.slots[each.name].choices)
    ]


def _complete(target: Element, kind: ComplexType, source: random.Random) -> None:
    names = {each.name for each in target.children}
    for demand in kind.demands:
        if names.isdisjoint(demand.names) and not demand.when:
            target.children.append(
                Messages(source, full=0.0, most=1).element(kind.slots[demand.names[0]].decl, 3)
            )


def permitted(element: Element, decl: ElementDecl, first: str) -> Element:
    """The part of an answer that a request may have; of alternatives the one with the path `first`."""
    kind = decl.complex
    if kind is None or kind.text is not None:
        return Element(element.name, element.text, element.attributes, None, element.nil)
    name, _, rest = first.partition("/")
    seen: set[str] = set()
    chosen = dict(kind.slots[name].choices) if name in kind.slots else {}
    made = Element(element.name)
    for child in element.children:
        slot = kind.slots.get(child.name)
        if slot is None or slot.decl.max == 0 or (child.name in seen and not slot.repeated):
            continue
        if not all(chosen.setdefault(number, branch) == branch for number, branch in slot.choices):
            continue
        seen.add(child.name)
        below = permitted(child, slot.decl, rest if child.name == name else "")
        if slot.decl.simple is None or is_of(below.text or "", slot.decl.simple):
            made.children.append(below)
    return made


def is_of(text: str, simple: Simple) -> bool:
    """Whether a text is a value of a type."""
    check = writer(simple)
    return check is None or check(text) is not None


def _move(row: Element, read: str, write: str) -> None:
    found = next(iter(spots(row, read)), None)
    if found is None:
        return
    row.children = [each for each in row.children if each is not found]
    *above, name = write.split("/")
    at = row
    for step in above:
        below = at.child(step)
        if below is None:
            below = Element(step)
            at.children.append(below)
        at = below
    at.children.append(Element(name, found.text, found.attributes))
