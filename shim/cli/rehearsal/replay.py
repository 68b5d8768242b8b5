"""`shim replay`: the reads of a capture against another server, compared by what the answers mean."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common.console import ExitCode, end, fail, say
from shim.cli.common.tables import show, table
from shim.cli.rehearsal.capture import read_key

if TYPE_CHECKING:
    from shim.cli.rehearsal.plan import PlannedCall
    from shim.core.catalogue.translation import Catalogue
    from shim.core.rehearsal.capture import Conversation
    from shim.edge.rehearsal.replay import Played, ReplayLogin
    from shim.edge.settings.model import Config, Integration
    from shim.edge.store.database import Store


class ReplayFormat(StrEnum):
    TABLE = "table"
    JSON = "json"


def replay(
    file: Annotated[Path, typer.Argument(help="A capture, as `shim capture` made it.")],
    against: Annotated[
        str,
        typer.Option(
            envvar="SHIM_REPLAY_AGAINST",
            help="Address of the server to call: a shim, another release, the old.",
        ),
    ],
    login: Annotated[
        list[str] | None,
        typer.Option(
            envvar="SHIM_REPLAY_LOGIN",
            help="A 2.5 user name; give one for each that called. Its password is asked for.",
        ),
    ] = None,
    logins_file: Annotated[
        Path | None,
        typer.Option(
            envvar="SHIM_REPLAY_LOGINS_FILE",
            help="Or a YAML file with user names and their passwords.",
            metavar="YAML",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            envvar="SHIM_REPLAY_KEY_FILE", help="Key of the capture. [default: FILE.key]", metavar="KEY"
        ),
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            envvar="SHIM_REPLAY_VALUES",
            help="Values that calls need and no answer tells, a line each: IDs of your own database.",
            metavar="TEXT",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="SHIM_CONFIG",
            help="Record what differs in the deprecation log of this configuration.",
            metavar="FILE",
        ),
    ] = None,
    format: Annotated[
        ReplayFormat, typer.Option(envvar="SHIM_REPLAY_FORMAT", help="How to print the result.")
    ] = ReplayFormat.TABLE,
    insecure: Annotated[
        bool, typer.Option("--insecure", envvar="SHIM_REPLAY_INSECURE", help="Do not check its certificate.")
    ] = False,
) -> None:
    """Play the reads of a capture against a server, and compare its answers by what they mean.

    Namespaces, prefixes and order do not count. Each read is made twice: what differs by itself is noise. Calls
    that change something are never sent; what they would become is planned. Ends with 1 when an answer differs.
    """
    from shim.cli.common import running
    from shim.cli.common.loading import catalogue
    from shim.cli.rehearsal.plan import plan
    from shim.edge.rehearsal.replay import CaptureError, read_capture

    if not against.startswith(("http://", "https://")):
        fail(ExitCode.USAGE, "--against is no address: give it as http://127.0.0.1:8025.")
    key = read_key(key_file or file.with_name(f"{file.name}.key"))
    try:
        conversations = read_capture(file, key)
    except CaptureError as error:
        fail(ExitCode.USAGE, str(error))
    compiled = catalogue()
    logins = _logins(login or [], logins_file)
    played: list[Played] = []

    async def main() -> ExitCode:
        played.extend(
            await _played(compiled, conversations, against, key, logins, _lines(values), not insecure)
        )
        return ExitCode.FINE

    code = running.run(main())
    if code is not ExitCode.FINE:
        end(code)
    if config is not None:
        _record(config, played, key)
    planned = plan(compiled, [each.conversation for each in played if each.verdict == "write"])
    if format is ReplayFormat.JSON:
        typer.echo(json.dumps(_data(played, planned), indent=2, ensure_ascii=False))
    else:
        _show(played, planned)
    end(ExitCode.FINDINGS if any(each.verdict == "differs" for each in played) else ExitCode.FINE)


async def _played(
    catalogue: Catalogue,
    conversations: list[Conversation],
    against: str,
    key: bytes,
    logins: list[ReplayLogin],
    values: list[str],
    verify: bool,
) -> list[Played]:
    import aiohttp

    from shim.edge.rehearsal.capture import session
    from shim.edge.rehearsal.replay import Replayer

    say(f"{len(conversations)} conversations")
    async with session(verify) as calls:
        try:
            return await Replayer(catalogue, calls, against, key, logins, values).play(conversations)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            fail(ExitCode.BACKEND, f"{against} cannot be called ({type(error).__name__}).")


def _record(path: Path, played: list[Played], key: bytes) -> None:
    """Make findings of what differs, for the integrations whose logins called."""
    from shim.cli.common.store import with_store
    from shim.core.rehearsal.capture import digest_by
    from shim.edge.deprecation.log import DeprecationLog
    from shim.edge.rehearsal.replay import findings
    from shim.interfaces.load import new, old

    digest = digest_by(key)

    async def work(store: Store, settings: Config) -> None:
        names = {digest(login): each.name for each in settings.integrations for login in _names(each)}
        log = DeprecationLog(store, settings, old(), new())
        await log.start()
        for login, operation, finding in findings(played):
            log.add_findings(names.get(login, ""), operation, [finding])
        await log.stop()

    with_store(path, work)


def _names(integration: Integration) -> list[str]:
    """The logins that an integration may have used."""
    return [name for name in (integration.old.username, integration.old.app_key) if name]


def _logins(names: list[str], file: Path | None) -> list[ReplayLogin]:
    from shim.edge.rehearsal.replay import ReplayLogin
    from shim.edge.settings.load import ConfigError, read_yaml

    logins = [
        ReplayLogin(name, typer.prompt(f"Password of {name}", hide_input=True, err=True)) for name in names
    ]
    if file is not None:
        try:
            known = read_yaml(file)
        except ConfigError as error:
            fail(ExitCode.USAGE, str(error))
        if not isinstance(known, dict):
            fail(ExitCode.USAGE, f"{file}: give user names and passwords as `name: password`, a line each.")
        logins += [ReplayLogin(str(name), str(password)) for name, password in known.items()]
    if not logins:
        fail(ExitCode.USAGE, "Nobody can log in: give --login NAME or --logins-file.")
    return logins


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        fail(ExitCode.USAGE, f"{file}: cannot be read. Give a text file with a value a line.")


def _data(played: Iterable[Played], planned: Iterable[PlannedCall]) -> dict[str, Any]:
    from dataclasses import asdict

    from shim.edge.rehearsal.replay import rows, totals

    played = list(played)
    names = ("operation", "path", "kind", "conversations")
    return {
        "totals": dict(totals(played)),
        "noise": sum(each.noise for each in played),
        "differences": [dict(zip(names, row, strict=True)) for row in rows(played)],
        "writes": [asdict(each) for each in planned],
    }


def _show(played: list[Played], planned: list[PlannedCall]) -> None:
    from shim.edge.rehearsal.replay import MEANINGS, rows, totals

    differing = [(operation, path, kind, str(count)) for operation, path, kind, count in rows(played)]
    if differing:
        heads = ("operation", "path", "difference", "conversations")
        show(table(heads, differing, "Answers that differ", names=("operation", "path")))
    if planned:
        lines = [(each.operation, str(each.count), ", ".join(each.calls), ", ".join(each.findings))
                 for each in planned]  # fmt: skip
        show(table(("operation", "times", "would become", "findings"), lines, "Writes, planned and not sent"))
    for verdict, number in sorted(totals(played).items()):
        typer.echo(f"{number:8} {MEANINGS[verdict]}")
