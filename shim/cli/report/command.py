"""`shim report`: what integrations still do in 2.5, what does not map cleanly, what porting takes."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, end, fail


class ReportFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


class SeverityOption(StrEnum):
    """The mildest first."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    LOSS = "loss"
    REFUSED = "refused"


class StateOption(StrEnum):
    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IGNORED = "ignored"
    FIXED = "fixed"
    VERIFIED = "verified"


class LanguageOption(StrEnum):
    XML = "xml"
    PHP = "php"
    PYTHON = "python"
    CURL = "curl"


def _option(flag: str, what: str, **more: Any) -> Any:
    variable = f"SHIM_REPORT_{flag.removeprefix('--').replace('-', '_')}".upper()
    return typer.Option(flag, envvar=variable, help=what, **more)


_ONE = "Only this integration: its scorecard and its findings."


def report(
    integration: Annotated[
        str | None, typer.Argument(help=_ONE, metavar="INTEGRATION", autocompletion=complete.integrations)
    ] = None,
    config: options.ConfigFile = None,
    finding: Annotated[
        int | None,
        _option(
            "--finding",
            "This finding alone, with its sample and the v3 calls.",
            metavar="ID",
            autocompletion=complete.findings,
        ),
    ] = None,
    days: Annotated[int, _option("--days", "Days to look at, today included.", min=1, max=3650)] = 30,
    severity: Annotated[SeverityOption | None, _option("--severity", "Only findings of this severity.")] = None,
    state: Annotated[StateOption | None, _option("--state", "Only findings in this state.")] = None,
    operation: Annotated[
        str | None,
        _option(
            "--operation",
            "Only findings of this operation.",
            metavar="Client.AddClient",
            autocompletion=complete.operations,
        ),
    ] = None,
    format: Annotated[
        ReportFormat, _option("--format", "How to print it; see the manual.")
    ] = ReportFormat.TABLE,
    code: Annotated[
        LanguageOption | None,
        _option("--code", "Language of the code beside samples; else the integration's own."),
    ] = None,
    fail_on: Annotated[
        SeverityOption | None, _option("--fail-on", "End with 1 for open findings as severe as this.")
    ] = None,
) -> None:
    """Report what is still done in 2.5: all integrations, one with its findings, or one finding.

    The Markdown of an integration is a letter to its author: what to do, in which order, with code.
    """
    from shim.cli.common.loading import catalogue, dialect
    from shim.cli.common.loading import config as load
    from shim.cli.common.store import now, with_store
    from shim.cli.report import data, output
    from shim.edge.memory import when_it_stands
    from shim.review.output.terms import base_of
    from shim.review.reading import finding_queries
    from shim.review.reading.model import FindingFilter

    settings = load(config, {})
    compiled = catalogue(dialect(None, settings))
    when_it_stands()
    base = base_of(settings)
    if finding is not None:
        page = with_store(
            settings, lambda store, _: finding_queries.finding(store, now(), finding, catalogue=compiled)
        )
        if page is None:
            fail(ExitCode.USAGE, f"There is no finding {finding}. `shim report INTEGRATION` lists them.")
        output.emit_finding(page, format, base, code.value if code else None)
        bad = [page.row.severity] if page.row.open else []
    else:
        which = FindingFilter(
            integration,
            operation,
            severity=severity.value if severity else None,
            state=state.value if state else None,
        )
        contents = with_store(
            settings, lambda store, _: data.read(store, compiled, now(), days, settings, which)
        )
        if contents is None:
            fail(ExitCode.USAGE, f"There is no integration {integration}. `shim report` lists them.")
        output.emit(contents, format, base, code.value if code else None)
        bad = list(contents.bad)
    if fail_on is not None and data.as_bad(bad, fail_on.value):
        end(ExitCode.FINDINGS)
