"""LinkedOp: several old calls in one. Each is served like a call of its own; v3's own LinkedOp is not asked.

So every difference between the versions is dealt with where it is declared, and what an earlier operation
answered is an old answer, of which a later one takes old IDs.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from shim.core.admit import admit
from shim.core.answers.fault_message import fault_message
from shim.core.catalogue.translation import Translation
from shim.core.commands.caller import FaultForm
from shim.core.commands.journal import Revoke
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext, CallHistory
from shim.core.errors import CallerError, Fault
from shim.core.findings import Findings
from shim.core.inner import InnerCall
from shim.core.message import Element
from shim.core.pipeline import perform, written
from shim.core.resolve import resolve
from shim.core.rules.declare import served, service
from shim.core.rules.rule import Rule, Taken
from shim.core.rules.table import Direction
from translations.globalop.package import MAPPING, Answered, complete, unpacked
from translations.globalop.undo import UNDONE_BY, undoing

MOST_ANSWERED = 16 << 20
"""Bytes of answers after which no further operation is begun: lists have no paging."""
_LATER = "It was done, and undone again, because a later operation failed and was final."


@dataclass(slots=True)
class Entry:
    """One operation of the list: what it came to. Without `old` it was refused, or its end is not known."""

    identifier: str
    path: str
    translation: Translation | None = None
    call: InnerCall | None = None
    """None while it is not known to be a call of 2.5."""
    context: CallContext | None = None
    old: Element | None = None
    output: bytes = b""
    failed: bool = True

    @property
    def changed(self) -> bool:
        """True if it may have changed something that is still so."""
        wrote = self.translation is not None and self.translation.writes
        return wrote and self.old is not None and self.old.get("result") != "failure"

    def fail(self, fault: Fault, form: FaultForm) -> None:
        self.failed, self.output = True, fault_message(fault, form=form)
        if self.call is not None:
            self.call.fault = fault.reason

    def element(self) -> Element:
        packed = base64.b64encode(self.output).decode()
        result = "failure" if self.failed else "success"
        leaves = {"identifier": self.identifier, "output": packed, "result": result}
        return Element("operation", children=[Element(*each) for each in leaves.items()])


@dataclass(slots=True)
class Run:
    """A LinkedOp under way."""

    context: CallContext
    entries: list[Entry] = field(default_factory=list)
    answers: dict[str, Answered] = field(default_factory=dict)
    """The answers that later operations refer to, by identifier."""
    first_paths: dict[tuple[str, str], str] = field(default_factory=dict)
    """Where a finding was made first, by code and the path below its package."""

    def take_over(self, entry: Entry, findings: Findings, *, inner: bool = False) -> None:
        """Take over what was found in a package. The same thing in a later package only counts.

        `inner`: the package's call counts it.
        """
        for each in findings:
            below = f"{entry.path.partition('/')[2]}/{each.path}".rstrip("/")
            path = self.first_paths.setdefault(
                (each.code, below), f"{entry.path.partition('/')[0]}/{below}".rstrip("/")
            )
            for _ in range(each.count):
                self.context.record.findings.add(each.code, path, each.because, each.v3_path, inner=inner)


def _run(context: CallContext) -> Steps[Element]:
    """Each package is a call of its own and served like one, in turn; v3's LinkedOp is not asked.

    A failed one ends the run if it says finalOnFailure, and what was added before it is deleted again.
    """
    translation = context.translation
    operations = translation.to_new(context).all("operation")
    run = Run(context)
    referred = {text.strip() for each in operations for text in _referred(each)}
    for operation in operations:
        entry = yield from _one(run, operation)
        if entry.old is not None and entry.identifier in referred:
            run.answers[entry.identifier] = Answered(entry.old)
        if entry.failed and operation.is_on("finalOnFailure"):
            if context.caller.settings.get("linked_failure") != "keep":
                yield from _undo(run)
            break
    processed = Element("processedOp", str(len(run.entries)))
    return Element(translation.old.output.name, children=[processed, *(each.element() for each in run.entries)])


def _referred(operation: Element) -> list[str]:
    return [each.get("identifier") or "" for each in operation.all("appendOpResponse")]


def _one(run: Run, operation: Element) -> Steps[Entry]:
    """One operation: unpacked, completed, served like any call."""
    entry = Entry((operation.get("identifier") or "").strip(), f"package[{len(run.entries) + 1}]")
    run.entries.append(entry)
    findings, failed = Findings(), Findings()
    try:
        yield from _serve(run, entry, operation, findings)
    except Fault as fault:
        entry.fail(fault, run.context.caller.faults)
        code = f", code {fault.code}" if fault.code else ""
        failed.add("package-failed", "", f"It failed: {fault.reason}{code}.")
    if entry.call is not None:
        entry.call.last = len(run.context.record.calls)
    run.take_over(entry, findings, inner=entry.call is not None)
    run.take_over(entry, failed)
    return entry


def _serve(run: Run, entry: Entry, operation: Element, findings: Findings) -> Steps[None]:
    if sum(len(each.output) for each in run.entries) > MOST_ANSWERED:
        raise CallerError("over-limit", f"The answers so far have {MOST_ANSWERED} bytes: ask for less at once.")
    message = unpacked(operation.child("package"), run.context.limits)
    called = run.context.catalogue.old.by_input.get(message.body.name)
    if called is not None and called is not run.context.translation.old:
        entry.call = InnerCall(called.full_name, message.body, findings, first=len(run.context.record.calls))
        run.context.record.inner.append(entry.call)
    inner = resolve(run.context.catalogue, message, None, findings)
    entry.path += f"/{inner.old.input.name}"
    if inner is run.context.translation:
        raise CallerError("linked-in-linked", "A LinkedOp holds no LinkedOp: put its operations into this one.")
    if any(block.name == "userCredentials" for block in message.headers):
        findings.add(
            "unknown-header", "userCredentials", "The login of the LinkedOp counts for all its operations."
        )
    admit(run.context.caller, inner.old, findings)
    complete(message.body, operation.all("appendOpResponse"), run.answers, run.context)
    entry.translation = inner
    entry.context = _context(run, inner, message.body, findings, entry)
    entry.old = yield from perform(entry.context)
    run.context.record.server_info = entry.context.record.server_info
    body = written(inner, entry.old, findings, run.context.schema_version)
    entry.output = inner.writer(run.context.schema_version).envelope(
        body, None, run.context.schema_version or None
    )
    entry.failed = (entry.old.get("result") or "success") != "success"
    assert entry.call is not None
    entry.call.fault = None


def _context(
    run: Run, translation: Translation, request: Element, findings: Findings, entry: Entry
) -> CallContext:
    outer = run.context
    return CallContext(
        outer.catalogue,
        request,
        outer.caller,
        CallHistory(findings, outer.record.calls),
        translation=translation,
        limits=outer.limits,
        schema_version=outer.schema_version,
        shown_version=outer.shown_version,
        package=entry.path,
    )


# ---- undo ----


def _undo(run: Run) -> Steps[None]:
    """Take back what was added, the last first; what cannot be taken back stays done and says so."""
    for entry in reversed(run.entries):
        if entry.changed:
            findings = Findings()
            undone = yield from _undone(run, entry, findings)
            if undone:
                entry.fail(CallerError("undone", _LATER), run.context.caller.faults)
            findings.add("package-undone" if undone else "package-not-undone", "")
            run.take_over(entry, findings)


def _undone(run: Run, entry: Entry, findings: Findings) -> Steps[bool]:
    """True if what an operation did could be taken back."""
    assert entry.translation is not None
    assert entry.context is not None
    assert entry.old is not None
    request = undoing(run.context.catalogue.old, entry.translation.old, entry.context.request, entry.old)
    if request is None:
        return False
    inner = run.context.catalogue.translations.get(run.context.catalogue.old.by_input[request.name].full_name)
    if inner is None:
        return False
    context = _context(run, inner, request, findings, entry)
    try:
        yield from ask(Revoke(tuple(entry.context.record.entries)))
        answer = yield from perform(context)
    except Fault:
        return False
    return answer.get("result") == "success"


# ---- declarations ----


@dataclass(frozen=True, slots=True)
class Acted(Rule):
    """The shim itself acts on it, or says it. `unread` is not judged before it is unpacked."""

    unread: bool = False

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "request" and self.unread:
            return Taken("moved", self.old, _as_it_came, raw=True)
        return Taken("moved", self.old)


def _as_it_came(child: Element, into: Element, context: CallContext) -> None:
    into.children.append(child)


_ACTED = {
    "operation": "The shim serves the operations itself, one by one, and answers for each that was begun.",
    "operation/identifier": "It is repeated in the answer, and names the answer for appendOpResponse.",
    "operation/finalOnFailure": "When this one fails, the others are not begun, and additions are deleted.",
    "operation/appendOpResponse": "Parameters of an earlier old answer are put into the package.",
    "operation/appendOpResponse/identifier": "It names the earlier operation.",
    MAPPING: "One parameter of the earlier answer, and where it goes.",
    f"{MAPPING}/responseParam": "The name of the parameter in the earlier answer, or its path.",
    f"{MAPPING}/requestParam": "The name it gets in the package; that of node or responseParam without.",
    f"{MAPPING}/node": "Where it goes in the package, counted from its request element; right below without.",
    "processedOp": "How many operations were begun, those that failed included.",
    "operation/output": "The old answer, a whole message as base64, or the fault it would have had.",
    "operation/result": "Success or failure; what was done in part only, or undone again, is a failure.",
}
NOTES = (
    "A package is base64 of a whole message (an envelope or its body element); plain XML in it is read, too.",
    "The v3 calls are those of the operations in it: `shim explain` tells them for each.",
    "When one that is final fails (setting linked_failure), additions are taken back, the last first:",
    *(f"  {name} by {undoing.operation}" for name, undoing in UNDONE_BY.items()),
    "Nothing else is taken back: what was there before is changed for good.",
)
_PACKAGE = "It is base64 of an old call, an envelope or its body element: see what becomes of that operation."

LINKED = served(
    "LinkedOp",
    _run,
    [
        *(Acted(path, path, because) for path, because in _ACTED.items()),
        Acted("operation/package", "operation/package", _PACKAGE, "request", True),
    ],
    NOTES,
)

SERVICE = service("GlobalOp", "GlobalOp", LINKED)
