"""Which form of the core runs: its hot modules compiled to machine code, or all of it from the sources.

Installing compiles `MODULES` with mypyc where a compiler is (`hatch_build.py`). The sources stay beside what
was made of them, and compiled modules run only while all sources of the core are those that they were made of:
who changes one runs the sources until `make compile`. SHIM_COMPILED=0 switches them off, for installing and for
running. Imports nothing but the standard library, since `import shim` comes here first.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from sysconfig import get_config_var
from types import ModuleType

SWITCH = "SHIM_COMPILED"
STAMP = "compiled.json"
"""Beside this file: what was compiled of which sources for which Python, or why it was not."""

MODULES = tuple(
    f"shim.core.{name}"
    for name in (
        "admit",
        "answers.fault_message",
        "answers.soap12",
        "answers.values",
        "aside",
        "catalogue.choices",
        "catalogue.translation",
        "context",
        "extensions.evidence",
        "extensions.lookup",
        "extensions.messages",
        "extensions.reconcile",
        "extensions.rows",
        "findings",
        "forward",
        "journal.run",
        "keeping",
        "message",
        "parse",
        "pipeline",
        "reading.bounds",
        "reading.called_operation",
        "reading.conversions",
        "reading.credentials",
        "reading.encoded_types",
        "reading.encodings",
        "reading.known_names",
        "reading.plain_answers",
        "reading.request",
        "reading.short_messages",
        "reading.white_space",
        "reading.zero_ids",
        "resolve",
        "rules.choices",
        "rules.table",
        "schema.values",
        "serialise",
        "translate",
    )
)
"""The modules that every call runs through. Not here: what is run once, what declarations inherit from,
`reading.turns`, by which compiled code lets other threads have theirs, and `schema.interface`, since mypyc
reckons a `cached_property` anew each time."""

_PACKAGE = Path(__file__).parent


def suffix() -> str:
    """How the names of modules end that this Python takes for compiled."""
    return str(get_config_var("EXT_SUFFIX"))


def digest(package: Path = _PACKAGE) -> str:
    """One digest of all sources of the core in a package folder."""
    hashed = sha256()
    for path in sorted((package / "core").rglob("*.py")):
        hashed.update(f"{path.relative_to(package).as_posix()}\0".encode())
        hashed.update(sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def problem(package: Path = _PACKAGE) -> str:
    """Why the sources run; empty where the compiled modules do."""
    if os.environ.get(SWITCH) == "0":
        return f"{SWITCH}=0"
    try:
        stamp = json.loads((package / STAMP).read_text())
    except (OSError, ValueError):
        return "it was not compiled"
    if stamp.get("problem"):
        return str(stamp["problem"])
    if stamp.get("suffix") != suffix():
        return "it was compiled for another Python"
    if stamp.get("digest") != digest(package):
        return "its sources were changed since it was compiled"
    return ""


class _Sources(MetaPathFinder):
    """Finds the sources of what could be loaded compiled."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in MODULES:
            return None
        return spec_from_file_location(
            fullname, _PACKAGE.parent.joinpath(*fullname.split(".")).with_suffix(".py")
        )


PROBLEM = problem()
"""Why this process runs the sources; empty where it runs the compiled modules."""

FORM = "sources" if PROBLEM else "compiled"


def choose() -> None:
    """Have the modules imported in the form that is to run."""
    if PROBLEM:
        sys.meta_path.insert(0, _Sources())
