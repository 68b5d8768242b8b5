"""The rule about what v3 has no place for: the shim keeps it, and gives it back on reading."""

from __future__ import annotations

from dataclasses import dataclass

from shim.core.commands.kept import Shared
from shim.core.context import CallContext
from shim.core.message import Element, spots
from shim.core.rules.choices import accepts, gives
from shim.core.rules.reference import Reference, SharedReference
from shim.core.rules.rule import Made, Rule, Taken, split
from shim.core.rules.table import Direction
from shim.core.rules.vocabulary import Predicate


@dataclass(frozen=True, slots=True)
class Keep(Rule):
    default: str | None = None
    when: Predicate | None = None
    field: str | None = None
    among: Shared | None = None

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "answer":
            return None
        path = self.old
        field = self.field or split(path)[1]

        def act(child: Element, into: Element, context: CallContext) -> None:
            kept = self._identified(child, context)
            if kept is None:
                gone = "Nothing of that name or ID is there: it was not kept."
                accepts(context, "field-dropped", path, gone)
            elif accepts(context, "field-kept", path, self.because):
                context.kept.fields[field] = kept

        return Taken("kept", None, act, "field-kept")

    def produces(self, direction: Direction) -> Made | None:
        if direction == "request":
            return None
        parent, name = split(self.old)
        field = self.field or name

        def produce(root: Element, context: CallContext) -> None:
            if context.kept.recalled is None or (self.when is not None and not self.when(context)):
                return
            kept = context.kept.recalled.get(field)
            if kept is not None:
                kept = self._identified(kept, context)
                if kept is None:
                    context.find("answer-value-omitted", self.old, "What it names is not there any more.")
            if kept is None and self.default is not None:
                kept = Element(name, self.default)
            if kept is None:
                return
            for place in spots(root, parent):
                if gives(context, self.old, self.because):
                    place.children.append(kept)

        return Made("emulated", self.old, produce, "field-emulated")

    def references(self, direction: Direction) -> tuple[Reference, ...]:
        if not self.among:
            return ()
        field = self.field or split(self.old)[1]
        return (SharedReference(self.old, self.among, "" if direction == "request" else field),)

    def _identified(self, sent: Element, context: CallContext) -> Element | None:
        """The value itself, or the ID of the thing that it names; None when that is not there."""
        things = context.kept.shared.get(self.among) if self.among else None
        text = (sent.text or "").strip()
        if things is None or not text:
            return sent
        if text.isascii() and text.isdecimal():  # one that the shim never had may be older than the shim
            thing = things.get(text.lstrip("0"))
            return None if thing is not None and thing.nil else sent
        name = text.casefold()
        named = [key for key, each in things.items() if (each.get("name") or "").strip().casefold() == name]
        return Element(sent.name, min(named, key=int)) if named else None


def keep(
    old: str,
    because: str,
    *,
    default: str | None = None,
    when: Predicate | None = None,
    field: str | None = None,
    among: Shared | None = None,
    unless: str = "",
) -> Rule:
    """v3 has no place for a value: the shim stores it for the account and gives it back on reading.

    `default` is answered when nothing is kept; `when` says whether this answer has it at all. `field` is the
    name to keep it under, where elements of one name mean several things: the element's own by default.
    `among` is the store's key of things that the shim keeps for all, and the value names one of them by ID or
    name: its ID is kept, and neither taken nor answered when the thing is gone.
    """
    return Keep(old, "", because, None, default, when, field, among, unless=unless)
