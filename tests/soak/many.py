"""Very many generated messages, on all cores, with progress and a summary: `python -m tests.soak`.

Exits with 1 when anything is wrong, and prints the operation, the number and the message of each.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import os
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shim.interfaces.load import old
from tests.soak.fixture import fixture
from tests.soak.run import as_text, messages

_TOLD_EVERY = 20
"""Messages after which a process says how far it is."""


@dataclass
class Tally:
    """What became of the messages of one operation."""

    answers: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.answers += other.answers
        self.faults += other.faults
        self.findings += other.findings


Told = tuple[str, int, Tally, list[str]]
"""The operation, how many messages more, what became of them, what is wrong."""


async def work(numbers: dict[str, range], seed: int, queue: Queue[Told | None]) -> None:
    """One process's share: these numbers of each operation."""
    async with fixture() as at:
        for name, mine in numbers.items():
            tally, wrong, count = Tally(), [], 0
            async for number, sent, problem in messages(at, name, mine, seed):
                count += 1
                fault = sent.outcome.fault
                if fault is None:
                    tally.answers += 1
                else:
                    tally.faults[fault.code or fault.reason] += 1
                tally.findings.update(each.code for each in sent.outcome.findings)
                if problem is not None:
                    wrong.append(f"{name}, seed {seed}, message {number}: {problem}\n    {as_text(sent)}")
                if count == _TOLD_EVERY:
                    queue.put((name, count, tally, wrong))
                    tally, wrong, count = Tally(), [], 0
            queue.put((name, count, tally, wrong))


def process(numbers: dict[str, range], seed: int, queue: Queue[Told | None]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        asyncio.run(work(numbers, seed, queue))
    finally:
        queue.put(None)


def shares(names: list[str], most: int, processes: int) -> list[dict[str, range]]:
    """For each process, which messages of which operation it sends; all in all `most`, as evenly as it goes."""
    counts = {name: most // len(names) + (place < most % len(names)) for place, name in enumerate(names)}
    return [{name: range(one, count, processes) for name, count in counts.items()} for one in range(processes)]


def soak(
    names: list[str], most: int, seed: int, processes: int, console: Console
) -> tuple[dict[str, Tally], list[str]]:
    """Send them all. Gives what became of them by operation, and what is wrong."""
    context = multiprocessing.get_context("spawn")
    queue: Any = context.Queue()
    running = [
        context.Process(target=process, args=(share, seed, queue)) for share in shares(names, most, processes)
    ]
    for each in running:
        each.start()
    tallies: dict[str, Tally] = {}
    wrong: list[str] = []
    ended = done = 0
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=most)
        while ended < processes:
            try:
                told: Told | None = queue.get(timeout=5)
            except Empty:
                if any(each.is_alive() for each in running):
                    continue
                break
            if told is None:
                ended += 1
                continue
            name, count, tally, problems = told
            tallies.setdefault(name, Tally()).add(tally)
            wrong += problems
            done += count
            progress.update(
                bar, completed=done, description=f"{name}{f', {len(wrong)} wrong' if wrong else ''}"
            )
    for each in running:
        each.join()
    if done != most or any(each.exitcode for each in running):
        wrong.append(f"only {done} of {most} messages were sent: a process ended early")
    return tallies, wrong


def summary(tallies: dict[str, Tally]) -> Table:
    table = Table("operation", "answers", "faults", "by code", "findings")
    for name, each in sorted(tallies.items()):
        table.add_row(
            name, str(each.answers), str(each.faults.total()), listed(each.faults), listed(each.findings)
        )
    return table


def listed(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="operations whose full name has this in it")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    names = sorted(each for each in old().operations if options.only in each)
    console = Console()
    tallies, wrong = soak(names, options.messages, options.seed, options.processes, console)
    console.print(summary(tallies))
    answers = sum(each.answers for each in tallies.values())
    faults = sum(each.faults.total() for each in tallies.values())
    console.print(f"{answers} answers, {faults} faults, {len(wrong)} wrong; seed {options.seed}")
    for each in wrong:
        console.print(each, markup=False, highlight=False)
    return 1 if wrong else 0
