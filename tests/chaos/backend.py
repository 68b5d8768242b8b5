"""The emulated backend of the chaos run: it hangs, lies, refuses and dies when told to, and keeps its world."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from shim.emulator.app import TOKEN_PATH, Options, application
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import World
from tests.end_to_end.running import HOST, PATIENCE


@dataclass
class Mood:
    """What becomes of SOAP calls: they wait, or with this chance one of `actions` (see `shim.emulator.disturb`)
    befalls them."""

    hangs: bool = False
    chance: float = 0.0
    actions: Sequence[str] = ()


@dataclass
class Backend:
    """On a port that it keeps, in a thread with an event loop of its own."""

    port: int
    seed: int
    latency_ms: int = 15
    world: World = field(default_factory=load_seed)
    mood: Mood = field(default_factory=Mood)
    calls: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="emulator", daemon=True)
        self._thread.start()
        self.live()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def live(self) -> None:
        """Listen."""
        asyncio.run_coroutine_threadsafe(self._live(), self._loop).result(PATIENCE)

    def die(self) -> None:
        """Every connection is cut, whatever is under way on it ends nowhere, and nobody listens any more."""
        asyncio.run_coroutine_threadsafe(self._die(), self._loop).result(PATIENCE)

    def close(self) -> None:
        self.mood = Mood()
        self.die()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _live(self) -> None:
        app = application(self.world, Options(latency_ms=self.latency_ms, token_seconds=60))
        app.middlewares.append(self._moody)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, reuse_address=True).start()

    async def _die(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @web.middleware
    async def _moody(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        self.calls += 1
        while self.mood.hangs:  # noqa: ASYNC110  # it is another thread's
            await asyncio.sleep(0.02)
        mood = self.mood
        if request.path != TOKEN_PATH and mood.actions and self._chance.random() < mood.chance:
            self.world.interfere("*", self._chance.choice(mood.actions))
        return await handler(request)
