"""An answer of the token endpoint that is nested without end is no token, and no error of the shim."""

from __future__ import annotations

import httpx
import pytest

from shim.core.errors import BackendError
from shim.edge import native_tokens, tokens

DEEP = b"[" * 200_000


def test_deep_json_is_no_token() -> None:
    with pytest.raises(BackendError, match="no token"):
        tokens._granted(httpx.Response(200, content=DEEP))
    assert tokens._error(httpx.Response(400, content=DEEP)) == ""
    assert native_tokens._granted(DEEP) is None
