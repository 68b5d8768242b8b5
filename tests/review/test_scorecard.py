"""How porting, effort and order are judged: pure, without a store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from shim.core.findings import KINDS
from shim.review.reading.effort import EFFORTS, UNKNOWN, SuccessorCalls, successors
from shim.review.reading.lazy_uses import LazyUses
from shim.review.reading.model import OperationUse
from shim.review.reading.porting_order import PortingStep, in_order, noun
from shim.review.reading.rows import (
    AFTER,
    BETWEEN,
    DayCount,
    FaultCount,
    Met,
    Placed,
    Use,
    UsedOperation,
    Window,
)
from shim.review.reading.scorecard import CAME_BACK, PORTED, LastSeen, build, is_ported, is_quiet, usual_pause
from shim.review.reading.verdicts import Verdicts, worst_of
from tests.review.world import NOW
from tests.support.conversation import catalogue

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GET, ADD, PL = "Client.GetClients", "Client.AddClient", "Client.SetClientPL"
KNOWN = successors(catalogue())
WINDOW = Window.of(NOW, 30)


def use(operation: str = GET, last: timedelta = HOUR, days: int = 1, span: int = 0, side: str = "old") -> Use:
    seen = NOW - last
    return Use("crm", side, operation, 10, 0, days, seen - timedelta(days=span), seen)


def kinds(code: str, severity: str, count: int = 1) -> str:
    return AFTER.join([f"{code}{BETWEEN}{severity}"] * count)


# ---- what is ported ----


@pytest.mark.parametrize(
    ("rung", "old", "new", "ported"),
    [
        ("translate", use(), [], False),
        ("compare", use(), [], False),
        ("v3", use(), [], True),
        ("locked", use(), [], True),
        ("translate", use(last=2 * HOUR), [use(last=HOUR)], True),
        ("translate", use(last=HOUR), [use(last=2 * HOUR)], False),
        ("translate", use(last=HOUR), [use(last=HOUR)], False),
        ("translate", use(last=2 * HOUR), [use(last=3 * HOUR), use(last=HOUR)], True),
        ("translate", use(last=20 * HOUR, days=21, span=20), [use()], False),
        ("translate", use(last=25 * HOUR, days=21, span=20), [use()], True),
        ("translate", use(last=6 * DAY, days=4, span=21), [use()], False),
        ("translate", use(last=8 * DAY, days=4, span=21), [use()], True),
        ("translate", use(last=8 * DAY, days=4, span=21), [], False),
    ],
)
def test_ported(rung: str, old: Use, new: list[Use], ported: bool) -> None:
    assert is_ported(rung, old, new, NOW) == ported  # type: ignore[arg-type]


def test_the_usual_pause_is_that_between_days() -> None:
    assert usual_pause(use(days=1)) == timedelta(0)
    assert usual_pause(use(days=2, span=1)) == DAY
    assert usual_pause(use(days=4, span=21)) == 7 * DAY


@pytest.mark.parametrize(
    ("since", "last", "quiet"),
    [
        (2 * DAY, 3 * DAY, True),
        (2 * DAY, 2 * DAY, True),
        (2 * DAY, DAY, False),
        (None, 2 * DAY, True),
        (None, HOUR, False),
    ],
)
def test_quiet_since_the_rung_was_set(since: timedelta | None, last: timedelta, quiet: bool) -> None:
    placed = Placed("crm", GET, "v3", NOW - since if since else None)
    assert is_quiet(placed, NOW - last, NOW) == quiet


def test_what_came_back_after_the_rung_was_set_counts() -> None:
    seen = LastSeen(old=[use(last=HOUR)], rungs={GET: Placed("crm", GET, "v3", NOW - DAY)})
    seen.climbed(Met("crm", GET, kinds("field-dropped", "loss", 3), NOW - 2 * DAY))
    seen.climbed(Met("crm", GET, kinds("wrong-endpoint", "notice"), NOW - HOUR))
    card = build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True)
    assert (card.findings, card.past_findings) == ({"notice": 1}, 3)
    assert (card.operations[0].worst, card.operations[0].reason) == ("notice", CAME_BACK.reason)
    assert (card.left, card.done) == (0, False)


def test_it_is_done_as_soon_as_it_is_quiet_on_its_rung() -> None:
    seen = LastSeen(old=[use(last=HOUR)], rungs={"*": Placed("crm", "*", "locked", NOW - HOUR / 2)})
    seen.climbed(Met("crm", GET, kinds("field-dropped", "loss", 3), NOW - HOUR))
    card = build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True)
    assert (card.done, card.findings, card.operations[0].fit) == (True, {}, "clean")
    assert card.operations[0].reason == PORTED.reason


@pytest.mark.parametrize(
    ("scopes", "rung"),
    [
        ({}, "translate"),
        ({"*": "compare"}, "compare"),
        ({"*": "compare", "Client.*": "v3"}, "v3"),
        ({"*": "compare", "Client.*": "v3", GET: "translate"}, "translate"),
        ({"Report.*": "v3"}, "translate"),
        ({GET: "of a later version"}, "translate"),
    ],
)
def test_the_nearest_scope_decides(scopes: dict[str, str], rung: str) -> None:
    seen = LastSeen(
        old=[use()], rungs={scope: Placed("crm", scope, each, None) for scope, each in scopes.items()}
    )
    assert build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True).operations[0].rung == rung


@pytest.mark.parametrize(
    "code", ["browned-out", "operation-locked", "came-back", "old-login", "old-login-refused"]
)
def test_what_tells_of_porting_says_nothing_of_what_v3_has(code: str) -> None:
    severity = KINDS[code].severity  # type: ignore[index]
    seen = LastSeen(old=[use()])
    seen.met[GET] = kinds(code, severity, 3)
    [operation] = build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True).operations
    assert (operation.fit, operation.worst, operation.open_findings) == ("clean", severity, 3)
    seen.met[GET] += AFTER + kinds("field-dropped", "loss")
    assert build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True).operations[0].fit == "lossy"


@pytest.mark.parametrize(
    ("called", "uses", "days"),
    [
        (None, [use(last=2 * DAY)], 3),
        (None, [use(last=HOUR)], 1),
        (UsedOperation(NOW - 9 * DAY, NOW), [use(last=2 * DAY)], 10),
        (UsedOperation(NOW - 900 * DAY, NOW), [use(last=2 * DAY)], 30),
        (None, [], 30),
    ],
)
def test_calls_a_day_are_over_the_days_that_there_are(
    called: UsedOperation | None, uses: list[Use], days: int
) -> None:
    card = build("crm", LastSeen(old=uses, called=called), Verdicts(KNOWN), WINDOW, NOW, configured=True)
    assert (card.observed, card.per_day) == (days, 10 * len(uses) / days)
    assert [each.per_day for each in card.operations] == [10 / days for _ in uses]


def test_an_operation_fails_when_a_quarter_of_its_calls_does_and_nobody_wanted_it() -> None:
    def judged(faults: int, **reasons: int) -> tuple[bool, Mapping[str, int]]:
        counts = [FaultCount("crm", GET, name, 0, 0, 0, count) for name, count in reasons.items()]
        seen = LastSeen(old=[use()._replace(calls=40, faults=faults)], faults=counts)
        [found] = build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True).operations
        return found.failing, found.reasons

    assert judged(10) == (True, {})
    assert judged(9) == (False, {})
    assert judged(30, brownout=21) == (False, {"brownout": 21})
    assert judged(30, brownout=21, timeout=9)[1] == {"brownout": 21, "timeout": 9}


def test_calls_without_a_name_are_nothing_to_port_but_not_done_while_they_come() -> None:
    for last, done in ((HOUR, False), (2 * DAY, True)):
        seen = LastSeen(old=[use("(none)", last)], days=[DayCount("crm", "old", NOW.date().isoformat(), 10)])
        card = build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=False)
        assert (len(card.operations), card.left, card.done, card.old_calls) == (0, 0, done, 10)
        assert card.days[-1].old == 10


def test_native_calls_of_strangers_port_nothing() -> None:
    """Callers that are not known are many programs, or none."""
    seen = LastSeen(
        old=[use(last=2 * DAY)], new={"Organization.GetOrganizations": use("Organization.GetOrganizations")}
    )
    assert build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True).ported == 1
    seen.old = [each._replace(integration="(unknown)") for each in seen.old]
    card = build("(unknown)", seen, Verdicts(KNOWN), WINDOW, NOW, configured=False)
    assert (card.left, card.ported, card.done, card.operations[0].new_calls) == (1, 0, False, 0)


# ---- effort ----


def effort(operation: str, **met: int) -> str:
    counts = {code.replace("_", "-"): count for code, count in met.items()}
    return KNOWN.get(operation, UNKNOWN).work(counts).effort


@pytest.mark.parametrize(
    ("operation", "met", "expected"),
    [
        ("Channel.GetCodecs", {}, "none"),
        ("GlobalOp.LinkedOp", {}, "small"),
        ("PBX.GetSchemaVersions", {}, "small"),
        ("PBX.GetIndustries", {}, "medium"),
        ("Client.GetClients", {}, "small"),
        ("Client.AddClient", {}, "small"),
        ("Client.AddClient", {"field_kept": 2}, "medium"),
        ("Extension.AddExtension", {}, "medium"),
        ("Extension.EditExtension", {}, "medium"),
        ("Extension.EditExtension", {"field_dropped": 1}, "large"),
        ("Channel.AddChannel", {}, "none"),
        ("Channel.AddChannel", {"field_refused": 1}, "medium"),
        ("Channel.GetCodecs", {"empty_as_absent": 9}, "none"),
        ("Service.Unknown", {}, "large"),
    ],
)
def test_effort_is_judged_from_the_catalogue_and_what_was_met(
    operation: str, met: dict[str, int], expected: str
) -> None:
    assert effort(operation, **met) == expected


def test_reasons_are_words() -> None:
    assert KNOWN["Client.GetClients"].work({}).reason == (
        "The operation is Organization.GetOrganizations. 1 element under another name."
    )
    assert KNOWN["Client.AddClient"].work({"field-kept": 1}).reason == (
        "The operation is Organization.AddOrganization. "
        "1 element that the shim keeps, because v3 has no place for it."
    )
    assert "2 v3 calls, in this order: User.AddUser, Extension.AddExtension" in (
        KNOWN["Extension.AddExtension"].work({}).reason
    )
    assert "not in use" in KNOWN["Client.AddClient"].work({}).reason
    assert KNOWN["Channel.GetCodecs"].work({}).reason.startswith("Same operation, same elements")


def test_every_translated_operation_has_successors_and_a_reason() -> None:
    assert set(KNOWN) == set(catalogue().translations)
    for name, each in KNOWN.items():
        assert set(each.becomes) <= set(catalogue().new.operations)
        lacking = (
            bool(catalogue().translations[name].declared.emulates) and name not in catalogue().new.operations
        )
        assert bool(each.becomes) != lacking, name
        assert each.work({}).reason.endswith(".")
        assert each.writes == catalogue().translations[name].declared.writes


def test_more_to_do_is_never_less_effort() -> None:
    for each in KNOWN.values():
        ranks = [EFFORTS.index(each.work({"field-dropped": count}).effort) for count in range(5)]
        assert ranks == sorted(ranks)


# ---- order ----


@pytest.mark.parametrize(
    ("operation", "about"),
    [
        ("Client.GetClients", "Client.Client"),
        ("Client.GetClientDetails", "Client.Client"),
        ("Client.AddClient", "Client.Client"),
        ("Client.SetClientPL", "Client.ClientPL"),
        ("Client.GetClientPL", "Client.ClientPL"),
        ("Extension.DelCallRulesIn", "Extension.CallRulesIn"),
        ("GlobalOp.Ping", "GlobalOp.Ping"),
    ],
)
def test_nouns(operation: str, about: str) -> None:
    assert noun(operation) == about


def test_quick_wins_first_then_share_of_calls_then_name() -> None:
    steps = [
        PortingStep("A.GetThings", "large", 900, writes=False),
        PortingStep("B.GetOthers", "small", 5, writes=False),
        PortingStep("C.GetFurther", "small", 50, writes=False),
        PortingStep("D.GetB", "none", 1, writes=False),
        PortingStep("D.GetA", "none", 1, writes=False),
    ]
    assert in_order(steps) == ["D.GetA", "D.GetB", "C.GetFurther", "B.GetOthers", "A.GetThings"]


def test_a_read_is_pulled_before_the_writes_of_its_noun() -> None:
    steps = [
        PortingStep(ADD, "small", 5, writes=True),
        PortingStep("Client.GetClientDetails", "large", 1, writes=False),
        PortingStep(PL, "none", 1, writes=True),
        PortingStep("Report.CallReport", "medium", 1, writes=False),
    ]
    assert in_order(steps) == [PL, "Client.GetClientDetails", ADD, "Report.CallReport"]


def test_what_holds_other_calls_goes_last() -> None:
    steps = [
        PortingStep("GlobalOp.LinkedOp", "none", 900, writes=True, holds=KNOWN["GlobalOp.LinkedOp"].holds),
        PortingStep("A.GetThings", "large", 1, writes=False, holds=KNOWN["PBX.GetIndustries"].holds),
    ]
    assert in_order(steps) == ["A.GetThings", "GlobalOp.LinkedOp"]


def test_operations_are_made_when_one_is_looked_at() -> None:
    made: list[str] = []

    def make() -> tuple[OperationUse, ...]:
        made.append("made")
        return card.operations[0], card.operations[1]

    card = build("crm", LastSeen(old=[use(GET), use(ADD)]), Verdicts(KNOWN), WINDOW, NOW, configured=True)
    uses = LazyUses(2, make)
    assert (len(uses), bool(uses), made) == (2, True, [])
    assert [each.operation for each in uses] == [uses[0].operation, uses[-1].operation] == [GET, ADD]
    assert uses == card.operations == tuple(uses) == uses[:2]
    assert (uses == LazyUses(1, lambda: uses[:1]), made) == (False, ["made"])


def test_each_case_of_findings_is_judged_once() -> None:
    verdicts = Verdicts(KNOWN)
    two = kinds("field-kept", "notice", 2)
    verdict = verdicts.of(ADD, two + AFTER + kinds("old-login", "refused"))
    assert (verdict.findings, verdict.fit, verdict.worst) == (3, "moved", "refused")
    assert verdict.severities == {"notice": 2, "refused": 1}
    assert "2 elements that the shim keeps" in verdict.work.reason
    assert verdicts.of(ADD, two) is verdicts.of(ADD, two)
    assert verdicts.of(GET, "").worst is worst_of([]) is None


def test_findings_of_one_code_count_together_whenever_they_came() -> None:
    seen = LastSeen(old=[use(ADD)], rungs={"*": Placed("crm", "*", "compare", NOW)})
    for ago in (HOUR, DAY, 2 * DAY):
        seen.climbed(Met("crm", ADD, kinds("field-kept", "notice"), NOW - ago))
    [operation] = build("crm", seen, Verdicts(KNOWN), WINDOW, NOW, configured=True).operations
    assert "3 elements that the shim keeps" in operation.reason


def test_the_card_of_nothing_is_quiet() -> None:
    card = build("fax", LastSeen(), Verdicts({"x": SuccessorCalls((), True, ())}), WINDOW, NOW, configured=True)
    assert (card.done, card.left, card.effort, card.reason) == (True, 0, "none", "No 2.5 calls in these days.")
    assert len(card.days) == 30
