"""The compiler of one operation: tables, producers and fates from its rules and the schemas of both sides.

What differs and has no rule, and a rule that fits nowhere, is a problem; the first is found by walking the
source message, what nothing gives by looking at the target when all is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from shim.core.catalogue.translation import Catalogue, Declared, Translation
from shim.core.findings import KINDS, Code
from shim.core.rules.reference import Reference
from shim.core.rules.rule import Fate, Made, Rule, Taken, split
from shim.core.rules.table import ChildRule, Direction, Producer, Table
from shim.core.schema.interface import ComplexType, Demand, ElementDecl, Operation, paths
from shim.core.schema.values import clears, either, is_text, reader
from shim.core.serialise import MessageWriter

_ALIKE = {frozenset(pair) for pair in (("integer", "nonNegativeInteger"),)}

LegPart = Literal["whole", "leg", "rest"]
"""A whole operation; one v3 call of a plan; or what a plan's own rules say of its message."""


class Compiler:
    """Compiles one operation: a table and producers for each direction, a fate for each old path."""

    def __init__(
        self,
        catalogue: Catalogue,
        declared: Declared,
        old: Operation,
        new: Operation,
        part: LegPart = "whole",
    ) -> None:
        self.part: LegPart = part
        self.catalogue = catalogue
        self.declared = declared
        self.old, self.new = old, new
        self.problems: list[str] = []
        self.fates: list[Fate] = []
        self.used: set[int] = set()
        self.targets: set[str] = set()

    def translation(self) -> Translation:
        request, on_request = self.compile("request", self.old.input, self.new.input)
        answer, on_answer = self.compile("answer", self.new.output, self.old.output)
        there = (dict(paths(self.old.input)), dict(paths(self.new.input)))
        for index, rule in enumerate(self.declared.rules):
            if index not in self.used and not rule.stands(*there):
                self.problems.append(f"the rule for {rule.old or rule.new} fits neither request nor answer")
        return Translation(
            declared=self.declared,
            old=self.old,
            new=self.new,
            request=request,
            answer=answer,
            old_writer=MessageWriter(self.catalogue.old, self.old.output, answers=True),
            earlier_writer=self.earlier_writer(),
            on_request=on_request,
            on_answer=on_answer,
            recalls=any(each.fate == "emulated" for each in self.fates),
            request_references=self.references("request", self.old.input, self.new.input),
            answer_references=self.references("answer", self.new.output, self.old.output),
            fates=self.fates,
        )

    def needed(self, path: str) -> tuple[Demand, ...]:
        """The demands on requests at a level because of rules: see `needed`."""
        demands = [each for rule in self.declared.rules for each in rule.demands()]
        return tuple(demand for level, demand in demands if level == path)

    def references(
        self, direction: Direction, source: ElementDecl, target: ElementDecl
    ) -> tuple[Reference, ...]:
        """The references of the messages of a direction, as their rules say, where the schemas have it."""
        comes, produced = dict(paths(source)), dict(paths(target))
        references = (
            each
            for rule in self.declared.rules
            if rule.only in (None, direction)
            for each in rule.references(direction)
        )
        return tuple(
            dict.fromkeys(
                each for each in references if each.path in (produced if each.is_of_result else comes)
            )
        )

    def earlier_writer(self) -> MessageWriter | None:
        earlier = self.catalogue.old.earlier
        if earlier is None or self.declared.earlier is None or self.declared.earlier.answer is None:
            return None
        return MessageWriter(earlier, earlier.operations[self.old.full_name].output, answers=True)

    def compile(
        self, direction: Direction, source: ElementDecl, target: ElementDecl
    ) -> tuple[Table, tuple[Producer, ...]]:
        level = _Level(self, direction, source, target)
        table = level.table("", source, "", target)
        producers = level.producers()
        level.close()
        return table, producers


class _Level:
    """One direction of one operation, under compilation."""

    def __init__(
        self, compiler: Compiler, direction: Direction, source: ElementDecl, target: ElementDecl
    ) -> None:
        self.compiler = compiler
        self.direction: Direction = direction
        self.request = direction == "request"
        self.part = compiler.part
        self.source_paths = dict(paths(source))
        self.target_paths = dict(paths(target))
        self.reached: dict[str, str] = {}
        """Target paths that something is written to, each with the source path or rule it comes from."""
        self.rules = self._by_source()

    def _by_source(self) -> Mapping[str, tuple[int, Rule, Taken]]:
        by_source: dict[str, tuple[int, Rule, Taken]] = {}
        for index, rule in enumerate(self.compiler.declared.rules):
            if rule.only not in (None, self.direction):
                continue
            path = rule.old if self.request else rule.new
            taken = rule.takes(self.direction)
            if not path or taken is None or path not in self.source_paths:
                continue
            if path in by_source:
                self.problem(f"two rules for {path}")
            by_source[path] = (index, rule, taken)
        return by_source

    def problem(self, text: str) -> None:
        self.compiler.problems.append(f"{self.direction}: {text}")

    def table(self, path: str, source: ElementDecl, target_path: str, target: ElementDecl) -> Table:
        kind, other = source.complex, target.complex
        demands = kind.demands if kind is not None and self.request and self.part != "leg" else ()
        demands += self.compiler.needed(path) if self.request else ()
        table = Table(path, demands=demands, leg=self.part == "leg" and not path)
        for name, slot in kind.slots.items() if kind is not None else ():
            here = _join(path, name)
            entry = ChildRule(
                slot.decl,
                self.old_path(here),
                single=self.request and not slot.repeated,
                choices=slot.choices if self.request else (),
                leaf=slot.decl.simple is not None,
            )
            table.entries[name] = entry
            self.decide(entry, here, target_path, other)
            if self.request and slot.decl.repeated and slot.decl.max is not None and not entry.elsewhere:
                table.bounded[name] = slot.decl.max
        return table

    def old_path(self, source_path: str) -> str:
        """The path to name in a finding: of the old message where there is one, else as in v3."""
        if self.request:
            return source_path
        for new, (_, rule, _) in self.rules.items():
            if rule.old and (source_path == new or source_path.startswith(new + "/")):
                return rule.old + source_path[len(new) :]
        return source_path

    def decide(self, entry: ChildRule, here: str, target_path: str, other: ComplexType | None) -> None:
        ruled = self.rules.get(here)
        if ruled is None and self.part == "rest":
            entry.elsewhere = True
            return
        if ruled is None:
            self.carry(entry, here, _join(target_path, entry.decl.name), other, "carried", None, "")
            return
        index, rule, taken = ruled
        self.compiler.used.add(index)
        if taken.target is not None:
            self.carry(entry, here, taken.target, other, taken.fate, taken, rule.because)
        else:
            self.fate(here, entry.decl, taken.fate, None, taken.finding, rule.because)
            self.values(entry)
            self.limit(entry)
        entry.act = taken.act
        entry.clears = entry.clears and (taken.act is None or bool(taken.target and entry.name))
        entry.read = None if taken.raw else entry.read
        entry.leaf = entry.leaf and not taken.raw and taken.fate not in ("dropped", "refused")
        entry.plain = entry.plain and taken.act is None
        if self.request and taken.reads is not None:
            entry.read = either(taken.reads, entry.read)
        entry.single = entry.single or (self.request and taken.finding == "repeated-element")

    def carry(
        self,
        entry: ChildRule,
        here: str,
        there: str,
        other: ComplexType | None,
        fate: str,
        taken: Taken | None,
        because: str,
    ) -> None:
        _, name = split(there)
        slot = other.slots.get(name) if other is not None else None
        if slot is None and self.part == "leg" and taken is None:
            entry.elsewhere = True
            return
        if slot is None:
            self.problem(f"{here} has no {there} on the other side and no rule")
            return
        self.reached[there] = here
        entry.name = name
        entry.nillable = entry.decl.nillable and slot.decl.nillable
        differs = _difference(entry.decl, slot.decl)
        if not differs and entry.single is False and self.request and not slot.repeated:
            differs = "it may be repeated here and not there"
        if not differs and self.request and _oftener(entry.decl, slot.decl):
            differs = "it may come more often here than there"
        if differs and fate not in ("computed",) and (taken is None or taken.finding != "repeated-element"):
            self.problem(f"{here}: {differs}")
            return
        finding = taken.finding if taken else None
        self.fate(here, entry.decl, fate, there, finding, because)
        if fate == "computed" and entry.decl.simple is None:  # what is below is part of what is computed
            for below, _ in paths(entry.decl):
                if not below.startswith("@"):
                    self.record(_join(here, below), fate, there, finding, because)
        self.fill(entry, here, there, slot.decl, computed=fate == "computed")
        if taken is not None and taken.raw:
            self.reached |= {path: here for path in self.target_paths if path.startswith(there + "/")}

    def fill(self, entry: ChildRule, here: str, there: str, target: ElementDecl, *, computed: bool) -> None:
        """Everything about values: what is read, which attributes go over, what is below."""
        decl = entry.decl
        kind = decl.complex
        for attribute in kind.all_attributes if kind is not None else ():
            self.attribute(entry, here, there, attribute.name, target)
        if decl.simple is not None:
            self.values(entry)
            entry.plain = (
                not entry.unlimited and not entry.nillable and (entry.read is None or not self.request)
            )
        elif not computed:
            entry.table = self.table(here, decl, there, target)

    def values(self, entry: ChildRule) -> None:
        """How the value of an entry is read, whatever becomes of it then."""
        simple = entry.decl.simple
        if simple is not None:
            entry.empty_is_value = is_text(simple)
            entry.read = reader(simple)
            entry.clears = self.request and clears(simple) and not entry.choices and not entry.unlimited

    def limit(self, entry: ChildRule) -> None:
        """A limit that a rule takes over is read like one that is carried: number and attribute together."""
        kind = entry.decl.complex
        if self.request and kind is not None and any(each.name == "unlimited" for each in kind.all_attributes):
            entry.name, entry.unlimited = entry.decl.name, True
            entry.attributes = {each.name: each.name for each in kind.all_attributes}

    def attribute(self, entry: ChildRule, here: str, there: str, name: str, target: ElementDecl) -> None:
        theirs = {each.name for each in target.complex.all_attributes} if target.complex else set()
        if name not in theirs:
            self.problem(f"{here}/@{name} has no successor and no rule")
            return
        entry.attributes = {**(entry.attributes or {}), name: name}
        entry.unlimited = entry.unlimited or name == "unlimited"
        self.reached[f"{there}/@{name}"] = f"{here}/@{name}"
        self.record(f"{here}/@{name}", "carried", f"{there}/@{name}", None, "")

    def fate(
        self, here: str, decl: ElementDecl, fate: str, there: str | None, finding: Code | None, because: str
    ) -> None:
        """Record the fate of a path; one that is not carried decides for all that is below it."""
        self.record(here, fate, there, finding, because)
        if there is None:
            for below, _ in paths(decl):
                self.record(_join(here, below), fate, None, finding, because)

    def record(self, here: str, fate: str, there: str | None, finding: Code | None, because: str) -> None:
        self.known(here, finding)
        if not self.request and there is None:
            return
        path, place = (here, there) if self.request else (there, here)
        place = place if self.compiler.declared.forwarded else None
        self.compiler.fates.append(Fate(self.direction, path or "", fate, place, finding, because))  # type: ignore[arg-type]

    def known(self, here: str, finding: str | None) -> None:
        if finding is not None and finding not in KINDS:
            self.problem(f"there is no finding {finding}, which the rule for {here} makes")

    def producers(self) -> tuple[Producer, ...]:
        producers = []
        for index, rule in enumerate(self.compiler.declared.rules):
            produced = rule.produces(self.direction) if rule.only in (None, self.direction) else None
            if produced is None or produced.target not in self.target_paths:
                continue
            self.compiler.used.add(index)
            self.makes(produced, rule)
            if produced.producer is not None:
                producers.append(produced.producer)
        return tuple(producers)

    def makes(self, produced: Made, rule: Rule) -> None:
        self.known(produced.target, produced.finding)
        if produced.target in self.reached and not produced.fills:
            self.problem(f"{produced.target} is carried and made by a rule as well")
        for path in self.target_paths:
            if path == produced.target or path.startswith((produced.target + "/", produced.target + "/@")):
                self.reached[path] = "made"
                if not self.request:
                    self.compiler.fates.append(
                        Fate("answer", path, produced.fate, None, produced.finding, rule.because)
                    )

    def close(self) -> None:
        """Whatever of the target nothing writes to has to be declared as well."""
        for path in self.target_paths if self.part == "whole" else ():
            if path not in self.reached:
                self.problem(f"nothing gives {path} of the other side, and no rule says so")


def _difference(source: ElementDecl, target: ElementDecl) -> str | None:
    """Why a value of the source cannot simply be one of the target; None: it can."""
    ours, theirs = source.simple, target.simple
    if (ours is None) != (theirs is None):
        return "it holds a value on one side and elements on the other"
    if ours is None or theirs is None:
        return None
    alike = ours.base == theirs.base or frozenset((ours.base, theirs.base)) in _ALIKE
    alike = alike or theirs.base == "anyType" or (ours.base, theirs.base) == ("anyType", "string")
    if not alike and not (ours.enum and theirs.enum):
        return f"its type is {ours.base} here and {theirs.base} there"
    if theirs.enum and not set(ours.enum or ("any",)) <= set(theirs.enum):
        return f"its values are {ours.enum or 'free'} here and {theirs.enum} there"
    return None


def _oftener(source: ElementDecl, target: ElementDecl) -> bool:
    """True if an element that both sides repeat may come more often in the source."""
    if not target.repeated or target.max is None:
        return False
    return source.max is None or source.max > target.max


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
