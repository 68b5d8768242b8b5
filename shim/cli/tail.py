"""`shim tail`: the log as people read it, filtered, and followed as it grows."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, end, fail

_PAUSE = 0.25
_LEVELS = ("debug", "info", "warning", "error", "critical")
_PRIORITY = re.compile(r"<[0-7]>")
"""The prefix of a line for systemd's journal."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class TailForm(StrEnum):
    TEXT = "text"
    JSON = "json"


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _option(flag: str, what: str, **more: Any) -> Any:
    name = flag.partition("/")[0].removeprefix("--").replace("-", "_").upper()
    return typer.Option(flag, envvar=f"SHIM_TAIL_{name}", help=what, **more)


def tail(
    file: Annotated[
        str | None, typer.Argument(help="A log in JSON lines, - for stdin; else log.file.", metavar="[FILE]")
    ] = None,
    config: options.ConfigFile = None,
    integration: Annotated[
        str | None, _option("--integration", "Only of this one.", autocompletion=complete.integrations)
    ] = None,
    operation: Annotated[
        str | None,
        _option("--operation", "Only of this one, or Client.*.", autocompletion=complete.operations),
    ] = None,
    event: Annotated[str | None, _option("--event", "Only this event: call, finding, ...")] = None,
    reference: Annotated[str | None, _option("--reference", "Only the call with this reference.")] = None,
    level: Annotated[Level | None, _option("--level", "Only lines as severe as this, or worse.")] = None,
    faults: Annotated[bool, _option("--faults", "Only calls that ended in a fault.")] = False,
    lines: Annotated[int, _option("--lines", "First the last so many of those.", min=0)] = 20,
    follow: Annotated[bool, _option("--follow/--no-follow", "Go on as the log grows, until Ctrl-C.")] = True,
    format: Annotated[TailForm, _option("--format", "text, or the JSON lines as they are.")] = TailForm.TEXT,
) -> None:
    """Follow the log: one readable line for each event, with filters that all have to fit.

    A file that is rotated is followed into the new one. Where the shim logs to stderr, pipe that in:
    journalctl -u shim -f -o cat | shim tail -
    """
    chosen = ChosenEvents(integration, operation, event, reference, level.value if level else None, faults)
    try:
        for line in _lines(_source(file, config), chosen, lines, follow=follow):
            typer.echo(line if format is TailForm.JSON else readable(line))
    except KeyboardInterrupt:
        end(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read is gone
        end(ExitCode.FINE)


def _source(file: str | None, config: Path | None) -> Path | None:
    """The log; None is stdin. Ends the command when there is none."""
    from shim.cli.common.loading import config as load

    if file == "-":
        return None
    path = Path(file) if file is not None else load(config, {}).log.file
    if path is None:
        fail(
            ExitCode.USAGE,
            "This shim logs to stderr or syslog, not to a file: set log.file, or pipe its log in, as with",
            "journalctl -u shim -f -o cat | shim tail -",
        )
    if not path.is_file():
        fail(ExitCode.USAGE, f"There is no log {path} yet: the shim makes it when it starts.")
    return path


@dataclass(frozen=True, slots=True)
class ChosenEvents:
    """Filters; None fits everything."""

    integration: str | None = None
    operation: str | None = None
    event: str | None = None
    reference: str | None = None
    level: str | None = None
    faults: bool = False

    def fits(self, line: str) -> bool:
        """True if a line of the log is wanted; one that is no JSON only where nothing is filtered."""
        fields = parsed(line)
        if fields is None:
            return self == ChosenEvents()
        for name in ("integration", "event", "reference"):
            chosen = getattr(self, name)
            if chosen is not None and fields.get(name) != chosen:
                return False
        if self.operation is not None and not fnmatchcase(str(fields.get("operation")), self.operation):
            return False
        if self.faults and fields.get("result") != "fault" and fields.get("fault") is not True:
            return False
        return self.level is None or _severity(fields) >= _LEVELS.index(self.level)


def _severity(fields: Mapping[str, Any]) -> int:
    level = fields.get("level")
    return _LEVELS.index(level) if level in _LEVELS else _LEVELS.index("info")


def parsed(line: str) -> dict[str, Any] | None:
    """An event; None for a line that is none."""
    try:
        fields = json.loads(_PRIORITY.sub("", line, count=1) if line.startswith("<") else line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _lines(path: Path | None, chosen: ChosenEvents, last: int, *, follow: bool) -> Iterator[str]:
    """The last lines that fit, then those that come."""
    if path is None:
        yield from (line.rstrip("\n") for line in sys.stdin if chosen.fits(line))
        return
    stream = path.open(encoding="utf-8", errors="replace")
    try:
        lines: deque[str] = deque(maxlen=last)
        rest = ""
        for line in stream:
            if not line.endswith("\n"):
                rest = line  # it is being written
            elif chosen.fits(line):
                lines.append(line.rstrip("\n"))
        yield from lines
        while follow:
            yield from (line for line in _coming(path, stream, rest) if chosen.fits(line))
            stream.close()
            stream, rest = path.open(encoding="utf-8", errors="replace"), ""
    finally:
        stream.close()


def _coming(path: Path, stream: IO[str], rest: str) -> Iterator[str]:
    """Whole lines as they are written, until the file was moved away or cut."""
    gone = False
    while True:
        while part := stream.readline():
            rest += part
            if rest.endswith("\n"):
                yield rest.rstrip("\n")
                rest = ""
        if gone:
            return
        gone = _gone(path, stream)  # what was written just before is still read
        if not gone:
            sys.stdout.flush()
            time.sleep(_PAUSE)


def _gone(path: Path, stream: IO[str]) -> bool:
    """True if the name is another file's by now, or the file was cut."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(stream.fileno())
    return (named.st_dev, named.st_ino) != (ours.st_dev, ours.st_ino) or named.st_size < stream.tell()


# ---- words ----

_SAID_FIRST = ("timestamp", "level", "event", "integration", "operation", "reference", "exception")


def readable(line: str) -> str:
    """A line for people: time, who, which operation, what happened, the reference. No control characters."""
    fields = parsed(line)
    if fields is None:
        return _UNPRINTABLE.sub("?", line)
    level = fields.get("level", "info")
    what = _EVENTS.get(str(fields.get("event")), _other)(fields)
    whose = [str(fields[name]) for name in ("integration", "operation") if fields.get(name)]
    parts = [
        str(fields.get("timestamp", ""))[:19].replace("T", " "),
        *([level.upper()] if level not in ("info", "debug") else []),
        *whose,
        what,
        *([f"[{fields['reference']}]"] if fields.get("reference") else []),
    ]
    text = "  ".join(_UNPRINTABLE.sub("?", part) for part in parts if part)
    trace = "".join(
        f"\n    {_UNPRINTABLE.sub('?', each)}" for each in str(fields.get("exception") or "").splitlines()
    )
    return text + trace


def _call(fields: Mapping[str, Any]) -> str:
    code = f" (code {fields['code']})" if fields.get("code") else ""
    result = f"fault {fields.get('reason')}{code}" if fields.get("result") == "fault" else "answered"
    count = fields.get("calls")
    calls = "" if count is None else f", {count} v3 call{'' if count == 1 else 's'}"
    return f"{result}{calls}, {fields.get('milliseconds', '?')} ms"


def _finding(fields: Mapping[str, Any]) -> str:
    times = f", {fields['count']} times" if fields.get("count", 1) != 1 else ""
    at = f" at {fields['path']}" if fields.get("path") else ""
    return f"{fields.get('severity')} {fields.get('code')}{at}{times}: {fields.get('because')}"


def _other(fields: Mapping[str, Any]) -> str:
    rest = {
        name: value for name, value in fields.items() if name not in _SAID_FIRST and value not in (None, "")
    }
    facts = ", ".join(f"{name}={_value(value)}" for name, value in rest.items())
    return f"{fields.get('event', '')}{f': {facts}' if facts else ''}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_EVENTS = {"call": _call, "finding": _finding}
