"""How counts of instructions are judged against those that are kept."""

from __future__ import annotations

import json
from typing import Any

from bench.instructions import FILE, OPERATIONS, REFERENCE, judged
from bench.wire import call_of


def counts(build: str, each: int, reference: int = 1000) -> dict[str, Any]:
    return {
        "build": build,
        "counts": {REFERENCE: reference} | dict.fromkeys(OPERATIONS, each),
        "messages": dict.fromkeys((REFERENCE, *OPERATIONS), "digest"),
    }


def test_up_to_five_per_cent_more_pass_and_six_do_not() -> None:
    assert judged(counts("one", 1049), counts("one", 1000)) == []
    problems = judged(counts("one", 1060), counts("one", 1000))
    assert len(problems) == len(OPERATIONS)
    assert problems[0] == f"{OPERATIONS[0]}: +6.0% instructions a call, 5% more are allowed"


def test_another_build_is_judged_by_the_reference() -> None:
    """It takes twice the instructions for everything, the reference as well: that is no regression."""
    assert judged(counts("two", 2000, reference=2000), counts("one", 1000)) == []
    assert len(judged(counts("two", 2400, reference=2000), counts("one", 1000))) == len(OPERATIONS)


def test_other_messages_cannot_be_compared() -> None:
    now = counts("one", 10)
    now["messages"][OPERATIONS[0]] = "other"
    assert judged(now, counts("one", 1000)) == [
        f"{OPERATIONS[0]}: its messages are not those counted; record the counts anew"
    ]


def test_ten_operations_have_counts_that_are_kept() -> None:
    kept = json.loads(FILE.read_text("utf-8"))
    assert len(OPERATIONS) == 10
    assert set(kept["counts"]) == {REFERENCE, *OPERATIONS}
    assert all(count > 0 for count in kept["counts"].values())
    assert all(call_of(name)[0].request for name in OPERATIONS)
