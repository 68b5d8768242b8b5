"""Laws of the layout: small folders, one name a type, a test for each module, docs that name what exists."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_FILES = 20
MOST_LINES = 400
SOURCES = ("shim", "translations")
TABLE = ROOT / "tests" / "tested_where.txt"


def _modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_a_folder_has_no_more_files_than_one_can_look_through() -> None:
    many = Counter(_name(path.parent) for path in _modules(*SOURCES, "tests"))
    assert {folder: count for folder, count in many.items() if count > MOST_FILES} == {}


def test_every_folder_says_what_it_is() -> None:
    folders = {path.parent for path in _modules(*SOURCES) if "migrations" not in path.parts}
    silent = [_name(each) for each in folders if not _docstring(each / "__init__.py")]
    assert sorted(silent) == []


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) if path.is_file() else None


def _types(path: Path) -> Iterator[str]:
    """Public names of types that a module defines: classes, and other names for types."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        if re.fullmatch("[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*", name):
            yield name


def test_no_public_type_name_stands_in_two_modules() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path in _modules("shim"):
        for name in _types(path):
            where[name].append(_name(path))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_a_module_can_be_read_at_one_sitting() -> None:
    long = {_name(path): len(path.read_text("utf-8").splitlines()) for path in _modules(*SOURCES)}
    tables = {"shim/core/findings.py"}  # the codes and their texts, one below the other
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES and name not in tables} == {}


_EMPTY_NAMES = {"told", "said", "meant", "asked", "wanted", "found", "made"}


def _names(path: Path) -> Iterator[tuple[int, str]]:
    """The names that a module gives, with their lines: variables, parameters, fields, functions, classes."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name


def test_names_say_what_a_thing_is() -> None:
    """A participle leaves it to the reader to find out what was found: rows, a match, an account."""
    empty = [
        f"{_name(path)}:{line} {name}"
        for path in _modules(*SOURCES)
        for line, name in _names(path)
        if name.strip("_").lower() in _EMPTY_NAMES and name != "Made"  # the other half of `Taken`, in rules
    ]
    assert empty == []


def _table() -> dict[str, str]:
    lines = TABLE.read_text("utf-8").splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def test_every_module_has_a_test_of_its_name_or_a_line_that_says_where_it_is_tested() -> None:
    tests = {path.stem for path in _modules("tests")}
    modules = [path for path in _modules(*SOURCES) if not path.name.startswith("__")]
    needed = [path for path in modules if "migrations" not in path.parts and f"test_{path.stem}" not in tests]
    assert sorted(_table()) == [_name(path) for path in needed]


@pytest.mark.parametrize(("module", "test"), _table().items(), ids=list(_table()))
def test_where_it_says_that_a_module_is_tested_there_are_tests(module: str, test: str) -> None:
    assert (ROOT / module).is_file()
    assert re.search(r"^(async )?def test_|TestCase\b", (ROOT / test).read_text("utf-8"), re.MULTILINE)


_PATH = re.compile(r"`((?:shim|translations|tests|bench|deploy|docs|findings)/[\w./-]*\w)`")
_PACKAGES = r"shim\.(?:core|edge|review|cli|emulator|interfaces)|translations|tests"
_DOTTED = re.compile(rf"`((?:{_PACKAGES})(?:\.[a-z_0-9]+)+)`")


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]), ids=_name)
def test_pages_name_only_files_that_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    paths = {each for each in _PATH.findall(text) if not (ROOT / each).exists()}
    assert paths | {each for each in _DOTTED.findall(text) if not _there(each)} == set()


def _there(dotted: str) -> bool:
    """Whether a dotted name is a module, a package, or something in one."""
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir() or path.parent.with_suffix(".py").is_file()


@pytest.mark.parametrize("page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_has_a_date_a_status_and_consequences(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.search(r"^20\d\d-\d\d-\d\d, (accepted|superseded)\b", text, re.MULTILINE)
    for part in ("Context", "Decision", "Consequences"):
        assert re.search(rf"^(## {part}$|\*\*{part}\.\*\*)", text, re.MULTILINE), part


def test_docstrings_open_with_what_a_thing_is() -> None:
    """Not with a question: `What ...` and `Whether ...` leave it to the reader to find the noun."""
    asking = [
        f"{_name(path)}: {line.strip()}"
        for path in _modules(*SOURCES)
        for line in path.read_text("utf-8").splitlines()
        if re.match(r' *"""(What|Whether)\b', line)
    ]
    assert asking == []


def test_docstrings_name_only_modules_that_exist() -> None:
    wrong = {
        f"{_name(path)}: {each}"
        for path in _modules(*SOURCES)
        for each in _DOTTED.findall(path.read_text("utf-8"))
        if not _there(each)
    }
    assert wrong == set()


def test_what_steps_are_is_said_once() -> None:
    said = [_name(path) for path in _modules(*SOURCES) if "Generator[AnyCommand" in path.read_text("utf-8")]
    assert said == ["shim/core/commands/steps.py"]
