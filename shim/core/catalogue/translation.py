"""Declarations of an operation, and what they are compiled to: nouns that refer to each other.

`shim.core.rules.declare` makes `Declared`, `shim.core.catalogue.build` makes `Translation` and `Catalogue` of
it; neither changes afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from shim.core.answers.v3_texts import Words
from shim.core.commands.journal import OnCrash, Undo
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.reading.flat_call_rules import is_earlier
from shim.core.rules.reference import Reference
from shim.core.rules.rule import Fate, Rule
from shim.core.rules.table import Producer, Table
from shim.core.schema.interface import Interface, Operation
from shim.core.serialise import MessageWriter
from shim.core.translate import known_attributes, refusal, walk

CallPlan = Callable[[CallContext], Steps[Element]]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The form of an operation before 2.5: `request` works in place, `answer` makes another."""

    request: Callable[[Element, CallContext], None] | None = None
    answer: Callable[[Element, CallContext], Element] | None = None


READS = ("Get", "Ping", "CallReport", "QuickStats", "UpgradeHistory")
"""The prefixes of operations that only read, in both versions."""


@dataclass(frozen=True, slots=True)
class CalledOperation:
    """A v3 call that an operation may make: its full name, when it is made and what for ("": always).

    `undo` takes a write back; one that `cascades` goes when an earlier one is taken back.
    """

    operation: str
    because: str = ""
    undo: Undo | None = None
    cascades: bool = False
    where: str = ""
    """A path of the successor's messages: only versions of v3 that have it are called so."""

    @property
    def reads(self) -> bool:
        """True if it changes nothing in v3."""
        return self.operation.partition(".")[2].startswith(READS)


@dataclass(frozen=True, slots=True)
class Declared:
    """One old operation and its successor; `plan` replaces the one call by a generator of several."""

    name: str
    becomes: str
    rules: tuple[Rule, ...] = ()
    writes: bool = True
    gone: str | None = None
    """The repeated request element that names accounts which do not exist after the call: `ID`."""
    details: str | None = None
    """The v3 operation that tells an account's ID by its identifier, for what is kept by ID."""
    plan: CallPlan | None = None
    lenient: bool = False
    """True if the call is served although it names extensions that there are not."""
    siblings: bool = False
    """True if the call changes the user, and so the user's other extensions too: a finding says how many."""
    notes: tuple[str, ...] = ()
    """The defaults of a plan and the settings that change them, in lines for the operator."""
    legs: tuple[Declared, ...] = ()
    """The v3 calls that a plan makes of the old request; each takes what it has a place for."""
    calls: tuple[CalledOperation, ...] = ()
    """Every v3 call that a plan may make, in order; empty: its successor alone."""
    journal: OnCrash | None = None
    """The fate of a call that the journal keeps when it is cut off: undone, or finished; None: not kept."""
    called: CalledOperation | None = None
    """Of a leg: what is said of its call."""
    emulates: str | None = None
    """Why no v3 call can serve it, so that the shim does; None: it has a successor."""
    earlier: Earlier | None = None
    """How its messages of 2.0.x are brought into the form of 2.5, and back; None: they had the same."""
    forwarded: bool = True
    """True if v3 gets to see the message at all; what is not forwarded is served by its plan alone."""


@dataclass(frozen=True, slots=True)
class DeclaredService:
    name: str
    becomes: str
    operations: tuple[Declared, ...]


@dataclass(slots=True)
class Translation:
    """One old operation, compiled: what walks its messages both ways, and what writes them."""

    declared: Declared
    old: Operation
    new: Operation
    """The successor; of an emulated operation itself, since the shim is what it is made to."""
    request: Table
    answer: Table
    old_writer: MessageWriter
    earlier_writer: MessageWriter | None = None
    """The writer of answers to callers of 2.0.x, where those had another form."""
    on_request: tuple[Producer, ...] = ()
    on_answer: tuple[Producer, ...] = ()
    recalls: bool = False
    request_references: tuple[Reference, ...] = ()
    """The references of requests: extensions, accounts, things that the shim keeps for all."""
    answer_references: tuple[Reference, ...] = ()
    """The references of v3's answers, and of elements kept for them."""
    fates: list[Fate] = field(default_factory=list)
    legs: dict[str, Translation] = field(default_factory=dict)
    """The calls of a plan, by name; each is a translation that takes part of the message."""
    words: Words | None = None
    """The words of v3 in 2.5 where it says something to the caller."""

    @property
    def writes(self) -> bool:
        return self.declared.writes

    def writer(self, version: str) -> MessageWriter:
        """The writer of answers in a schema version of 2.x."""
        earlier = self.earlier_writer if is_earlier(version) else None
        return earlier or self.old_writer

    def to_new(self, context: CallContext) -> Element:
        """The v3 request. Raises CallerError when the old one lacks something or has an unusable value."""
        target = Element(self.new.input.name)
        if context.request.attributes and not self.request.leg:
            known_attributes(context.request, None, context, "request")
        walk(context.request, self.request, target, context, "request")
        if context.record.problems:
            raise refusal(context.record.problems)
        for produce in self.on_request:
            produce(target, context)
        return target

    def to_old(self, answer: Element, context: CallContext) -> Element:
        """The old answer, as far as v3 and what the shim keeps can give it."""
        target = Element(self.old.output.name)
        if answer.attributes:
            known_attributes(answer, None, context, "answer")
        walk(answer, self.answer, target, context, "answer")
        for produce in self.on_answer:
            produce(target, context)
        return target


@dataclass
class Catalogue:
    """Everything that is translated, by old operation (`Client.AddClient`), and both interfaces."""

    old: Interface
    new: Interface
    translations: dict[str, Translation] = field(default_factory=dict)

    _writers: dict[str, MessageWriter] = field(default_factory=dict, repr=False)

    def new_writer(self, operation: Operation) -> MessageWriter:
        """The writer of a v3 operation's requests."""
        writer = self._writers.get(operation.full_name)
        if writer is None:
            writer = self._writers[operation.full_name] = MessageWriter(self.new, operation.input, v3=True)
        return writer

    def fates(self) -> Iterable[tuple[Operation, Fate]]:
        for translation in self.translations.values():
            for fate in translation.fates:
                yield translation.old, fate
