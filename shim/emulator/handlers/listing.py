"""How lists are answered: what no source tells of the real server is played both ways, and lists may lie.

A list that lies is an ordinary answer that says less, or something else, than there is. What was said before is
remembered for that, by request and caller.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, get_args

from shim.core.message import Element
from shim.core.schema.interface import Operation
from shim.emulator.world.refusal import Refusal

Lists = Literal["subtree", "direct"]
RowIdentifier = Literal["user", "extension"]
EmptyList = Literal["notice", "bare"]
Emails = Literal["shared", "unique"]
Lie = Literal["empty", "short", "late", "stale"]
LIES: tuple[Lie, ...] = get_args(Lie)

NO_RECORDS = "No records."
NO_RECORDS_CODE = "030"
_MOST_REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class Ways:
    """The forms of lists that are played, since that of the real server is not known.

    `lists`: whether a list of accounts or extensions reaches all below its parent, or the parent's own.
    `row_identifier`: whose the identifier in rows of extensions is. `empty_list`: whether a list without rows
    has a notice that says so. `emails`: whether several accounts may have one e-mail address.
    """

    lists: Lists = "subtree"
    row_identifier: RowIdentifier = "user"
    empty_list: EmptyList = "notice"
    emails: Emails = "shared"


@dataclass(slots=True)
class Memory:
    """The rows that lists had when they were last answered truly."""

    _rows: OrderedDict[tuple[str, str], list[Element]] = field(default_factory=OrderedDict)

    def before(self, key: tuple[str, str]) -> list[Element] | None:
        return self._rows.get(key)

    def keep(self, key: tuple[str, str], rows: list[Element]) -> None:
        self._rows[key] = rows
        self._rows.move_to_end(key)
        while len(self._rows) > _MOST_REMEMBERED:
            self._rows.popitem(last=False)


@cache
def row_names(operation: Operation) -> frozenset[str]:
    """The name of the rows of an answer; none for an answer that is no list."""
    kind = operation.output.complex
    if kind is None or not operation.name.startswith("Get") or "notice" not in kind.slots:
        return frozenset()
    return frozenset(name for name, slot in kind.slots.items() if slot.repeated) - {"notice"}


def with_notice(ways: Ways, operation: Operation, answer: Element) -> Element:
    """The answer; one without rows says so, if it is to."""
    names = row_names(operation)
    if not names or ways.empty_list == "bare" or any(each.name in names for each in answer.children):
        return answer
    notice = [Element("message", NO_RECORDS), Element("code", NO_RECORDS_CODE)]
    return _with(answer, [*answer.children, Element("notice", None, None, notice)])


def as_listed(
    memory: Memory, ways: Ways, operation: Operation, caller: str, request: Element, answer: Element, lie: str
) -> Element:
    """The answer instead of a true list: see `Lie`; the same answer where there is no lie or no list.

    Raises Refusal for a lie that there is not.
    """
    if lie and lie not in LIES:
        raise Refusal(None, f"The emulator knows no lie {lie}: it knows {', '.join(LIES)}.", "Server")
    names = row_names(operation)
    if not names:
        return answer
    key = (operation.full_name, f"{caller} {sorted(request.leaves())}")
    rows = [each for each in answer.children if each.name in names]
    if not lie:
        memory.keep(key, rows)
        return answer
    others = [each for each in answer.children if each.name not in names and each.name != "notice"]
    return with_notice(ways, operation, _with(answer, [*others, *_lied(lie, rows, memory.before(key))]))


def _lied(lie: str, rows: list[Element], before: list[Element] | None) -> list[Element]:
    if lie == "empty":
        return []
    if lie == "short":
        return rows[: len(rows) // 2]
    if lie == "stale":
        return rows if before is None else before
    there = {_key(each) for each in before or rows[:-1]}
    return [each for each in rows if _key(each) in there]


def _key(row: Element) -> str:
    return next((value for name in ("extendedNumber", "ID", "identifier") if (value := row.get(name))), "")


def _with(answer: Element, children: list[Element]) -> Element:
    return Element(answer.name, answer.text, answer.attributes, children, answer.nil)
