"""What is read from the world, on both engines: who uses what, what is ported, what is left, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from shim.edge.deprecation.tables import FINDING_DAYS, FINDINGS, USAGE
from shim.edge.store.database import Store
from shim.review.reading import finding_queries, queries
from shim.review.reading.model import FindingFilter, OperationUse, Scorecard
from tests.review.world import INTEGRATIONS, NOW, Builder, config, world
from tests.support.conversation import catalogue

pytest_plugins = ["tests.support.postgres"]


async def card(store: Store, name: str, now_later: timedelta = timedelta(0), days: int = 30) -> Scorecard:
    found = await queries.Review(store, catalogue(), config()).scorecard(NOW + now_later, name, days)
    assert found is not None
    return found


def use(card: Scorecard, operation: str) -> OperationUse:
    return next(each for each in card.operations if each.operation == operation)


def names(uses: Sequence[OperationUse]) -> list[str]:
    return [each.operation for each in uses]


async def test_the_one_with_most_left_is_first_and_the_never_called_is_there(store: Store) -> None:
    seen = await queries.Review(store, catalogue(), config()).overview(NOW)
    assert [each.integration for each in seen.integrations] == [
        "switchboard", "ledger", "crm", "portal", "fax-gateway",
    ]  # fmt: skip
    assert (seen.left, seen.ported) == (10, 4)
    assert seen.findings == {"info": 1, "notice": 1, "warning": 2, "loss": 1, "refused": 1}
    assert [each.done for each in seen.integrations] == [False, False, False, True, True]


async def test_days_without_calls_are_zeros(store: Store) -> None:
    seen = await queries.Review(store, catalogue(), config()).overview(NOW)
    days = {(NOW.date() - each.day).days: (each.old, each.new) for each in seen.days}
    assert len(seen.days) == 30
    assert (seen.since, seen.until) == (seen.days[0].day, seen.days[-1].day)
    assert days[25] == (0, 0)
    assert days[0] == (24 + 96 + 1 + 30 + 30 + 5 + 8, 50 + 40 + 6)
    fax = next(each for each in seen.integrations if each.integration == "fax-gateway")
    assert {(each.old, each.new) for each in fax.days} == {(0, 0)}
    assert fax.configured


async def test_fits_are_those_of_the_worst_open_finding(store: Store) -> None:
    seen = await card(store, "switchboard")
    assert {each.operation: each.fit for each in seen.operations} == {
        "Extension.GetExtensionSettings": "clean",
        "Extension.AddExtension": "moved",
        "Extension.SetupExtension": "lossy",
        "Channel.AddChannel": "refused",
        "PBX.GetIndustries": "clean",
    }
    assert seen.fits == {"clean": 2, "moved": 1, "lossy": 1, "refused": 1}
    assert use(seen, "Extension.SetupExtension").open_findings == 2
    assert use(seen, "Extension.SetupExtension").worst == "loss"
    assert use(seen, "Extension.SetupExtension").faults == 42


async def test_half_ported_by_native_use_and_by_rung(store: Store) -> None:
    seen = await card(store, "crm")
    assert (seen.left, seen.ported, seen.done) == (2, 2, False)
    clients = use(seen, "Client.GetClients")
    assert (clients.ported, clients.rung, clients.new_calls) == (True, "translate", 500)
    details = use(seen, "Client.GetClientDetails")
    assert (details.ported, details.rung, details.order) == (True, "v3", None)
    assert use(seen, "Client.EditClient").rung == "compare"
    assert seen.findings == {"warning": 1}, "those of what is ported say nothing any more"


async def test_it_turns_green_once_the_next_call_was_due_and_did_not_come(store: Store) -> None:
    early, late = await card(store, "portal", timedelta(hours=-4)), await card(store, "portal")
    assert (early.left, early.done) == (2, False)
    assert (late.left, late.ported, late.done) == (0, 2, True)
    assert late.reason == "Every operation is ported."
    assert late.findings == {}


async def test_reads_go_before_writes_and_quick_wins_first(store: Store) -> None:
    seen = await card(store, "switchboard")
    assert names(seen.operations)[-1] == "Extension.SetupExtension"
    assert [each.order for each in seen.operations] == [1, 2, 3, 4, 5]
    ledger = await card(store, "ledger")
    assert names(ledger.operations) == ["Channel.GetCodecs", "Report.CallReport", "Client.GetClients"]


async def test_the_window_is_whole_days_and_bounds_everything(store: Store) -> None:
    seen = await card(store, "crm", days=5)
    assert names(seen.operations) == ["Client.EditClient", "Client.AddClient"]
    assert seen.old_calls == 5 * 13
    assert seen.per_day == 13
    with pytest.raises(ValueError, match="one day"):
        await card(store, "crm", days=0)


async def test_callers_are_those_of_the_integration(store: Store) -> None:
    seen = await card(store, "switchboard")
    assert [(each.toolkit, each.calls) for each in seen.callers] == [("SOAP::Lite", 700), ("unknown", 9)]


async def test_nobody_knows_a_name_that_was_never_seen(store: Store) -> None:
    assert await queries.Review(store, catalogue(), config()).scorecard(NOW, "nobody") is None


async def test_one_that_is_gone_from_the_configuration_stays_visible(empty: Store) -> None:
    made = Builder()
    made.calls("gone", "Client.GetClients", [3])
    await made.fill(empty)
    seen = await queries.Review(empty, catalogue(), config()).overview(NOW)
    found = next(each for each in seen.integrations if each.integration == "gone")
    assert (found.configured, found.old_calls) == (False, 10)
    assert len(seen.integrations) == len(INTEGRATIONS) + 1


async def test_last_call_before_the_window_is_told(empty: Store) -> None:
    made = Builder()
    made.calls("crm", "Client.GetClients", [60])
    made.caller("crm", "x", "y", 10, 60)
    await made.fill(empty)
    seen = await card(empty, "crm")
    assert (seen.done, seen.old_calls, seen.last_old) == (True, 0, made.at(60))


async def test_rungs_of_the_configuration_give_way_to_those_of_the_store(store: Store) -> None:
    configured = config({"crm": {"*": "locked", "Client.EditClient": "v3"}})
    seen = await queries.Review(store, catalogue(), configured).scorecard(NOW, "crm")
    assert seen is not None
    assert use(seen, "Client.AddClient").rung == "locked"
    assert use(seen, "Client.EditClient").rung == "compare"
    assert use(seen, "Client.GetClientDetails").rung == "v3"
    uses = queries.uses_of(
        await queries.Review(store, catalogue(), configured).overview(NOW), "Client.AddClient"
    )
    assert [(each.rung, each.ported) for each in uses] == [("locked", True)]
    everybody = await queries.Review(store, catalogue(), configured).overview(NOW)
    assert next(each for each in everybody.integrations if each.integration == "crm").left == 1


async def test_a_rung_is_not_done_while_old_calls_come(empty: Store) -> None:
    made = Builder()
    made.calls("crm", "Client.GetClients", [2, 0])
    made.rung("crm", "*", "locked", 1)
    await made.fill(empty)
    seen = await card(empty, "crm")
    assert (seen.left, seen.done) == (0, False)
    later = await card(empty, "crm", timedelta(days=29))
    assert (later.left, later.done) == (0, False), "an old call came after the rung was set"


async def test_operations_of_all_integrations(store: Store) -> None:
    found = queries.uses_of(
        await queries.Review(store, catalogue(), config()).overview(NOW), "Client.GetClients"
    )
    assert [(each.integration, each.calls) for each in found] == [
        ("portal", 800),
        ("crm", 550),
        ("ledger", 504),
    ]


# ---- findings ----


async def test_findings_worst_first_and_open_before_closed(store: Store) -> None:
    found = await finding_queries.findings(store, NOW)
    assert [each.severity for each in found] == [
        "refused", "loss", "warning", "warning", "warning", "notice", "notice", "info", "warning",
    ]  # fmt: skip
    assert [each.open for each in found] == [True] * 8 + [False]


@pytest.mark.parametrize(
    ("which", "count"),
    [
        (FindingFilter(integration="crm"), 3),
        (FindingFilter(operation="Client.AddClient"), 1),
        (FindingFilter(code="field-kept"), 3),
        (FindingFilter(severity="refused"), 1),
        (FindingFilter(state="acknowledged"), 2),
        (FindingFilter(open=False), 1),
        (FindingFilter(text="INDUSTRY"), 3),
        (FindingFilter(text="kept by the shim"), 3),
        (FindingFilter(integration="crm", text="emul"), 1),
        (FindingFilter(integration="nobody"), 0),
    ],
    ids=repr,
)
async def test_filters(store: Store, which: FindingFilter, count: int) -> None:
    assert len(await finding_queries.findings(store, NOW, which)) == count


async def test_fixed_is_verified_by_a_later_call_of_either_side(empty: Store) -> None:
    made = Builder()
    for name, operation, new in (
        ("old", "Client.EditClient", False),
        ("new", "Organization.EditOrganization", True),
        ("other", "Organization.AddOrganization", True),
        ("quiet", "Client.EditClient", False),
    ):
        made.finding(
            name,
            "Client.EditClient",
            "field-kept",
            "industry",
            days_ago=[5],
            state="fixed",
            state_at=made.at(3),
        )
        made.calls(name, operation, [4 if name == "quiet" else 1], new=new)
    await made.fill(empty)
    states = {each.integration: each.state for each in await finding_queries.findings(empty, NOW)}
    assert states == {"old": "verified", "new": "verified", "other": "fixed", "quiet": "fixed"}


async def test_the_page_of_a_finding_has_all_of_it(store: Store) -> None:
    [row] = await finding_queries.findings(
        store, NOW, FindingFilter(integration="crm", operation="Client.AddClient")
    )
    page = await finding_queries.finding(store, NOW, row.id)
    assert page is not None
    assert page.row == row
    assert page.sample is not None
    assert [each.operation for each in page.sample.calls] == ["Organization.AddOrganization"]
    assert "{company}" in page.sample.calls[0].xml
    assert "<industry>{industry}</industry>" in page.sample.old
    assert len(page.days) == 21
    assert [each.count for each in [row]] == [sum(count for _, count in page.days)]
    assert [(each.who, each.became) for each in page.history] == [
        ("ann", "acknowledged"),
        ("bob", "acknowledged"),
    ]
    assert page.do
    assert page.meaning


async def test_there_is_no_page_for_what_is_not_there(store: Store) -> None:
    assert await finding_queries.finding(store, NOW, 999) is None


OF_A_RELEASE_BEFORE = {("Extension.SetupExtension", "queue/service")}
"""Findings stay in the log when a later release carries what was kept."""


def test_the_world_fits_the_catalogue() -> None:
    known = {**catalogue().old.operations, **catalogue().new.operations}
    assert {row["operation"] for row in world().rows[USAGE]} <= set(known)
    for row in world().rows[FINDINGS]:
        fates = catalogue().translations[row["operation"]].fates
        found = {each.path for each in fates if each.finding == row["code"]}
        known_before = (row["operation"], row["path"]) in OF_A_RELEASE_BEFORE
        assert row["path"] in found or known_before or row["severity"] in ("info", "notice"), row["path"]


async def test_the_number_of_queries_does_not_depend_on_how_much_there_is(empty: Store) -> None:
    asked: list[str] = []

    def count(connection: object, cursor: object, statement: str, *_more: object) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append(statement)

    async def cost() -> list[int]:
        found = []
        for ask in (
            lambda: queries.Review(empty, catalogue(), config()).overview(NOW),
            lambda: queries.Review(empty, catalogue(), config()).scorecard(NOW, "crm"),
            lambda: queries.logins(empty, most=5),
            lambda: finding_queries.findings(empty, NOW, catalogue=catalogue()),
            lambda: finding_queries.pages(empty, NOW, catalogue=catalogue()),
        ):
            asked.clear()
            await ask()
            found.append(len(asked))
        return found

    engine = empty._engine.sync_engine
    made = Builder()
    made.calls("crm", "Client.GetClients", [1])
    made.finding("crm", "Client.GetClients", "field-kept", "x", state="fixed", state_at=made.at(2))
    await made.fill(empty)
    sa.event.listen(engine, "before_cursor_execute", count)
    few = await cost()
    more = Builder()
    for number in range(20):
        for operation in ("Client.AddClient", "Client.EditClient", "Report.CallReport"):
            more.calls(f"integration-{number}", operation, range(10))
            more.finding(
                f"integration-{number}", operation, "field-kept", "x", state="fixed", state_at=made.at(2)
            )
            more.rows[FINDINGS][-1]["id"] += 1
    for row in more.rows.pop(FINDING_DAYS):
        more.add(FINDING_DAYS, **{**row, "finding": row["finding"] + 1})
    await more.fill(empty)
    assert await cost() == few
    assert max(few) <= 8
