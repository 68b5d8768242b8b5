"""All that the speed of the shim is judged by: CPU a call beside its peers, lists, the log, start, memory.

Peers take turns within each round, and a ratio is that of two measurements of the same round, so that what
disturbs one disturbs the other. CPU is that of the whole tree of a peer's processes; load and backend are this
process and count for nobody. Prints tables in Markdown, and writes everything to a JSON file.

    python -m bench.run [--rounds 9] [--requests 400] [--only calls,start] [--against REV] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from bench import growth, process, workers
from bench.calls import Measured, add_extension, add_reseller, read, set_limits
from bench.figures import Figure, Spread, compared, table
from bench.measuring import commit, cpu_seconds, machine
from bench.peers import start
from bench.wire import Backend, Load

FILE = Path(__file__).parent / "results"
CALLS = (
    (read, {"shim / bare": 2.0, "shim / PHP": 0.9}),
    (add_reseller, {"shim / bare": 3.0}),
    (set_limits, {"shim / bare": 3.0}),
    (add_extension, {"shim / bare": 2.5}),
)
"""What is called, with the most that the ratios should be."""
_WARM = 200


class Bench:
    """The peers on one backend; each section of the run adds its figures."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.figures: list[Figure] = []
        self.backend = Backend()
        self.port = 0
        self.tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        self.tell(figure.row())

    async def peers(self, stack: ExitStack) -> dict[str, start.Peer]:
        """All peers that can be started here. One whose programs are not installed is told and left out."""
        making = {"bare": start.bare(self.port), "shim": start.shim(self.port, self.folder)}
        if self.options.against:
            tree = stack.enter_context(revision(self.options.against))
            making["before"] = start.shim(self.port, self.folder, "before", tree)
        else:
            making |= {"PHP": start.php(self.port, self.folder), "zeep": start.zeep(self.port, self.folder)}
        found = {}
        for name, manager in making.items():
            try:
                found[name] = await start.entered(stack, manager)
            except start.MissingProgram as error:
                self.tell(f"without {name}: {error}")
        return found

    async def calls(self) -> None:
        with ExitStack() as stack:
            peers = await self.peers(stack)
            for make, aims in CALLS:
                call = make()
                self.backend.answers(call.answers)
                self.backend.answer(call.answer)
                chosen = {name: peer for name, peer in peers.items() if name in OURS or name in call.peers}
                self.add(await self._compared(call, chosen, aims))

    async def _compared(self, call: Measured, peers: dict[str, start.Peer], aims: dict[str, float]) -> Figure:
        """CPU a call of each peer; bare carries the v3 calls that the shim made of the first one."""
        loads = {
            name: Load(peer.port, call.path, lambda number, first=first: call.message(first + number), b"Body>")
            for first, (name, peer) in zip(range(0, 9_000_000, 1_000_000), peers.items(), strict=False)
        }
        self.backend.asked.clear()
        await loads["shim"].run(1)
        made = [body for body in self.backend.asked.values() if body]
        loads["bare"] = Load(peers["bare"].port, "/soap2/any", made, b"Body>")
        many = {"bare": len(made)}
        found: dict[str, list[float]] = {name: [] for name in loads}
        for name, load in loads.items():
            await load.run(_WARM * many.get(name, 1))
        for _ in range(self.options.rounds):
            for name, load in loads.items():
                before = cpu_seconds(peers[name].processes)
                await load.run(self.options.requests * many.get(name, 1))
                used = cpu_seconds(peers[name].processes) - before
                found[name].append(used / self.options.requests * 1e6)
        calls = f"{len(made)} v3 call{'s' * (len(made) > 1)}"
        return compared(f"{call.name.partition('.')[2]} ({calls}), CPU a call", "µs", found, aims)

    async def start(self) -> None:
        self.backend.answers({})
        self.backend.answer(read().answer)
        for figure in await process.figures(self.port, self.folder, self.options):
            self.add(compared(*figure))

    async def workers(self) -> None:
        try:
            measured = await workers.figures(self.folder, self.options)
        except start.MissingProgram as error:
            self.tell(f"without workers: {error}")
            return
        for figure in measured:
            self.add(compared(*figure))

    async def growth(self) -> None:
        for figure in await growth.figures(self.port, self.backend, self.folder, self.options):
            self.add(compared(*figure))

    async def extensions(self) -> None:
        told = _module("bench.extensions", "--json")
        for what, unit, aim in (("time", "ms", 4.0), ("memory", "MiB", 1.2)):
            values = {name: Spread.of([told[what][name]]) for name in ("shim", "lxml")}
            ratio = Spread.of([told[what]["shim"] / told[what]["lxml"]])
            title = f"GetExtensions of 5,000 rows, {what}"
            self.add(Figure(title, unit, values, {"shim / lxml": ratio}, {"shim / lxml": aim}))

    async def report(self) -> None:
        told = _module("bench.report", "--json", "--days", "30")
        self.add(
            Figure(
                "overview of 200 integrations, 100 operations, 30 days",
                "s of CPU",
                {what: Spread.of([seconds]) for what, seconds in told.items() if what.startswith("overview")},
                {},
                {"overview, cold": 0.3},
            )
        )


OURS = ("bare", "shim", "before")
SECTIONS = ("calls", "start", "workers", "extensions", "report", "growth")


def _module(*command: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, check=True, text=True, cwd=start.ROOT
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def revision(name: str) -> Iterator[Path]:
    """A source tree of another commit."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        add = ["git", "worktree", "add", "--quiet", "--detach", str(tree), name]
        subprocess.run(add, check=True, cwd=start.ROOT)
        try:
            yield tree
        finally:
            remove = ["git", "worktree", "remove", "--force", str(tree)]
            subprocess.run(remove, check=True, cwd=start.ROOT)


async def bench(options: argparse.Namespace) -> None:
    facts = machine()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        one = Bench(options, Path(name))
        one.port = await one.backend.start()
        for section in options.only.split(","):
            one.tell(f"-- {section}")
            await getattr(one, section)()
    print(table(one.figures))
    output = options.output or FILE / f"{facts['at'][:10]}-{facts['commit'].rstrip('+')}.json"
    facts |= {"rounds": options.rounds, "requests": options.requests}
    if options.against:
        facts["before"] = commit(options.against)
    if options.output or not options.against:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(
            json.dumps({"machine": facts, "figures": [asdict(each) for each in one.figures]}, indent=1) + "\n"
        )
        one.tell(f"written to {output}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=400, help="calls a round and peer")
    parser.add_argument(
        "--memory-calls", type=int, default=20_000, help="calls after which memory is looked at"
    )
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    parser.add_argument("--against", metavar="REV", help="compare the shim with the one of another commit")
    parser.add_argument("--output", type=Path, help="the JSON file; the default is named after day and commit")
    uvloop.run(bench(parser.parse_args()))


if __name__ == "__main__":
    main()
