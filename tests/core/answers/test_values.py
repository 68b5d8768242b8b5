"""Answers as the old server wrote them: by type, never by pattern or length, and a row lost at most.

The inputs in `reports/` were made from public bug reports; what is expected stands beside each test.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.core.answers.values import answerer, converter
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome
from shim.core.schema.interface import Simple
from shim.interfaces.load import old
from tests.support.conversation import World, old_request

REPORTS = Path(__file__).parent / "reports"
ENVELOPE = '<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Body>{}</E:Body></E:Envelope>'


def simple(base: str) -> Simple:
    return Simple(None, base, parent=f"xs:{base}")


# ---- values ----


@pytest.mark.parametrize(
    ("base", "given", "written"),
    [
        ("boolean", "1", "true"),
        ("boolean", "0", "false"),
        ("boolean", "TRUE", "true"),
        ("integer", "007", "7"),
        ("integer", "+7", "7"),
        ("integer", "-0", "0"),
        ("integer", "-012", "-12"),
        ("integer", "5.0", "5"),
        ("integer", "seven", None),
        ("integer", "5.5", None),
        ("positiveInteger", "000", None),
        ("decimal", "12.50", "12.50"),
        ("decimal", "abc", None),
    ],
)
def test_values_are_written_by_type_as_php_does(base: str, given: str, written: str | None) -> None:
    check = answerer(simple(base))
    assert check is not None
    assert check(given) == written


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("12.50", "12.5"), ("100.0", "100"), ("0.10", "0.1"), ("3", "3"), ("1e15", "1.0E+15"),
        ("1e-7", "1.0E-7"), ("0.00012", "0.00012"), ("1234567.891", "1234567.891"), ("1e25", "1.0E+25"),
        ("1.5E3", "1500"), ("-0.0", "-0"), ("INF", "INF"), ("NaN", "NaN"), ("-2.5e-9", "-2.5E-9"),
        ("0.1234567890123456", "0.1234567890123456"), ("abc", None),
    ],
)  # fmt: skip
def test_floats_are_written_as_php_does_unless_it_would_be_another_number(
    given: str, written: str | None
) -> None:
    """What a SoapServer of PHP 8.2 wrote over the same schema."""
    check = answerer(simple("float"))
    assert check is not None
    assert check(given) == written


@pytest.mark.parametrize(
    ("base", "given", "written"),
    [
        ("dateTime", "2012-05-01 10:11:12", "2012-05-01T10:11:12"),
        ("dateTime", "2012-5-1 9:11", "2012-05-01T09:11:00"),
        ("dateTime", "2012-05-01", "2012-05-01T00:00:00"),
        ("dateTime", "2012-05-01T10:11:12+0200", "2012-05-01T10:11:12+02:00"),
        ("dateTime", "0000-00-00 00:00:00", None),
        ("dateTime", "2012-02-30 10:11:12", None),
        ("date", "2012-05-01 10:11:12", "2012-05-01"),
        ("date", "2012-5-1", "2012-05-01"),
        ("date", "soon", None),
        ("time", "9:05", "09:05:00"),
        ("time", "2012-05-01 10:11:12", "10:11:12"),
        ("time", "25:00", None),
    ],
)
def test_dates_and_times_of_sql_are_converted(base: str, given: str, written: str | None) -> None:
    strict, convert = answerer(simple(base)), converter(simple(base))
    assert strict is not None
    assert convert is not None
    assert strict(given) is None, "converting is a last resort, and a finding"
    assert convert(given) == written


# ---- whole answers ----


def called(name: str, answer: bytes, *fields: Element) -> Outcome:
    """A call of the old interface that every v3 call answers with the same message."""
    operation = old().operations[name]
    request = old_request(operation, Element(operation.input.name, children=list(fields)))
    return World(lambda call, asked: answer).run(operation, request)


def told(outcome: Outcome) -> tuple[list[tuple[str, str]], set[tuple[str, str]]]:
    """The leaves of an answer, and its findings."""
    assert outcome.answer is not None, outcome.fault
    leaves = list(parse(outcome.answer).body.leaves())
    return leaves, {(each.code, each.path) for each in outcome.findings}


def report(name: str) -> bytes:
    return (REPORTS / name).read_bytes()


def test_sql_dates_cost_no_row() -> None:
    """The channel is there, crDate converted. It was an empty list."""
    leaves, findings = told(called("Channel.GetChannels", report("F1-v3-answer-channels.xml")))
    assert ("channel/crDate", "2012-05-01T10:11:12") in leaves
    assert ("channel/ID", "1") in leaves
    assert ("value-converted", "channel/crDate") in findings


def test_call_records_keep_their_dates() -> None:
    """startDate and answerDate in the form of 2.5. Both were left out of the row."""
    user = Element("userID", "30")
    interval = Element(
        "interval", children=[Element("startDate", "2026-01-01"), Element("endDate", "2026-04-01")]
    )
    leaves, findings = told(called("Report.CallReport", report("F2-v3-answer-cdr.xml"), user, interval))
    assert ("call/startDate", "2026-03-01T23:59:58") in leaves
    assert ("call/answerDate", "2026-03-02T00:00:03") in leaves
    assert ("value-converted", "call/startDate") in findings


def test_an_email_with_an_apostrophe_is_written_and_an_empty_one_is_no_loss() -> None:
    leaves, findings = told(called("Client.GetClients", report("E5-v3-answer-email.xml")))
    assert ("client/email", "mary.o'kane@example.com") in leaves
    assert [value for path, value in leaves if path == "client/ID"] == ["20", "21"]
    assert not [each for each in findings if each[0] == "answer-value-omitted"]


def test_an_incomplete_row_costs_that_row_and_never_the_list() -> None:
    rows = (
        "<channel><ID>1</ID><name>Whole</name><type>sip</type><status>1</status><paid>1</paid><flow>both</flow>"
        "<crDate>2012-05-01T10:11:12</crDate></channel><channel><name>No ID</name></channel>"
    )
    answer = ENVELOPE.format(f"<GetChannelsResponse>{rows}</GetChannelsResponse>").encode()
    leaves, findings = told(called("Channel.GetChannels", answer))
    assert [value for path, value in leaves if path == "channel/name"] == ["Whole"]
    assert ("answer-value-omitted", "channel") in findings
    alone = ENVELOPE.format(
        "<GetChannelsResponse><channel><name>No ID</name></channel></GetChannelsResponse>"
    ).encode()
    leaves, findings = told(called("Channel.GetChannels", alone))
    assert leaves == [] or all(not value for _, value in leaves)
    assert ("answer-value-omitted", "channel") in findings


def test_a_word_in_a_number_is_left_out_and_the_row_stays() -> None:
    row = (
        "<channel><ID>1</ID><name>Trunk</name><type>sip</type><status>1</status><paid>1</paid><flow>both</flow>"
        "<concurentCalls>many</concurentCalls><crDate>2012-05-01T10:11:12</crDate></channel>"
    )
    answer = ENVELOPE.format(f"<GetChannelsResponse>{row}</GetChannelsResponse>").encode()
    leaves, findings = told(called("Channel.GetChannels", answer))
    assert ("channel/name", "Trunk") in leaves
    assert ("channel/status", "true") in leaves
    assert not [value for path, value in leaves if path.endswith("concurentCalls")]
    assert [path for code, path in findings if path.startswith("channel/concurent")]


def test_an_answer_without_content_is_one_tag() -> None:
    outcome = called("Client.GetClients", ENVELOPE.format("<GetOrganizationsResponse/>").encode())
    assert outcome.answer is not None
    assert b":GetClientsResponse/>" in outcome.answer
