"""How many connections there are file descriptors for."""

from __future__ import annotations

import errno
import os
import resource
from contextlib import ExitStack

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
    assert descriptors.raise_limit(few) == descriptors.descriptors_needed(few) == 1000 + 240
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


def test_what_is_lacking_is_counted_whatever_uses_it(limits: list[tuple[int, int]]) -> None:
    used = len(os.listdir("/dev/fd")) - 1
    limits.append((used + 40, 4096))
    assert descriptors.spare(used + 40) <= 32
    with ExitStack() as opened:
        for _ in range(40 - descriptors.spare(used + 40)):
            opened.enter_context(open(os.devnull))
        assert descriptors.missing() == 0
        for _ in range(3):
            last = opened.enter_context(open(os.devnull))
        assert descriptors.missing() == 3
        assert descriptors.is_among_the_last(used + 40 - 1)
        assert not descriptors.is_among_the_last(last.fileno() - 40)


def test_with_no_descriptor_to_look_with_all_that_is_kept_free_is_lacking(
    limits: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: str) -> list[str]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "listdir", refuses)
    assert descriptors.missing() == descriptors.spare(1024) == 32
    limits.append((64, 64))
    assert descriptors.missing() == descriptors.spare(64) == 8


def test_without_a_limit_nothing_is_lacking(limits: list[tuple[int, int]]) -> None:
    limits.append((resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert descriptors.missing() == 0
    assert not descriptors.is_among_the_last(1 << 20)


@pytest.mark.usefixtures("limits")
def test_check_says_what_to_set() -> None:
    assert not [each for each in cautions(config(1000)) if "descriptors" in each]
    [told] = [each for each in cautions(config(10_000)) if "descriptors" in each]
    assert "takes 3856 connections instead of 10000" in told
    assert "LimitNOFILE=10240" in told
