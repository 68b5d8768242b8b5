"""Rereading the configuration: which settings are taken over, and that every setting is one or the other."""

from __future__ import annotations

import re
from pathlib import Path

from shim.edge.reload import LIVE, changes, is_live, live_only, taken_over
from shim.edge.settings.load import Config, describe, load_config

ROOT = Path(__file__).parents[2]


def config(**overrides: object) -> Config:
    return load_config(None, {"backend.url": "https://v3.example.com", **overrides}, environ={})


def test_everything_that_is_said_to_be_taken_over_is_a_setting_or_a_section() -> None:
    keys = [each.key for each in describe()]
    for live in LIVE:
        assert any(key == live or key.startswith((f"{live}.", f"{live}[")) for key in keys), live


def test_the_documentation_names_what_is_taken_over() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    listed = re.search(r"<!-- taken over.*?-->\n(.*?)<!-- /taken over -->", text, re.DOTALL)
    assert listed
    assert listed[1] == "".join(f"- `{key}`\n" for key in LIVE)


def test_what_is_taken_over_and_what_waits_is_told_by_name_without_values() -> None:
    running = config()
    wanted = config(
        **{
            "limits.body": 2 << 20,
            "listen.drain": 3,
            "listen.port": 9000,
            "backend.url": "https://zqmark.example.com",
            "backend.retry.attempts": 2,
        }
    )
    assert live_only(wanted, running) == (
        ("limits.body", "listen.drain"),
        ("backend.retry.attempts", "backend.url", "listen.port"),
    )


def test_what_waits_for_a_restart_goes_on_as_it_runs() -> None:
    running = config()
    wanted = config(**{"limits.body": 2 << 20, "listen.port": 9000, "listen.drain": 3})
    merged = taken_over(running, wanted)
    assert (merged.limits.body, merged.listen.drain) == (2 << 20, 3)
    assert merged.listen.port == running.listen.port
    assert set(changes(merged, wanted)) == {"listen.port"}
    assert set(changes(running, merged)) == {"limits.body", "listen.drain"}


def test_a_section_that_is_taken_over_is_so_with_all_that_it_holds() -> None:
    assert is_live("limits.body")
    assert is_live("conduct")
    assert not is_live("limitsless")
    assert not is_live("backend.url")
