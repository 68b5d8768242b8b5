"""`shim emulate`: a v3 backend in memory, to try things against."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common.console import ExitCode, end, fail, say

if TYPE_CHECKING:
    from aiohttp import web

    from shim.emulator.world.world import World


class StorageBounds(Enum):
    """As `shim.interfaces.load.StorageLimits`."""

    AUTO = "auto"
    FIVE = "five"
    ONE = "one"


class NamesOption(Enum):
    """As `shim.interfaces.load.PersonNames`."""

    AUTO = "auto"
    NAME = "name"
    BOTH = "both"
    SPLIT = "split"


class SurplusIs(Enum):
    """As `shim.emulator.judge.Surplus`."""

    REFUSE = "refuse"
    IGNORE = "ignore"


class DemandsAre(Enum):
    """As `shim.emulator.judge.Demands`."""

    SCHEMA = "schema"
    STRICT = "strict"


class ListsReach(Enum):
    """As `shim.emulator.handlers.listing.Lists`."""

    SUBTREE = "subtree"
    DIRECT = "direct"


class EmailsAre(Enum):
    """As `shim.emulator.handlers.listing.Emails`."""

    SHARED = "shared"
    UNIQUE = "unique"


class RowsIdentify(Enum):
    """As `shim.emulator.handlers.listing.RowIdentifier`."""

    USER = "user"
    EXTENSION = "extension"


class EmptyLists(Enum):
    """As `shim.emulator.handlers.listing.EmptyList`."""

    NOTICE = "notice"
    BARE = "bare"


class Dispatches(Enum):
    """As `shim.emulator.app.Dispatch`."""

    BODY = "body"
    ACTION = "action"


def emulate(
    seed: Annotated[
        Path | None,
        typer.Option(
            envvar="SHIM_EMULATE_SEED",
            help="A YAML file; the demo world without.",
            metavar="FILE",
        ),
    ] = None,
    host: Annotated[str, typer.Option(envvar="SHIM_EMULATE_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="SHIM_EMULATE_PORT", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8026,
    latency_ms: Annotated[
        int, typer.Option(envvar="SHIM_EMULATE_LATENCY_MS", min=0, help="Wait this long in every call.")
    ] = 0,
    fail_rate: Annotated[
        float, typer.Option(envvar="SHIM_EMULATE_FAIL_RATE", min=0.0, max=1.0, help="Share of calls that fail.")
    ] = 0.0,
    schema_version: Annotated[
        str | None,
        typer.Option(
            envvar="SHIM_EMULATE_SCHEMA_VERSION",
            help="Speak this version of v3, and take no other.",
            metavar="X.Y.Z",
        ),
    ] = None,
    person_names: Annotated[
        NamesOption,
        typer.Option(envvar="SHIM_EMULATE_PERSON_NAMES", help="How accounts have the names of their holders."),
    ] = NamesOption.AUTO,
    storage_limits: Annotated[
        StorageBounds,
        typer.Option(
            envvar="SHIM_EMULATE_STORAGE_LIMITS", help="Accounts have five limits of storage, or one for all."
        ),
    ] = StorageBounds.AUTO,
    surplus: Annotated[
        SurplusIs,
        typer.Option(
            envvar="SHIM_EMULATE_SURPLUS", help="Elements that are not known here are refused, or ignored."
        ),
    ] = SurplusIs.REFUSE,
    demands: Annotated[
        DemandsAre,
        typer.Option(
            envvar="SHIM_EMULATE_DEMANDS",
            help="New accounts need what the schema says, or all a server may demand.",
        ),
    ] = DemandsAre.SCHEMA,
    lists: Annotated[
        ListsReach,
        typer.Option(
            envvar="SHIM_EMULATE_LISTS", help="Lists have all below a parent, or what is directly its own."
        ),
    ] = ListsReach.SUBTREE,
    row_identifier: Annotated[
        RowsIdentify,
        typer.Option(
            envvar="SHIM_EMULATE_ROW_IDENTIFIER", help="Whose the identifier in rows of extensions is."
        ),
    ] = RowsIdentify.USER,
    empty_list: Annotated[
        EmptyLists,
        typer.Option(
            envvar="SHIM_EMULATE_EMPTY_LIST", help="Lists without rows say so in a notice, or say nothing."
        ),
    ] = EmptyLists.NOTICE,
    emails: Annotated[
        EmailsAre,
        typer.Option(
            envvar="SHIM_EMULATE_EMAILS", help="Accounts may share an e-mail address, or each needs its own."
        ),
    ] = EmailsAre.SHARED,
    lie_rate: Annotated[
        float,
        typer.Option(
            envvar="SHIM_EMULATE_LIE_RATE",
            min=0.0,
            max=1.0,
            help="Share of lists that lie: empty, short, late or stale.",
        ),
    ] = 0.0,
    lenient: Annotated[
        bool,
        typer.Option(
            "--lenient", envvar="SHIM_EMULATE_LENIENT", help="Take requests that lack what v3 requires."
        ),
    ] = False,
    dispatch: Annotated[
        Dispatches,
        typer.Option(
            envvar="SHIM_EMULATE_DISPATCH",
            help="The body says which operation it is, or SOAPAction has to say it as well.",
        ),
    ] = Dispatches.BODY,
) -> None:
    """Run a v3 backend in memory: nothing is kept when it ends."""
    from shim.cli.check.ports import WantedPort, refused
    from shim.cli.common import running
    from shim.emulator.app import Options, application

    if why := refused(WantedPort("backend", host, port, "--port")):
        fail(ExitCode.USAGE, f"{why}. Give another --port.")
    world = _world(seed)
    if schema_version is not None and not re.fullmatch(
        r"([3-9]|[1-9][0-9])(\.[0-9]{1,4}){1,2}", schema_version
    ):
        fail(ExitCode.USAGE, "The schema version is none of v3: give one such as 5.2.5 as --schema-version.")
    options = Options(
        latency_ms=latency_ms,
        fail_rate=fail_rate,
        schema_version=schema_version,
        person_names=person_names.value,
        storage_limits=storage_limits.value,
        surplus=surplus.value,
        demands=demands.value,
        lists=lists.value,
        row_identifier=row_identifier.value,
        empty_list=empty_list.value,
        emails=emails.value,
        lie_rate=lie_rate,
        lenient=lenient,
        dispatch=dispatch.value,
    )
    app = application(world, options)
    end(running.run(_until_stopped(app, world, host, port)))


def _world(seed: Path | None) -> World:
    from shim.emulator.world.seed import SeedError, load_seed

    try:
        return load_seed(seed)
    except SeedError as error:
        fail(ExitCode.USAGE, f"{seed}: {error}")


async def _until_stopped(app: web.Application, world: World, host: str, port: int) -> ExitCode:
    from shim.cli.common.listening import listening
    from shim.cli.common.running import until_stopped

    async with listening(app, host, port) as url:
        typer.echo(f"v3 backend, emulated: {url}")
        for client_id, api in world.apps.items():
            account = world.accounts[api.account]
            typer.echo(f"  {account.level} {account.login}: app key {client_id}, secret {api.client_secret}")
        say("Ctrl-C ends it.")
        return await until_stopped()
