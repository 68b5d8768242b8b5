"""A flame graph of `shim serve` under load: py-spy samples it from outside, which slows it little.

python -m bench.profile [--call read|add_reseller|set_limits|add_extension] [--seconds 15] [--output FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop

from bench import calls
from bench.peers import start
from bench.wire import Backend, Load

CALLS = {"read": calls.read, "add_reseller": calls.add_reseller, "set_limits": calls.set_limits,
         "add_extension": calls.add_extension}  # fmt: skip


async def profile(name: str, seconds: int, output: Path) -> None:
    """Write the SVG. Raises SystemExit when the process cannot be sampled."""
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if spy is None:
        sys.exit("py-spy is not installed: make install")
    backend, call = Backend(), CALLS[name]()
    backend.answers(call.answers)
    backend.answer(call.answer)
    port = await backend.start()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, start.shim(port, Path(folder)) as peer:
        load = Load(peer.port, call.path, call.message, b"Body>")
        await load.run(100)
        options = ("--pid", str(peer.processes[0]), "--duration", str(seconds), "--threads", "--subprocesses")
        sampler = await asyncio.create_subprocess_exec(
            spy, "record", *options, "--rate", "200", "--format", "flamegraph", "--output", str(output)
        )
        ended = asyncio.create_task(sampler.wait())
        while not ended.done():
            await load.run(50)
    if sampler.returncode:
        sys.exit("py-spy may not look into another process here: run as root, or allow ptrace")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--call", choices=CALLS, default="read")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--output", type=Path, default=Path("dist/flame.svg"))
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    uvloop.run(profile(options.call, options.seconds, options.output))


if __name__ == "__main__":
    main()
