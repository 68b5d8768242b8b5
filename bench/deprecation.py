"""What the deprecation log costs a call: the core's exchange alone, and with the log told of it, as a ratio.

python -m bench.deprecation
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import cast

from bench.stages import microseconds, whole
from bench.wire import call_of
from shim.core.pipeline import Outcome, Shim
from shim.edge.catalogue import catalogue
from shim.edge.deprecation.log import DeprecationLog, SeenCall
from shim.edge.settings.model import Config
from shim.edge.store.database import Store

CALLS = ("Client.GetClients", "Reseller.AddReseller", "Client.SetClientPL")


async def bench(folder: Path) -> None:
    url = f"sqlite+aiosqlite:///{folder / 'bench.db'}"
    config = Config.model_validate({"backend": {"url": "http://v3.example"}, "store": {"url": url}})
    compiled = catalogue()
    store = await Store.open(url)
    log = DeprecationLog(store, config, compiled.old, compiled.new)
    await log.start()
    print(f"{'microseconds a call':24} {'findings':>9} {'core':>9} {'log':>9} {'ratio':>7}")
    for name in CALLS:
        old_call, new_call = call_of(name)
        run = whole(Shim(compiled), name, old_call.request, new_call.answer)
        outcome = cast(Outcome, run())
        seen = SeenCall("bench", outcome.operation, outcome.findings, version=outcome.schema_version)
        core, told = microseconds(run), microseconds(lambda seen=seen: log.called(seen))
        print(f"{name:24} {len(outcome.findings):9} {core:9.0f} {told:9.0f} {(core + told) / core:7.2f}")
    await log.stop()
    await store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(bench(Path(temporary)))
