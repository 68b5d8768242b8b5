"""Loading what commands work on, and ending with readable problems when it cannot be loaded."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from shim.cli.common.console import ExitCode, fail, say
from shim.core.catalogue.translation import Catalogue
from shim.core.errors import DeclarationError
from shim.edge.catalogue import catalogue as compiled
from shim.interfaces.load import STANDARD, Dialect

if TYPE_CHECKING:
    from shim.edge.settings.load import ConfigError
    from shim.edge.settings.model import Config


def catalogue(dialect: Dialect = STANDARD) -> Catalogue:
    """All declarations, compiled for a dialect. Ends the command when they contradict the interfaces."""
    try:
        return compiled(dialect)
    except DeclarationError as error:
        fail(ExitCode.USAGE, "The translations contradict the interfaces:", *error.problems)


def config(path: Path | None, overrides: Mapping[str, Any]) -> Config:
    """The configuration. Ends the command with every problem it has."""
    from shim.edge.settings.load import ConfigError, load_config

    try:
        return load_config(path, overrides)
    except ConfigError as error:
        _unusable(error)


def dialect(version: str | None, config: Config | None = None) -> Dialect:
    """How v3 is spoken: in the version given, else as configured, without asking the backend; else 3.0.0.

    Ends the command for what is no version of v3.
    """
    from shim.edge.backend.dialect import assumed, spoken
    from shim.interfaces.dialects import known

    if version is not None and not re.fullmatch(r"([3-9]|[1-9][0-9])(\.[0-9]{1,4}){1,2}", version):
        fail(ExitCode.USAGE, f"{version} is no version of v3: {', '.join(known())} are described.")
    if version is None:
        return assumed(config) if config is not None else STANDARD
    return spoken(config, version) if config is not None else Dialect(version)


def policies(config: Config, catalogue: Catalogue) -> None:
    """End the command with every problem of the policies, if there is one."""
    from shim.edge.settings.check_policies import require_policies
    from shim.edge.settings.load import ConfigError

    try:
        require_policies(config, catalogue)
    except ConfigError as error:
        _unusable(error)


def _unusable(error: ConfigError) -> NoReturn:
    say("The configuration cannot be used:")
    fail(ExitCode.USAGE, *(f"  {problem}" for problem in error.problems))
