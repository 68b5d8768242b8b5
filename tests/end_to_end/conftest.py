"""A backend and a shim in front of it: shared by the tests of a module, or fresh for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.end_to_end.running import Backend, Shim, StartShim, Tls, make_tls, running_shim


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    """`shim serve` with the demo world, for all tests of the module."""
    with running_shim(backend.url, tls) as running:
        yield running


@pytest.fixture
def start_shim(backend: Backend, tls: Tls) -> Iterator[StartShim]:
    """Starts a shim of the test's own; `changes` to its configuration have dotted keys."""
    with ExitStack() as running:

        def start(changes: dict[str, Any] | None = None, backend_url: str = backend.url) -> Shim:
            return running.enter_context(running_shim(backend_url, tls, changes))

        yield start
