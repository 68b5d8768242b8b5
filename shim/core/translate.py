"""Translate and translate back: walking compiled tables, one level of the message at a time."""

from __future__ import annotations

from shim.core.context import CallContext, Problem
from shim.core.errors import PARAMETER_MISSING, CallerError, invalid_code
from shim.core.findings import Code
from shim.core.message import LONGEST_NAME, Element
from shim.core.reading.turns import EACH, give_turn
from shim.core.rules.table import ChildRule, Direction, Table
from shim.core.schema.values import boolean, describe

_HINTS = 20
"""Unknown elements of one message that are compared with the known ones: comparing costs."""
_ANY_DATE = "1970-01-01"
"""The date that is written where a limit without an end has to hold one."""
_NO_DATE = "0001-01-01"
"""The text of .NET for a date that was never set."""
ABSENT = {"request": "unlimited_absent", "answer": "unlimited_absent_in_v3"}
"""The settings that say what a limit without the attribute means; by both schemas: unlimited."""


def walk(source: Element, table: Table, target: Element, context: CallContext, direction: Direction) -> None:
    """Bring the children of a source element to the target as the table says; problems go into the context."""
    entries = table.entries
    out = target.children
    request = direction == "request"
    seen: set[str] = set()
    chosen: dict[int, int] = {}
    if source.text and (source.children or source.text.strip()):
        context.find("stray-text", table.path or source.name)
    for number, child in enumerate(source.children):
        if number % EACH == 0:
            give_turn()
        name = child.name
        entry = entries.get(name)
        if entry is None or entry.elsewhere:
            seen.add(name)
            if entry is None and not (table.leg and request):
                _unknown(name, table, context, direction)
            continue
        if child.children and entry.leaf:
            if request and not child.nil and not (child.text or "").strip():
                context.find("no-value", entry.path)
                continue
            _below_a_leaf(child, entry, context, direction)
        if request and not _admit(child, entry, seen, chosen, context):
            continue
        seen.add(name)
        if request and entry.clears and not (child.text or "").strip() and not child.nil:
            context.find("empty-clears", entry.path)
            out.append(Element(entry.name, ""))
            continue
        if entry.act is not None:
            _act(child, entry, target, context, direction)
            continue
        plain = entry.plain and not child.attributes
        copy = _as_it_is(child, entry.name, request) if plain else _carry(child, entry, context, direction)
        if copy is not None:
            out.append(copy)
    if table.demands or table.bounded:
        _judge_whole(source, table, seen, context)


def _as_it_is(leaf: Element, name: str, request: bool) -> Element:
    """A leaf under its name on the other side: the same element in answers, which nothing changes."""
    return leaf.bare() if leaf.name == name and not request else Element(name, leaf.text)


def _judge_whole(source: Element, table: Table, seen: set[str], context: CallContext) -> None:
    """Say of what is missing, and of what there is more of than both versions take in one call.

    Nothing of what is too much is left out unasked. Tables of answers have no bounds and no demands.
    """
    for demand in table.demands:
        if seen.isdisjoint(demand.names) and not (demand.when and seen.isdisjoint(demand.when)):
            context.record.problems.append(_missing(table.path, demand.names))
    for name, most in table.bounded.items():
        if len(source.children) > most and len(source.all(name)) > most:
            path = f"{table.path}/{name}" if table.path else name
            context.record.problems.append(
                Problem("bad-value", path, f"{most} of them at most in one call", None)
            )


def _act(child: Element, entry: ChildRule, target: Element, context: CallContext, direction: Direction) -> None:
    """Let the rule deal with the child, once it could be read; a limit says by then what it means."""
    assert entry.act is not None
    if (child.attributes and not entry.unlimited) or (child.children and entry.leaf):
        attributes = known_attributes(child, entry, context, direction)
        below = None if entry.leaf else child.children
        child = Element(child.name, child.text, attributes, below, child.nil)
    if direction == "request" and entry.unlimited and not child.nil:
        limit = _carry(child, entry, context, direction)
        if limit is not None:
            entry.act(limit, target, context)
    elif direction == "answer" or _readable(child, entry, context):
        entry.act(child, target, context)


def _carry(child: Element, entry: ChildRule, context: CallContext, direction: Direction) -> Element | None:
    """The child on the other side; None when its value cannot be read, which is a problem by then."""
    copy = Element(entry.name, None, None, None, child.nil)
    if child.nil and direction == "answer":
        _beside_nil(child, entry, context)
    if child.attributes or entry.unlimited:
        _attributes(child, entry, copy, context, direction)
    if entry.table is not None:
        walk(child, entry.table, copy, context, direction)
        return copy
    copy.text = child.text or ""
    if entry.read is not None and not child.nil:
        copy.text = _read(copy.text, copy, entry, context, direction)
    return None if copy.text is None else copy


def _admit(
    child: Element, entry: ChildRule, seen: set[str], chosen: dict[int, int], context: CallContext
) -> bool:
    """True if this child of a request counts; if not, the finding that says why is made."""
    default = None if entry.decl.nillable else entry.decl.default
    if child.nil and not entry.nillable and (default is None or child.text):
        context.find("nil-as-absent", entry.path)
        return False
    if child.nil and entry.nillable:
        _beside_nil(child, entry, context)
    elif default is not None and (child.nil or _is_empty(child, entry)):
        context.find("empty-as-default", entry.path)
        child.text, child.nil = default, False
    elif _says_nothing(child, entry, context):
        context.find("empty-as-absent", entry.path)
        return False
    if entry.single and child.name in seen:
        context.find("repeated-element", entry.path)
        return False
    for number, branch in entry.choices:
        if chosen.setdefault(number, branch) != branch:
            context.find("choice-conflict", entry.path)
            return False
    return True


def _says_nothing(child: Element, entry: ChildRule, context: CallContext) -> bool:
    if entry.unlimited:
        return _is_blank(child.text, entry) and not is_unlimited(child, context, "request")
    if child.text or (child.children and not entry.leaf):
        return False
    return entry.table is None and not entry.clears and (not entry.empty_is_value or bool(entry.choices))


def _is_empty(child: Element, entry: ChildRule) -> bool:
    return entry.leaf and not entry.unlimited and not child.text and not child.children


def _is_blank(text: str | None, entry: ChildRule) -> bool:
    """True if a limit has no number, or no date that was ever set."""
    return not (text or "").strip() or _never_set(text, entry)


def _never_set(text: str | None, entry: ChildRule) -> bool:
    simple = entry.decl.simple
    return simple is not None and simple.base == "date" and (text or "").strip().startswith(_NO_DATE)


def is_unlimited(limit: Element, context: CallContext, direction: Direction) -> bool:
    """True if a limit says that there is none. Both schemas read an absent attribute so, an empty one not."""
    attribute = limit.attributes.get("unlimited")
    if attribute is None:
        return context.caller.settings.get(ABSENT[direction], "unlimited") == "unlimited"
    return boolean(attribute) in ("true", "1")


def _read(text: str, copy: Element, entry: ChildRule, context: CallContext, direction: Direction) -> str | None:
    assert entry.read is not None
    if entry.unlimited and _is_blank(text, entry) and copy.attributes.get("unlimited") in ("true", "1"):
        if direction == "request":
            context.find("unlimited-without-number", entry.path)
        simple = entry.decl.simple
        return _ANY_DATE if simple is not None and simple.base == "date" else "0"
    if direction == "answer":
        return text
    value = entry.read(text)
    if value is None:
        context.record.problems.append(_bad_value(entry))
    return value


def _readable(child: Element, entry: ChildRule, context: CallContext) -> bool:
    if entry.read is None or entry.read(child.text or "") is not None:
        return True
    context.record.problems.append(_bad_value(entry))
    return False


def _bad_value(entry: ChildRule) -> Problem:
    simple = entry.decl.simple
    allowed = describe(simple) if simple is not None else "another value"
    return Problem("bad-value", entry.path, allowed, invalid_code(entry.path))


def _attributes(
    child: Element, entry: ChildRule, copy: Element, context: CallContext, direction: Direction
) -> None:
    attributes = known_attributes(child, entry, context, direction)
    if entry.unlimited:
        _say_unlimited(attributes, child, entry, context, direction)
    copy.attributes = attributes


def _say_unlimited(
    attributes: dict[str, str], child: Element, entry: ChildRule, context: CallContext, direction: Direction
) -> None:
    """Clients leave it out, and differ in what they take an absent one for: so it is always said."""
    attribute = attributes.get("unlimited")
    if attribute is None:
        if direction == "request":
            context.find("unlimited-not-said", entry.path)
        unlimited = is_unlimited(child, context, direction) or _never_set(child.text, entry)
        attributes["unlimited"] = "true" if unlimited else "false"
        return
    attributes["unlimited"] = boolean(attribute) or attribute or "false"
    if attribute and boolean(attribute) is None and direction == "request":
        context.record.problems.append(Problem("bad-value", f"{entry.path}/@unlimited", "true or false", None))


def known_attributes(
    child: Element, entry: ChildRule | None, context: CallContext, direction: Direction
) -> dict[str, str]:
    """The known attributes. Of each unknown one a finding is made; without an entry they are the message's."""
    code: Code = "unknown-attribute" if direction == "request" else "unknown-answer-element"
    kind = entry.decl.complex if entry is not None else None
    names = {each.name for each in kind.all_attributes} if kind is not None else set()
    path = f"{entry.path}/" if entry is not None else ""
    known = {}
    for name, value in child.attributes.items():
        if name in names:
            known[name] = value.strip()
        else:
            context.find(code, f"{path}@{name[:LONGEST_NAME]}")
    return known


def _below_a_leaf(child: Element, entry: ChildRule, context: CallContext, direction: Direction) -> None:
    """Elements inside one that holds a value are as unknown as any other; its own text counts."""
    code: Code = "unknown-element" if direction == "request" else "unknown-answer-element"
    for each in child.children:
        context.find(code, f"{entry.path}/{each.name[:LONGEST_NAME]}")


def _beside_nil(child: Element, entry: ChildRule, context: CallContext) -> None:
    if child.children or (child.text or "").strip():
        context.find("stray-text", entry.path, "It says nil and holds something all the same: only nil counts.")


def _unknown(name: str, table: Table, context: CallContext, direction: Direction) -> None:
    path = f"{table.path}/{name[:LONGEST_NAME]}" if table.path else name[:LONGEST_NAME]
    if direction == "answer":
        context.find("unknown-answer-element", path)
        return
    near = _nearest(name, table) if len(context.record.findings) < _HINTS else None
    context.find("unknown-element", path, f"2.5 never knew this element; did you mean {near}?" if near else "")


def _nearest(name: str, table: Table) -> str | None:
    """The known name that differs least, if it differs by a slip: one edit, or upper and lower case."""
    folded = name[:LONGEST_NAME].lower()
    for known in table.entries:
        if known.lower() == folded or _one_edit(known.lower(), folded):
            return known
    return None


def _one_edit(a: str, b: str) -> bool:
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    return a[start + (len(a) == len(b)) :] == b[start + 1 :]


def _missing(path: str, names: tuple[str, ...]) -> Problem:
    full = [f"{path}/{name}" if path else name for name in names]
    return Problem("missing-parameter", " or ".join(full), "it has to be there", PARAMETER_MISSING)


def refusal(problems: list[Problem]) -> CallerError:
    """One fault for all problems, with the reason of the first and the first code there is."""
    code = next((each.code for each in problems if each.code), None)
    sentences = [_SENTENCES[each.reason].format(each.path, each.text) for each in problems[:5]]
    if len(problems) > 5:
        sentences.append(f"{len(problems) - 5} more problems of this kind.")
    return CallerError(problems[0].reason, " ".join(sentences), code)


_SENTENCES = {
    "missing-parameter": "Parameter missing: {0}; send it.",
    "bad-value": "Bad value at {0}: send {1}.",
    "field-refused": "{0} cannot be served: {1}",
}
