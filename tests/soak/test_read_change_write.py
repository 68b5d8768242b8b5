"""Read with the old API, change one field, write it back, read again: exactly that field differs.

For every pair of operations that write and read the same thing, with the whole of what was read and with the
changed field alone, kept values included. What differs otherwise is a defect of the shim or of the emulator.
"""

from __future__ import annotations

import pytest

from shim.core.schema.interface import paths
from shim.interfaces.load import old
from tests.soak.change import Changing
from tests.soak.fixture import ShimFixture, fixture
from tests.soak.pairs import CODED, FOLLOWING, NAMED, SKIPPED, VALUES, Named, Pair, pairs

PAIRS = {each.write.full_name: each for each in pairs(old())}
SERVICES = sorted({each.write.service for each in PAIRS.values()})

pytestmark = pytest.mark.slow


def named(name: str) -> tuple[Named, ...]:
    found = NAMED[name]
    return found if isinstance(found, tuple) else (found,)


async def results(at: ShimFixture, pair: Pair, *, whole: bool) -> tuple[int, list[str]]:
    """How many fields were changed, and what was wrong."""
    changed, wrong = 0, []
    for each in named(pair.write.full_name):
        await at.restore()
        changing = Changing(at, pair, each)
        changed += len(list(changing.fields()))
        found = await changing.results(whole=whole)
        wrong += [f"{pair.write.full_name} {result.field}: {result.wrong}" for result in found]
    return changed, wrong


@pytest.mark.parametrize("whole", [True, False], ids=["all that was read", "the field alone"])
@pytest.mark.parametrize("service", SERVICES)
async def test_exactly_the_field_that_was_changed_differs(service: str, whole: bool) -> None:
    wrong = []
    async with fixture() as at:
        for pair in [each for each in PAIRS.values() if each.write.service == service]:
            changed, found = await results(at, pair, whole=whole)
            assert changed, f"{pair.write.full_name}: no field was changed"
            wrong += found
    assert not wrong


@pytest.mark.usefixtures("own_catalogue")
async def test_a_field_that_is_lost_or_lands_elsewhere_is_found() -> None:
    async with fixture() as at:
        entries = at.catalogue.translations["Client.EditClient"].request.entries
        entries["phone"].elsewhere = True
        entries["fax"].name = "city"
        _, wrong = await results(at, PAIRS["Client.EditClient"], whole=False)
    assert wrong == [
        "Client.EditClient phone: phone differs",
        "Client.EditClient fax: city differs, fax missing",
    ]


@pytest.mark.usefixtures("own_catalogue")
async def test_a_kept_value_that_is_not_given_back_is_found() -> None:
    async with fixture() as at:
        translation = at.catalogue.translations["Client.GetClientDetails"]
        translation.on_answer = ()
        _, wrong = await results(at, PAIRS["Client.EditClient"], whole=True)
    assert "Client.EditClient industry: industry missing" in wrong


def test_every_pair_is_named_and_every_exception_applies() -> None:
    assert set(NAMED) == set(PAIRS)
    for name, skipped in SKIPPED.items():
        there = {
            ours for each in PAIRS.values() if name in ("*", each.write.full_name) for ours, _ in each.fields
        }
        assert set(skipped) <= there
    for name, path in (*FOLLOWING, *CODED):
        assert path in {ours for ours, _ in PAIRS[name].fields}
    for name, values in VALUES.items():
        leaves = {
            path.rpartition("/")[2]
            for each in PAIRS.values()
            if name in ("*", each.write.full_name)
            for path, _ in paths(each.write.input)
        }
        assert set(values) <= leaves
