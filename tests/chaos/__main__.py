"""`python -m tests.chaos`: everything goes wrong while real clients call. See docs/chaos.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> int:
    from tests.chaos.events import EVENTS
    from tests.chaos.report import as_json, as_markdown
    from tests.chaos.run import Run
    from tests.chaos.toolkits import TOOLKITS

    parser = argparse.ArgumentParser(prog="make chaos ARGS=...", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="how long things go wrong; each does once at least (60)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order in which they do (1)")
    parser.add_argument(
        "--out", type=Path, default=Path("dist/chaos"), help="folder of the summary (dist/chaos)"
    )
    parser.add_argument(
        "--toolkits", default=",".join(TOOLKITS), help=f"those that call ({','.join(TOOLKITS)})"
    )
    parser.add_argument("--by-hand", type=int, default=2, help="callers that write messages by hand (2)")
    every = ",".join(each.name for each in EVENTS)
    parser.add_argument("--events", default=every, help=f"what goes wrong ({every})")
    parser.add_argument("--need", action="store_true", help="end with 2 where a toolkit is not installed")
    options = parser.parse_args()
    keys = [each for each in options.toolkits.split(",") if each]
    unknown = sorted(set(keys) - set(TOOLKITS))
    if unknown:
        parser.error(f"no such toolkit: {', '.join(unknown)}; there are {', '.join(TOOLKITS)}")

    wanted = options.events.split(",")
    events = [each for each in EVENTS if each.name in wanted]
    if len(events) < len(wanted):
        parser.error(f"no such event among {options.events}; there are {every}")

    def say(text: str) -> None:
        print(text, flush=True)

    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(options.seed, options.minutes, say, keys, options.by_hand, events, options.out)
    result = run.run()
    (options.out / "summary.json").write_text(as_json(result), "utf-8")
    (options.out / "summary.md").write_text(as_markdown(result), "utf-8")
    say(as_markdown(result))
    say(f"The summary is in {options.out}/summary.json and summary.md.")
    if options.need and result.missing:
        say(f"Not installed: {', '.join(result.missing)}")
        return 2
    return 0 if result.verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
