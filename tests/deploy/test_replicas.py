"""Two replicas on one PostgreSQL behind HAProxy; one is killed in the middle of its writes: nothing is lost."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from shim.emulator.app import Options
from shim.emulator.world.world import USER
from tests.deploy.test_balancers import BEHIND, free_port, haproxy, running
from tests.end_to_end.messages import NORTHWIND, envelope
from tests.end_to_end.running import HOST, PATIENCE, Backend, Tls, running_shim
from tests.end_to_end.sinks import until

pytest_plugins = ["tests.support.postgres"]

CALLERS, EACH = 6, 12
PATH = "/soap2/extension_agent.php"
NAMESPACE = "http://4psa.com/ExtensionMessages.xsd/2.5.1"
OWN = "20"
"""Northwind's client account in the demo world."""


@dataclass
class Outcome:
    """What callers were told: the ID of each login that was added, and who got a fault or nothing."""

    added: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.added) + len(self.faults)


def add(port: int, tls: Tls, login: str, outcome: Outcome) -> None:
    """One AddExtension on a connection of its own."""
    fields = (
        f"<name>{login}</name><company>Northwind</company><login>{login}</login><password>Pass-2025</password>"
    )
    body = (
        f'<m:AddExtensionRequest xmlns:m="{NAMESPACE}">{fields}<country>us</country><parentID>{OWN}</parentID>'
    )
    message = envelope(f"{body}</m:AddExtensionRequest>", login=NORTHWIND)
    context = ssl.create_default_context(cafile=str(tls.authority))
    try:
        with closing(http.client.HTTPSConnection(HOST, port, timeout=PATIENCE, context=context)) as wire:
            wire.request("POST", PATH, message, {"Content-Type": "text/xml; charset=utf-8"})
            text = wire.getresponse().read().decode()
    except (OSError, http.client.HTTPException) as error:
        outcome.faults[login] = repr(error)
        return
    found = re.search(r"<(?:\w+:)?ID>(\d+)</", text)
    if found and "Fault" not in text:
        outcome.added[login] = found[1]
    else:
        outcome.faults[login] = text


def test_a_replica_is_killed_in_the_middle_of_its_writes(
    postgres: Callable[[], str], tls: Tls, tmp_path: Path
) -> None:
    backend = Backend(Options(latency_ms=30))
    store = postgres().replace("postgresql://", "postgresql+asyncpg://", 1)
    settings = {**BEHIND, "store.url": store, "journal.lease": 3, "journal.renew": 1, "journal.sweep": 0.5}
    outcome = Outcome()
    with ExitStack() as stack:
        stack.callback(backend.close)
        shims = [stack.enter_context(running_shim(backend.url, tls, settings)) for _ in range(2)]
        port = free_port()
        stack.enter_context(running(haproxy(tmp_path, shims, tls, port), port, tls))

        def calls(caller: int) -> None:
            for number in range(EACH):
                add(port, tls, f"caller{caller}-{number}", outcome)

        threads = [threading.Thread(target=calls, args=(caller,)) for caller in range(CALLERS)]
        for thread in threads:
            thread.start()
        until(lambda: outcome.count > CALLERS * EACH // 4, "a quarter of the calls has ended")
        shims[0].process.kill()
        shims[0].wait()
        for thread in threads:
            thread.join(PATIENCE)
        until(lambda: not orphans(backend), "what the killed one left half done is ended by the other")
        users, phones = people(backend)
        assert outcome.count == CALLERS * EACH
        assert {login: users[login] for login in outcome.added} == dict.fromkeys(outcome.added, 1)
        assert {login: phones[login] for login in outcome.added} == dict.fromkeys(outcome.added, 1)
        assert set(users.values()) == {1}, "no login twice"
        assert len(set(outcome.added.values())) == len(outcome.added), "no ID twice"
        assert 0 < len(outcome.faults) <= CALLERS, outcome.faults
        assert all("<faultstring>" in text for text in outcome.faults.values()), outcome.faults
        for login in outcome.faults:
            assert (users[login], phones[login]) in ((0, 0), (1, 1)), "all or nothing"


def people(backend: Backend) -> tuple[Counter[str], Counter[str]]:
    """How many users there are with each login that was used, and how many extensions they have."""
    users = {
        account.id: account.profile["login"]
        for account in list(backend.world.accounts.values())
        if account.level == USER and account.profile.get("login", "").startswith("caller")
    }
    phones = [each.user for each in list(backend.world.extensions.values()) if each.user in users]
    return Counter(users.values()), Counter(users[user] for user in phones)


def orphans(backend: Backend) -> set[str]:
    """Logins of users without an extension."""
    users, phones = people(backend)
    return set(users) - set(phones)
