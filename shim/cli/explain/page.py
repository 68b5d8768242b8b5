"""An operation as Markdown for whoever ports it: calls, differences, what to mind.

All of it comes from the declarations. The v3 requests are those that a dry run of the old example makes, with
placeholders for what the caller says and for what an earlier answer says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lxml import etree

from shim.core.catalogue.translation import Catalogue, Translation
from shim.core.findings import KINDS
from shim.core.message import Element
from shim.core.parse import SOAP
from shim.core.rehearsal.dry_run import dry_run
from shim.core.rules.rule import Fate
from shim.core.schema.interface import Attribute, ElementDecl, Operation, paths
from shim.core.serialise import MessageWriter

_READS = ("Get", "Ping", "CallReport", "QuickStats")
_SEVERE = ("loss", "refused", "warning")
_HAPPENS = {
    "renamed": "renamed",
    "moved": "moved",
    "computed": "converted",
    "kept": "kept by the shim, v3 has no place for it",
    "emulated": "answered by the shim, v3 does not say it",
    "dropped": "dropped",
    "refused": "refused",
    "ignored": "left out",
    "carried": "carried",
}


@dataclass(frozen=True, slots=True)
class Example:
    """An old call to show: its body element as text, and programs that do the same in v3 by language."""

    old: str
    programs: Sequence[tuple[str, str, str]] = ()
    """(language, mark of a fenced block, text of the program)"""


def page(catalogue: Catalogue, translation: Translation, example: Example | None = None) -> Iterator[str]:
    """The lines of an operation, without a heading."""
    old, declared = translation.old, translation.declared
    yield f"`{old.full_name}`, posted to `{catalogue.old.services[old.service].endpoint}`, becomes:\n"
    calls = _calls(catalogue, translation, example)
    yield from _becomes(catalogue, translation, calls)
    if declared.plan is not None and declared.plan.__doc__:
        yield "\n" + " ".join(declared.plan.__doc__.split())
    if example is not None:
        yield from _old_and_new(example, calls)
    for direction in ("request", "answer"):
        yield from _differences(translation, direction)
    yield from _only_new(translation)
    yield from _mind(catalogue, translation, example)
    for language, mark, program in example.programs if example is not None else ():
        yield f"\n<details><summary>{language}</summary>\n"
        yield f"```{mark}\n{program.strip()}\n```\n"
        yield "</details>"


# ---- calls ----


@dataclass(frozen=True, slots=True)
class _Call:
    """A v3 request: its body element, and the paths that an earlier answer fills."""

    operation: Operation
    body: etree._Element
    earlier: Sequence[str] = ()


def _calls(catalogue: Catalogue, translation: Translation, example: Example | None) -> list[_Call]:
    """The v3 calls of the example, without reads for caution alone, or to know who is who.

    Of a call that a dry run does not reach, because that needs a real answer, what the example says to it.
    """
    if example is None:
        return []
    dry = {each.operation.full_name: each for each in _dry(catalogue, example)}
    legs = [each.new.full_name for each in translation.legs.values()] or [translation.new.full_name]
    dry = {
        name: each
        for name, each in dry.items()
        if name in legs or (translation.writes and not each.operation.name.startswith(_READS))
    }
    for leg in translation.legs.values():
        if leg.new.full_name not in dry:
            sent = _said_to(catalogue, translation, leg.new, example)
            if sent is not None:
                dry[leg.new.full_name] = sent
    return list(dry.values())


def _dry(catalogue: Catalogue, example: Example) -> Iterator[_Call]:
    for call in dry_run(catalogue, example.old.encode(), "").calls:
        body = etree.fromstring(call.envelope).find(f"{{{SOAP}}}Body")
        assert body is not None, "the shim writes envelopes"
        operation = catalogue.new.operations[f"{call.service}.{call.operation}"]
        yield _Call(operation, etree.fromstring(etree.tostring(body[0], with_tail=False)), call.placeholders)


def _said_to(catalogue: Catalogue, translation: Translation, new: Operation, example: Example) -> _Call | None:
    """The request of one leg, as far as the example's own elements go to it."""
    places = {each.path: each.v3_path or "" for each in translation.fates if each.direction == "request"}
    children = []
    for each in etree.fromstring(example.old):
        operation, _, path = places.get(etree.QName(each).localname, "").rpartition(":")
        if operation == new.full_name and "/" not in path:
            children.append(Element(path, each.text))
    if not children:
        return None
    writer = MessageWriter(catalogue.new, new.input)
    envelope = etree.fromstring(writer.envelope(writer.write(Element(new.input.name, children=children))[0]))
    body = envelope.find(f"{{{SOAP}}}Body")
    assert body is not None, "the writer writes envelopes"
    return _Call(new, etree.fromstring(etree.tostring(body[0], with_tail=False)))


def _becomes(catalogue: Catalogue, translation: Translation, calls: Sequence[_Call]) -> Iterator[str]:
    declared = translation.declared
    if declared.emulates or not declared.forwarded:
        yield f"1. nothing: the shim serves it itself. {declared.emulates or ''}".rstrip()
        return
    legs = [each.new for each in translation.legs.values()] or [translation.new]
    called = [each.operation for each in calls]
    for number, each in enumerate(dict.fromkeys([*called, *legs]), 1):
        endpoint = catalogue.new.services[each.service].endpoint
        yield f"{number}. `{each.full_name}`, posted to `{endpoint}`, SOAPAction `{each.soap_action}`"


def _old_and_new(example: Example, calls: Sequence[_Call]) -> Iterator[str]:
    texts = {text for text, _ in _leaves(etree.fromstring(example.old))}
    yield f"\nIn 2.5:\n\n```xml\n{example.old.strip()}\n```"
    yield "\nIn v3:\n\n```xml"
    yield "\n\n".join(_with_placeholders(each, texts) for each in calls)
    yield "```"
    for each in calls:
        if each.earlier and each is not calls[0]:
            names = ", ".join(f"`{path}`" for path in each.earlier)
            said_by = "An earlier answer, or what you stored of one"
            yield f"\n{said_by}, gives `{each.operation.full_name}` its {names}."


def _with_placeholders(call: _Call, texts: set[str]) -> str:
    """The body element, with `{name}` for what is said by the caller or an earlier answer; choices stay."""
    choices = {path for path, decl in paths(call.operation.input) if _is_choice(decl)}
    for text, element in _leaves(call.body):
        name = etree.QName(element).localname
        if (text in texts and _path(element) not in choices) or name in call.earlier:
            element.text = f"{{{name}}}"
    etree.cleanup_namespaces(call.body)
    etree.indent(call.body)
    return etree.tostring(call.body, encoding="unicode")


def _is_choice(decl: ElementDecl | Attribute) -> bool:
    simple = decl.simple if isinstance(decl, ElementDecl) else None
    return simple is not None and (bool(simple.enum) or simple.base == "boolean")


def _path(element: etree._Element) -> str:
    above = [etree.QName(each).localname for each in element.iterancestors()]
    return "/".join([*reversed(above[:-1]), etree.QName(element).localname])


def _leaves(root: etree._Element) -> list[tuple[str, etree._Element]]:
    texts = (((each.text or "").strip(), each) for each in root.iter() if not len(each))
    return [(text, each) for text, each in texts if text]


# ---- differences ----


def _differences(translation: Translation, direction: str) -> Iterator[str]:
    fates = [each for each in translation.fates if each.direction == direction]
    places = {each.path: each.v3_path for each in fates}
    others = _without_repeats([each for each in fates if not _is_plain(each, places)])
    others += _also(translation, direction)
    if others:
        yield f"\n| {direction} in 2.5 | in v3 | what happens | |"
        yield "|---|---|---|---|"
        yield from dict.fromkeys(map(_line, others))
    by_call: dict[str, list[str]] = {}
    plain = [each for each in fates if _is_plain(each, places) and not _below_renamed(each, fates)]
    for each in _tops(plain):
        by_call.setdefault((each.v3_path or "").rpartition(":")[0], []).append(f"`{each.path}`")
    for call, names in by_call.items():
        yield f"\nThe same in the {direction}{f' of `{call}`' if call else ''}: {', '.join(names)}."


def _also(translation: Translation, direction: str) -> Iterator[Fate]:
    """Where else a plan's further calls take what a first one has taken."""
    first = {(each.direction, each.path): each.v3_path for each in translation.fates}
    for leg in translation.legs.values() if direction == "request" else ():
        for each in leg.fates:
            place = f"{leg.new.full_name}:{each.v3_path}"
            if each.direction == direction and each.v3_path and first[direction, each.path] != place:
                yield replace(each, v3_path=place)


def _is_plain(fate: Fate, places: Mapping[str, str | None]) -> bool:
    """True if nothing is to be said of it: the same, but for the name of what it is in."""
    above, _, name = fate.path.rpartition("/")
    expected = f"{(places.get(above) or above).rpartition(':')[2]}/{name}" if above else name
    return fate.fate == "carried" and not fate.finding and (fate.v3_path or "").rpartition(":")[2] == expected


def _below_renamed(fate: Fate, fates: Iterable[Fate]) -> bool:
    return any(each.fate == "renamed" and fate.path.startswith(f"{each.path}/") for each in fates)


def _line(fate: Fate) -> str:
    place = f"`{fate.v3_path}`" if fate.v3_path else ""
    finding = f"; [`{fate.finding}`](findings.md)" if fate.finding else ""
    happens = "worked out by the shim" if fate.fate == "computed" and not place else _HAPPENS[fate.fate]
    return f"| `{fate.path}` | {place} | {happens}{finding} | {fate.because} |"


def _without_repeats(fates: list[Fate]) -> list[Fate]:
    """Those that do not only repeat what is said of the element that they are in."""
    whole = {each.path: (each.fate, each.because) for each in fates}
    return [each for each in fates if whole.get(each.path.rpartition("/")[0]) != (each.fate, each.because)]


def _tops(fates: Iterable[Fate]) -> list[Fate]:
    """Those that are not below another one."""
    tops: list[Fate] = []
    for each in fates:
        if not any(each.path.startswith(f"{above.path}/") for above in tops):
            tops.append(each)
    return tops


def _only_new(translation: Translation) -> Iterator[str]:
    parts = (*translation.legs.values(), translation)
    reasons: dict[str, str] = {}
    for part in parts:
        of = f"{part.new.full_name}:" if part.new.full_name in (leg.new.full_name for leg in parts[:-1]) else ""
        for rule in part.declared.rules:
            if not rule.old and rule.new:
                where = " (answer)" if rule.only == "answer" else ""
                reasons[f"- `{of}{rule.new}`{where}"] = rule.because
    if reasons:
        yield "\nOnly in v3:\n"
        yield from (f"{what}: {because}" for what, because in reasons.items())


# ---- what to mind ----


def _mind(catalogue: Catalogue, translation: Translation, example: Example | None) -> Iterator[str]:
    points = [*_minded(translation), *_added(catalogue, example)]
    if points:
        yield "\nMind:\n"
        yield from (f"- {each}" for each in points)


def _added(catalogue: Catalogue, example: Example | None) -> Iterator[str]:
    """The elements that the shim adds to the example, which no old path tells."""
    for each in dry_run(catalogue, example.old.encode(), "").findings if example is not None else ():
        if each.code == "default-added":
            kind = KINDS[each.code]
            yield f"**{kind.title}** (`{each.v3_path or each.path}`): {each.because} {kind.do}"


def _minded(translation: Translation) -> Iterator[str]:
    declared = translation.declared
    if declared.siblings:
        kind = KINDS["siblings-touched" if translation.writes else "siblings-included"]
        yield f"**{kind.title}**: {kind.meaning} {kind.do}"
    if declared.gone:
        yield "What the shim kept for the account is forgotten with it."
    codes = {each.finding for each in translation.fates if each.finding}
    for code in sorted(code for code in codes if code and KINDS[code].severity in _SEVERE):
        fates = [each for each in translation.fates if each.finding == code]
        where = ", ".join(dict.fromkeys(f"`{each.path}`" for each in _without_repeats(fates)))
        yield f"**{KINDS[code].title}** ({where}): {KINDS[code].do}"
