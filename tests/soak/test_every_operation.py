"""For each operation, many generated requests through the whole shim: valid answers or documented faults.

`make soak` sends a hundred thousand of them. A class a service, so that workers share them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from shim.core.errors import BackendError, BackendRefused, Fault, ShimError
from shim.core.message import Element
from shim.core.rules.table import ChildRule
from shim.interfaces.load import old
from tests.soak.fixture import fixture
from tests.soak.judge import wrong_fault
from tests.soak.run import as_text, messages

EACH = 300
LEAST = 0.2
"""The least share of messages of each operation that end in an answer, or faults only would be tested."""

pytestmark = pytest.mark.slow


async def sweep(service: str) -> None:
    """Every operation of a service: nothing is wrong with any message, and enough are answered."""
    answered: Counter[str] = Counter()
    async with fixture() as at:
        names = [each for each in at.catalogue.translations if each.startswith(f"{service}.")]
        assert len(names) == len(old().services[service].operations)
        for name in names:
            async for number, sent, problem in messages(at, name, range(EACH)):
                assert problem is None, f"{name}, message {number}: {problem}\n{as_text(sent)}"
                answered[name] += sent.outcome.fault is None
    assert {name: answered[name] for name in names if answered[name] < EACH * LEAST} == {}


class TestAccount:
    async def test_sweep(self) -> None:
        await sweep("Account")


class TestBilling:
    async def test_sweep(self) -> None:
        await sweep("Billing")


class TestChannel:
    async def test_sweep(self) -> None:
        await sweep("Channel")


class TestClient:
    async def test_sweep(self) -> None:
        await sweep("Client")


class TestExtension:
    async def test_sweep(self) -> None:
        await sweep("Extension")


class TestGlobalOp:
    async def test_sweep(self) -> None:
        await sweep("GlobalOp")


class TestPBX:
    async def test_sweep(self) -> None:
        await sweep("PBX")


class TestReport:
    async def test_sweep(self) -> None:
        await sweep("Report")


class TestReseller:
    async def test_sweep(self) -> None:
        await sweep("Reseller")


def _vanishes(entry: ChildRule) -> None:
    entry.elsewhere = True


def _lands_elsewhere(entry: ChildRule) -> None:
    entry.name = "notes"


def _changes(entry: ChildRule) -> None:
    entry.plain, entry.read = False, str.upper


def _is_computed_away(entry: ChildRule) -> None:
    def act(child: Element, into: Element, work: object) -> None:
        return

    entry.act = act


@pytest.mark.usefixtures("own_catalogue")
class TestTheJudge:
    """It can fail: a translation that is broken on purpose is found out."""

    @pytest.mark.parametrize("breaks", [_vanishes, _lands_elsewhere, _changes, _is_computed_away])
    async def test_a_broken_translation_is_found(self, breaks: Callable[[ChildRule], None]) -> None:
        async with fixture() as at:
            breaks(at.catalogue.translations["Client.EditClient"].request.entries["address"])
            problems = {problem async for _, _, problem in messages(at, "Client.EditClient", range(60))}
        assert problems == {None, "nothing tells of address"}

    async def test_an_account_that_is_not_named_to_v3_is_found(self) -> None:
        async with fixture() as at:
            _is_computed_away(at.catalogue.translations["PBX.AddDevice"].request.entries["ownerID"])
            problems = {problem async for _, _, problem in messages(at, "PBX.AddDevice", range(60))}
        assert problems == {None, "nothing tells of ownerID"}

    @pytest.mark.parametrize(
        ("fault", "told"),
        [
            (BackendRefused("backend-fault", "No.", "100"), None),
            (BackendRefused("backend-fault", "No.", "999"), "the code 999 is not documented"),
            (ShimError("internal-error", "Oh."), "a fault of the shim's own: internal-error: Oh."),
            (BackendError("backend-nonsense", "Oh."), "a fault of the shim's own: backend-nonsense: Oh."),
        ],
    )
    def test_faults(self, fault: Fault, told: str | None) -> None:
        assert wrong_fault(fault) == told
