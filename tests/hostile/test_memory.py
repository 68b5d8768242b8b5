"""Refused messages leave no memory behind in a running shim, whatever they were refused for.

REFUSED=10000 sends that many instead; docs/decisions/0023-hostile-messages.md has the figures of such a run.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.running import Backend, make_tls, running_shim
from tests.hostile.refused import Sender, heaviest, mixed, refused, resident

COUNT = int(os.environ.get("REFUSED", "1500"))
LARGE = max(300, COUNT * 6 // 100)
MOST = 60 << 20
"""Bytes that a process may have grown by, after any of the messages."""
SETTINGS = {
    "login.free_failures": 40,
    "login.address_failures": 1_000_000,
    "login.argon2": {"memory": 64, "iterations": 1, "parallelism": 1},
}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells what memory a process has in use")
def test_a_shim_does_not_grow_by_what_it_refuses(tmp_path: Path) -> None:
    backend = Backend()
    try:
        with running_shim(backend.url, make_tls(tmp_path), SETTINGS) as shim:
            sender = Sender(shim)
            for each in (*refused(300), *heaviest()):
                sender.send(each)
            before = highest = resident(shim)
            statuses = Counter[int]()
            for each in mixed(COUNT, LARGE):
                statuses[sender.send(each)] += 1
                highest = max(highest, resident(shim))
            grown = highest - before
            sender.close()
            told = Counter(each["reason"] for each in shim.events if each["event"] in ("call", "native call"))
    finally:
        backend.close()
    print(f"{COUNT} refused messages, {LARGE} large: {before >> 20} MiB, {grown / (1 << 20):.1f} MiB more")
    assert {each.reason for each in refused(300) if each.reason} <= set(told)
    assert None not in told, "every message was refused"
    assert set(statuses) == {404, 500}
    assert grown < MOST
