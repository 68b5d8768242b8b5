"""A letter to the integrator: what the program still does in 2.5, what follows, what to do, in which order.

Written for somebody who knows the program and not the shim. Markdown; no values of messages, only shapes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from shim.review.output.snippets import EXAMPLE, FENCES, NAMES, Language, language_of, snippet
from shim.review.output.tables import code, fenced, markdown_table, severities, title
from shim.review.reading.model import FindingPage, OperationUse, Planned, Sample, Scorecard

_FIT_WORDS = {
    "clean": "as it is",
    "moved": "works, something moved",
    "emulated": "the shim helps out",
    "lossy": "something is lost",
    "refused": "calls are refused",
}


def letter(
    card: Scorecard,
    pages: Sequence[FindingPage],
    now: datetime,
    *,
    planned: Sequence[Planned] = (),
    base: str = EXAMPLE,
    language: Language | None = None,
) -> str:
    """The letter. Of `pages` those that are open are told; `base` is the address of the v3 system.

    Code is in the given language, else in the one that the integration seems to be written in.
    """
    spoken = language or language_of(card.callers)
    by_operation: dict[str, list[FindingPage]] = defaultdict(list)
    for each in (page for page in pages if page.row.open):
        by_operation[each.row.operation].append(each)
    left = [each for each in card.operations if not each.ported]
    lines = [*_opening(card, now), *_dates(planned)]
    if left:
        lines += [*_table(left), *_beginning(base)]
        lines += ["", "## Call by call", "", "In the suggested order: quick wins first, reads before writes."]
        for use in left:
            lines += _operation(use, by_operation.pop(use.operation, []), base, spoken)
    lines += _rest(by_operation, card)
    return "\n".join([*lines, ""])


def finding_section(page: FindingPage, base: str = EXAMPLE, language: Language = "curl") -> str:
    """One finding on its own, with its sample and code."""
    row = page.row
    lines = [f"# {title(page)}", "", f"{row.integration}, {row.operation}", "", *_told(page)]
    lines += ["", f"State: {row.state}, since {row.state_at:%Y-%m-%d}."]
    if page.sample:
        lines += _sample(page.sample, base, language)
    return "\n".join([*lines, ""])


# ---- parts ----


def _opening(card: Scorecard, now: datetime) -> Iterator[str]:
    days = len(card.days)
    yield f"# Porting {card.integration} to SystemAPI 3"
    yield ""
    yield f"As of {now:%Y-%m-%d}, looking at the last {days} days."
    yield ""
    if card.done:
        yield f"Nothing is left to port. {_last(card)}"
        return
    if not card.left:
        yield "Everything is ported, but 2.5 calls still come: find out which copy of the program makes them."
        return
    yield (
        "The telephone system runs version 3 now, whose SystemAPI differs from the 2.5 that your program "
        "speaks. A shim translates its calls, so that it goes on working until it is ported."
    )
    yield ""
    used = _count(card.left + card.ported, "operation")
    yield (
        f"In these {days} days it made {card.old_calls} calls of {used} in 2.5. "
        f"Left to port: {card.left}. Ported: {card.ported}."
    )
    yield ""
    yield f"The effort is **{card.effort}**. {card.reason} Open findings: {severities(card.findings)}."


def _last(card: Scorecard) -> str:
    if card.last_old is None:
        return "Your program was never seen to call SystemAPI 2.5."
    return f"The last call in 2.5 came on {card.last_old:%Y-%m-%d}."


def _dates(planned: Sequence[Planned]) -> Iterator[str]:
    if not planned:
        return
    yield from (
        "",
        "## Dates",
        "",
        "In these times calls in 2.5 are refused, so that what still depends on them shows:",
    )
    yield ""
    for each in planned:
        what = "all operations" if each.operation == "*" else each.operation
        link = f" <{each.link}>" if each.link else ""
        text = f": {each.text}" if each.text else ""
        yield f"- {each.starts_at:%Y-%m-%d %H:%M} to {each.ends_at:%Y-%m-%d %H:%M} UTC, {what}{text}{link}"


def _table(left: Iterable[OperationUse]) -> Iterator[str]:
    yield from ("", "## What your program still does in 2.5", "")
    yield from markdown_table(
        ("", "operation", "becomes", "calls a day", "maps", "effort", "what changes"),
        (
            (each.order, each.operation, ", ".join(each.becomes) or "-", each.per_day, _FIT_WORDS[each.fit],
             each.effort, each.reason)
            for each in left
        ),
    )  # fmt: skip


def _beginning(base: str) -> Iterator[str]:
    yield from ("", "## Before the first call", "")
    yield (
        "Version 3 knows no user name and password in the header. Your app key and secret give an access "
        f"token: `POST {base}/oauth/token.php` with `grant_type=client_credentials`, `client_id` and "
        "`client_secret`. The token goes into the header `userCredentials/accessToken` and is good for as long "
        "as `expires_in` says. Every program below does that."
    )


def _operation(use: OperationUse, pages: Sequence[FindingPage], base: str, language: Language) -> Iterator[str]:
    becomes = f" → {', '.join(use.becomes)}" if use.becomes else ""
    yield from ("", f"### {use.order}. {use.operation}{becomes}", "", use.reason)
    for page in pages:
        yield from ("", f"**{title(page)}** (finding {page.row.id}, {page.row.severity})", "")
        yield from _told(page)
    sample = next((each.sample for each in pages if each.sample), None)
    if sample is not None:
        yield from _sample(sample, base, language)


def _told(page: FindingPage) -> Iterator[str]:
    """What it means for the program and what to do."""
    row = page.row
    yield f"{page.meaning} {row.because}" if row.because != page.meaning else page.meaning
    if row.place:
        yield f"In v3 it is at {code(row.place)}."
    yield ""
    yield f"What to do: {page.do}"
    yield ""
    yield f"Seen {_count(row.count, 'time')}, last on {row.last_seen:%Y-%m-%d}."


def _sample(sample: Sample, base: str, language: Language) -> Iterator[str]:
    yield from ("", f"A call of {sample.at:%Y-%m-%d}, without its values, was:", "", *fenced(sample.old, "xml"))
    many = len(sample.calls) > 1
    for number, call in enumerate(sample.calls, 1):
        place = f" {number} of {len(sample.calls)}" if many else ""
        yield from ("", f"In v3, call{place}: {call.operation}, posted to `{base}{call.endpoint}`", "")
        yield from fenced(call.xml, "xml")
        if language != "xml":
            yield from ("", f"{NAMES[language]}:", "", *fenced(snippet(call, language, base), FENCES[language]))
    if sample.more:
        yield from ("", f"And {_count(sample.more, 'more v3 call')}.")


def _rest(by_operation: Mapping[str, Sequence[FindingPage]], card: Scorecard) -> Iterator[str]:
    """Findings that belong to none of the operations that are left, but not those from before porting."""
    ported = {each.operation for each in card.operations if each.ported and not each.open_findings}
    others = [page for name, pages in by_operation.items() if name not in ported for page in pages]
    if others:
        yield from ("", "## Other findings", "")
    for page in others:
        yield f"- {page.row.operation or 'any operation'}: {title(page)}. {page.do}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
