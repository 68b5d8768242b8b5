"""`shim integrations`: who may call, kept in the integrations file of a configuration.

A secret is never an argument: it is asked for with a hidden prompt, or read from stdin where `-` says so.
"""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, LightGroup, fail, say
from shim.cli.common.store import OutputForm, emit, time

if TYPE_CHECKING:
    from shim.edge.settings.model import Integration, OldLogin
    from shim.review.reading.logins import LoginUse

app = typer.Typer(
    name="integrations",
    cls=LightGroup,
    help="Who may call: add, list, import and remove integrations.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        help="The file itself, instead of the one that --config names.  [env var: SHIM_INTEGRATIONS_FILE]",
        metavar="FILE",
    ),
]


def _secret_option(flag: str, what: str) -> Any:
    return typer.Option(flag, metavar="-", help=f"{what}; - reads a line of stdin.")


def _option(flag: str, what: str, metavar: str | None = None) -> Any:
    variable = "SHIM_INTEGRATIONS_ADD_" + flag.removeprefix("--").replace("-", "_").upper()
    return typer.Option(flag, envvar=variable, help=what, metavar=metavar)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Unique; small letters, digits, hyphens.")],
    config: options.ConfigFile = None,
    file: File = None,
    username: Annotated[str | None, _option("--username", "2.5 user name.")] = None,
    password: Annotated[str | None, _secret_option("--password", "Its password, else asked for")] = None,
    app_key: Annotated[str | None, _option("--app-key", "2.5 app key.")] = None,
    app_secret: Annotated[str | None, _secret_option("--app-secret", "Its secret, else asked for")] = None,
    crypted_auth: Annotated[
        str | None, _secret_option("--crypted-auth", "2.5 cryptedAuth; not asked for")
    ] = None,
    v3_app_key: Annotated[str, _option("--v3-app-key", "Key of its v3 app.")] = "",
    v3_app_secret: Annotated[
        str | None, _secret_option("--v3-app-secret", "Secret of its v3 app, else asked for")
    ] = None,
    v3_app_secret_env: Annotated[
        str | None, _option("--v3-app-secret-env", "Or the variable in which the shim finds it.", "NAME")
    ] = None,
) -> None:
    """Add an integration. 2.5 secrets are hashed at once; the v3 secret is kept as it is, or by reference.

    Several secrets on stdin are read a line each, in the order of the flags above.
    """
    if not v3_app_key:
        fail(ExitCode.USAGE, "Give the key of the v3 app that its calls are made with: --v3-app-key.")
    old: dict[str, str] = {}
    if username:
        old |= {"username": username, "password_hash": _hash(_secret("--password", password))}
    if app_key:
        old |= {"app_key": app_key, "app_secret_hash": _hash(_secret("--app-secret", app_secret))}
    if crypted_auth is not None:
        old["crypted_auth_sha256"] = _digest(_secret("--crypted-auth", crypted_auth))
    if not old:
        fail(ExitCode.USAGE, "Say how it logs in: --username, --app-key or --crypted-auth.")
    secret: Any = {"env": v3_app_secret_env} if v3_app_secret_env else _secret("--v3-app-secret", v3_app_secret)
    entry = {"name": name, "old": old, "new": {"app_key": v3_app_key, "app_secret": secret}}
    _write(_place(config, file), config, entry)
    _record(config, file, "integration added", name)
    say(f"{name} was added.")
    _hint()


@app.command("list")
def list_(
    config: options.ConfigFile = None,
    file: File = None,
    format: Annotated[
        OutputForm, typer.Option("--format", envvar="SHIM_INTEGRATIONS_LIST_FORMAT", help="How to print it.")
    ] = OutputForm.TABLE,
) -> None:
    """List the integrations, of the configuration or of one file. Secrets are not shown."""
    from shim.cli.common.loading import config as load

    if file is None:
        integrations = load(config, {}).integrations
    else:
        integrations = load(
            None, {"integrations_file": file.absolute(), "backend.url": "http://unused.invalid"}
        ).integrations
    used = _used(config) if file is None else {}
    rows = [_row(each, used) for each in integrations]
    if format is OutputForm.TABLE:
        rows = [{**each, **_cells(each)} for each in rows]
    columns = ("name", "enabled", "logins", *(["used"] if used else []), "v3_app_key")
    emit(format, "integrations", columns, rows, spare=("v3_app_key",))


@app.command("import")
def import_(
    csv: Annotated[str, typer.Argument(help="A CSV file with a header line; - for stdin.", metavar="FILE.csv")],
    config: options.ConfigFile = None,
    file: File = None,
) -> None:
    """Import integrations from CSV: all of them, or none if a line has a problem.

    Columns: name, username, password, old_app_key, old_app_secret, crypted_auth, v3_app_key, v3_app_secret.
    """
    from shim.edge.callers.integrations_file import import_csv

    place = _place(config, file)
    entries, problems = import_csv(Path("/dev/stdin") if csv == "-" else Path(csv))
    if problems:
        fail(ExitCode.USAGE, "Nothing was imported:", *(f"  {problem}" for problem in problems))
    if entries:
        _write(place, config, *entries)
        _record(config, file, "integrations imported", ", ".join(str(each["name"]) for each in entries))
    say(f"{len(entries)} integrations were imported. The CSV has secrets in clear: delete it.")
    _hint()


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Which one.", autocompletion=complete.integrations)],
    config: options.ConfigFile = None,
    file: File = None,
) -> None:
    """Remove an integration from the integrations file."""
    from shim.cli.integrations.file import remove as remove_from

    place = _place(config, file)
    if not remove_from(place, name):
        fail(ExitCode.USAGE, f"{place} has no integration {name}. `shim integrations list` shows all.")
    _record(config, file, "integration removed", name)
    say(f"{name} was removed.")
    _hint()


def _place(config: Path | None, file: Path | None) -> Path:
    """The integrations file. Ends the command when nothing names one."""
    from shim.edge.settings.load import ConfigError, integrations_file

    if file is not None:
        return file
    try:
        path = integrations_file(config)
    except ConfigError as error:
        fail(ExitCode.USAGE, *(str(problem) for problem in error.problems))
    if path is None:
        fail(
            ExitCode.USAGE,
            "No integrations file is named: set integrations_file in the configuration, or give --file.",
        )
    return path


def _record(config: Path | None, file: Path | None, action: str, subject: str) -> None:
    """Into the audit log of the shim whose file it is; a file by itself is nobody's yet."""
    from shim.cli.common.store import record

    if config is not None and file is None:
        record(config, action, subject)


def _write(place: Path, config: Path | None, *entries: dict[str, Any]) -> None:
    """Add to the file, and see that the whole configuration can still be used."""
    from shim.edge.callers.integrations_file import add_to_file
    from shim.edge.settings.load import ConfigError, load_config

    try:
        add_to_file(place, *entries)
    except ConfigError as error:
        fail(ExitCode.USAGE, "Nothing was changed:", *(f"  {problem}" for problem in error.problems))
    if config is not None:
        try:
            load_config(config)
        except ConfigError as error:
            say(f"{place} was changed, but the configuration cannot be used as it is now:")
            fail(ExitCode.USAGE, *(f"  {problem}" for problem in error.problems))


def _secret(flag: str, given: str | None) -> str:
    """A secret from stdin or a hidden prompt. Ends the command when it is empty, or was an argument."""
    import getpass

    if given not in (None, "-"):
        fail(ExitCode.USAGE, f"{flag} takes no secret, only -: arguments are seen by everybody on the machine.")
    if given == "-":
        secret = sys.stdin.readline().rstrip("\r\n")
    elif _on_terminal():
        secret = getpass.getpass(f"{flag.removeprefix('--')}: ")
    else:
        fail(
            ExitCode.USAGE,
            f"{flag} has to be asked for, and there is no terminal: give {flag} - and a line of stdin.",
        )
    if not secret:
        fail(ExitCode.USAGE, f"The secret for {flag} is empty.")
    return secret


def _on_terminal() -> bool:
    return sys.stdin.isatty()


def _hash(secret: str) -> str:
    from shim.edge.callers.passwords import Passwords

    return Passwords().hash(secret)


def _digest(secret: str) -> str:
    from hashlib import sha256

    return sha256(secret.encode()).hexdigest()


def _cells(row: dict[str, Any]) -> dict[str, str]:
    """A row of a table: lists are written in one cell."""
    used = ", ".join(f"{each['form'].replace('_', ' ')} {each['calls']}" for each in row["used"])
    return {"logins": ", ".join(row["logins"]), "enabled": "yes" if row["enabled"] else "no", "used": used}


def _used(config: Path | None) -> dict[str, list[LoginUse]]:
    """The forms of login that came in the last 30 days; nothing where there is no store yet, or it is away."""
    import asyncio

    from shim.cli.common.loading import config as load
    from shim.cli.common.store import now
    from shim.core.errors import Fault
    from shim.edge.store.database import Store
    from shim.review.reading.logins import login_uses

    kept = load(config, {}).store

    async def read() -> dict[str, list[LoginUse]]:
        store = await Store.open(kept.url, kept.journal_mode, kept.busy_timeout, create=False)
        try:
            return await login_uses(store, now())
        finally:
            await store.close()

    try:
        return asyncio.run(read())
    except Fault as fault:
        if fault.reason != "no-store":
            say(f"Which logins were used cannot be told: {fault.text}")
        return {}


def _row(integration: Integration, used: dict[str, list[LoginUse]]) -> dict[str, Any]:
    about = {"name": integration.name, "enabled": integration.enabled, "watched": integration.watched}
    uses = used.get(integration.name, [])
    by_form = [{"form": each.form, "calls": each.calls, "last_seen": time(each.last_seen)} for each in uses]
    forms = {
        "logins": _ways(integration.old),
        "used": by_form,
        "login_forms": integration.login_forms.model_dump(),
    }
    return {**about, **forms, "v3_app_key": integration.new.app_key}


def _ways(old: OldLogin) -> list[str]:
    ways = [f"user {old.username}"] if old.username else []
    ways += [f"app {old.app_key}"] if old.app_key else []
    return [*ways, "cryptedAuth"] if old.crypted_digest else ways


def _hint() -> None:
    say("A running shim takes it over on SIGHUP: kill -HUP <its process ID>.")
