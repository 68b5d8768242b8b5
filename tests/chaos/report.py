"""A run as JSON and as Markdown."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tests.chaos.events import EVENTS
from tests.chaos.run import Result
from tests.chaos.toolkits import TOOLKITS

_TITLES = {event.name: event.title for event in EVENTS}
_QUESTIONS = {
    "lost": "told to be done, and not so in v3",
    "doubled": "twice in v3, or one ID for two",
    "orphaned": "half made in v3, or known to nobody",
    "contradicted": "answers against each other",
    "given_up": "calls that were never answered well",
    "stuck": "journal entries not ended or paused",
    "internal": "internal errors, ends with another code than 0",
    "mapped": "contradictions between identity map and v3",
    "memory": "shims that grew",
}


def as_json(result: Result) -> str:
    return json.dumps(facts(result), indent=1, ensure_ascii=False, sort_keys=True)


def facts(result: Result) -> dict[str, Any]:
    """All of a run, as plain values. The verdict has counts, and the sentences behind them."""
    return {
        "began": datetime.fromtimestamp(result.began, UTC).isoformat(timespec="seconds"),
        "seconds": round(result.seconds),
        "seed": result.seed,
        "machine": _machine(),
        "toolkits": result.toolkits,
        "missing": result.missing,
        "events": dict(result.events),
        "calls": dict(result.calls),
        "faults": dict(result.faults.most_common()),
        "backend_calls": result.backend_calls,
        "made": result.made,
        "users_kept": result.users_kept,
        "client_deaths": result.deaths,
        "sizes": result.sizes,
        "counts": result.verdict.counts,
        "verdict": asdict(result.verdict),
        "histories": result.histories,
        "good": result.verdict.good,
    }


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {sys.version.split()[0]}"


def as_markdown(result: Result) -> str:
    """The tables of a run."""
    calls, faults = sum(result.calls.values()), sum(result.faults.values())
    began = datetime.fromtimestamp(result.began, UTC)
    names = ", ".join(TOOLKITS[each].title if each in TOOLKITS else "by hand" for each in result.toolkits)
    lines = [
        f"{result.seconds / 60:.1f} minutes on {began:%Y-%m-%d}, seed {result.seed}; {_machine()}. "
        f"Callers: {names}. {calls} calls of theirs, of which {faults} ended by a fault and were made again; "
        f"{result.backend_calls} requests to v3; {result.made} extensions and accounts made.",
        "",
        "| question | found |",
        "|---|---|",
    ]
    lines += [f"| {_QUESTIONS[name]} | {count} |" for name, count in result.verdict.counts.items()]
    lines += ["", "| what went wrong | times |", "|---|---|"]
    lines += [f"| {_TITLES[name]} | {count} |" for name, count in sorted(result.events.items())]
    lines += ["", "| shim | lived, s | MB after a minute | MB at last |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {age:.0f} | {warm >> 20} | {last >> 20} |"
        for name, sizes in sorted(result.sizes.items())
        for age, warm, last in sizes
    ]
    for name, found in asdict(result.verdict).items():
        if found:
            lines += ["", f"**{name}**", "", *(f"- `{each}`" for each in found[:20])]
    return "\n".join(lines) + "\n"
