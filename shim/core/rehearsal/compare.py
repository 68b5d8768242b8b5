"""Compare: whether two answers to the same old call mean the same.

Namespaces, prefixes, the order of elements and rows, and the way a value is written (`1` and `true`, `05` and
`5`) do not count. A difference has a path and a kind, never a value: it may be shown to anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from shim.core.catalogue.translation import READS
from shim.core.message import LONGEST_NAME, Element
from shim.core.schema.interface import ElementDecl, Operation, Simple
from shim.core.schema.values import boolean

DifferenceKind = Literal["missing", "surplus", "differs"]
Digest = Callable[[str], str]

CODE: Final = "answer-differs"
"""The finding that a difference is."""
WORDS: dict[DifferenceKind, str] = {
    "missing": "The other server answered with it, the shim did not.",
    "surplus": "The shim answered with it, the other server did not.",
    "differs": "The other server and the shim answered with different values.",
}
MASK = "#"
"""The prefix of a text that stands for a value."""
_KEYS = ("ID", "identifier", "code", "uniqueID", "login", "externalNo", "number", "name")
"""Elements that may tell rows of a list apart, the best first."""
_NUMBERS = frozenset(
    ("integer", "positiveInteger", "nonNegativeInteger", "unsignedInt", "unsignedShort", "short", "int",
     "decimal", "float", "double")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` is below the answer's root, without the numbers of rows; attributes as `a/@b`."""

    path: str
    kind: DifferenceKind


def only_reads(operation: Operation, request: Element) -> bool:
    """True if an old call may be made for the sake of comparing: it changes nothing.

    CallCosts can be asked to suspend an account for good, so it reads only if it is not.
    """
    if operation.name == "CallCosts":
        return request.child("prepareDelete") is None
    return operation.name.startswith(READS)


# ---- what a message means ----


def meaning(element: Element, decl: ElementDecl | None, digest: Digest | None = None) -> Element:
    """The same message with every value in one form, children in one order.

    With `digest`, values are replaced by `#` and their digest, unless the interface enumerates them: what is
    left has no value that came from anybody.
    """
    return _meaning(element, decl, digest)


def _meaning(element: Element, decl: ElementDecl | None, digest: Digest | None) -> Element:
    kind = decl.complex if decl is not None else None
    slots = kind.slots if kind is not None else {}
    children = [
        _meaning(child, slots[child.name].decl if child.name in slots else None, digest)
        for child in element.children
    ]
    children.sort(key=lambda child: (child.name, repr_of(child)))
    known = kind.all_attributes if kind is not None else ()
    types = {each.name: each.type for each in known}
    absent = {each.name: each.default for each in known if each.default is not None and not element.nil}
    attributes = {
        name[:LONGEST_NAME]: _value(value, types.get(name), digest)
        for name, value in sorted({**absent, **element.attributes}.items())
    }
    counted = "" if attributes.get("unlimited") == "true" else element.text or ""  # then no number counts
    text = None if children else _value(counted, decl.simple if decl else None, digest)
    return Element(element.name[:LONGEST_NAME], text, attributes, children, element.nil)


def repr_of(element: Element) -> str:
    """A text that two elements share when they mean the same; their children are in order by then."""
    inner = "".join(repr_of(child) for child in element.children)
    attributes = "".join(f" {name}={value!r}" for name, value in element.attributes.items())
    return f"<{element.name}{attributes}{' nil' if element.nil else ''}>{element.text!r}{inner}"


def _value(text: str, simple: Simple | None, digest: Digest | None) -> str:
    value = canonical(text, simple)
    if digest is None or not value or is_vocabulary(value, simple):
        return value
    return MASK + digest(value)


def is_vocabulary(text: str, simple: Simple | None) -> bool:
    """True if a text is one of the interface's own words, and so nobody's value."""
    return simple is not None and (text in simple.enum or simple.base == "boolean")


def canonical(text: str, simple: Simple | None) -> str:
    """The text in the one form that stands for its value."""
    text = text.strip()
    if simple is None or text in simple.enum:
        return text
    if simple.base == "boolean":
        return {"1": "true", "0": "false"}.get(value, value) if (value := boolean(text)) else text
    return _number(text) if simple.base in _NUMBERS else text


def _number(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > 40:
        return text
    return format(number.normalize() + 0, "f")


# ---- how two differ ----


def differences(theirs: Element, ours: Element) -> Counter[Difference]:
    """How our answer differs from theirs, both as `meaning` gives them; how often each difference occurs."""
    differing: Counter[Difference] = Counter()
    _compare(theirs, ours, "", differing)
    return differing


def _compare(theirs: Element, ours: Element, path: str, differing: Counter[Difference]) -> None:
    if theirs.text != ours.text or theirs.nil != ours.nil:
        differing[Difference(path, "differs")] += 1
    for name in sorted({*theirs.attributes, *ours.attributes}):
        _attribute(theirs.attributes.get(name), ours.attributes.get(name), f"{path}/@{name}", differing)
    for name in sorted({child.name for child in (*theirs.children, *ours.children)}):
        below = f"{path}/{name}" if path else name
        for left, right in _pairs(theirs.all(name), ours.all(name)):
            if left is None:
                differing[Difference(below, "surplus")] += 1
            elif right is None:
                differing[Difference(below, "missing")] += 1
            else:
                _compare(left, right, below, differing)


def without_noise(differing: Counter[Difference], noise: set[str]) -> Counter[Difference]:
    """The differences that are not at or below a path of the noise."""
    return Counter({each: count for each, count in differing.items() if not _is_below(each.path, noise)})


def _is_below(path: str, noise: set[str]) -> bool:
    return any(path == each or path.startswith((each + "/", each + "/@")) for each in noise)


def _attribute(theirs: str | None, ours: str | None, path: str, differing: Counter[Difference]) -> None:
    if theirs != ours:
        kind: DifferenceKind = "missing" if ours is None else "surplus" if theirs is None else "differs"
        differing[Difference(path, kind)] += 1


def _pairs(theirs: list[Element], ours: list[Element]) -> Iterable[tuple[Element | None, Element | None]]:
    """Which rows belong together: by a key that tells them apart, else the equal ones, then by place."""
    key = next((name for name in _KEYS if _tells_apart(name, theirs) and _tells_apart(name, ours)), None)
    if key is not None and max(len(theirs), len(ours)) > 1:
        left, right = ({row.get(key): row for row in rows} for rows in (theirs, ours))
        return [(left.get(each), right.get(each)) for each in dict.fromkeys((*left, *right))]
    rest, left_over = list(ours), []
    for row in theirs:
        if row in rest:
            rest.remove(row)
        else:
            left_over.append(row)
    longest = max(len(left_over), len(rest))
    return list(
        zip(
            [*left_over, *[None] * (longest - len(left_over))],
            [*rest, *[None] * (longest - len(rest))],
            strict=True,
        )
    )


def _tells_apart(name: str, rows: list[Element]) -> bool:
    values = [row.get(name) for row in rows]
    return all(values) and len(set(values)) == len(values)
