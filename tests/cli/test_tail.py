"""shim tail: readable lines, filters, and following a log that grows, is rotated, or is cut."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shim.cli.tail import ChosenEvents, readable
from tests.cli.programs import PROGRAM, Run, environment

ConfigFile = Callable[..., Path]


def event(**more: Any) -> str:
    return json.dumps({"timestamp": "2026-11-28T10:00:00.123456Z", "level": "info", **more})


CALL = event(
    event="call", integration="crm", operation="Client.AddClient", reference="ab12", result="fault",
    reason="backend-refused", code="301", calls=2, milliseconds=35.2,
)  # fmt: skip
GOOD = event(
    event="call", integration="billing", operation="Client.GetClients", reference="cd34", result="answer",
    calls=1, milliseconds=8.0,
)  # fmt: skip
FINDING = event(
    event="finding", integration="crm", operation="Client.AddClient", reference="ab12", code="field-dropped",
    severity="loss", path="userPL/x", because="v3 has none.", count=2,
)  # fmt: skip
TROUBLE = event(event="backend rests", url="http://v3", why="refused", seconds=5.0).replace("info", "warning")
LINES = [CALL, GOOD, FINDING, TROUBLE]


def test_lines_are_readable() -> None:
    assert readable(CALL) == (
        "2026-11-28 10:00:00  crm  Client.AddClient  fault backend-refused (code 301), 2 v3 calls, 35.2 ms"
        "  [ab12]"
    )
    assert readable(GOOD).endswith("billing  Client.GetClients  answered, 1 v3 call, 8.0 ms  [cd34]")
    assert "loss field-dropped at userPL/x, 2 times: v3 has none.  [ab12]" in readable(FINDING)
    assert readable(TROUBLE) == (
        "2026-11-28 10:00:00  WARNING  backend rests: url=http://v3, why=refused, seconds=5.0"
    )
    assert readable("<4>" + TROUBLE) == readable(TROUBLE)


def test_nothing_in_a_line_reaches_the_terminal_as_a_command() -> None:
    told = readable(event(event="call", integration="crm", operation="\x1b[2J\u009b31m", result="answer"))
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in told)
    assert readable("plain\x1b[2Jtext") == "plain?[2Jtext"


@pytest.mark.parametrize(
    ("chosen", "fitting"),
    [
        (ChosenEvents(), LINES),
        (ChosenEvents(integration="crm"), [CALL, FINDING]),
        (ChosenEvents(operation="Client.Get*"), [GOOD]),
        (ChosenEvents(event="finding"), [FINDING]),
        (ChosenEvents(reference="ab12"), [CALL, FINDING]),
        (ChosenEvents(level="warning"), [TROUBLE]),
        (ChosenEvents(faults=True), [CALL]),
        (ChosenEvents(integration="crm", event="call", faults=True), [CALL]),
    ],
)
def test_filters_have_all_to_fit(chosen: ChosenEvents, fitting: list[str]) -> None:
    assert [line for line in LINES if chosen.fits(line)] == fitting
    assert chosen.fits("no json") == (chosen == ChosenEvents())


def test_the_log_of_the_configuration_is_read(shim: Run, config: ConfigFile, tmp_path: Path) -> None:
    file = config("log: {file: shim.log}\n")
    done = shim("tail", "-c", str(file), "--no-follow")
    assert done.returncode == 2
    assert "There is no log" in done.stderr
    (tmp_path / "shim.log").write_text("".join(f"{line}\n" for line in LINES))
    done = shim("tail", "-c", str(file), "--no-follow", "--integration", "crm", "--lines", "1")
    assert done.stdout == readable(FINDING) + "\n"
    done = shim("tail", "-c", str(file), "--no-follow", "--format", "json")
    assert done.stdout.splitlines() == LINES


def test_a_log_that_goes_elsewhere_is_piped_in(shim: Run, config: ConfigFile) -> None:
    done = shim("tail", "-c", str(config()))
    assert done.returncode == 2
    assert "journalctl -u shim -f -o cat | shim tail -" in done.stderr
    done = shim("tail", "-", "--faults", stdin="\n".join(LINES) + "\n")
    assert done.stdout == readable(CALL) + "\n"


def _heard() -> None:
    """SIGINT is heard, also where the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def following(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    path = tmp_path / "shim.log"
    path.write_text(CALL + "\n" + GOOD[:20])
    with subprocess.Popen(
        [*PROGRAM, "tail", str(path), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment({"PYTHONUNBUFFERED": "1"}),
        preexec_fn=_heard,  # noqa: PLW1509  # no thread runs here
    ) as process:
        yield path, process
        process.kill()


def test_a_growing_log_is_followed_through_its_rotation(following: tuple[Path, subprocess.Popen[str]]) -> None:
    path, process = following
    assert process.stdout is not None
    assert process.stdout.readline() == CALL + "\n"
    with path.open("a") as log:
        log.write(GOOD[20:] + "\n")
    assert process.stdout.readline() == GOOD + "\n"
    with path.open("a") as log:
        path.rename(path.with_name("shim.log.1"))
        log.write(FINDING + "\n")  # whoever writes has not noticed yet
    path.write_text(TROUBLE + "\n")
    assert process.stdout.readline() == FINDING + "\n"
    assert process.stdout.readline() == TROUBLE + "\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130


def test_a_log_that_was_cut_is_read_from_its_beginning(following: tuple[Path, subprocess.Popen[str]]) -> None:
    path, process = following
    assert process.stdout is not None
    assert process.stdout.readline() == CALL + "\n"
    short = '{"event": "x"}'
    path.write_text(short + "\n")
    assert process.stdout.readline() == short + "\n"
