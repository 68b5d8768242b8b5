"""A letter to the integrator: what the program still does in 2.5, what becomes of it, and what to do.

Written for somebody who knows the program and not the shim. Markdown; no values of messages, only shapes. Laws:
every address is the one that callers use; what is promised stands in the letter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from shim.review.output.programs import HELPERS, helper, program
from shim.review.output.snippets import (
    EXAMPLE,
    FENCES,
    NAMES,
    SnippetLanguage,
    language_of,
    snippet,
)
from shim.review.output.tables import code, fenced, markdown_table, severities, title
from shim.review.output.terms import Terms
from shim.review.reading.logins import RetiredLogin
from shim.review.reading.mapping import OperationMap, Renaming
from shim.review.reading.model import (
    FindingPage,
    OperationUse,
    Sample,
    SampleCall,
    Scorecard,
    ShownBrownout,
)

_FIT_WORDS = {
    "clean": "as it is",
    "moved": "works, something moved",
    "emulated": "the shim helps out",
    "lossy": "something is lost",
    "refused": "calls are refused",
}
_PLAIN = Terms()
_MOST_SAME = 12
"""Paths that stay as they are which are named one by one."""


def letter(
    card: Scorecard,
    pages: Sequence[FindingPage],
    now: datetime,
    *,
    planned: Sequence[ShownBrownout] = (),
    terms: Terms = _PLAIN,
    logins: Sequence[RetiredLogin] = (),
    language: SnippetLanguage | None = None,
) -> str:
    """The letter. Of `pages` those that are open are told.

    Code is in the given language, else in the one that the integration seems to be written in.
    """
    spoken = language or language_of(card.callers)
    by_operation: dict[str, list[FindingPage]] = defaultdict(list)
    for each in (page for page in pages if page.row.open):
        by_operation[each.row.operation].append(each)
    left = [each for each in card.operations if not each.ported]
    lines = [*_opening(card, now), *_dates(planned, terms, now), *_logins(logins), *_reading_on(card, terms)]
    if left:
        samples = {each.operation: _sample_of(by_operation.get(each.operation, ())) for each in left}
        calls = {
            name: sample.calls if sample else tuple(terms.models(name)) for name, sample in samples.items()
        }
        lines += [*_table(left), *_beginning(terms.base, spoken, calls)]
        lines += ["", "## Call by call", "", "In the suggested order: quick wins first, reads before writes."]
        for use in left:
            findings = by_operation.pop(use.operation, [])
            lines += _operation(use, findings, calls[use.operation], terms, spoken)
    lines += _rest(by_operation, card)
    return "\n".join([*lines, ""])


def finding_section(page: FindingPage, base: str = EXAMPLE, language: SnippetLanguage = "curl") -> str:
    """One finding on its own, with its sample and code that stands alone."""
    row = page.row
    lines = [f"# {title(page)}", "", f"{row.integration}, {row.operation}", "", *_meaning(page)]
    lines += ["", f"State: {row.state}, since {row.state_at:%Y-%m-%d}."]
    if page.sample:
        lines += _sample(page.sample, base, language, snippet)
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
        f"In these {days} days it made {_count(card.old_calls, 'call')} of {used} in 2.5. "
        f"Left to port: {card.left}. Ported: {card.ported}."
    )
    if faults := card.failures.faults.week:
        yield ""
        why = ", ".join(
            f"{each.reason or 'reason not kept'} {each.faults.week}"
            for each in card.failures.reasons
            if each.faults.week
        )
        yield f"In the last 7 days {faults} of {card.failures.calls.week} calls ended in a fault: {why}."
    yield ""
    yield f"The effort is **{card.effort}**. {card.reason} Open findings: {severities(card.findings)}."


def _last(card: Scorecard) -> str:
    if card.last_old is None:
        return "Your program was never seen to call SystemAPI 2.5."
    return f"The last call in 2.5 came on {card.last_old:%Y-%m-%d}."


def _dates(planned: Sequence[ShownBrownout], terms: Terms, now: datetime) -> Iterator[str]:
    sentences = []
    if terms.since is not None:
        sentences.append(
            f"SystemAPI 2.5 {_is(terms.since, now)} deprecated {_from(terms.since, now)} {terms.since}."
        )
    if terms.sunset is not None:
        left = (terms.sunset - now.date()).days
        when = f", in {_count(left, 'day')}" if left > 0 else ""
        sentences.append(f"**From {terms.sunset} on{when}, calls in 2.5 may fail.**")
    if not sentences and not planned:
        return
    yield from ("", "## Dates")
    if sentences:
        yield from ("", " ".join(sentences))
    if planned:
        yield from (
            "",
            "In these times calls in 2.5 are refused, so that what still depends on them shows:",
            "",
        )
    for each in planned:
        what = "all operations" if each.operation == "*" else each.operation
        link = f" <{each.link}>" if each.link else ""
        text = f": {each.text}" if each.text else ""
        yield f"- {each.starts_at:%Y-%m-%d %H:%M} to {each.ends_at:%Y-%m-%d %H:%M} UTC, {what}{text}{link}"


def _logins(logins: Sequence[RetiredLogin]) -> Iterator[str]:
    """How the program logs in, and until when it may."""
    if not logins:
        return
    yield from ("", "## How it logs in", "")
    for each in logins:
        day = f"**refused from {each.ends} on**" if each.ends and each.rung != "refuse" else None
        fate = {"translate": "served", "warn": day or "served, and to be given up", "refuse": "**refused**"}
        last = f"{each.use.last_seen:%Y-%m-%d}"
        yield f"- {each.words}: {_count(each.use.calls, 'call')}, the last on {last}; {fate[each.rung]}."
    yield from ("", "v3 knows none of the forms of 2.5: an app key and secret give a token, see below.")


def _is(day: date, now: datetime) -> str:
    return "is" if day <= now.date() else "will be"


def _from(day: date, now: datetime) -> str:
    return "since" if day <= now.date() else "from"


def _reading_on(card: Scorecard, terms: Terms) -> Iterator[str]:
    about = card.about
    parts = []
    if terms.link:
        parts.append(f"More about the change: <{terms.link}>.")
    if about.link:
        parts.append(f"About this integration: <{about.link}>.")
    if about.owner or about.contact:
        who = ", ".join(_plain(each) for each in (about.owner, about.contact) if each)
        parts.append(f"Who looks after it: {who}.")
    if parts:
        yield from ("", " ".join(parts))


def _table(left: Iterable[OperationUse]) -> Iterator[str]:
    yield from ("", "## What your program still does in 2.5", "")
    yield from markdown_table(
        ("order", "operation", "becomes", "calls a day", "maps", "effort"),
        (
            (each.order, each.operation, ", ".join(each.becomes) or "-", each.per_day, _FIT_WORDS[each.fit],
             each.effort)
            for each in left
        ),
    )  # fmt: skip


def _beginning(
    base: str, language: SnippetLanguage, calls: Mapping[str, Sequence[SampleCall]]
) -> Iterator[str]:
    yield from ("", "## Before the first call", "")
    yield (
        f"The address stays: `{base}`. Version 3 knows no user name and password in the header. Your app key "
        f"and secret give an access token: `POST {base}/oauth/token.php` with `grant_type=client_credentials`, "
        "`client_id` and `client_secret`. The token goes into the header `userCredentials/accessToken` and is "
        "good for as long as `expires_in` says."
    )
    call = next((call for each in calls.values() for call in each), None)
    if call is None or language not in HELPERS:
        return
    yield from (
        "",
        f"This helper does that; the programs below need it beside them, as `{HELPERS[language]}`:",
        "",
    )
    yield from fenced(helper(call, language, base), FENCES[language])


def _operation(
    use: OperationUse,
    pages: Sequence[FindingPage],
    models: Sequence[SampleCall],
    terms: Terms,
    language: SnippetLanguage,
) -> Iterator[str]:
    becomes = f" → {', '.join(use.becomes)}" if use.becomes else ""
    yield from ("", f"### {use.order}. {use.operation}{becomes}", "")
    yield f"Effort: {use.effort}. {use.reason}"
    mapping = terms.mapping(use.operation)
    if mapping is not None:
        yield from _mapping(mapping, terms.base)
    for page in pages:
        yield from ("", f"**{title(page)}** (finding {page.row.id}, {page.row.severity})", "")
        yield from _meaning(page)
    sample = _sample_of(pages)
    if sample is not None:
        yield from _sample(sample, terms.base, language, program)
    elif models:
        yield from ("", "With nothing but what it has to have, it becomes:")
        yield from _calls(models, terms.base, language, program)


def _mapping(mapping: OperationMap, base: str) -> Iterator[str]:
    """The fate of every part of it: calls, request, answer, what is lost, what only v3 has."""
    if mapping.alone:
        yield from ("", mapping.alone)
    for number, call in enumerate(mapping.calls, 1):
        place = f"Call {number}" if len(mapping.calls) > 1 else "The call"
        yield from ("", f"{place}: `{call.operation}`, posted to `{base}{call.endpoint}`, SOAPAction "
                        f"`{call.soap_action}`.")  # fmt: skip
    yield from _changes("request", mapping.request, mapping.same_request, answers=False)
    yield from _changes("answer", mapping.answer, mapping.same_answer, answers=True)
    if mapping.lost:
        names = ", ".join(code(each.old) for each in mapping.lost)
        yield from ("", f"What is lost, if you use it: {names}.")
    for note in mapping.notes:
        yield from ("", note)
    if mapping.only_new:
        yield from ("", "Only in v3:", "")
        yield from (f"- {code(each.path)}: {each.because}" for each in mapping.only_new)


def _changes(what: str, changes: Sequence[Renaming], same: Sequence[str], *, answers: bool) -> Iterator[str]:
    if changes:
        head = ("in v3", "was in 2.5") if answers else ("in 2.5", "in v3")
        yield ""
        yield from markdown_table(
            (f"{what}, {head[0]}", head[1], "what happens", "why, and what to do"),
            (
                (
                    *_turned(code(each.old), code(each.new or "") or "-", answers=answers),
                    each.happens,
                    " ".join(filter(None, (each.because, each.do))),
                )
                for each in changes
            ),
        )
    if same:
        shown = ", ".join(code(each) for each in same[:_MOST_SAME])
        more = f" and {len(same) - _MOST_SAME} more" if len(same) > _MOST_SAME else ""
        yield from ("", f"The same in the {what}: {shown}{more}.")
    elif not changes:
        yield from ("", f"Nothing changes in the {what}.")


def _turned(old: str, new: str, *, answers: bool) -> tuple[str, str]:
    return (new, old) if answers else (old, new)


def _meaning(page: FindingPage) -> Iterator[str]:
    """The meaning of a finding for the program, and the remedy."""
    row = page.row
    yield f"{page.meaning} {row.because}" if row.because != page.meaning else page.meaning
    if row.place:
        yield f"In v3 it is at {code(row.place)}."
    yield ""
    yield f"What to do: {page.do}"
    yield ""
    yield f"Seen {_count(row.count, 'time')}, last on {row.last_seen:%Y-%m-%d}."


def _sample_of(pages: Iterable[FindingPage]) -> Sample | None:
    return next((each.sample for each in pages if each.sample), None)


def _sample(
    sample: Sample,
    base: str,
    language: SnippetLanguage,
    written: Callable[[SampleCall, SnippetLanguage, str], str],
) -> Iterator[str]:
    yield from ("", f"A call of {sample.at:%Y-%m-%d}, without its values, was:", "", *fenced(sample.old, "xml"))
    yield from _calls(sample.calls, base, language, written)
    if sample.more:
        yield from ("", f"And {_count(sample.more, 'more v3 call')}.")


def _calls(
    calls: Sequence[SampleCall],
    base: str,
    language: SnippetLanguage,
    written: Callable[[SampleCall, SnippetLanguage, str], str],
) -> Iterator[str]:
    many = len(calls) > 1
    for number, call in enumerate(calls, 1):
        place = f" {number} of {len(calls)}" if many else ""
        yield from ("", f"In v3, call{place}: {call.operation}, posted to `{base}{call.endpoint}`", "")
        yield from fenced(call.xml, "xml")
        if language != "xml":
            yield from ("", f"{NAMES[language]}:", "", *fenced(written(call, language, base), FENCES[language]))


def _rest(by_operation: Mapping[str, Sequence[FindingPage]], card: Scorecard) -> Iterator[str]:
    """Findings that belong to none of the operations that are left, but not those from before porting."""
    ported = {each.operation for each in card.operations if each.ported and not each.open_findings}
    others = [page for name, pages in by_operation.items() if name not in ported for page in pages]
    if others:
        yield from ("", "## Other findings", "")
    for page in others:
        yield f"- {page.row.operation or 'any operation'}: {title(page)}. {page.do}"


def _plain(text: str) -> str:
    """A text of the configuration in one line, so that it stays within its sentence."""
    return " ".join(text.split())


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
