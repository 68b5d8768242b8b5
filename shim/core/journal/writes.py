"""One journalled v3 write: noted before and after it is made, and looked for when its end was not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shim.core.commands.journal import Ask, MarkSteps, OnCrash, Opened, Probe, Step, UnderWay, Undo
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import BackendError, BackendRefused, EntryLost, Fault, Unclear, says_absent
from shim.core.forward import forward
from shim.core.message import Element
from shim.core.schema.interface import Operation

_OWNER = "parentID"
"""The element of Extension.GetExtensionDetails that names the user; v3's schema lets answers leave it out."""


@dataclass(slots=True)
class JournalRun:
    """One entry under way; without `opened` nothing is written down."""

    context: CallContext
    policy: OnCrash
    opened: Opened | None
    steps: list[Step]
    single: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A call that was made, and its answer; None where there was nothing to do, or no answer to see."""

    ask: Ask | None
    answer: Element | None = None


def fresh(journal: JournalRun, probe: Probe) -> Steps[Probe]:
    """The probe, blind to what is there already."""
    rows = yield from rows_of(journal, probe)
    keys = [row.get(probe.key) or "" for row in rows or () if _matches(probe, row)]
    return replace(probe, known_keys=tuple(keys))


def step(
    journal: JournalRun,
    name: str,
    operation: Operation,
    request: Element,
    *,
    probe: Probe | None = None,
    undo: Undo | None = None,
    cascades: bool = False,
    deletes_extension: bool = False,
    owner: str = "",
    again: bool = False,
    goes_on: bool = True,
    may_fail: bool = False,
) -> Steps[Element]:
    """One write that is undone when the call fails. Raises BackendError.

    With `again` it may be made twice; with `may_fail` an answer that it failed is an answer. When its end
    was not seen and the probe finds that it took effect, the call goes on with what the probe says, unless
    that is not enough (`goes_on`).
    """
    write = Step(
        name,
        Ask(operation.full_name),
        probe,
        undo,
        cascades=cascades,
        deletes_extension=deletes_extension,
        owner=owner,
        state="started",
    )
    journal.steps.append(write)
    position = len(journal.steps) - 1
    yield from mark(journal, position)
    try:
        answer = yield from written(journal, operation, request, probe, may_fail=may_fail)
    except Fault as fault:
        if not fault.unknown:
            write.state = "refused"
            raise
        try:
            if again:
                answer = yield from written(journal, operation, request, probe)
            else:
                row = (yield from row_of(journal, write)) if probe and probe.enough and goes_on else None
                if row is None:
                    raise fault
                answer = _instead_of_answer(operation, row, write)
        except Fault as second:
            raise second if isinstance(second, EntryLost) else fault from None
    write.state, write.row_key = "done", answer.get(probe.answer_key) if probe else None
    if answer.get("result") == "failure":
        write.state = "refused"
    yield from mark(journal, position, soon=True)
    return answer


def redo_step(journal: JournalRun, position: int, *, again: bool = True) -> Steps[Done]:
    """One write that may be made any number of times, of the steps that the entry began with.

    Not made when there is nothing (left) to delete. With `again` a write whose end was not seen is made once
    more at once. Raises BackendError.
    """
    write = journal.steps[position]
    done = yield from _redo_once(journal, position, again=again)
    write.state = "done"
    yield from mark(journal, position, soon=True)
    return done


def _redo_once(journal: JournalRun, position: int, *, again: bool) -> Steps[Done]:
    write = journal.steps[position]
    ask: Ask | None = yield from _call_of(journal, write)
    if ask is None:
        return Done(None)
    write.state = "started"
    yield from mark(journal, position)
    operation = journal.context.catalogue.new.operations[ask.operation]
    try:
        assert ask.request is not None
        answer = yield from written(journal, operation, ask.request, None)
    except Fault as fault:
        if isinstance(fault, EntryLost):
            raise
        if write.probe is not None and (yield from _is_gone(journal, write)):
            return Done(ask)
        if fault.unknown and again:
            return (yield from _redo_once(journal, position, again=False))
        if not fault.unknown:
            write.state = "refused"
        raise
    return Done(ask, answer)


def _is_gone(journal: JournalRun, write: Step) -> Steps[bool]:
    try:
        return (yield from _call_of(journal, write)) is None
    except Fault as fault:
        if isinstance(fault, EntryLost):
            raise
        return False  # it could not be seen


def _call_of(journal: JournalRun, write: Step) -> Steps[Ask | None]:
    """The call that a step needs: deleting depends on what is there."""
    if write.probe is None:
        return write.ask
    rows = yield from rows_of(journal, write.probe)
    least = write.alternative or write.ask
    if not any(_matches(write.probe, row) for row in rows or ()):
        there = write.probe.by_itself is not None and (
            yield from _is_there(journal, write, write.probe.by_itself)
        )
        return least if there else None  # a list that has not what is there shows not what else there is
    if rows is not None and len(rows) > 1:
        return least
    for each in write.probe.beside:
        if (yield from _is_there(journal, write, each)):
            return least
    return write.ask


def _is_there(journal: JournalRun, write: Step, ask: Ask) -> Steps[bool]:
    """True if v3 knows an extension that it is asked for by itself, and it is of the step's owner.

    Raises BackendError when v3 does not say, and Unclear when it may be another's by now: a deletion that may
    have taken effect has set the number free, and v3 does not tell whose it is.
    """
    operation = journal.context.catalogue.new.operations[ask.operation]
    assert ask.request is not None
    try:
        answer = yield from forward(journal.context, operation, ask.request, writes=False)
    except Fault as fault:
        if not says_absent(fault):
            raise
        return False
    owner = answer.get(_OWNER)
    if write.owner and not owner and write.state != "planned":
        raise _unclear()
    return not write.owner or owner in (None, "", write.owner)


def written(
    journal: JournalRun, operation: Operation, request: Element, probe: Probe | None, *, may_fail: bool = False
) -> Steps[Element]:
    """Make a v3 write. Raises a Fault that knows whether it may have taken effect."""
    under_way = forward(journal.context, operation, request, writes=True)
    answered = False
    try:
        reply: Any = None
        while True:
            command = under_way.send(reply)
            reply = yield command
            answered = True
    except StopIteration as stop:
        answer: Element = stop.value
    except Fault as fault:
        if answered and not isinstance(fault, BackendRefused):
            raise _not_understood() from fault
        raise
    if answer.get("result") == "failure" and may_fail:
        return answer
    if answer.get("result") == "failure":
        text = answer.get("notice/message") or "The v3 backend answered that the call failed."
        raise BackendRefused("backend-fault", text, answer.get("notice/code"), carried=True)
    if probe is not None and not answer.get(probe.answer_key):
        raise _not_understood()
    return answer


def _not_understood() -> BackendError:
    return BackendError("backend-nonsense", "The v3 backend gave an answer that says nothing.", unknown=True)


def row_of(journal: JournalRun, write: Step) -> Steps[Element | None]:
    """The row an unknown write left, None when there is none. Raises Unclear if it may be another's."""
    assert write.probe is not None
    rows = yield from rows_of(journal, write.probe)
    ours = [row for row in rows or () if _matches(write.probe, row)]
    if len(ours) > 1:
        raise _unclear()
    if ours and write.undo is not None and write.undo.only_if_empty:
        operation = journal.context.catalogue.new.operations[write.undo.only_if_empty]
        parent = Element("parentID", ours[0].get(write.probe.key))
        request = Element(operation.input.name, children=[parent])
        below = yield from forward(journal.context, operation, request, writes=False)
        if any(each.name != "notice" for each in below.children):
            raise _unclear()
    return ours[0] if ours else None


def _unclear() -> Unclear:
    return Unclear("journal-unclear", "What the call left in v3 cannot be told from what others made.")


def rows_of(journal: JournalRun, probe: Probe) -> Steps[list[Element] | None]:
    """The list that a probe looks at; None when what it is a list of does not exist."""
    operation = journal.context.catalogue.new.operations[probe.ask.operation]
    request = probe.ask.request or Element(operation.input.name)
    try:
        answer = yield from forward(journal.context, operation, request, writes=False)
    except Fault as fault:
        if says_absent(fault):
            return None
        raise
    return answer.all(probe.rows) if probe.rows else [answer]


def _matches(probe: Probe, row: Element) -> bool:
    if row.get(probe.key) in (None, "", *probe.known_keys):
        return False
    return all(_same(row.get(name) or "", value, probe.may_be_suffixed) for name, value in probe.match.items())


def _same(value: str, expected: str, may_be_suffixed: bool) -> bool:
    value = value.strip()
    return value == expected or (
        may_be_suffixed and value.startswith(expected) and value[len(expected) :].isdecimal()
    )


def _instead_of_answer(operation: Operation, row: Element, write: Step) -> Element:
    assert write.probe is not None
    names = {write.probe.key: write.probe.answer_key, "identifier": "identifier", **write.probe.answers}
    slots: Mapping[str, Any] = operation.output.complex.slots if operation.output.complex else {}
    children = [Element(to, row.get(name)) for name, to in names.items() if row.get(name) and to in slots]
    ended = [Element("result", "success")] if "result" in slots else []
    return Element(operation.output.name, children=[*children, *ended])


def mark(journal: JournalRun, position: int, state: UnderWay = "running", *, soon: bool = False) -> Steps[None]:
    if journal.opened is not None:
        yield from ask(MarkSteps(journal.opened, state, ((position, journal.steps[position]),), soon))
