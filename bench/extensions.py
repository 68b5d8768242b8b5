"""GetExtensions for one large organization, warm, against parsing and writing the same XML with lxml.

In one process without a network: the emulator answers the two v3 calls once, and these bytes are given again
and again; the identity map is the real one on SQLite; garbage is collected as `shim serve` has it. lxml's part
is to parse both v3 answers and to write the old answer from a finished tree. The two take turns. Memory is the
most that a fork of this process, which does it once, has above what it has before; the process itself has never
done it, so nothing lies about to be used again (Linux only).

    python -m bench.extensions [--extensions 5000] [--rounds 15]
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from lxml import etree

from shim.core.commands.backend import Answer, Call
from shim.core.commands.caller import Caller, Identify
from shim.core.commands.extensions import Known
from shim.core.commands.steps import AnyCommand as Command
from shim.core.message import Element
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.serialise import MessageWriter
from shim.edge.catalogue import catalogue
from shim.edge.exchange.performer import Performer, Performers, drive
from shim.edge.identities.map import IdentityMap
from shim.edge.memory import when_it_stands
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store
from shim.emulator.dispatch import Dispatcher
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import USER, EmulatedAccount, EmulatedExtension, World, identifier
from shim.interfaces.load import new, old

NAME = "Extension.GetExtensions"
ORGANIZATION = 21
CALLS = ("User.GetUsers", NAME)
FIRST_USER = 10_000


def phones(count: int) -> list[Known]:
    """One extension for each of that many users."""
    return [
        Known(str(user), f"{ORGANIZATION:04d}*{user - FIRST_USER + 1:04d}", identifier("account", user))
        for user in range(FIRST_USER, FIRST_USER + count)
    ]


def populated(count: int) -> World:
    """The demo world with the phones and their users in an organization that was empty."""
    world, now = load_seed(None), datetime.now(UTC)
    for each in phones(count):
        login, user = f"co{each.user_id}", int(each.user_id)
        profile = {"login": login, "name": f"Colleague {user}", "email": f"{login}@contoso.example"}
        world.enter(EmulatedAccount(user, USER, ORGANIZATION, each.identifier or "", now, profile))
        world.enter_extension(EmulatedExtension(each.number, user, "term", f"Phone of {login}", now))
    return world


def emulated(count: int, name: str) -> bytes:
    """What the emulator answers to a call for the organization."""
    world = populated(count)
    dispatcher, operation = Dispatcher(new()), new().operations[name]
    asked = Element(operation.input.name, children=[Element("parentID", str(ORGANIZATION))])
    answer = dispatcher.perform(world, operation, asked, world.accounts[ORGANIZATION])
    return dispatcher.write(world, operation, answer)


class Fixed(Performer):
    """Knows who calls, counts the v3 calls, and gives the same answers again and again."""

    def __init__(self, store: Store, answers: Mapping[str, bytes]) -> None:
        unused: Any = None
        self.store = store
        self.identities = IdentityMap(store, Identities())
        performers = Performers(unused, unused, store=store, identities=self.identities)
        super().__init__(performers, "127.0.0.1")
        self.calls: list[str] = []
        self._answers = answers

    async def perform(self, command: Command) -> Any:
        match command:
            case Identify():
                return Caller("bench")
            case Call():
                self.calls.append(command.full_name)
                command.envelope("token")
                return Answer(200, "text/xml; charset=utf-8", self._answers[command.full_name])
        return await super().perform(command)


async def opened(url: str, answers: Mapping[str, bytes]) -> Fixed:
    return Fixed(await Store.open(url), answers)


async def learned(performer: Fixed, known: list[Known]) -> None:
    """The map knows every extension, and has it in memory."""
    await performer.identities.learn(known)
    await performer.identities.find("number", [each.number for each in known])
    await performer.identities.find("user_id", [each.user_id for each in known])


def request() -> Request:
    operation = old().operations[NAME]
    writer = MessageWriter(old(), operation.input)
    body, _ = writer.write(Element(operation.input.name, children=[Element("parentID", str(ORGANIZATION))]))
    login = [Element("username", "bench"), Element("password", "bench-pw")]
    message = writer.envelope(body, Element("userCredentials", children=login))
    return Request(old().services[operation.service].endpoint, "text/xml; charset=utf-8", message)


def seconds(functions: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The best of the rounds of each; they take turns, so that what disturbs one disturbs the other."""
    best = [float("inf")] * len(functions)
    for _ in range(rounds):
        for position, function in enumerate(functions):
            gc.collect()
            began = time.perf_counter()
            function()
            best[position] = min(best[position], time.perf_counter() - began)
    return best


def forked(function: Callable[[], bytes]) -> bytes:
    """What it gives in a fork of this process, which is left as it was."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(120)  # a fork has no thread that would answer for SQLite
        with os.fdopen(writing, "wb") as out:
            out.write(function())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        data = told.read()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the fork failed")
    return data


def peak(function: Callable[[], object]) -> int:
    """Bytes that it needs at most, done once, above what is there before."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)

    def measured() -> bytes:
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
        before = _resident("VmRSS")
        function()
        return str(_resident("VmHWM") - before).encode()

    return int(forked(measured))


def _resident(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what + ":"))


def lxml_alone(answers: list[bytes], told: bytes) -> Callable[[], object]:
    tree = etree.fromstring(told)

    def run() -> object:
        return [etree.fromstring(each) for each in answers], etree.tostring(tree)

    return run


def bench(count: int, rounds: int, folder: str, as_json: bool = False) -> None:
    loop = asyncio.new_event_loop()
    answers = {name: forked(partial(emulated, count, name)) for name in CALLS}
    warm = loop.run_until_complete(opened(f"sqlite:///{folder}/warm.db", answers))
    cold = loop.run_until_complete(opened(f"sqlite:///{folder}/cold.db", answers))
    shim, asked = Shim(catalogue()), request()

    def serve(performer: Fixed = warm) -> Outcome:
        performer.calls.clear()
        return loop.run_until_complete(drive(exchange(shim, asked), performer))

    try:
        loop.run_until_complete(learned(warm, phones(count)))
        when_it_stands()
        told = forked(lambda: checked(serve(), count))
        alone = lxml_alone(list(answers.values()), told)
        memory = peak(serve), peak(alone)
        checked(serve(), count)
        if warm.calls != list(CALLS):
            raise RuntimeError(f"a warm call made {len(warm.calls)} v3 calls: {warm.calls[:5]}")
        times = seconds([serve, alone], rounds)
        [first] = seconds([lambda: checked(serve(cold), count)], 1)
    finally:
        for each in (warm, cold):
            loop.run_until_complete(each.store.close())
        loop.close()
    if as_json:
        told_of = {"time": [each * 1e3 for each in times], "memory": [each * 2**-20 for each in memory]}
        pairs = {what: dict(zip(("shim", "lxml"), each, strict=True)) for what, each in told_of.items()}
        print(json.dumps(pairs))
        return
    sizes = sum(map(len, answers.values())) / 1e6, len(told) / 1e6
    print(f"GetExtensions, {count} extensions: {sizes[0]:.2f} MB from v3, {sizes[1]:.2f} MB to the client")
    print(f"{'':18} {'shim':>9} {'lxml':>9} {'ratio':>7}")
    for what, unit, (ours, theirs) in (("time, ms", 1e3, times), ("peak memory, MiB", 2**-20, memory)):
        print(f"{what:18} {ours * unit:9.1f} {theirs * unit:9.1f} {ours / theirs:7.1f}")
    print(f"{'v3 calls, warm':18} {len(warm.calls):9}")
    print(f"{'v3 calls, cold':18} {len(cold.calls):9}    in {first * 1e3:.0f} ms, writing the map")


def checked(outcome: Outcome, count: int) -> bytes:
    if outcome.answer is None or outcome.fault is not None:
        raise RuntimeError(f"no answer: {outcome.fault}")
    rows = outcome.answer.count(b"extendedNumber>") or outcome.answer.count(b"extensionID>")
    if rows != 2 * count:
        raise RuntimeError(f"{rows // 2} rows of {count} were answered")
    return outcome.answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--extensions", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench(options.extensions, options.rounds, folder, options.json)


if __name__ == "__main__":
    main()
