"""How `shim report` prints: tables for people, JSON and CSV for programs, Markdown for letters and pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import typer

from shim.cli.common.console import say
from shim.cli.common.tables import show, table
from shim.cli.report.data import Report
from shim.review.output import tables
from shim.review.output.letter import finding_section, letter
from shim.review.output.snippets import SnippetLanguage, snippet
from shim.review.reading.logins import LoginUse, in_words
from shim.review.reading.model import FindingPage, FindingRow, Overview, Sample, Scorecard


def emit(contents: Report, form: str, base: str, language: SnippetLanguage | None) -> None:
    """A report on stdout. `base` is the address of the v3 system, `language` that of code in a letter."""
    if form == "json":
        typer.echo(_json(contents))
    elif form == "csv":
        typer.echo(_csv(contents), nl=False)
    elif form == "markdown":
        typer.echo(_markdown(contents, base, language), nl=False)
    else:
        _tables(contents)


def emit_finding(page: FindingPage, form: str, base: str, language: SnippetLanguage | None) -> None:
    """One finding on stdout."""
    if form == "json":
        typer.echo(tables.to_json(finding=page))
    elif form == "csv":
        typer.echo(tables.findings_csv([page.row]), nl=False)
    elif form == "markdown":
        typer.echo(finding_section(page, base, language or "curl"), nl=False)
    else:
        _finding_table(page, base, language)


def _json(contents: Report) -> str:
    nouns = {"overview": contents.overview, "scorecard": contents.card}
    there: dict[str, object] = {name: each for name, each in nouns.items() if each is not None}
    there["logins"] = [each for uses in contents.logins.values() for each in uses]
    return tables.to_json(
        **there, **({"findings": contents.findings} if contents.card or contents.filtered else {})
    )


def _csv(contents: Report) -> str:
    """Findings when they are asked for, else the operations of the integration, else the integrations."""
    if contents.filtered:
        return tables.findings_csv(contents.findings)
    if contents.card is not None:
        return tables.operations_csv(contents.card.operations)
    assert contents.overview is not None
    return tables.integrations_csv(contents.overview)


def _markdown(contents: Report, base: str, language: SnippetLanguage | None) -> str:
    if contents.card is not None:
        return letter(
            contents.card,
            contents.pages,
            contents.now,
            planned=contents.planned,
            terms=contents.terms,
            logins=contents.retired,
            language=language,
        )
    assert contents.overview is not None
    findings = f"\n{tables.findings_markdown(contents.findings)}" if contents.filtered else ""
    return tables.overview_markdown(contents.overview) + findings


# ---- tables ----


def _tables(contents: Report) -> None:
    if contents.overview is not None:
        _overview_table(contents.overview)
    if contents.card is not None:
        _card_tables(contents.card, contents.logins.get(contents.card.integration, ()))
    if contents.findings:
        _findings_table(contents.findings, of_one=contents.card is not None)
    elif contents.filtered:
        say("No finding fits.")


def _overview_table(overview: Overview) -> None:
    heads = (
        "integration",
        "left",
        "ported",
        "",
        "effort",
        "2.5 calls/day",
        "v3 calls",
        "last 2.5 call",
        "open findings",
    )
    rows = (
        (
            card.integration,
            str(card.left),
            str(card.ported),
            _stands(card),
            card.effort,
            tables.text(card.per_day),
            str(card.new_calls),
            _day(card.last_old),
            tables.severities(card.findings),
        )
        for card in overview.integrations
    )
    spare = ("v3 calls", "last 2.5 call", "2.5 calls/day", "ported")
    show(table(heads, rows, tables.headline(overview), spare=spare))


def _stands(card: Scorecard) -> str:
    if card.done:
        return "done" if card.old_calls or card.new_calls else "quiet"
    return "" if card.configured else "not configured"


def _card_tables(card: Scorecard, logins: Sequence[LoginUse]) -> None:
    facts = (
        ("days", f"{card.days[0].day} to {card.days[-1].day}"),
        (
            "2.5 calls",
            f"{card.old_calls}, {tables.text(card.per_day)} a day, last {_day(card.last_old) or 'never'}",
        ),
        ("v3 calls", f"{card.new_calls}, last {_day(card.last_new) or 'never'}"),
        ("2.5 logins", in_words(logins) or "-"),
        ("left, ported", f"{card.left}, {card.ported}{' (done)' if card.done else ''}"),
        ("effort", f"{card.effort}: {card.reason}"),
        ("open findings", tables.severities(card.findings)),
        *(
            ("caller", f"{each.toolkit} {each.agent} {each.version} from {each.address}")
            for each in card.callers[:5]
        ),
    )
    show(table((card.integration, ""), facts))
    heads = (
        "",
        "operation",
        "becomes",
        "maps",
        "calls/day",
        "faults",
        "v3 calls",
        "rung",
        "effort",
        "what changes",
    )
    rows = (
        (
            str(use.order or "done"),
            use.operation,
            ", ".join(use.becomes),
            use.fit,
            tables.text(use.per_day),
            str(use.faults or ""),
            str(use.new_calls or ""),
            use.rung,
            use.effort,
            use.reason,
        )
        for use in card.operations
    )
    if card.operations:
        title = "Operations, in the suggested order of porting"
        spare = ("faults", "v3 calls", "calls/day", "effort", "rung", "becomes")
        show(table(heads, rows, title, names=("operation",), spare=spare))


def _findings_table(findings: Iterable[FindingRow], *, of_one: bool) -> None:
    heads = (
        "id",
        *(() if of_one else ("integration",)),
        "operation",
        "severity",
        "finding",
        "path",
        "state",
        "count",
        "last seen",
    )
    rows = (
        (
            str(row.id),
            *(() if of_one else (row.integration,)),
            row.operation,
            row.severity,
            row.title,
            row.path,
            row.state,
            str(row.count),
            _day(row.last_seen),
        )
        for row in findings
    )
    names = ("id", "operation") if of_one else ("id", "integration", "operation")
    show(table(heads, rows, "Findings", names=names, spare=("last seen", "count", "state", "path")))


def _finding_table(page: FindingPage, base: str, language: SnippetLanguage | None) -> None:
    row = page.row
    facts = (
        ("where", f"{row.integration}, {row.operation}, {row.path or 'the whole call'}"),
        ("severity", row.severity),
        ("meaning", page.meaning),
        ("because", row.because),
        *([("in v3", row.place)] if row.place else []),
        ("what to do", page.do),
        (
            "state",
            f"{row.state}, since {_time(row.state_at)}{f', until {_time(row.until)}' if row.until else ''}",
        ),
        ("seen", f"{row.count} times, {_time(row.first_seen)} to {_time(row.last_seen)}"),
        *(
            (f"{_time(each.at)}", _change_line(each.who, each.was, each.became, each.text))
            for each in page.history
        ),
    )
    show(table((f"finding {row.id}", row.title), facts))
    if page.sample is not None:
        typer.echo("\n".join(_sample(page.sample, base, language)))


def _change_line(who: str, was: str, became: str, text: str) -> str:
    what = "a note" if was == became else f"{was} -> {became}"
    return f"{who}: {what}{f': {text}' if text else ''}"


def _sample(sample: Sample, base: str, language: SnippetLanguage | None) -> Iterable[str]:
    yield f"The call in 2.5, without its values, of {_time(sample.at)}:"
    yield from ("", sample.old)
    for number, call in enumerate(sample.calls, 1):
        yield from (
            "",
            f"v3 call {number} of {len(sample.calls)}: {call.operation}",
            f"POST {base}{call.endpoint}",
        )
        yield from ("", snippet(call, language or "xml", base))
    if sample.more:
        yield f"And {sample.more} more v3 calls."


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
