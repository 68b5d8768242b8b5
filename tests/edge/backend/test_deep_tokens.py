"""An answer of the token endpoint that is nested without end is no token, and no error of the shim."""

from __future__ import annotations

import httpx
import pytest
from aiohttp.test_utils import make_mocked_request

from shim.core.errors import BackendError
from shim.edge.backend import tokens
from shim.edge.native import token_endpoint
from shim.edge.native.passthrough import PassThroughRules
from shim.edge.native.relay import Sizes

DEEP = b"[" * 200_000


def test_deep_json_is_no_token() -> None:
    with pytest.raises(BackendError, match="no token"):
        tokens._granted(httpx.Response(200, content=DEEP))
    assert tokens._error(httpx.Response(400, content=DEEP)) == ""
    assert token_endpoint._granted(DEEP) is None


def test_a_large_form_is_not_taken_apart_to_see_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def parse(form: str, **_: int) -> dict[str, list[str]]:
        taken.append(len(form))
        return {"client_id": ["k"]}

    monkeypatch.setattr(token_endpoint, "parse_qs", parse)
    rules = PassThroughRules(1 << 20, 1.0, Sizes(1, 1))
    tokens = token_endpoint.NativeTokens(None, "", None, None, rules, list)  # type: ignore[arg-type]
    request = make_mocked_request("POST", token_endpoint.PATH)
    assert tokens._app(request, b"client_id=k").key == "k"
    assert tokens._app(request, b"client_id=k" + b"%41" * 300_000).key is None
    assert taken == [11]
