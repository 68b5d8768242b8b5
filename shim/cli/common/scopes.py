"""Arguments that say whose and which calls a command is about, and the check that there is such a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from shim.cli.common import complete
from shim.cli.common.console import ExitCode, fail

if TYPE_CHECKING:
    from shim.edge.settings.model import Config

OneIntegration = Annotated[
    str, typer.Argument(help="Its name, as configured.", autocompletion=complete.integrations)
]
AnyIntegration = Annotated[
    str, typer.Argument(help="Its name, or * for all.", autocompletion=complete.integrations)
]
OperationScope = Annotated[
    str,
    typer.Argument(
        help="Service.Operation of 2.5, Service.*, or * for all.", autocompletion=complete.operations
    ),
]


def require(integration: str, settings: Config, *, all_of_them: bool = False) -> None:
    """End the command (2) where there is no integration of that name; `*` is one with `all_of_them`."""
    if all_of_them and integration == "*":
        return
    if all(each.name != integration for each in settings.integrations):
        unknown(integration, settings)


def unknown(integration: str, settings: Config) -> NoReturn:
    """End the command (2): there is no such integration."""
    names = ", ".join(sorted(each.name for each in settings.integrations))
    fail(ExitCode.USAGE, f"There is no integration {integration}. There are: {names or 'none'}.")
