"""A row of the client matrix: how a toolkit is run, and what is known of it.

`misses` names the questions that a toolkit does not answer, with the reason. A run has to miss exactly those.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.end_to_end.toolkits.life import QUESTIONS

CLIENTS = Path(__file__).parents[1] / "clients" / "life"
NO_WSDL = frozenset({"loads"})
"""Not asked of who writes messages without a WSDL."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client is built and runs: where the published tree is, a folder that lasts for the session, and
    the authority of the certificates (None without TLS)."""

    wsdl: str
    folder: Path
    authority: Path | None = None

    @property
    def trusted(self) -> dict[str, str]:
        """How the environment tells a client whom to trust."""
        if self.authority is None:
            return {}
        authority = str(self.authority)
        return dict.fromkeys(("SHIM_CA", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), authority)


@dataclass(frozen=True, slots=True)
class Toolkit:
    """A row. `command` gives the program that takes address and tag; `present` is a command that works, and
    prints its version, where the toolkit is installed; `version` is the one that the row was recorded with, and
    no other is refused; `page` is what the review page calls it."""

    key: str
    title: str
    version: str
    packages: str
    present: list[str]
    command: Callable[[Place], list[str]]
    page: str
    adapt: str = "nothing"
    setting: str = "none"
    not_asked: frozenset[str] = frozenset()
    misses: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    """The setting, as changes to the shim's configuration; it is run with them."""
    bare_limits: bool = False
    """It cannot write the attribute `unlimited`: its limits are numbers alone."""
    hidden_by_detail: Literal["", "text", "always"] = ""
    """A fault that has a `detail` is not understood: in the layout `text`, or in every one."""
    tls: str = ""
    """Why it is not run over TLS; by default it is, with the authority in SHIM_CA."""

    @property
    def ends(self) -> str:
        """How the row says whether TLS works."""
        return "yes" if not self.tls else f"not run: {self.tls}"

    @property
    def asked(self) -> list[str]:
        return [each for each in QUESTIONS if each not in self.not_asked]


def script(*command: str) -> Callable[[Place], list[str]]:
    """A program that needs no building; words that name a file of `clients/life` become its path."""
    return lambda _: [str(CLIENTS / word) if (CLIENTS / word).is_file() else word for word in command]


def of_python(package: str) -> list[str]:
    """Prints the version of a package of this environment."""
    show = f"from importlib.metadata import version; print(version({package!r}))"
    return [sys.executable, "-c", show]


PHP = ["php", "-r", "class_exists('SoapClient') ? print(PHP_VERSION) : exit(1);"]


def of_perl(module: str, *more: str) -> list[str]:
    """Prints the version of a module of Perl."""
    return ["perl", f"-M{module}", *(f"-M{each}" for each in more), "-e", f"print ${module}::VERSION"]
