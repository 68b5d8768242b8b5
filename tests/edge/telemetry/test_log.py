"""Where log lines go, and that nothing waits for them."""

from __future__ import annotations

import json
import os
import resource
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from shim.edge.settings.model import Log
from shim.edge.telemetry import log
from shim.edge.telemetry.log import configure, logging_to, set_level
from shim.edge.telemetry.sinks import RotatedFile, Stream, Syslog, of_journal
from shim.edge.telemetry.writer import LogWriter, PartlyWritten


class Sink:
    """Keeps lines; refuses them while `broken`, and does not return while `stands` is clear."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.broken = False
        self.asked = threading.Semaphore(0)
        self.stands = threading.Event()
        self.stands.set()

    def write(self, level: str, line: str) -> None:
        self.asked.release()
        assert self.stands.wait(30)
        if self.broken:
            raise OSError(28, "No space left on device")
        self.lines.append((level, line))

    def close(self) -> None:
        self.lines.append(("", "closed"))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(sink: Sink, clock: Clock) -> Iterator[LogWriter]:
    made = LogWriter(sink, lambda lost, seconds: f"{sorted(lost.items())} in {seconds}", 3, clock)
    yield made
    sink.stands.set()
    made.close(30)


def test_lines_are_written_in_order_and_the_end_waits_for_them(writer: LogWriter, sink: Sink) -> None:
    for line in ("one", "two", "three"):
        writer.put("info", line)
        assert sink.asked.acquire(timeout=30)
    writer.close(30)
    assert [line for _, line in sink.lines] == ["one", "two", "three", "closed"]


def test_what_a_sink_refuses_is_counted_and_told_when_it_takes_lines_again(
    writer: LogWriter, sink: Sink, clock: Clock
) -> None:
    dropped: list[str] = []
    writer.dropped = dropped.append
    sink.broken = True
    writer.put("info", "refused")
    assert sink.asked.acquire(timeout=30)
    writer.put("info", "not even tried, a moment later")
    while len(dropped) < 2:
        pass
    sink.broken, clock.now = False, 160.0
    writer.put("info", "again")
    writer.close(30)
    assert sink.lines == [("error", "[('failed', 2)] in 60.0"), ("info", "again"), ("", "closed")]
    assert dropped == ["failed", "failed"]


def test_a_sink_that_stands_holds_nobody_up(writer: LogWriter, sink: Sink) -> None:
    dropped: list[str] = []
    writer.dropped = dropped.append
    sink.stands.clear()
    writer.put("info", "stands")
    assert sink.asked.acquire(timeout=30)
    for number in range(5):
        writer.put("info", str(number))
    assert dropped == ["full", "full"]
    sink.stands.set()
    writer.close(30)
    assert [line for _, line in sink.lines] == ["stands", "[('full', 2)] in 0.0", "0", "1", "2", "closed"]


class Many(Sink):
    """Takes so many of several lines at once."""

    def __init__(self, most: int = 100) -> None:
        super().__init__()
        self.most = most
        self.times = 0

    def write_many(self, lines: Sequence[tuple[str, str]]) -> None:
        self.times += 1
        self.lines += lines[: self.most]
        if len(lines) > self.most:
            raise PartlyWritten(self.most)


@pytest.mark.parametrize("most", [100, 2, 0])
def test_lines_that_come_together_are_written_at_once_and_the_rest_is_counted(
    most: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = threading.Event()
    monkeypatch.setattr("shim.edge.telemetry.writer.time.sleep", lambda _: come.wait(30))
    sink = Many(most)
    writer = LogWriter(sink, lambda lost, _: f"{lost}", 10, clock)
    dropped: list[str] = []
    writer.dropped = dropped.append
    for number in range(5):
        writer.put("info", str(number))
    come.set()
    writer.close(30)
    taken = min(most, 5)
    told = [f"{{'failed': {5 - taken}}}"] if taken < 5 else []
    assert [line for _, line in sink.lines] == [*map(str, range(taken)), *told, "closed"]
    assert (sink.times, len(dropped)) == (1, 5 - taken)


def test_the_end_does_not_wait_for_a_sink_that_stands(writer: LogWriter, sink: Sink) -> None:
    sink.stands.clear()
    writer.put("info", "stands")
    assert sink.asked.acquire(timeout=30)
    writer.close(0.01)
    assert sink.lines == []


def test_a_file_is_rotated_and_so_many_are_kept(tmp_path: Path) -> None:
    file = RotatedFile(tmp_path / "shim.log", 10, 2)
    for line in ("one", "two", "three", "four", "five", "a line that is longer than the file"):
        file.write("info", line)
    file.close()
    found = {each.name: each.read_text() for each in tmp_path.iterdir()}
    assert found == {
        "shim.log": "a line that is longer than the file\n",
        "shim.log.1": "four\nfive\n",
        "shim.log.2": "three\n",
    }
    assert (tmp_path / "shim.log").stat().st_mode & 0o007 == 0


def test_a_file_goes_on_where_it_was_and_follows_logrotate(tmp_path: Path) -> None:
    path = tmp_path / "shim.log"
    path.write_text("before\n")
    file = RotatedFile(path, 1000, 2)
    file.write("info", "one")
    path.rename(tmp_path / "moved")
    file.write("info", "two")
    path.unlink()
    file.write("info", "three")
    file.close()
    assert (tmp_path / "moved").read_text() == "before\none\n"
    assert path.read_text() == "three\n"


def test_a_disk_that_takes_half_a_line_is_left_without_it(tmp_path: Path) -> None:
    file = RotatedFile(tmp_path / "shim.log", 1000, 2)
    file.write("info", "one")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6, hard))
    try:
        for _ in range(2):
            with pytest.raises(OSError, match="part"):
                file.write("info", "two")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    file.write("info", "three")
    file.close()
    assert (tmp_path / "shim.log").read_text() == "one\nthree\n"


def test_a_pipe_that_nobody_reads_is_given_up_and_half_a_line_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.telemetry.sinks._WAIT", 0.01)
    reader, end = os.pipe()
    os.set_blocking(end, False)
    stream = Stream(end)
    with pytest.raises(OSError, match="part"):
        stream.write("info", "x" * 1_000_000)
    with pytest.raises(OSError, match="nobody reads"):
        stream.write("info", "y")
    os.read(reader, 1_000_000)
    stream.write("info", "again")
    assert os.read(reader, 100) == b"\nagain\n"
    os.close(reader)
    with pytest.raises(OSError, match="Broken pipe"):
        stream.write("info", "z")
    os.close(end)


def test_of_lines_that_a_pipe_takes_a_part_of_the_whole_ones_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.telemetry.sinks._WAIT", 0.01)
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    room = 0
    while True:
        try:
            room += os.write(writes, b"." * 4096)
        except BlockingIOError:
            break
    os.read(reads, 8192)  # room for one and a half of the lines
    stream = Stream(writes)
    with pytest.raises(PartlyWritten) as partly:
        stream.write_many([("info", "a" * 5000), ("info", "b" * 5000), ("info", "c")])
    assert partly.value.taken == 1
    os.read(reads, room - 8192)
    stream.write("info", "after")
    told = os.read(reads, 100_000)
    assert told.startswith(b"a" * 5000 + b"\nb")
    assert told.endswith(b"b\nafter\n")
    assert b"c" not in told
    for each in (reads, writes):
        os.close(each)


def test_the_journal_of_systemd_gets_severities(tmp_path: Path) -> None:
    reader, end = os.pipe()
    Stream(end, priorities=True).write("warning", "hot")
    assert os.read(reader, 100) == b"<4>hot\n"
    os.close(reader)
    os.close(end)
    at = os.fstat(2)
    assert of_journal({"JOURNAL_STREAM": f"{at.st_dev}:{at.st_ino}"})
    assert not of_journal({"JOURNAL_STREAM": "1:2"})
    assert not of_journal({})


def test_a_syslog_server_gets_lines_with_their_severity(tmp_path: Path) -> None:
    address = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(address)
        sink = Syslog(address)
        sink.write("error", '{"event": "é"}')
        received = server.recv(1000).decode()
        assert received == f'<27>shim[{os.getpid()}]: {{"event": "é"}}'
    with pytest.raises(OSError, match="syslog"):
        sink.write("error", "nobody there")
    Path(address).unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(address)
        sink.write("info", "it is there again")
        assert server.recv(1000).endswith(b"again")
    sink.close()


VALUES: tuple[Mapping[str, object], ...] = (
    {"reference": "0f", "integration": None, "operation": "Client.GetClients", "calls": 3, "milliseconds": 1.5},
    {"path": 'a"b\\c\n\t\x00\x7f', "said": "é ü \u2028 \ud800 😀", "result": ""},
    {"many": [1, 2.0, None, True, {"a": ("b",)}], "nothing": {}, "nan": float("nan"), "big": 10**30},
    {"path": Path("/x"), "kind": ValueError, "bytes": b"\xff", "level": "mine", "timestamp": "now", "code": 0},
    {"exc_info": None},
    {"exc_info": True},
    {"exc_info": (ValueError, ValueError("no traceback"), None), "after": 1},
    {},
)
METHODS = ("debug", "info", "warn", "warning", "err", "error", "exception", "critical", "fatal")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("values", VALUES)
def test_a_line_is_what_the_processors_make_of_it(values: Mapping[str, object], method: str) -> None:
    """With the same time, byte for byte, for each severity and whatever the values."""
    set_level("debug")
    try:
        event = {**values, "event": "call"}
        line = log._json_line(None, method, dict(event))
        stamped: Any = dict(event)
        for each in log._PROCESSORS:
            stamped = each(None, method, stamped)
        stamped["timestamp"] = json.loads(line)["timestamp"]
        assert line == log._JSON(None, method, stamped)
        assert datetime.fromisoformat(stamped["timestamp"]).utcoffset() == timedelta(0)
    finally:
        set_level("info")


def test_an_exception_under_way_is_in_the_line() -> None:
    try:
        raise ValueError("what went wrong")
    except ValueError:
        line = log._json_line(None, "exception", {"event": "internal error", "exc_info": True})
    assert json.loads(line)["exception"].endswith("ValueError: what went wrong")
    assert json.loads(line)["level"] == "error"


@pytest.mark.parametrize(
    ("level", "methods"),
    [("debug", METHODS), ("info", METHODS[1:]), ("warning", METHODS[2:]), ("error", METHODS[4:])],
)
def test_a_line_below_the_level_is_dropped(level: str, methods: Sequence[str]) -> None:
    set_level(level)
    try:
        written = []
        for each in METHODS:
            with suppress(structlog.DropEvent):
                log._json_line(None, each, {"event": "call"})
                written.append(each)
        assert written == list(methods)
    finally:
        set_level("info")


@pytest.fixture
def configured() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    set_level("info")


@pytest.mark.usefixtures("configured")
def test_a_file_has_lines_of_json_and_a_terminal_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to(Log(file=tmp_path / "log")):
        structlog.get_logger().info("call", path="/soap2", code=None)
        structlog.get_logger().debug("too much")
        with structlog.testing.capture_logs() as lines:
            structlog.get_logger().info("call", path="/other")
        assert lines == [{"path": "/other", "event": "call", "log_level": "info"}]
    line = (tmp_path / "log").read_text()
    assert line.startswith('{"path": "/soap2", "code": null, "event": "call", "level": "info", "timestamp": "')
    assert line.count("\n") == 1
    configure("info", "console")
    structlog.get_logger().info("call", path="/soap2")
    shown = capsys.readouterr().err
    assert "call" in shown
    assert "path" in shown
    assert "{" not in shown
