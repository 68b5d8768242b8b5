"""How many connections there are file descriptors for."""

from __future__ import annotations

import resource

import pytest

from shim.cli.check.warnings import cautions
from shim.edge.http import descriptors
from shim.edge.settings.model import Config


def config(most: int) -> Config:
    return Config.model_validate(
        {"backend": {"url": "https://v3.example", "in_flight": 32}, "listen": {"max_connections": most}}
    )


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The process's limits as it sets them; the last holds."""
    kept = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: kept[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: kept.append(new))
    return kept


def test_the_process_allows_itself_what_it_needs_as_far_as_it_may(limits: list[tuple[int, int]]) -> None:
    few, many = config(1000), config(10_000)
    assert descriptors.raise_limit(few) == descriptors.wanted(few) == 1000 + 240
    assert limits[-1] == (1240, 4096)
    assert descriptors.room(few, 1240) == 1000
    assert descriptors.raise_limit(many) == 4096
    assert descriptors.room(many, 4096) == 4096 - 240


@pytest.mark.parametrize("refusal", [ValueError("not allowed"), PermissionError(1, "not permitted")])
def test_a_limit_that_may_not_be_raised_stays(
    limits: list[tuple[int, int]], refusal: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: int, new: tuple[int, int]) -> None:
        raise refusal

    monkeypatch.setattr(resource, "setrlimit", refuses)
    assert descriptors.raise_limit(config(1000)) == 1024
    assert limits == [(1024, 4096)]


def test_there_is_room_for_one_at_least() -> None:
    assert descriptors.room(config(1000), 64) == 1


@pytest.mark.usefixtures("limits")
def test_check_says_what_to_set() -> None:
    assert not [each for each in cautions(config(1000)) if "descriptors" in each]
    [told] = [each for each in cautions(config(10_000)) if "descriptors" in each]
    assert "takes 3856 connections instead of 10000" in told
    assert "LimitNOFILE=10240" in told
