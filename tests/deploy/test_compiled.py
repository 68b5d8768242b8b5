"""Compiled modules of the core run only where they are made of the sources beside them; else the sources do."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from shim import compiled
from shim.core import parse

ROOT = Path(__file__).parents[2]


def test_every_module_to_compile_is_there() -> None:
    missing = [name for name in compiled.MODULES if not (ROOT / f"{name.replace('.', '/')}.py").is_file()]
    assert missing == []


def test_what_runs_is_what_is_told() -> None:
    """Not by the attribute alone: where the module came from says it too."""
    assert parse.__file__ is not None
    assert parse.__file__.endswith(".py") == (compiled.FORM == "sources") == bool(compiled.PROBLEM)


def test_switched_off_the_sources_run() -> None:
    told = _run("from shim.core import parse; print(parse.__file__)", SHIM_COMPILED="0")
    assert told.stdout.strip().endswith("shim/core/parse.py")


def test_every_compiled_class_is_known_to_the_collector() -> None:
    """One that is not must never be freed in a deep tree: the interpreter then writes before its memory."""
    tracked = 1 << 14  # Py_TPFLAGS_HAVE_GC
    unknown = [
        f"{name}.{each.__name__}"
        for name in compiled.MODULES
        for each in vars(importlib.import_module(name)).values()
        if isinstance(each, type) and each.__module__ == name and not each.__flags__ & tracked
    ]
    assert unknown == []


def test_a_message_as_deep_as_is_taken_leaves_the_memory_whole() -> None:
    """Python's allocator judges the bounds of what is freed, and ends the process if something wrote there."""
    program = (
        "from shim.core.parse import Limits, parse\n"
        "inside = Limits().depth - 3\n"
        "body = '<a>' * inside + '</a>' * inside\n"
        "soap = 'http://schemas.xmlsoap.org/soap/envelope/'\n"
        "message = f'<e:Envelope xmlns:e=\"{soap}\"><e:Body>{body}</e:Body></e:Envelope>'.encode()\n"
        "for _ in range(20):\n"
        "    parse(message)\n"
    )
    assert _run(program, PYTHONMALLOC="debug").stderr == ""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package folder whose stamp says that it was compiled of its sources."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core/parse.py").write_text("A = 1\n")
    _stamp(tmp_path, digest=compiled.digest(tmp_path), suffix=compiled.suffix())
    return tmp_path


def _stamp(package: Path, **facts: str) -> None:
    (package / compiled.STAMP).write_text(json.dumps(facts))


def _problem(package: Path, monkeypatch: pytest.MonkeyPatch, switch: str = "1") -> str:
    monkeypatch.setenv(compiled.SWITCH, switch)
    return compiled.problem(package)


def test_compiled_of_these_sources(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _problem(package, monkeypatch) == ""
    assert _problem(package, monkeypatch, "0") == "SHIM_COMPILED=0"


@pytest.mark.parametrize("name", ["core/parse.py", "core/further.py"])
def test_a_changed_or_new_source_switches_compiled_modules_off(
    package: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (package / name).write_text("A = 2\n")
    assert _problem(package, monkeypatch) == "its sources were changed since it was compiled"


def test_another_python_runs_the_sources(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stamp(package, digest=compiled.digest(package), suffix=".cpython-399-other.so")
    assert _problem(package, monkeypatch) == "it was compiled for another Python"


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        (None, "it was not compiled"),
        ("no JSON", "it was not compiled"),
        ('{"problem": "no C compiler (cc) when it was installed"}', "no C compiler (cc) when it was installed"),
    ],
)
def test_why_it_is_not_compiled_is_told(
    package: Path, monkeypatch: pytest.MonkeyPatch, stamp: str | None, told: str
) -> None:
    (package / compiled.STAMP).unlink()
    if stamp is not None:
        (package / compiled.STAMP).write_text(stamp)
    assert _problem(package, monkeypatch) == told


def _hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _little(folder: Path) -> Path:
    """A checkout with hardly anything in it, to be compiled."""
    (folder / "shim/core").mkdir(parents=True)
    for name in ("__init__.py", "compiled.py"):
        shutil.copy(ROOT / "shim" / name, folder / "shim" / name)
    return folder


def test_without_a_compiler_it_is_installed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _little(tmp_path)
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    monkeypatch.setenv(compiled.SWITCH, "1")
    stale = root / "shim/core/parse.so"
    stale.write_bytes(b"")
    problem = _hook().compile_in_place(root)
    assert problem == f"no C compiler ({tmp_path / 'no-compiler'}) when it was installed"
    assert compiled.problem(root / "shim") == problem
    assert not stale.exists()


def test_compiling_that_fails_is_no_failed_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever it fails at: here there is nothing to compile."""
    monkeypatch.setenv(compiled.SWITCH, "1")
    hook = _hook()
    monkeypatch.setattr(hook, "_require_tools", lambda: None)
    assert hook.compile_in_place(_little(tmp_path)) == "compiling failed when it was installed"
    assert "shim/core/admit.py" in capfd.readouterr().err


def _run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
