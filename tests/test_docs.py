"""The documentation says what the program does: made pages are fresh, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from shim.cli.coverage.data import rows
from shim.cli.coverage.pages import details, overview
from shim.cli.explain import backends
from shim.cli.explain.guide import operations_of, refreshed
from shim.core.findings import KINDS
from shim.review.api.openapi import document
from tests.support.conversation import catalogue

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ORDER = ("info", "notice", "warning", "loss", "refused")
INTRO = """# Findings

What did not map cleanly in a call. Each names a code of this table, the path in the old message, and why, and
never a value. Severities: *info* works the same; *notice* works, something moved; *warning* something is
emulated or kept by the shim; *loss* something was dropped; *refused* the call was refused.

"""


def findings_page() -> str:
    rows = ["| code | severity | meaning | what to do |", "|---|---|---|---|"]
    for code, kind in sorted(KINDS.items(), key=lambda item: (ORDER.index(item[1].severity), item[0])):
        rows.append(f"| `{code}` | {kind.severity} | **{kind.title}.** {kind.meaning} | {kind.do} |")
    return INTRO + "\n".join(rows) + "\n"


def test_the_page_of_findings_is_made_from_the_table() -> None:
    page = ROOT / "docs" / "findings.md"
    if os.environ.get("RECORD_DOCS"):
        page.write_text(findings_page(), "utf-8")
    assert page.read_text("utf-8") == findings_page(), "run RECORD_DOCS=1 make test ARGS=tests/test_docs.py"


def coverage_pages() -> dict[str, str]:
    """What the pages of the coverage have to say, by path below docs."""
    found = rows(catalogue())
    pages = {"coverage.md": "\n".join(overview(catalogue(), found)) + "\n"}
    for service in catalogue().old.services:
        members = [row for row in found if row.service == service]
        pages[f"coverage/{service.lower()}.md"] = "\n".join(details(catalogue(), members)) + "\n"
    return pages


def test_the_pages_of_the_coverage_are_those_that_the_program_makes() -> None:
    folder = ROOT / "docs"
    if os.environ.get("RECORD_DOCS"):
        (folder / "coverage").mkdir(exist_ok=True)
        for name, text in coverage_pages().items():
            (folder / name).write_text(text, "utf-8")
    there = {"coverage.md", *(f"coverage/{each.name}" for each in (folder / "coverage").iterdir())}
    committed = {name: (folder / name).read_text("utf-8") for name in sorted(there)}
    assert committed == coverage_pages(), "run RECORD_DOCS=1 make test ARGS=tests/test_docs.py"


def test_the_description_of_the_api_is_made_of_its_routes() -> None:
    page = ROOT / "docs" / "openapi.json"
    made = json.dumps(document(), indent=1) + "\n"
    if os.environ.get("RECORD_DOCS"):
        page.write_text(made, "utf-8")
    assert page.read_text("utf-8") == made, "run RECORD_DOCS=1 make test ARGS=tests/test_docs.py"


def test_the_porting_guide_says_what_the_declarations_say() -> None:
    page = ROOT / "docs" / "porting.md"
    made = refreshed(page.read_text("utf-8"), catalogue(), ROOT / "docs" / "examples")
    if os.environ.get("RECORD_DOCS"):
        page.write_text(made, "utf-8")
    assert page.read_text("utf-8") == made, "run RECORD_DOCS=1 make test ARGS=tests/test_docs.py"


def test_the_page_of_backends_says_what_the_interfaces_say() -> None:
    page = ROOT / "docs" / "backends.md"
    made = backends.refreshed(page.read_text("utf-8"))
    if os.environ.get("RECORD_DOCS"):
        page.write_text(made, "utf-8")
    assert page.read_text("utf-8") == made, "run RECORD_DOCS=1 make test ARGS=tests/test_docs.py"


def test_a_stale_section_is_made_anew_and_chapters_are_left_alone() -> None:
    page = (ROOT / "docs" / "porting.md").read_text("utf-8")
    changed = page.replace("| `client` | `organization` |", "| `client` | `customer` |")
    assert changed != page
    assert refreshed(changed, catalogue(), ROOT / "docs" / "examples") == page
    written = page.replace("## All other calls", "## The other calls")
    assert refreshed(written, catalogue(), ROOT / "docs" / "examples") == written


def test_the_porting_guide_explains_every_operation_that_has_an_example() -> None:
    folder = ROOT / "docs"
    explained = operations_of((folder / "porting.md").read_text("utf-8"))
    shown = sorted(each.stem for each in (folder / "examples").glob("*.xml"))
    assert sorted(name.partition(".")[2] for name in explained) == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_pages_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_word_of_the_vocabulary_is_explained() -> None:
    from shim.core.rules import vocabulary

    words = re.findall(r"^def (\w+)\(", Path(vocabulary.__file__).read_text("utf-8"), re.MULTILINE)
    page = (ROOT / "docs" / "writing-translations.md").read_text("utf-8")
    assert not [word for word in words if f"`{word}(" not in page]


def test_targets_and_commands_that_the_readme_names_are_there() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`?make (\w+)", readme)):
        assert f"\n{target}:" in makefile
