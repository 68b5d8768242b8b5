"""`make fuzz`: inputs led by what code they reach, over the whole way of a message, for ten minutes.

    make fuzz ARGS="--seconds 60 --seed 2"

Each finding is made as small as it gets and put into `tests/hostile/found`, where the tests take it up; two
that break at the same place are one. The corpus stays in `.fuzz/corpus`. Exits with 1 when anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
CORPUS = ROOT / ".fuzz" / "corpus"
_TRIES = 3_000
"""How often a finding is run to make it small."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        fuzz(options.seconds, options.seed)
    before = found()
    command = [sys.executable, "-m", "tests.hostile.fuzz", "--inside"]
    command += [f"--seconds={options.seconds}", f"--seed={options.seed}"]
    ended = subprocess.run(command, cwd=ROOT, check=False)
    reached()
    fresh = found() - before
    print(f"{len(fresh)} findings{''.join(f'; {each}' for each in sorted(fresh))}")
    return 1 if fresh or ended.returncode else 0


def found() -> set[str]:
    return {each.name for each in FOUND.glob("*")}


def fuzz(seconds: int, seed: int) -> NoReturn:
    """The fuzzing itself, in a process of its own: libFuzzer ends it."""
    import atheris  # type: ignore[import-not-found]  # only there for this: requirements-fuzz.lock

    with atheris.instrument_imports(include=["shim", "translations"]):
        from tests.hostile import mutations, whole
    CORPUS.mkdir(parents=True, exist_ok=True)
    for each in mutations.seeds():
        whole.through(each)
        (CORPUS / hashlib.sha256(each).hexdigest()[:20]).write_bytes(each)
    command = [sys.argv[0], f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=65536", "-verbosity=0"]
    command += ["-timeout=60", "-rss_limit_mb=3000", "-print_final_stats=1", "-reload=0", str(CORPUS)]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        if seed % 8 == 0:
            return bytes(atheris.Mutate(data, most))
        source = random.Random(seed)
        known = mutations.seeds() if seed % 8 == 1 else (data,)
        return mutations.mutated(source.choice(known), source, gently=0.8)[:most]

    atheris.Setup(command, Findings(whole.judged).take, custom_mutator=mutate)
    atheris.Fuzz()
    sys.exit()


class Findings:
    """What was found, by the place where it broke. `judged` runs an input and raises what is wrong with it."""

    def __init__(self, judged: Callable[[bytes], tuple[str, int, int]]) -> None:
        self._judged = judged
        self.places: dict[str, int] = {}
        self.became = Counter[str]()
        self._told = time.monotonic()

    def take(self, data: bytes) -> None:
        """Run one input; tell now and then how far it is."""
        data = bytes(data)
        try:
            self.became[self._judged(data)[0]] += 1
        except Exception as error:  # noqa: BLE001  # each is a finding
            self._keep(data, error)
        if time.monotonic() - self._told > 15:
            self._told = time.monotonic()
            told = ", ".join(f"{name} {count}" for name, count in self.became.most_common(6))
            print(f"{self.became.total()} inputs ({told}), {len(self.places)} findings", flush=True)

    def _keep(self, data: bytes, error: Exception) -> None:
        place = place_of(error)
        self.places[place] = self.places.get(place, 0) + 1
        if self.places[place] > 1:
            return
        small = minimised(data, lambda less: self._breaks(less) == place)
        FOUND.mkdir(exist_ok=True)
        name = FOUND / hashlib.sha256(small).hexdigest()[:12]
        name.write_bytes(small)
        print(f"FOUND {place}: {name} ({len(data)} bytes, made to {len(small)})\n  {small[:500]!r}", flush=True)

    def _breaks(self, data: bytes) -> str | None:
        try:
            self._judged(data)
        except Exception as error:  # noqa: BLE001
            return place_of(error)
        return None


def place_of(error: Exception) -> str:
    """The kind of an error and the last place in our own code that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "/shim/" in each.filename or "/translations/" in each.filename]
    last = (ours or frames)[-1]
    at = f"{Path(last.filename).name}:{last.lineno}"
    return type(error).__name__ if type(error).__name__ == "TooMuch" else f"{type(error).__name__} at {at}"


def minimised(data: bytes, breaks: Callable[[bytes], bool]) -> bytes:
    """A shorter input that breaks at the same place: pieces are taken out, ever smaller ones."""
    size, tries = len(data) // 2, 0
    while size >= 1 and tries < _TRIES:
        at, smaller = 0, False
        while at < len(data) and tries < _TRIES:
            less = data[:at] + data[at + size :]
            tries += 1
            if breaks(less):
                data, smaller = less, True
            else:
                at += size
        if not smaller or size > len(data):
            size //= 2
    return data


def reached() -> None:
    """Tell how much of the code the corpus reaches."""
    from tests.hostile import mutations, whole

    seen: set[tuple[str, int]] = set()
    inputs = [each.read_bytes() for each in CORPUS.iterdir()]
    for each in (*mutations.seeds(), *inputs):
        try:
            with whole.counted(1 << 20, seen):
                whole.through(each)
        except Exception:  # noqa: BLE001  # it was told before
            continue
    core = {path for path, _ in seen if "/shim/core/" in path}
    lines = sum(len(_lines(path)) for path in core)
    run = len([1 for path, line in seen if path in core and line in _lines(path)])
    print(f"{len(inputs)} inputs in the corpus; {run} of {lines} lines in {len(core)} files of shim/core")


def _lines(path: str, known: dict[str, set[int]] = {}) -> set[int]:  # noqa: B006
    """The lines of a file's functions that are run with a call."""
    if path not in known:
        todo, found = [compile(Path(path).read_text(), path, "exec")], set[int]()
        while todo:
            code = todo.pop()
            if code.co_name not in ("<module>",) and code.co_flags & 2:
                found |= {line for _, _, line in code.co_lines() if line is not None}
            todo += [each for each in code.co_consts if hasattr(each, "co_code")]
        known[path] = found
    return known[path]


if __name__ == "__main__":
    sys.exit(main())
