"""Instructions that the core takes to translate a call, counted by valgrind: a busy machine leaves them alone.

Each of ten operations is translated there and back so many times, after as many to warm up, in one process
under callgrind, with a fixed hash seed and without garbage collection. `bench/instructions.json` keeps the
counts; with `--check` more than five per cent above one of them is an error. Another build of Python or lxml
takes another number of instructions: there, counts are judged as multiples of a reference (plain Python and
lxml, nothing of the shim), with fifteen per cent.

    python -m bench.instructions [--check | --record]
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")
OPERATIONS = (
    "Reseller.GetResellerDetails",
    "Reseller.EditReseller",
    "Reseller.SetResellerPL",
    "Client.GetClients",
    "Client.SetClientPL",
    "Billing.GetDestinationExceptions",
    "Channel.GetCallRulesOut",
    "Channel.AddPublicNo",
    "PBX.AddCustomButton",
    "Report.QuickStats",
)
REFERENCE = "(reference)"
_WARM, _TIMES = 5, 20
_SAME, _OTHER = 0.05, 0.15


def _run() -> dict[str, Any]:
    """By operation: the digest of its messages, a process that ran it, and one that did twice as often.

    Callgrind counts a fork from its parent's beginning on: the difference of two is what was run, and no more.
    """
    from bench.stages import whole  # noqa: PLC0415  # after the process under valgrind began
    from bench.wire import call_of  # noqa: PLC0415
    from shim.core.pipeline import Shim  # noqa: PLC0415
    from shim.edge.catalogue import catalogue  # noqa: PLC0415

    shim, digests = Shim(catalogue()), {REFERENCE: ""}
    parts: list[tuple[str, Callable[[], object]]] = [(REFERENCE, _reference)]
    for name in OPERATIONS:
        old_call, new_call = call_of(name)
        digests[name] = hashlib.sha256(old_call.request + new_call.answer).hexdigest()[:12]
        parts.append((name, whole(shim, name, old_call.request, new_call.answer)))
    gc.collect()
    gc.disable()
    return {name: [digests[name], _forked(part, _TIMES), _forked(part, 2 * _TIMES)] for name, part in parts}


def _forked(part: Callable[[], object], times: int) -> int:
    """Run it in a fork of this process, warm; the ID that the fork had."""
    child = os.fork()
    if child == 0:
        for _ in range(_WARM + times):
            part()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the fork failed")
    return child


def _reference() -> object:
    """Work of the kind that the core does, and no line of the core."""
    from lxml import etree  # noqa: PLC0415

    tree = etree.fromstring(b"<a>" + b"<b c='d'>text &amp; more</b>" * 40 + b"</a>")
    rows = [{"name": each.tag, "text": each.text or "", "at": position} for position, each in enumerate(tree)]
    words = {f"{row['name']}{row['at']}": len(str(row["text"]).split()) for row in rows}
    pattern = re.compile(r"b(\d+)")
    found = [match[1] for word in words if (match := pattern.fullmatch(word))]
    return "".join(sorted(found)).encode() + etree.tostring(tree)


def counted() -> dict[str, Any]:
    """Instructions a call by operation, and what they were counted on. Raises RuntimeError without valgrind."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise RuntimeError("valgrind is not installed: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as folder:
        command = [valgrind, "--tool=callgrind", f"--callgrind-out-file={folder}/%p"]
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        done = subprocess.run(
            [*command, sys.executable, "-m", "bench.instructions", "--run"],
            capture_output=True, text=True, env=environment, cwd=FILE.parents[1], check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        run = json.loads(done.stdout.splitlines()[-1])
        digests = {name: digest for name, (digest, _, _) in run.items()}
        counts = {
            name: (_total(Path(folder, str(twice))) - _total(Path(folder, str(once)))) // _TIMES
            for name, (_, once, twice) in run.items()
        }
    return {"build": _build(), "counts": counts, "messages": digests}


def _total(file: Path) -> int:
    found = re.search(r"^(?:summary|totals): (\d+)", file.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _build() -> str:
    from lxml import etree  # noqa: PLC0415

    text = f"{sys.version} {platform.machine()} lxml {etree.__version__}"
    return f"Python {platform.python_version()}, {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def judged(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """What is above the counts that are kept, or cannot be compared with them."""
    same = now["build"] == before["build"]
    share = 1.0 if same else now["counts"][REFERENCE] / before["counts"][REFERENCE]
    allowed = _SAME if same else _OTHER
    problems = []
    for name in OPERATIONS:
        if now["messages"][name] != before["messages"].get(name):
            problems.append(f"{name}: its messages are not those counted; record the counts anew")
            continue
        change = now["counts"][name] / (before["counts"][name] * share) - 1
        if change > allowed:
            problems.append(f"{name}: {change:+.1%} instructions a call, {allowed:.0%} more are allowed")
    return problems


def _table(now: dict[str, Any], before: dict[str, Any]) -> str:
    lines = [f"{'instructions a call':34} {'now':>12} {'kept':>12} {'change':>8}"]
    for name, count in now["counts"].items():
        kept = before["counts"].get(name, 0)
        change = f"{count / kept - 1:+8.1%}" if kept else ""
        lines.append(f"{name:34} {count:12,} {kept:12,} {change}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail when more than the kept counts allow")
    parser.add_argument("--record", action="store_true", help="keep the counts")
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(_run()))
        return
    before = json.loads(FILE.read_text()) if FILE.exists() else {"build": "", "counts": {}, "messages": {}}
    now = counted()
    print(_table(now, before))
    if now["build"] != before["build"]:
        print(f"Counted on {now['build']}, kept on {before['build'] or 'nothing'}.")
    if options.record:
        FILE.write_text(json.dumps(now, indent=1) + "\n")
    elif options.check and (problems := judged(now, before)):
        sys.exit("\n".join(["Too many instructions; `make instructions ARGS=--record` keeps them:", *problems]))


if __name__ == "__main__":
    main()
