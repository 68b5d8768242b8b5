"""The words that translations are written in. Each makes one `Rule`.

Say only what differs: a path that both versions have with the same meaning is carried without a word. Every
rule has a sentence (`because`) for the integrator who reads a finding or the coverage page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from shim.core.context import CallContext, Problem
from shim.core.findings import Code
from shim.core.message import Element, spots
from shim.core.rules.choices import accepts
from shim.core.rules.rule import Made, Rule, Taken, split, wheres
from shim.core.rules.table import Direction

ConvertValue = Callable[[str], str | None]
Predicate = Callable[[CallContext], bool]


@dataclass(frozen=True, slots=True)
class Rename(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        return Taken("renamed", self.new if direction == "request" else self.old)


def rename(old: str, new: str, because: str = "v3 has it under another name.", *, where: str = "") -> Rule:
    """The same thing under another name at the same level; what is below is carried."""
    return Rename(old, new, because, where=where)


@dataclass(frozen=True, slots=True)
class Computed(Rule):
    to_new: ConvertValue = str
    to_old: ConvertValue = str
    finding: Code | None = None
    always: bool = False
    unfit: Literal["refuse", "drop"] = "refuse"

    @property
    def may_drop(self) -> bool:
        return self.unfit == "drop"

    def takes(self, direction: Direction) -> Taken | None:
        source, target = (self.old, self.new) if direction == "request" else (self.new, self.old)
        convert = self.to_new if direction == "request" else self.to_old
        name = split(target or "")[1]
        path = self.old

        def act(child: Element, into: Element, context: CallContext) -> None:
            if child.nil:
                into.children.append(Element(name, nil=True))
                return
            text = convert(child.text or "")
            if text is not None:
                into.children.append(Element(name, text, child.attributes))
                if self.finding and (self.always or text != child.text):
                    context.find(self.finding, path, self.because, self.new)
            elif direction == "request" and self.unfit == "drop":
                accepts(context, "field-dropped", path, self.because)
            elif direction == "request":
                context.record.problems.append(Problem("bad-value", path, self.because, None))
            else:
                context.find("answer-value-omitted", path, self.because, self.new)

        return Taken("computed", target if source else None, act, self.finding)


def compute(
    old: str,
    to_new: ConvertValue,
    to_old: ConvertValue,
    because: str,
    *,
    new: str | None = None,
    finding: Code | None = "value-converted",
    always: bool = False,
    unfit: Literal["refuse", "drop"] = "refuse",
    only: Direction | None = None,
) -> Rule:
    """A value that is written differently. The functions take a text and give one, or None: not possible.

    `because` also is what a caller reads whose value is not possible, so it says what is allowed; with
    `unfit="drop"` the call is served without such a value. `always` makes the finding for values that stay
    as they are, too: for those whose meaning may differ. `only` one direction converts, the other is as it is.
    """
    return Computed(old, new or old, because, only, to_new, to_old, finding, always, unfit)


def values(old: str, pairs: Mapping[str, str], because: str, *, new: str | None = None) -> Rule:
    """Coded values that differ; values that are not in `pairs` are the same on both sides."""
    back = {theirs: ours for ours, theirs in pairs.items()}
    return compute(
        old,
        lambda text: pairs.get(text, text),
        lambda text: back.get(text, text),
        because,
        new=new,
        finding=None,
    )


@dataclass(frozen=True, slots=True)
class Loose(Rule):
    reads: ConvertValue = str

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "answer":
            return Taken("carried", self.old)
        path = self.old

        def act(child: Element, into: Element, context: CallContext) -> None:
            text = (child.text or "").strip()
            value = self.reads(text)
            if value is not None:
                context.find("value-converted", path, self.because)
            if value != "":
                into.children.append(Element(split(path)[1], text if value is None else value))

        return Taken("computed", path, act, "value-converted", self.reads)


def loose(old: str, reads: ConvertValue, because: str) -> Rule:
    """Requests may have texts that the type does not allow and the old server took all the same.

    `reads` gives what such a text means: a value of the type, or an empty text for nothing at all; and None
    for every other text, which then has to be of the type.
    """
    return Loose(old, old, because, None, reads)


@dataclass(frozen=True, slots=True)
class Drop(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            accepts(context, "field-dropped", self.old, self.because)

        return Taken("dropped", None, act, "field-dropped") if direction == "request" else None


def drop(old: str, because: str, *, unless: str = "") -> Rule:
    """Dropped from requests, with a finding each time."""
    return Drop(old, "", because, "request", unless=unless)


@dataclass(frozen=True, slots=True)
class Refuse(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            context.find("field-refused", self.old, self.because)
            context.record.problems.append(Problem("field-refused", self.old, self.because, None))

        return Taken("refused", None, act, "field-refused") if direction == "request" else None


def refuse(old: str, because: str) -> Rule:
    """A request with it is answered with a fault: doing it without would be wrong."""
    return Refuse(old, "", because, "request")


@dataclass(frozen=True, slots=True)
class HandedOn(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            into.children.append(child)

        return Taken("computed", self.old, act, raw=True) if direction == "request" else None


def handed_on(old: str, because: str) -> Rule:
    """2.5 does not say what is inside, v3 does: a request hands it on as it came, and v3's schema judges it."""
    return HandedOn(old, old, because, "request")


@dataclass(frozen=True, slots=True)
class Once(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        return Taken("carried", self.new if direction == "request" else self.old, None, "repeated-element")


def once(old: str, because: str, *, new: str | None = None) -> Rule:
    """2.5 took it several times, v3 takes one: the first is carried, each further one is a finding."""
    return Once(old, new or old, because)


@dataclass(frozen=True, slots=True)
class Unanswered(Rule):
    when: Predicate | None = None

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        def produce(root: Element, context: CallContext) -> None:
            applies = self.when is None or self.when(context)
            if applies and spots(root, split(self.old)[0]):
                context.find("answer-field-unavailable", self.old, self.because)

        return Made("dropped", self.old, produce, "answer-field-unavailable")


def unanswered(old: str, because: str, *, when: Predicate | None = None) -> Rule:
    """2.5 could answer with it, v3 cannot say it: it stays away, with a finding each time (or `when`)."""
    return Unanswered(old, "", because, "answer", when)


@dataclass(frozen=True, slots=True)
class Echo(Rule):
    source: str = ""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        parent, name = split(self.old)

        def produce(root: Element, context: CallContext) -> None:
            text = context.request.get(self.source)
            if text:
                for place in spots(root, parent):
                    place.children.append(Element(name, text.strip()))

        return Made("computed", self.old, produce)


def echo(old: str, source: str, because: str) -> Rule:
    """The answer repeats what the request said at `source`, as 2.5 did and v3 does not."""
    return Echo(old, "", because, "answer", source)


@dataclass(frozen=True, slots=True)
class Unused(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        return Made("ignored", self.old, None)


def unused(old: str, because: str, *, unless: str = "") -> Rule:
    """An element that the schema of 2.5 lists and that no answer needs: another one says the same."""
    return Unused(old, "", because, "answer", unless=unless)


Default = Callable[[CallContext], Element | None]


@dataclass(frozen=True, slots=True)
class Added(Rule):
    value: Default | None = None

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            return

        return Taken("ignored", None, act) if direction == "answer" else None

    def produces(self, direction: Direction) -> Made | None:
        if direction == "answer":
            return None
        value = self.value
        path = self.new

        def produce(root: Element, context: CallContext) -> None:
            content = value(context) if value else None
            if content is not None:
                for place in spots(root, split(path)[0]):
                    place.children.append(content)
                    context.find("default-added", path, self.because, path)

        return Made("added", path, produce if value else None, "default-added" if value else None)


def added(new: str, because: str, *, value: Default | None = None, where: str = "") -> Rule:
    """Only v3 has it. A request leaves it unsaid, or sends what `value` gives; an answer leaves it out."""
    return Added("", new, because, None, value, where=where)


def unread(new: str, because: str, *, where: str = "") -> Rule:
    """Only v3 answers with it: it is left out of the old answer."""
    return Added("", new, because, "answer", where=where)


@dataclass(frozen=True, slots=True)
class Elsewhere(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            return

        return Taken("moved", None, act) if direction == "request" else None


def elsewhere(old: str, because: str, *, where: str = "") -> Rule:
    """Not for this leg of a plan, although its v3 call has an element of that name: another leg takes it."""
    return Elsewhere(old, "", because, "request", where=where)


@dataclass(frozen=True, slots=True)
class Joined(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        return Made("computed", self.old, None)


def joined(old: str, because: str) -> Rule:
    """The plan itself puts it into the answer, out of what several v3 calls said."""
    return Joined(old, "", because, "answer")


def within(path: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The same rules, one level down on both sides: for messages that wrap what others have at the top."""

    def below(inner: str) -> str:
        return f"{path}/{inner}" if inner else ""

    def moved(rule: Rule) -> Rule:
        where = tuple(f"{path}/{each}" for each in wheres(rule))
        unless = below(rule.unless)
        return replace(rule, old=below(rule.old), new=below(rule.new), where=where, unless=unless)

    return tuple(moved(rule) for rule in rules)
