"""Recovery: finishing or undoing a journalled call from what its steps say, as often as it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shim.core.commands.extensions import ForgetIdentities
from shim.core.commands.journal import Close, EntryState, OnCrash, Step, UnderWay
from shim.core.commands.steps import Steps, ask
from shim.core.errors import BackendRefused, EntryLost, Fault, Unclear
from shim.core.journal.writes import JournalRun, mark, redo_step, row_of, rows_of, written
from shim.core.message import Element

_NOT_SECRET = ("passwordAuto", "passwordStrength")


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """How recovery left an entry. `running` and `undoing`: for later; `why` is a word for the operator."""

    state: EntryState
    why: str = ""
    settling: bool = False


def recover(journal: JournalRun, state: UnderWay) -> Steps[RecoveryResult]:
    """Finish or undo what a crash, or a call that gave up, left behind; says what came of it."""
    if journal.policy == "undo" or state == "undoing":
        ended = yield from guarded(undo_all(journal), "undoing")
    else:
        ended = yield from guarded(_redo(journal), "running")
    yield from close(journal, ended)
    return ended


def undo_all(journal: JournalRun) -> Steps[RecoveryResult]:
    for position in reversed(range(len(journal.steps))):
        if journal.steps[position].state in ("started", "done"):
            left = yield from _undo_one(journal, position)
            if left is not None:
                return left
    return RecoveryResult("undone")


def _undo_one(journal: JournalRun, position: int) -> Steps[RecoveryResult | None]:
    """Take one step back; what it is left as when that is not possible now."""
    step = journal.steps[position]
    if step.undo is None or step.probe is None or step.cascades:
        step.state = "undone"
        return None
    if step.row_key is None:
        row = yield from row_of(journal, step)
        if row is None and not step.past_backend_timeout:
            return RecoveryResult("undoing", "settling", True)
        if row is None:
            step.state = "undone"
            return None
        step.row_key = row.get(step.probe.key)
    yield from mark(journal, position, "undoing")
    operation = journal.context.catalogue.new.operations[step.undo.operation]
    beside = [Element(*each) for each in step.undo.beside]
    request = Element(operation.input.name, children=[*beside, Element(step.undo.key, step.row_key)])
    try:
        yield from written(journal, operation, request, None)
    except Fault as fault:
        if isinstance(fault, EntryLost):
            raise
        rows = yield from rows_of(journal, step.probe)
        if any(row.get(step.probe.key) == step.row_key for row in rows or ()):
            return put_off(fault, "undoing", "undo-refused")
    step.state = "undone"
    return None


def _redo(journal: JournalRun) -> Steps[RecoveryResult]:
    for position, each in enumerate(journal.steps):
        if each.state != "done":
            yield from redo_step(journal, position, again=False)
    return RecoveryResult("done")


def gone_of(journal: JournalRun) -> dict[str, str]:
    """The extensions that do not exist any more after what was done or undone: users by number."""
    over = "done" if journal.policy == "redo" else "undone"
    return {
        each.row_key: each.owner
        for each in journal.steps
        if each.deletes_extension and each.row_key and each.state == over
    }


def guarded(work: Steps[RecoveryResult], state: UnderWay) -> Steps[RecoveryResult]:
    try:
        return (yield from work)
    except Fault as fault:
        if isinstance(fault, EntryLost):
            raise
        return put_off(fault, state, "refused")


def put_off(fault: Fault, state: UnderWay, refused: str) -> RecoveryResult:
    """A refusal will not go away by itself; what is late or away may."""
    if isinstance(fault, Unclear):
        return RecoveryResult("paused", "unclear")
    return (
        RecoveryResult("paused", refused)
        if isinstance(fault, BackendRefused)
        else RecoveryResult(state, fault.reason)
    )


def close(journal: JournalRun, ended: RecoveryResult) -> Steps[None]:
    gone = gone_of(journal)
    if journal.opened is not None:
        steps = tuple(enumerate(journal.steps))
        yield from ask(
            Close(journal.opened, ended.state, gone=gone, steps=steps, why=ended.why, settling=ended.settling)
        )
    elif gone:
        yield from ask(ForgetIdentities(gone))


def repairs(steps: Iterable[Step], policy: OnCrash) -> list[tuple[str, dict[str, str]]]:
    """The v3 calls by which an operator brings a paused entry to its end, without secrets."""
    if policy == "redo":
        return [
            (each.ask.operation, shown(each.ask.request))
            for each in steps
            if each.state not in ("done", "undone")
        ]
    calls: list[tuple[str, dict[str, str]]] = []
    for each in reversed(list(steps)):
        if each.state not in ("started", "done") or each.undo is None or each.cascades:
            continue
        if each.row_key is None and each.probe is not None:
            calls.append((each.probe.ask.operation, shown(each.probe.ask.request)))
        key = each.row_key or f"({each.probe.key if each.probe else each.undo.key} of that row)"
        calls.append((each.undo.operation, {**dict(each.undo.beside), each.undo.key: key}))
    return calls


def shown(request: Element | None) -> dict[str, str]:
    """The fields of a request as an operator may see them."""
    if request is None:
        return {}
    return {
        path: "(secret)" if _is_secret(path.rpartition("/")[2]) else text for path, text in request.leaves()
    }


def without_secrets(element: Element) -> Element:
    """The same without elements that hold a secret."""
    kept = [without_secrets(each) for each in element.children if not _is_secret(each.name)]
    return Element(element.name, element.text, element.attributes, kept, element.nil)


def _is_secret(name: str) -> bool:
    return "password" in name.lower() and name not in _NOT_SECRET
