"""The shim beside PHP's SoapServer: whatever they do not understand alike is decided in differences.toml."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest

from tests.old_server.asking import HERE, Heard, Oracle, has_soap, oracle, written
from tests.old_server.groups import FORMS as GROUP_FORMS
from tests.old_server.groups import group_messages
from tests.old_server.judging import judge, through_the_shim
from tests.old_server.mixed import CODECS, DECLARATIONS, ENCODINGS, ENVELOPES, encoded_messages, mixed_messages
from tests.old_server.mixed import FORMS as MIXED_FORMS
from tests.old_server.oddities import FORMS, HEADERS, VALUES, family, odd_messages, spots
from tests.old_server.table import differences, page, undecided

CASES = json.loads((HERE / "cases.json").read_text("utf-8"))
READ = [case for case in CASES if case["method"] == "POST"]
PAGE = HERE.parents[1] / "docs" / "old-server.md"

needs_php = pytest.mark.skipif(
    not has_soap() and not os.environ.get("CI"), reason="there is no php with its SOAP extension"
)


@dataclass(frozen=True)
class Judged:
    """All messages that do not come out the same, as (name, verdict, how), and how many there were."""

    recorded: list[tuple[str, str, str]]
    made: list[tuple[str, str, str]]
    asked: int


@pytest.fixture(scope="module")
def php(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    with oracle(tmp_path_factory.mktemp("tree")) as running:
        yield running


@pytest.fixture(scope="module")
def php_of_2_0(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """A server over the tree of 2.0.4: one of 2.5 knows no message of that version."""
    with oracle(tmp_path_factory.mktemp("tree"), "2.0.4") as running:
        yield running


@pytest.fixture(scope="module")
def heard(php: Oracle) -> dict[str, Heard]:
    """What this PHP hears of each recorded message."""
    return {case["id"]: php.ask(case["service"], message(case), case["headers"]) for case in READ}


@pytest.fixture(scope="module")
def judged(php: Oracle, php_of_2_0: Oracle, heard: dict[str, Heard]) -> Judged:
    recorded, made = [], []
    for case in READ:
        done = through_the_shim(case["path"], message(case), case["headers"])
        recorded.append((case["id"], *judge(heard[case["id"]], done, case["path"])))
    for odd in (*odd_messages(), *group_messages()):
        done = through_the_shim(odd.path, odd.message, HEADERS)
        made.append((odd.name, *judge(php.ask(odd.service, odd.message, HEADERS), done, odd.path)))
    for mixed in (*mixed_messages(), *encoded_messages()):
        done = through_the_shim(mixed.path, mixed.message, mixed.headers)
        server = php_of_2_0 if mixed.name.endswith("-version-2.0") else php
        made.append(
            (mixed.name, *judge(server.ask(mixed.service, mixed.message, mixed.headers), done, mixed.path))
        )
    differ = [[each for each in some if each[1] != "same"] for some in (recorded, made)]
    return Judged(differ[0], differ[1], len(recorded) + len(made))


def message(case: dict[str, str]) -> bytes:
    return (HERE / "messages" / case["file"]).read_bytes()


OTHERWISE_ASKED = {"feat-unbounded", "hdr-ops", "hdr-opname", "hdr-opname2", "hdr-nohandler-mu"}
"""Recorded with another SoapServer: with a feature switched on, or without a method for the header."""


@needs_php
def test_this_php_hears_what_four_versions_were_recorded_to_hear(heard: dict[str, Heard]) -> None:
    """So that the judge of every other test here is known to be a fair one."""
    differ = {}
    for case in (case for case in READ if "old" in case):
        said = set(case["old"].values())
        call = heard[case["id"]].operation
        now = f"{call[0]}({', '.join(map(written, call[1]))})".replace("\n", " ; ") if call else ""
        if case["id"] not in OTHERWISE_ASKED and not any(_agree(now, text) for text in said):
            differ[case["id"]] = (now, said)
    assert not differ


def _agree(now: str, recorded: str) -> bool:
    """Whether what is heard now is what was recorded: a fault or nothing, or a call, after those of headers."""
    if not now:
        return recorded.startswith(("FAULT", "<>  HTTP200"))
    return recorded == now or recorded.endswith((f"> {now}", f") ; {now}"))


@needs_php
def test_no_message_is_understood_otherwise_unless_it_is_decided(judged: Judged) -> None:
    assert undecided(judged.recorded) == []
    assert undecided(judged.made) == []


@needs_php
def test_every_decision_is_about_messages_that_differ(judged: Judged) -> None:
    gone = []
    for row in differences():
        verdicts = {name: verdict for name, verdict, _ in (*judged.recorded, *judged.made)}
        differ = {name for name, verdict in verdicts.items() if row.verdict in ("same", verdict)}
        gone += [name for name in row.recorded if name not in differ]
        gone += [pattern for pattern in row.made if not any(fnmatchcase(name, pattern) for name in differ)]
    assert gone == []


@needs_php
def test_most_messages_are_understood_alike(judged: Judged) -> None:
    """A judge that finds everything different, or nothing, would show nothing."""
    differ = len(judged.recorded) + len(judged.made)
    assert 100 < differ < judged.asked / 3
    assert judged.asked > 3_600


def test_nothing_is_decided_twice() -> None:
    recorded = [name for row in differences() for name in row.recorded]
    assert len(recorded) == len(set(recorded))
    assert set(recorded) <= {case["id"] for case in READ}
    assert all(row.because.endswith(".") and row.recorded + row.made + row.methods for row in differences())


def test_odd_messages_are_of_every_family_in_every_place() -> None:
    assert {family(spot.simple) for spot in spots()} == set(VALUES) - {"dateTime"}, "no request has a dateTime"
    assert {spot.kind.rpartition("-")[2] for spot in spots()} == {
        "top",
        "nested",
        "repeated",
        "choice",
        "limit",
    }
    assert sum(1 for _ in odd_messages()) >= len(spots()) * len(FORMS)


def test_every_form_is_mixed_with_every_envelope() -> None:
    names = [mixed.name for mixed in mixed_messages()]
    assert len(names) == len(set(names)) == len(MIXED_FORMS) * (len(ENVELOPES) + len(ENCODINGS))


def test_every_encoding_is_declared_in_every_way() -> None:
    messages = {(each.message, each.headers["Content-Type"]) for each in encoded_messages()}
    assert len(messages) > 4 * len(CODECS) * len(DECLARATIONS), "few are the same, such as two names of UTF-8"


def test_elements_of_elements_are_sent_in_every_form() -> None:
    names = [odd.name for odd in group_messages()]
    assert len(names) == len(set(names))
    assert len(names) >= 15 * len(GROUP_FORMS)
    assert {name.split("-")[1] for name in names} == {"list", "one"}


def test_the_page_is_made_from_the_table() -> None:
    made = page(len(CASES))
    if os.environ.get("RECORD_DOCS"):
        PAGE.write_text(made, "utf-8")
    assert PAGE.read_text("utf-8") == made, "run RECORD_DOCS=1 pytest tests/old_server tests/test_docs.py"
