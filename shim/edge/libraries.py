"""Libraries, loaded without what they load for programs that are no servers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def load_for_serving() -> None:
    """To be called before anything else loads them; afterwards it is without effect.

    structlog colours tracebacks where rich is installed (ours are text before it sees them), httpx has a
    command line where rich, pygments and click are, and pydantic looks for plugins among all packages, to give
    them the settings.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with _without("rich"):
        import structlog  # noqa: F401, PLC0415
    with _without("httpx._main"):
        import httpx  # noqa: F401, PLC0415


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Have imports of a module fail as where it is not installed, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # importlib takes it for one that is not there
    try:
        yield
    finally:
        del sys.modules[module]
