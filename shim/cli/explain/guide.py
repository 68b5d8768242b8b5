"""The porting guide: hand-written chapters, and sections of operations that are made from the declarations.

A made section stands between `<!-- explain: Client.AddClient -->` and `<!-- end -->`; the rest of the page is
never touched. Examples are files: `AddClient.xml` is the old call, `AddClient.php` and its like do the same in
v3, and each of these is run by a test.
"""

from __future__ import annotations

import re
from pathlib import Path

from shim.cli.explain.page import Example, page
from shim.core.catalogue.translation import Catalogue

LANGUAGES = (("PHP", "php"), ("Perl", "pl"), ("Python", "py"))
_MARKS = {"php": "php", "pl": "perl", "py": "python"}
_SECTION = re.compile(r"<!-- explain: (\S+) -->\n.*?<!-- end -->", re.DOTALL)
_FILE = re.compile(r"<!-- file: (\S+) -->\n.*?<!-- end -->", re.DOTALL)


def operations_of(text: str) -> list[str]:
    """The full names of the old operations that the page explains."""
    return list(_SECTION.findall(text))


def refreshed(text: str, catalogue: Catalogue, examples: Path) -> str:
    """The page with its made sections as they have to be now. Raises KeyError for an unknown operation."""

    def section(match: re.Match[str]) -> str:
        translation = catalogue.translations[match[1]]
        generated = page(catalogue, translation, _example(examples, translation.old.name))
        return "\n".join((f"<!-- explain: {match[1]} -->", *generated, "<!-- end -->"))

    def file(match: re.Match[str]) -> str:
        name = match[1]
        code = (examples / name).read_text("utf-8").strip()
        mark = _MARKS.get(name.rpartition(".")[2], "perl")
        return f"<!-- file: {name} -->\n```{mark}\n{code}\n```\n<!-- end -->"

    return _FILE.sub(file, _SECTION.sub(section, text))


def _example(examples: Path, name: str) -> Example:
    programs = [
        (language, _MARKS[suffix], (examples / f"{name}.{suffix}").read_text("utf-8"))
        for language, suffix in LANGUAGES
    ]
    return Example((examples / f"{name}.xml").read_text("utf-8"), programs)
