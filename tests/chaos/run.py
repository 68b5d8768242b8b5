"""The run: callers call, one thing after the other goes wrong, and at the end everybody is asked."""

from __future__ import annotations

import random
import re
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.events import EVENTS, Event
from tests.chaos.judge import Verdict, judge
from tests.chaos.site import Site, site, wait_for
from tests.chaos.toolkits import TOOLKITS, Caller, Place, callers
from tests.chaos.traffic import Ledger, Life

Say = Callable[[str], None]
CALM = 3.0
"""Seconds between two events, after both shims are ready again."""
EVERY = 10.0
"""Seconds between two lines of progress."""
GROWTH = 48 << 20
"""Resident bytes that a shim may grow by after its first minute; caches fill up for a while."""
WARM = 60.0
LARGEST = 768 << 20
"""What the examples of deploy/ give a shim."""


@dataclass
class Result:
    """What a run was and came to."""

    seed: int
    minutes: float
    began: float
    seconds: float = 0.0
    toolkits: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    backend_calls: int = 0
    made: int = 0
    """Extensions and accounts that callers were told of."""
    users_kept: int = 0
    """Findings that say that a user stayed without its extension."""
    deaths: int = 0
    sizes: dict[str, list[tuple[float, int, int]]] = field(default_factory=dict)
    """By shim, for each of its processes: age in seconds, bytes when warm, bytes at last."""
    verdict: Verdict = field(default_factory=Verdict)
    histories: dict[str, list[str]] = field(default_factory=dict)
    """What was told about those that the verdict names."""


@dataclass
class Run:
    """`minutes` of events in an order of `seed`'s; at least one round, in which each happens once."""

    seed: int
    minutes: float
    say: Say
    toolkits: list[str] = field(default_factory=lambda: list(TOOLKITS))
    by_hand: int = 2
    events: list[Event] = field(default_factory=lambda: list(EVENTS))
    out: Path | None = None
    """Where the logs of the shims go at the end."""
    _doing: str = "begins"

    def run(self) -> Result:
        began = time.time()
        result = Result(self.seed, self.minutes, began)
        with tempfile.TemporaryDirectory(prefix="chaos") as name, site(Path(name), self.seed) as place:
            kept = [each.login for each in place.backend.world.accounts.values()]
            built = Path(name) / "built"
            built.mkdir()
            ports = tuple(each.http for each in place.replicas)
            where = Place(place.https, place.http, place.tls, built, ports)
            those, result.missing = callers(where, self.toolkits, self.by_hand)
            result.toolkits = sorted({each.key.rstrip("0123456789") for each in those})
            self.say(f"{len(those)} callers: {', '.join(each.key for each in those)}; seed {self.seed}")
            ledger, stop = Ledger(), threading.Event()
            try:
                self._live(place, those, ledger, stop, result)
            finally:
                stop.set()
                for each in those:
                    with suppress(OSError):
                        each.close()
            self._ask(place, ledger, kept, result)
            for each in place.replicas if self.out else ():
                shutil.copy(each.folder / "log", self.out / f"{each.name}.log")
        result.seconds = time.time() - began
        words = {
            word
            for found in asdict(result.verdict).values()
            for each in found
            for word in re.split(r"[\s:]", each)
        }
        result.histories = {each.login: each.told for each in ledger.lines.values() if each.login in words}
        result.calls, result.faults = ledger.calls, ledger.faults
        result.made = sum(bool(each.id) for each in ledger.lines.values())
        result.deaths = sum(getattr(each, "deaths", 0) for each in those)
        return result

    def _live(
        self, place: Site, those: list[Caller], ledger: Ledger, stop: threading.Event, result: Result
    ) -> None:
        lives = [
            threading.Thread(target=Life(each, ledger, stop, self.seed).lead, name=each.key) for each in those
        ]
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(place, ledger, over, result), daemon=True)
        for each in [*lives, watch]:
            each.start()
        try:
            self._happen(place, result)
        except BaseException as error:  # what went wrong could not be put right: nobody will be answered well
            self.say(f"the run itself failed, and ends: {error!r}")
            ledger.over.set()
            raise
        finally:
            self._doing = "callers end their stories"
            stop.set()
            for each in lives:
                each.join()
            over.set()
            watch.join()

    def _happen(self, place: Site, result: Result) -> None:
        chance = random.Random(self.seed)
        deadline = time.monotonic() + 60 * self.minutes
        first = True
        while first or time.monotonic() < deadline:
            for event in chance.sample(self.events, len(self.events)):
                if not first and time.monotonic() > deadline:
                    break
                self._doing = "calm"
                time.sleep(CALM)
                self._doing = event.name
                event.happen(place, chance)
                result.events[event.name] += 1
                self._doing = f"after {event.name}"
                wait_for(place.ready, f"both shims are ready after {event.name}")
            first = False

    def _watch(self, place: Site, ledger: Ledger, over: threading.Event, result: Result) -> None:
        began = time.monotonic()
        while not over.wait(EVERY):
            sizes = [each.look() >> 20 for each in place.replicas]
            calls, faults = sum(ledger.calls.values()), sum(ledger.faults.values())
            self.say(
                f"{time.monotonic() - began:5.0f} s  {calls:6} calls  {faults:5} faults  "
                f"{len(ledger.wrong)} contradictions  {sum(result.events.values()):3} events  "
                f"{sizes[0]}+{sizes[1]} MB  {self._doing}"
            )

    def _ask(self, place: Site, ledger: Ledger, kept: list[str], result: Result) -> None:
        """Wait until nothing is under way any more, then compare."""
        self.say("nothing goes wrong any more: what is under way ends, then everything is compared")
        stuck: list[str] = []
        with suppress(AssertionError):
            wait_for(lambda: not place.journal("running", "undoing"), "nothing is under way in the journal")
        stuck = place.journal("running", "undoing", "paused")
        for each in place.replicas:
            each.look()
        result.users_kept = sum(each.users_kept for each in place.replicas)
        result.verdict = verdict = judge(ledger, place.backend.world, kept, result.users_kept)
        verdict.stuck = stuck
        mapped = place.command("map", "verify")
        if mapped.returncode != 0:
            verdict.mapped.append(
                f"exit code {mapped.returncode}: {mapped.stdout[-2000:]}{mapped.stderr[-2000:]}"
            )
        result.backend_calls = place.backend.calls
        for each in place.replicas:
            verdict.internal += [f"shim {each.name}: {found}" for found in each.internal]
            verdict.internal += [f"shim {each.name} ended with {code}" for code in each.bad_ends]
            result.sizes[each.name] = _sizes(each.sizes.values())
            verdict.memory += [
                f"shim {each.name}: {warm >> 20} MB after a minute, {last >> 20} MB after {age:.0f} s"
                for age, warm, last in result.sizes[each.name]
                if last - warm > GROWTH or last > LARGEST
            ]


def _sizes(processes: object) -> list[tuple[float, int, int]]:
    found = []
    for seen in processes:  # type: ignore[attr-defined]
        warm = next((size for age, size in seen if age >= WARM), seen[-1][1])
        found.append((seen[-1][0], warm, seen[-1][1]))
    return found
