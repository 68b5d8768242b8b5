"""A LinkedOp of journalled calls: each is all or nothing by itself, the list is not; equal ones stay two."""

from __future__ import annotations

from shim.core.message import Element
from shim.core.pipeline import Outcome
from shim.edge.store.database import Store
from shim.interfaces.load import old
from tests.journal.fixture import SECRET, JournalFixture, Killed, added, check_identities, orphans
from tests.journal.test_calls import ADD
from tests.support.conversation import old_request
from tests.support.messages import package

PATH = "/soap2/globalop_agent.php"
MOST = 200
FAILING = [("ID", "4711"), ("name", "Nobody")]


def linked(*calls: tuple[str, list[tuple[str, str]]]) -> bytes:
    """A LinkedOp of Extension calls; each ends it by failing."""
    operations = []
    for number, (name, fields) in enumerate(calls):
        operation = old().operations[f"Extension.{name}"]
        request = Element(operation.input.name, children=[Element(*each) for each in fields])
        said = [Element("identifier", str(number)), package(operation, request), Element("finalOnFailure", "1")]
        operations.append(Element("operation", children=said))
    whole = Element("LinkedOpRequest", children=operations)
    return old_request(old().operations["GlobalOp.LinkedOp"], whole)


def results(outcome: Outcome) -> list[str]:
    assert outcome.answer is not None, outcome.fault
    return [each.partition("<")[0] for each in outcome.answer.decode().split(":result>")[1::2]]


TWO = linked(("AddExtension", [*ADD, ("forceUpdate", "1")]), ("AddExtension", [*ADD, ("forceUpdate", "1")]))
UNDONE = linked(("AddExtension", ADD), ("EditExtension", FAILING))


async def test_two_equal_operations_of_one_list_stay_two(fixture: JournalFixture) -> None:
    assert results(await fixture.process().post(PATH, TWO)) == ["success", "success"]
    assert len(added(fixture)[1]) == 2


async def test_a_list_whose_answer_nobody_received_is_not_done_twice(fixture: JournalFixture) -> None:
    await fixture.process().post(PATH, TWO, received=False)
    assert results(await fixture.process().post(PATH, TWO)) == ["success", "success"]
    assert len(added(fixture)[1]) == 2


async def test_what_was_undone_is_done_anew_by_an_equal_list(fixture: JournalFixture) -> None:
    outcome = await fixture.process().post(PATH, UNDONE, received=False)
    assert results(outcome) == ["failure", "failure"]
    assert added(fixture) == ([], [])
    assert [each.code for each in outcome.findings][-1] == "package-undone"
    outcome = await fixture.process().post(PATH, linked(("AddExtension", ADD)))
    assert results(outcome) == ["success"]
    assert len(added(fixture)[1]) == 1
    await check_identities(fixture)


async def test_what_cannot_be_undone_stays_a_success(fixture: JournalFixture) -> None:
    fixture.trouble.actions["User.DelUser", 0] = "fault:520"
    outcome = await fixture.process().post(PATH, UNDONE)
    assert results(outcome) == ["success", "failure"]
    assert len(added(fixture)[1]) == 1
    assert [each.code for each in outcome.findings][-1] == "package-not-undone"


async def test_killed_at_every_boundary_each_operation_is_all_or_nothing(store: Store) -> None:
    done = set()
    for number in range(MOST):
        fixture = JournalFixture(store)
        await fixture.clear()
        fixture.trouble.kill_at = [number]
        try:
            await fixture.process().post(PATH, TWO)
        except Killed:
            await fixture.recover()
        else:
            break
        assert not orphans(fixture)
        await check_identities(fixture)
        assert SECRET not in await fixture.text()
        assert not await fixture.process().journal.entries("running", "undoing", "paused")
        done.add(len(added(fixture)[1]))
    assert 20 < number < MOST - 1
    assert done == {0, 1, 2}
