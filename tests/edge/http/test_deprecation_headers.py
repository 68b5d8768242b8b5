"""The HTTP headers that tell of deprecation, as their standards have them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from shim.core.commands.caller import Caller, NoticeForms
from shim.edge.http.deprecation_headers import DeprecationHeaders, deprecation_headers
from shim.edge.settings.model import Config, DeprecationSettings


def config(**sections: Any) -> Config:
    return Config.model_validate({"backend": {"url": "https://v3.example"}, **sections})


def test_all_three_headers() -> None:
    told = DeprecationSettings(
        since=date(2026, 1, 1), sunset=date(2027, 6, 30), link="https://voip.example/porting?v=2.5"
    )
    assert deprecation_headers(told) == {
        "Deprecation": "@1767225600",
        "Sunset": "Wed, 30 Jun 2027 00:00:00 GMT",
        "Link": '<https://voip.example/porting?v=2.5>; rel="deprecation", '
        '<https://voip.example/porting?v=2.5>; rel="sunset"',
    }


def test_what_is_not_known_stays_away() -> None:
    assert deprecation_headers(DeprecationSettings()) == {"Deprecation": "@1767225600"}
    assert deprecation_headers(DeprecationSettings(since=None)) == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"since": "2026-01-02", "sunset": "2026-01-01"},
        {"link": "porting.html"},
        {"link": "https://voip.example/a b"},
        {"link": "https://voip.example/>, <https://elsewhere.example/"},
        {"link": "https://voip.example/\r\nSet-Cookie: a=b"},
        {"link": 'https://voip.example/"'},
        {"link": "https://voip.example/\u00fc"},
        {"since": "soon"},
    ],
)
def test_what_cannot_be_told_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DeprecationSettings.model_validate(settings)


def test_each_caller_is_told_by_its_own_switch_and_a_stranger_by_that_of_all() -> None:
    on, off = Caller("on", tell=NoticeForms()), Caller("off", tell=NoticeForms(http=False))
    telling = DeprecationHeaders(config())
    assert (set(telling.headers(on)), set(telling.headers(off))) == ({"Deprecation"}, set())
    assert set(telling.headers(None)) == {"Deprecation"}
    assert not DeprecationHeaders(config(conduct={"tell": {"http": False}})).headers(None)
