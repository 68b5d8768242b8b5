"""`shim explain`: one old operation in words: which v3 calls, what goes where, what is kept, lost or added."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import difflib
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, fail

if TYPE_CHECKING:
    from shim.core.catalogue.translation import CalledOperation, Catalogue, Translation
    from shim.core.rules.rule import Fate
    from shim.core.schema.interface import Operation


class ExplainFormat(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def explain(
    operation: Annotated[
        str,
        typer.Argument(
            help="A 2.5 operation, such as AddClient or Client.AddClient.", autocompletion=complete.operations
        ),
    ],
    format: Annotated[
        ExplainFormat,
        typer.Option(envvar="SHIM_EXPLAIN_FORMAT", help="How to print it; markdown is for porting."),
    ] = ExplainFormat.TEXT,
    config: options.ConfigFile = None,
    schema_version: options.SchemaVersion = None,
) -> None:
    """Explain what becomes of a 2.5 operation: v3 calls, what goes where, what is kept or lost, defaults.

    With a configuration, for the version of v3 that it names, and with what its policies chose.
    """
    from shim.cli.common import loading
    from shim.cli.explain.policies import policy_lines

    settings = loading.config(config, {}) if config else None
    compiled = loading.catalogue(loading.dialect(schema_version, settings))
    operation_found = _find(compiled, operation)
    if settings is not None:
        loading.policies(settings, compiled)
    translation = compiled.translations.get(operation_found.full_name)
    if format is ExplainFormat.MARKDOWN and translation is not None:
        from shim.cli.explain.page import page

        typer.echo("\n".join((f"# {operation_found.full_name}\n", *page(compiled, translation))))
        return
    if format is ExplainFormat.JSON:
        from shim.cli.explain.plain import plain

        typer.echo(plain(compiled, operation_found, translation))
        return
    if translation is None:
        typer.echo("\n".join(_untranslated(operation_found)))
    else:
        typer.echo("\n".join((*_lines(compiled, translation), *policy_lines(translation, settings))))


def _find(catalogue: Catalogue, name: str) -> Operation:
    """By name or full name, in any case, with or without the Request of its element."""
    known: dict[str, Operation] = {}
    for each in catalogue.old.operations.values():
        known |= dict.fromkeys((each.name.lower(), each.full_name.lower(), each.input.name.lower()), each)
    match = known.get(name.lower())
    if match is None:
        near = difflib.get_close_matches(name.lower(), known, 1)
        hint = f" Did you mean {known[near[0]].full_name}?" if near else ""
        fail(ExitCode.USAGE, f"2.5 has no operation {name}.{hint} `shim coverage` lists all.")
    return match


def _untranslated(operation: Operation) -> list[str]:
    return [
        f"{operation.full_name} is not translated yet: a call is answered with a fault.",
        "Port it to v3.",
    ]


def _lines(catalogue: Catalogue, translation: Translation) -> Iterator[str]:
    old, declared = translation.old, translation.declared
    yield f"{old.full_name}, posted to {catalogue.old.services[old.service].endpoint}"
    if declared.emulates:
        yield "  is served by the shim itself, without a v3 call (finding operation-emulated)"
        yield f"  {declared.emulates}"
    elif not declared.forwarded:
        yield "  is served by the shim itself; v3 is not asked for its own:"
    else:
        yield from _calls(catalogue, translation)
    yield from _steps(translation)
    yield from _end(translation)
    if declared.gone:
        yield f"  What the shim keeps for each {declared.gone} is forgotten."
    yield from _lookups(catalogue, translation)
    if declared.notes:
        yield "\nBy default"
        yield from (f"  {line}" for line in declared.notes)
    yield from _direction(translation, "request", "The request")
    yield from _direction(translation, "answer", "The answer")
    yield from _only_new(translation)


def _calls(catalogue: Catalogue, translation: Translation) -> Iterator[str]:
    """The v3 calls in the order in which they are made, and what takes each back."""
    from shim.core.catalogue.calls import calls_of

    calls = calls_of(translation)
    if len(calls) == 1:
        yield f"  becomes {_posted(catalogue, calls[0])}"
        return
    yield "  becomes several v3 calls, in this order:"
    for each in calls:
        yield f"  - {_posted(catalogue, each)}{', a read' if each.reads else ''}"
        if each.because:
            yield f"      {each.because}"
        if each.cascades:
            yield "      Goes when an earlier call is undone."
        elif each.undo is not None:
            yield f"      Undone by {each.undo.operation}."


def _posted(catalogue: Catalogue, call: CalledOperation) -> str:
    service = call.operation.partition(".")[0]
    return f"{call.operation}, posted to {catalogue.new.services[service].endpoint}"


_ENDS = {
    "undo": "When a call is refused or cut off half-way, what was done is undone, the last first.",
    "redo": "Nothing is undone: what is cut off is finished; a rest that v3 refuses waits for the operator.",
}


def _end(translation: Translation) -> Iterator[str]:
    """The fate of a call that is half done."""
    if translation.declared.journal is not None:
        yield f"  {_ENDS[translation.declared.journal]}"


def _lookups(catalogue: Catalogue, translation: Translation) -> Iterator[str]:
    from shim.core.catalogue.calls import lookups

    names = lookups(translation)
    if names:
        yield "\nWhat v3 may be asked besides (reads)"
    for each in names:
        yield f"  - {_posted(catalogue, each)}"
        yield f"      {each.because}"


def _steps(translation: Translation) -> Iterator[str]:
    """The docstring of the generator of a plan."""
    text = (translation.declared.plan.__doc__ or "") if translation.declared.plan else ""
    yield from (f"  {line.strip()}" for line in text.strip().splitlines() if line.strip())


def _direction(translation: Translation, direction: str, title: str) -> Iterator[str]:
    fates = [each for each in translation.fates if each.direction == direction]
    emulates = translation.declared.emulates
    plain = [
        each for each in fates if (each.fate == "carried" and not each.finding) or each.because == emulates
    ]
    one, many = ("the shim's own",) * 2 if emulates else _CARRIED
    yield f"\n{title}"
    if not fates:
        yield "  has nothing in it."
    elif len(plain) == len(fates):
        yield f"  is {one}: {len(fates)} paths."
    elif plain:
        yield f"  {len(plain)} of {len(fates)} paths are {many}. The others:"
    for fate in fates:
        if fate not in plain:
            yield from _fate(fate)


_CARRIED = ("carried over as it is", "carried over as they are")


def _fate(fate: Fate) -> Iterator[str]:
    place = f" {fate.v3_path}" if fate.v3_path and fate.v3_path != fate.path else ""
    finding = f" (finding {fate.finding})" if fate.finding else ""
    arrow = ("->" if fate.direction == "request" else "<-") + place if place else fate.fate
    yield f"  {fate.path} {arrow}{finding}"
    if fate.because:
        yield f"      {fate.because}"


def _only_new(translation: Translation) -> Iterator[str]:
    """Elements that 2.5 never knew: sent with a default, or left to v3."""
    rules = {rule.new: rule.because for rule in translation.declared.rules if not rule.old and rule.new}
    if rules:
        yield "\nOnly in v3"
        yield from (f"  {path}: {because}" for path, because in rules.items())
