"""What tests of the sweeps share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shim.edge import catalogue


@pytest.fixture
def own_catalogue() -> Iterator[None]:
    """A catalogue that nobody else in this process has, for tests that break it on purpose."""
    catalogue._compiled.cache_clear()
    yield
    catalogue._compiled.cache_clear()
