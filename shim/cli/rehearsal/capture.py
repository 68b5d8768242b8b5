"""`shim capture`: a recorder in front of a 2.5 server, whose conversations `shim replay` plays again."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common.console import ExitCode, end, fail, say

if TYPE_CHECKING:
    from typing import TextIO

_KEY_BYTES = 32


def capture(
    file: Annotated[Path, typer.Argument(help="Where to write the conversations; it must not exist yet.")],
    to: Annotated[
        str, typer.Option("--to", envvar="SHIM_CAPTURE_TO", help="Address of the 2.5 server that answers.")
    ],
    key_file: Annotated[
        Path | None,
        typer.Option(
            envvar="SHIM_CAPTURE_KEY_FILE",
            help="Key of the digests, made if there is none. [default: FILE.key]",
            metavar="KEY",
        ),
    ] = None,
    host: Annotated[str, typer.Option(envvar="SHIM_CAPTURE_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="SHIM_CAPTURE_PORT", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8028,
    insecure: Annotated[
        bool, typer.Option("--insecure", envvar="SHIM_CAPTURE_INSECURE", help="Do not check its certificate.")
    ] = False,
) -> None:
    """Record 2.5 conversations without their values: shapes, order, and a digest for each value.

    Everything that comes is passed on to the other server byte for byte, and its answers go back as they are.
    Let clients, or a part of them, call this address for a while; Ctrl-C ends it. Keep the key file: without it
    nobody can play the capture, with it digests of short values can be tried out.
    """
    from shim.cli.check.ports import WantedPort, refused
    from shim.cli.common import running
    from shim.edge.rehearsal.capture import new_file

    if not to.startswith(("http://", "https://")):
        fail(ExitCode.USAGE, "--to is no address: give it as https://old.example.com.")
    if why := refused(WantedPort("recorder", host, port, "--port")):
        fail(ExitCode.USAGE, f"{why}. Give another --port.")
    key = _key(key_file or file.with_name(f"{file.name}.key"))
    try:
        written = new_file(file)
    except OSError as error:
        fail(ExitCode.USAGE, f"{file}: cannot be made ({error.strerror}). Give another file.")
    with written:
        end(running.run(_until_stopped(to, written, key, host, port, not insecure)))


def read_key(path: Path) -> bytes:
    """The key of a capture. Ends the command when it cannot be read."""
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        fail(ExitCode.USAGE, f"{path}: this is no key of a capture. Give the file that `shim capture` made.")
    if len(key) != _KEY_BYTES:
        fail(ExitCode.USAGE, f"{path}: this is no key of a capture. Give the file that `shim capture` made.")
    return key


def _key(path: Path) -> bytes:
    """The key in a file, made with the file if there is none; only its owner may read it."""
    from shim.edge.rehearsal.capture import new_file

    if path.exists():
        return read_key(path)
    import secrets

    key = secrets.token_bytes(_KEY_BYTES)
    try:
        with new_file(path) as written:
            written.write(key.hex() + "\n")
    except OSError as error:
        fail(ExitCode.USAGE, f"{path}: cannot be made ({error.strerror}). Give another --key-file.")
    say(f"The key is in {path}: keep it, and keep it to yourself.")
    return key


async def _until_stopped(to: str, file: TextIO, key: bytes, host: str, port: int, verify: bool) -> ExitCode:
    from shim.cli.common.listening import listening
    from shim.cli.common.loading import catalogue
    from shim.cli.common.running import until_stopped
    from shim.edge.rehearsal.capture import Recorder, session
    from shim.edge.telemetry import log

    log.configure("info")
    async with session(verify) as calls:
        recorder = Recorder(catalogue(), calls, to, file, key)
        async with listening(recorder.routes(), host, port) as url:
            typer.echo(f"recording at {url}, answers from {to}")
            say("Ctrl-C ends it.")
            code = await until_stopped()
    for operation, number in recorder.seen.most_common():
        typer.echo(f"{number:8} {operation}")
    say(f"{sum(recorder.seen.values())} conversations were written.")
    return ExitCode.FINE if code is ExitCode.INTERRUPTED else code
