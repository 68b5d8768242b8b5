"""Every direct dependency has its reason written down, and what is imported is one."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAGE = (ROOT / "docs" / "decisions" / "0006-dependencies.md").read_text("utf-8")
COMPANIONS = {
    "yarl": "aiohttp",
    "multidict": "aiohttp",
    "requests": "zeep",
    "pytest-asyncio": "pytest-aiohttp",
    "markupsafe": "jinja2",
}
COMPANIONS |= {
    f"opentelemetry-{each}": "opentelemetry-sdk"
    for each in (
        *("api", "proto", "semantic-conventions", "exporter-http-transport"),
        *("exporter-otlp-common", "exporter-otlp-proto-common"),
    )
}
"""Imported as part of the interface of another package, which brings them."""
OURS = {"shim", "translations", "tests", "bench"}
SHIPPED = ("shim", "translations")


def plain(name: str) -> str:
    return re.split(r"[\[><=~! ]", name)[0].lower().replace("_", "-")


def declared(*extras: str) -> set[str]:
    optional = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in optional[extra])]
    return {plain(line) for line in lines}


def reasoned() -> set[str]:
    """What the first column of the table of packages names."""
    table = PAGE.partition("| package | for |")[2].partition("\n\n")[0]
    cells = [re.sub(r" \(.*?\)", "", line.split("|")[1]) for line in table.splitlines()[2:]]
    return {plain(name.strip()) for cell in cells for name in cell.split(",")}


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: not those for the checker of types, which brings what it imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for each in node.orelse:
                yield each
                yield from _run(each)
        else:
            yield node
            yield from _run(node)


def imported(folder: str) -> Iterator[str]:
    for path in (ROOT / folder).rglob("*.py"):
        for node in _run(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (each.name.partition(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.partition(".")[0]


def packages(*folders: str) -> set[str]:
    """The packages of others that the modules of these folders import."""
    by_module = packages_distributions()
    names = {name for folder in folders for name in imported(folder)} - OURS - sys.stdlib_module_names
    return {plain(found[0]) for name in names if (found := by_module.get(name))}


def test_every_direct_dependency_has_a_reason_and_every_reason_a_dependency() -> None:
    assert reasoned() == declared("tour", "dev", "otel")


def test_what_is_imported_is_a_direct_dependency() -> None:
    assert packages(*SHIPPED) <= declared("tour", "otel") | set(COMPANIONS)
    assert packages("tests", "bench") <= declared("tour", "dev", "otel") | set(COMPANIONS)
    assert {COMPANIONS[name] for name in packages(*SHIPPED) & set(COMPANIONS)} <= declared("otel")


def test_vendored_files_are_where_the_decision_says() -> None:
    named = re.findall(r"^\| \S+ \(`(.+?)`\)", PAGE, re.MULTILINE)
    assert len(named) == 2
    for folder in named:
        assert list((ROOT / folder).glob("*.min.js")), folder
