"""What goes wrong in the chaos run, one thing after the other, and how each is put right again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from shim.emulator.handlers.listing import LIES
from tests.chaos.backend import Mood
from tests.chaos.site import LEASE, Replica, Site

Happen = Callable[[Site, random.Random], None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that begins, lasts and is over when `happen` returns."""

    name: str
    title: str
    happen: Happen


def _one(site: Site, chance: random.Random) -> Replica:
    return chance.choice(site.replicas)


def _moody(mood: Mood, seconds: float) -> Happen:
    def happen(site: Site, chance: random.Random) -> None:
        site.backend.mood = mood
        time.sleep(seconds)
        site.backend.mood = Mood()

    return happen


def _backend_dies(site: Site, chance: random.Random) -> None:
    site.backend.die()
    time.sleep(3)
    site.backend.live()


def _killed(site: Site, chance: random.Random) -> None:
    # Always the same one, so that the other one lives long enough to tell whether it grows.
    site.replicas[0].kill()
    time.sleep(LEASE)
    site.replicas[0].begin()


def _restarted(site: Site, chance: random.Random) -> None:
    site.replicas[0].stop()
    site.replicas[0].begin()


def _paused(site: Site, chance: random.Random) -> None:
    replica = _one(site, chance)
    replica.pause()
    time.sleep(LEASE + 2)
    replica.go_on()


def _disk_full(site: Site, chance: random.Random) -> None:
    for each in site.replicas:
        each.fill_disk()
    time.sleep(4)
    for each in site.replicas:
        each.free_disk()


def _clock_moved(site: Site, chance: random.Random) -> None:
    replica = _one(site, chance)
    for seconds in (120.0, -3600.0, 86_400.0):
        replica.ahead.seconds = seconds
        time.sleep(1.5)
    replica.ahead.seconds = 0.0


def _database_restarted(site: Site, chance: random.Random) -> None:
    site.pair.primary.stop()
    time.sleep(1)
    site.pair.primary.start()


def _database_fails_over(site: Site, chance: random.Random) -> None:
    site.pair.fail_over()
    time.sleep(1)
    site.pair.follow()


def _standby_away(site: Site, chance: random.Random) -> None:
    site.pair.standby.stop()
    time.sleep(2)
    site.pair.standby.start()


def _database_hangs(site: Site, chance: random.Random) -> None:
    frozen = site.pair.primary.processes()
    for each in frozen:
        with suppress(psutil.NoSuchProcess):
            each.suspend()
    time.sleep(3)
    for each in frozen:
        with suppress(psutil.NoSuchProcess):
            each.resume()


EVENTS = [
    Event(
        "backend-hangs",
        "v3 answers nothing for 3 s, then does all that it was asked",
        _moody(Mood(hangs=True), 3),
    ),
    Event(
        "backend-lies",
        "half of v3's lists are empty, short or of yesterday, for 5 s",
        _moody(Mood(chance=0.5, actions=[f"list:{each}" for each in LIES]), 5),
    ),
    Event(
        "backend-refuses",
        "a third of v3's answers are faults, for 4 s",
        _moody(Mood(chance=0.3, actions=["fault:520", "dead-token"]), 4),
    ),
    Event(
        "backend-breaks",
        "a quarter of v3's answers are cut, halved, late or no SOAP, for 5 s; the calls may have taken effect",
        _moody(Mood(chance=0.25, actions=["drop", "drop-after", "half", "garbage", "late:2"]), 5),
    ),
    Event("backend-dies", "v3 cuts all connections and is away for 3 s", _backend_dies),
    Event("shim-killed", "a shim is killed with SIGKILL, and begun again 3 s later", _killed),
    Event("shim-restarted", "a shim is told to end, and begun again", _restarted),
    Event("shim-paused", "a shim is stopped for 2 s longer than its lease, then goes on", _paused),
    Event("disk-full", "log and spool of both shims take no byte for 4 s", _disk_full),
    Event("clock-moved", "a shim's clock goes 2 min ahead, an hour back, a day ahead, and right", _clock_moved),
    Event(
        "database-restarted",
        "the primary PostgreSQL ends in order, and is begun again 1 s later",
        _database_restarted,
    ),
    Event(
        "database-fails-over",
        "the primary is killed, the standby promoted, the other follows it",
        _database_fails_over,
    ),
    Event("database-hangs", "the primary answers nothing for 3 s", _database_hangs),
    Event("standby-away", "the standby is away for 2 s, and no commit ends meanwhile", _standby_away),
]
