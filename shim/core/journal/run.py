"""Journal: calls that become several writes, so that afterwards all is done, nothing is, or it is paused.

Laws: what is meant is written down before a write, what came of it after; a write without a result is unknown,
and is looked for before anything else is done; undoing goes in reverse and may be repeated; what can neither
be finished nor undone stays visible. Recovery needs only what the steps say: each tells as data how to see
whether it took effect and how to take it back, or what to do once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter
from typing import Any

from shim.core.commands.extensions import ForgetIdentities, Identity, Known, LearnIdentities
from shim.core.commands.journal import Begin, Close, Step
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import EntryLost, Fault, ShimError
from shim.core.journal.recovery import (
    RecoveryResult,
    close,
    gone_of,
    guarded,
    put_off,
    undo_all,
    without_secrets,
)
from shim.core.journal.writes import JournalRun
from shim.core.message import Element

_name = attrgetter("name")


def beginning(
    context: CallContext,
    lock: str | None = None,
    steps: Iterable[Step] = (),
    planned_answer: Element | None = None,
) -> Begin:
    """The command that opens the entry of this call, which is declared with what the journal does."""
    translation = context.translation
    policy = translation.declared.journal
    assert policy is not None, f"{translation.old.full_name} is not declared with journal="
    key = digest(context.request, context.package)
    return Begin(translation.old.full_name, key, policy, lock, tuple(steps), planned_answer)


@dataclass(frozen=True, slots=True)
class Learning:
    """How a plan ends whose extensions are new: they are learned with its end, and the answer names them."""

    known: tuple[Known, ...]
    answer: Callable[[tuple[Identity, ...]], Element]


JournalledPlan = Callable[[JournalRun], Steps[Element | Learning]]


def journalled(
    context: CallContext, begin: Begin, plan: JournalledPlan, *, single: bool = False
) -> Steps[Element]:
    """Make the calls of a plan under a journal entry; its steps are `step` or `redo_step`.

    With `single` there is one write, as in 2.5: what v3 says when it refuses it is told as it is.

    A plan that fails is undone or left for recovery, and the fault says which. The answer to an equal call that
    nobody received is given again.
    """
    opened = yield from ask(begin)
    if opened is not None:
        context.record.entries.append(opened.entry)
    if opened is not None and opened.answer is not None:
        if context.request.is_on("passwordAuto"):
            context.find(
                "answer-field-unavailable", "password", "An answer that is given again has no password."
            )
        return opened.answer
    journal = JournalRun(context, begin.policy, opened, list(begin.steps), single)
    try:
        ending = yield from plan(journal)
        return (yield from _end(journal, ending))
    except Fault as fault:
        explained = yield from _given_up(journal, fault)
        raise explained from fault


def _end(journal: JournalRun, ending: Element | Learning) -> Steps[Element]:
    """Close the entry, and learn and forget with it what the plan made and deleted."""
    learning = Learning((), lambda _: ending) if isinstance(ending, Element) else ending
    gone = gone_of(journal)
    if journal.opened is None:
        learned = (yield from ask(LearnIdentities(learning.known))) if learning.known else ()
        if gone:
            yield from ask(ForgetIdentities(gone))
        return learning.answer(learned)
    results: list[Element] = []

    def answering(learned: tuple[Identity, ...]) -> Element:
        results.append(learning.answer(learned))
        return without_secrets(results[-1])

    yield from ask(Close(journal.opened, "done", answering, learning.known, gone))
    return results[-1]


def digest(request: Element, package: str = "") -> str:
    """The digest that two equal requests share, whatever the order of their elements; `package` is that within
    another."""
    return sha256((package + json.dumps(_canonical(request), separators=(",", ":"))).encode()).hexdigest()


def _canonical(element: Element) -> list[Any]:
    children = element.children
    attributes = element.attributes
    return [
        element.name,
        (element.text or "").strip(),
        element.nil,
        sorted(attributes.items()) if attributes else [],
        [_canonical(each) for each in sorted(children, key=_name)] if children else [],
    ]


def _given_up(journal: JournalRun, fault: Fault) -> Steps[Fault]:
    """The fault for the caller, once what can be done now was done."""
    touched = any(each.state in ("started", "done") for each in journal.steps)
    if isinstance(fault, EntryLost) or (journal.opened is None and journal.policy == "redo" and touched):
        return _explained(journal, fault, RecoveryResult("running"))
    if not touched:
        ended = RecoveryResult("undone", "nothing")
    elif journal.policy == "redo":
        ended = put_off(fault, "running", "refused")
    else:
        try:
            ended = yield from guarded(undo_all(journal), "undoing")
        except Fault:  # only EntryLost: another has the entry, or its end was written and nobody was told
            return _explained(journal, fault, RecoveryResult("running"))
    try:
        yield from close(journal, ended)
    except Fault:
        if ended.state == "paused":
            ended = RecoveryResult("running")
    return _explained(journal, fault, ended)


_OUTCOMES = {
    "nothing": "Nothing was changed.",
    "undone": "What had been done was undone: nothing is left of this call, and it may be repeated.",
    "paused": "The call is half done, and the shim can neither finish nor undo it: its operator has to look, "
    "reference {reference}.",
    "left": "What state it is in is not known yet: the shim finishes or undoes it by itself, reference "
    "{reference}; an equal call waits for that.",
}
_REASONS = {"paused": "half-done", "left": "unfinished"}


def _explained(journal: JournalRun, fault: Fault, ended: RecoveryResult) -> Fault:
    kind = "nothing" if ended.why == "nothing" else ended.state if ended.state in _OUTCOMES else "left"
    if kind == "nothing" and (journal.single or not fault.carried):
        return fault
    text = fault.text if fault.carried else f"A v3 call did not end as it should ({fault.reason})."
    reference = journal.opened.entry if journal.opened else "none"
    sentence = text.rstrip() if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."
    full_text = f"{sentence} {_OUTCOMES[kind].format(reference=reference)}"
    error = ShimError if kind in _REASONS else type(fault)
    explained = error(
        _REASONS.get(kind, fault.reason), full_text, fault.code, side=fault.side, carried=fault.carried
    )
    explained.retry_after = fault.retry_after
    return explained
