"""`shim translate`: an old message in, the v3 calls and the findings out. No backend is asked."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, end, read_input, say

if TYPE_CHECKING:
    from shim.core.findings import Finding
    from shim.core.rehearsal.dry_run import DryCall, DryRun

_INVALID_BACKEND = "http://backend.invalid"


class TranslateFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class FailOn(StrEnum):
    """Severities, the mildest first."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    LOSS = "loss"
    REFUSED = "refused"


def translate(
    file: Annotated[str, typer.Argument(help="A 2.5 envelope, or its body element alone; - for stdin.")],
    format: Annotated[
        TranslateFormat, typer.Option(envvar="SHIM_TRANSLATE_FORMAT", help="How to print the result.")
    ] = TranslateFormat.TEXT,
    backend_url: Annotated[
        str, typer.Option(envvar="SHIM_BACKEND__URL", help="Address that the printed URLs begin with.")
    ] = _INVALID_BACKEND,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(envvar="SHIM_TRANSLATE_FAIL_ON", help="Exit with 1 for findings as severe as this."),
    ] = None,
    schema_version: options.SchemaVersion = None,
) -> None:
    """Show which v3 calls an old message becomes, and what is found. No backend is needed.

    Credentials may be left out; the access token is printed as ACCESS-TOKEN. Where a later call needs an
    earlier answer, a placeholder stands in its place and is marked.
    """
    from shim.cli.common import loading
    from shim.core.rehearsal.dry_run import dry_run

    run = dry_run(loading.catalogue(loading.dialect(schema_version)), read_input(file), backend_url)
    typer.echo(
        json.dumps(_data(run), indent=2, ensure_ascii=False) if format is TranslateFormat.JSON else _text(run)
    )
    if run.cut_short:
        say("A dry run does not know enough to go on with this call: it may do more than is shown.")
    if run.fault is not None:
        say(f"{run.fault.side} fault{_code(run.fault.code)}: {run.fault.text}")
        end(ExitCode.FINDINGS)
    if fail_on is not None and any(_at_least(each, fail_on) for each in run.findings):
        end(ExitCode.FINDINGS)


def _at_least(finding: Finding, least: FailOn) -> bool:
    order = list(FailOn)
    return order.index(FailOn(finding.severity)) >= order.index(least)


def _data(run: DryRun) -> dict[str, Any]:
    data: dict[str, Any] = {
        "calls": [_call_data(each) for each in run.calls],
        "findings": [
            {"code": each.code, "severity": each.severity, "path": each.path, "because": each.because}
            for each in run.findings
        ],
    }
    if run.fault is not None:
        fault = run.fault
        data["fault"] = {
            "side": fault.side,
            "code": fault.code,
            "reason": fault.reason,
            "text": fault.text,
        }
    return data


def _call_data(call: DryCall) -> dict[str, Any]:
    data: dict[str, Any] = {
        "service": call.service,
        "operation": call.operation,
        "url": call.url,
        "envelope": call.envelope.decode(),
    }
    return {**data, "placeholders": call.placeholders} if call.placeholders else data


def _text(run: DryRun) -> str:
    parts = [_call_text(number, each) for number, each in enumerate(run.calls, 1)]
    parts += [_finding_text(each) for each in run.findings]
    if run.calls and not run.findings:
        parts.append("No findings: it maps cleanly.")
    return "\n".join(parts)


def _call_text(number: int, call: DryCall) -> str:
    from lxml import etree

    root = etree.fromstring(call.envelope)
    etree.indent(root)
    lines = [f"Call {number}: {call.service}.{call.operation}", f"POST {call.url}"]
    lines += [f"Placeholder, from an earlier answer: {path}" for path in call.placeholders]
    return "\n".join((*lines, etree.tostring(root, encoding="unicode"), ""))


def _finding_text(finding: Finding) -> str:
    return f"{finding.severity}: {finding.code} at {finding.path}: {finding.because}"


def _code(code: str | None) -> str:
    return f" (code {code})" if code else ""
