"""The parent of the workers: starts and watches them, and does nothing else that could fail.

It has no thread and no event loop: it waits for signals, one after the other. Whatever is loaded and compiled
before it forks, the workers share. Laws: a worker that ends by itself is started again, later each time that it
does so soon; one that takes the place of another serves before the other is told to end; nothing but a signal
ends the parent, or workers that cannot be started in the first place.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import structlog

from shim.edge.reload import Reload, live_only
from shim.edge.settings.load import Config, ConfigError
from shim.edge.supervisor import Notifier
from shim.edge.workers.place import Worker

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
SOON = 10.0
"""A worker that ended within so many seconds of its start is started again with a pause."""
PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds, by how often it ended soon."""
START = 120.0
"""Seconds that a worker has until it serves."""
_LOOK = 0.05
FIXED = ("admin.host", "admin.port", "listen.host", "listen.port", "listen.tls_port", "listen.workers", "store")
"""Settings and sections for which new workers are not enough: the parent's sockets, and a store that two would
have in two places."""

Run = Callable[[Worker, Config], int]
"""The work of a worker in its process; gives its exit code."""


@dataclass
class _Process:
    number: int
    pid: int
    ready: int
    began: float
    serves: bool = False
    stopping: bool = False
    behind: bool = False
    """The configuration was reread while it started."""


@dataclass
class _Place:
    """One of the workers, over its processes: `next` takes the place of `now` once it serves."""

    number: int
    now: _Process | None = None
    next: _Process | None = None
    ended_soon: int = 0
    again_at: float = 0.0


@dataclass
class Supervisor:
    """Looks after `count` workers, each of which does `run`. `config` is that of all; `reread` reads it."""

    config: Config
    count: int
    run: Run
    reread: Callable[[], Config]
    notifier: Notifier
    clock: Callable[[], float] = time.monotonic
    _places: list[_Place] = field(init=False)
    _leaving: dict[int, _Process] = field(default_factory=dict)
    _rolling: list[_Place] = field(default_factory=list)
    _reload: Reload = field(default_factory=lambda: Reload(1, time.time()))
    _ending: signal.Signals | None = None
    _announced: bool = False
    _code: int = 0

    def __post_init__(self) -> None:
        self._places = [_Place(number) for number in range(1, self.count + 1)]
        self._folder = Path(tempfile.mkdtemp(prefix="shim-"))
        self._alive, self._life = os.pipe()

    def supervise(self) -> int:
        """Until a signal ends it. The exit code: 0, that of a worker that could not start, 130 for SIGINT."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            while self._going_on():
                self._start_what_is_due()
                number = self._next_signal()
                if number is not None:
                    self._handle(number)
                self._look()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._life)
            os.close(self._alive)
        return 130 if self._ending is signal.SIGINT and not self._code else self._code

    def _going_on(self) -> bool:
        return self._ending is None or bool(self._processes())

    def _processes(self) -> list[_Process]:
        processes = [each for place in self._places for each in (place.now, place.next) if each is not None]
        return [*processes, *self._leaving.values()]

    # ---- signals ----

    def _next_signal(self) -> signal.Signals | None:
        """The next signal; None when there is something to look at before one comes."""
        starting = any(not each.serves for each in self._processes())
        waits = [
            place.again_at - self.clock() for place in self._places if place.now is None and not self._ending
        ]
        if not starting and not waits and not self._rolling:
            return signal.Signals(signal.sigwaitinfo(SIGNALS).si_signo)
        pause = _LOOK if starting or self._rolling else max(0.0, min(waits))
        received = signal.sigtimedwait(SIGNALS, pause)
        return None if received is None else signal.Signals(received.si_signo)

    def _handle(self, number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            self._hang_up()
        elif number is not signal.SIGCHLD:
            self._end(number)

    def _end(self, number: signal.Signals, code: int = 0) -> None:
        """Have all end, as this signal has it; a second signal goes on to them too."""
        if self._ending is None:
            self.notifier.stopping()
            log.info("stopping workers", signal=number.name, workers=self.count)
        self._ending, self._code, self._rolling = number, code or self._code, []
        for each in self._processes():
            _send(each, number)

    def _hang_up(self) -> None:
        """Reread the configuration. What changes while a worker runs, each takes over; for the rest they are
        started anew, one after the other."""
        if self._ending is not None:
            return
        self.notifier.reloading()
        number = self._reload.number + 1
        try:
            config = self.reread()
        except Exception as error:  # noqa: BLE001  # each worker says so, and goes on as it was
            problems = error.problems if isinstance(error, ConfigError) else [str(error)]
            self._reload = Reload(number, time.time(), problems=tuple(map(str, problems)))
            self._pass_on()
            return
        changed, restart = live_only(config, self.config)
        fixed = tuple(key for key in restart if _is_fixed(key)) + self._without_https(config)
        self.config = _kept(config, self.config)
        renewed = tuple(sorted({*changed, *restart} - set(fixed)))
        self._reload = Reload(number, time.time(), renewed, tuple(sorted(fixed)))
        if set(restart) <= set(fixed):
            self._pass_on()
            return
        log.info("starting workers anew, one by one", changed=renewed, needs_restart=fixed)
        self._rolling = list(self._places)

    def _pass_on(self) -> None:
        for place in self._places:
            if place.now is not None and place.now.serves:
                _send(place.now, signal.SIGHUP)
            elif place.now is not None:
                place.now.behind = True
        self.notifier.ready()

    def _without_https(self, config: Config) -> tuple[str, ...]:
        return () if config.listen.tls == self.config.listen.tls else ("listen.tls_cert", "listen.tls_key")

    # ---- processes ----

    def _look(self) -> None:
        """See who serves by now, and who has ended; go on with rolling."""
        for each in self._processes():
            if not each.serves and select.select([each.ready], [], [], 0)[0]:
                each.serves = os.read(each.ready, 1) == b"1"
                if each.serves and each.behind:
                    _send(each, signal.SIGHUP)
            elif not each.serves and self.clock() - each.began > START:
                log.error("a worker does not start", worker=each.number, pid=each.pid, seconds=START)
                _send(each, signal.SIGKILL)
        self._reap()
        for place in self._places:
            if place.next is not None and place.next.serves:
                self._replace(place)
        if not self._announced and all(place.now is not None and place.now.serves for place in self._places):
            self._announced = True
            log.info("workers serve", workers=self.count, pids=[p.now.pid for p in self._places if p.now])
            self.notifier.ready()
        if self._rolling and not self._leaving and not any(place.next for place in self._places):
            place = self._rolling[0]
            if place.now is not None and not place.now.stopping:
                place.next = self._fork(place.number)

    def _replace(self, place: _Place) -> None:
        before, place.now, place.next = place.now, place.next, None
        if before is not None:
            before.stopping = True
            self._leaving[before.pid] = before
            _send(before, signal.SIGTERM)
        self._rolling = [each for each in self._rolling if each is not place]
        if not self._rolling:
            log.info("workers were started anew", workers=self.count)
            self.notifier.ready()

    def _start_what_is_due(self) -> None:
        if self._ending is not None:
            return
        for place in self._places:
            if place.now is None and place.again_at <= self.clock():
                place.now = self._fork(place.number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, code: int) -> None:
        gone = self._leaving.pop(pid, None)
        for place in self._places:
            if place.next is not None and place.next.pid == pid:
                gone, place.next, self._rolling = place.next, None, []
                log.error("a new worker could not start: the others go on", worker=place.number, code=code)
                self.notifier.ready()
            elif place.now is not None and place.now.pid == pid:
                gone, place.now = place.now, None
                self._lost(place, gone, code)
        if gone is not None:
            os.close(gone.ready)
            for path in self._folder.glob(f"*-{pid}"):
                path.unlink(missing_ok=True)

    def _lost(self, place: _Place, gone: _Process, code: int) -> None:
        """A worker ended that nobody had told to."""
        if self._ending is not None:
            self._code = self._code or max(0, code) * (code != 130)
            return
        if not self._announced and not gone.serves:  # as it is at the very first start
            self._end(signal.SIGTERM, code if code > 0 else 1)
            return
        soon = self.clock() - gone.began < SOON
        place.ended_soon = min(place.ended_soon + 1, len(PAUSES) - 1) if soon else 0
        pause = PAUSES[place.ended_soon]
        place.again_at = self.clock() + pause
        log.error("a worker ended", worker=place.number, pid=gone.pid, code=code, again_in=pause)

    def _fork(self, number: int) -> _Process:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._in_worker(number, reading, writing)
        os.close(writing)
        return _Process(number, pid, reading, self.clock())

    def _in_worker(self, number: int, reading: int, writing: int) -> NoReturn:
        """Run the worker in the fork; never comes back."""
        code = 1
        try:
            os.setpgid(0, 0)  # Ctrl-C at a terminal is the parent's affair
            os.close(reading)
            os.close(self._life)
            for each in self._processes():
                os.close(each.ready)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it serves
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            worker = Worker(number, self.count, self._folder, os.getppid(), self._reload, writing, self._alive)
            code = self.run(worker, self.config)
        finally:
            os._exit(code)


def _send(process: _Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended, which is seen to next
        os.kill(process.pid, number)


def _is_fixed(key: str) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in FIXED)


def _kept(config: Config, running: Config) -> Config:
    """The new configuration, with what needs a new parent as it runs."""
    at = running.listen
    tls = {} if config.listen.tls == at.tls else {"tls_cert": at.tls_cert, "tls_key": at.tls_key}
    where = {"host": at.host, "port": at.port, "tls_port": at.tls_port, "workers": at.workers}
    admin = {"host": running.admin.host, "port": running.admin.port}
    return config.model_copy(
        update={
            "listen": config.listen.model_copy(update=where | tls),
            "admin": config.admin.model_copy(update=admin),
            "store": running.store,
        }
    )
