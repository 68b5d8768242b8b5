"""Notifications: what is told; nothing is lost while a receiver or the shim is away, and nothing doubled."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from shim.edge.deprecation.tables import BROWNOUTS, CALLERS, FINDING_EVENTS, FINDINGS, USAGE
from shim.edge.journal.tables import ENTRIES
from shim.edge.notify import queue
from shim.edge.notify.events import digest_due
from shim.edge.notify.watch import Watcher
from shim.edge.settings.notify import EVENT_NAMES, Mail, Notify, Webhook
from shim.edge.store.database import Store
from shim.edge.telemetry.metrics import Metrics
from tests.edge.notify.receivers import Hook, Post

pytest_plugins = ["tests.support.postgres"]

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
"""A Wednesday."""


class NotifyFixture:
    """A store with a clock, a webhook, a mail server, and the settings that tell both."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = NOW
        self.hook = Hook()
        self.post = Post()
        self.settings = Notify()
        self.rows = 0

    async def open(self) -> None:
        self.store = await Store.open(self.url, clock=lambda: self.now)
        self.metrics = Metrics()
        self.watcher = Watcher(self.store, lambda: self.settings, self.metrics)

    async def restart(self) -> None:
        """The process ends and another one begins."""
        await self.watcher.stop()
        await self.store.close()
        await self.open()

    def tell(self, **more: Any) -> None:
        hook = Webhook(name="ops", url=SecretStr(self.hook.url), secret=SecretStr("key"), timeout=5)
        self.settings = Notify(webhooks=(hook,), **more)

    async def look(self, later: float = 0.0) -> None:
        """Look and send once, so much later, seconds."""
        self.now += timedelta(seconds=later)
        await self.watcher.look()
        await self.watcher.send_due()
        await self.watcher.idle()

    async def add(self, table: sa.Table, **values: Any) -> None:
        async with self.store.writing() as connection:
            await connection.execute(sa.insert(table).values(**values))

    async def finding(self, severity: str = "loss", **more: Any) -> None:
        self.rows += 1
        row = {
            "integration": "crm", "operation": "Client.AddClient", "code": "field-dropped",
            "path": f"x{self.rows}",
            "severity": severity, "because": "v3 has none.", "count": 1, "first_seen": self.now,
            "last_seen": self.now, "state": "new", "state_at": self.now,
        }  # fmt: skip
        await self.add(FINDINGS, **{**row, **more})

    async def calls(self, calls: int, faults: int, integration: str = "crm") -> None:
        """So many in all, today."""
        async with self.store.writing() as connection:
            await connection.execute(sa.delete(USAGE).where(USAGE.c.integration == integration))
        day = self.now.date().isoformat()
        about = {"integration": integration, "side": "old", "operation": "Client.GetClients"}
        seen = {"first_seen": self.now, "last_seen": self.now}
        await self.add(USAGE, day=day, calls=calls, faults=faults, **about, **seen)

    @property
    def events(self) -> list[str]:
        return [each["event"] for each in self.hook.told]


@pytest.fixture(params=["sqlite", "postgresql"])
async def fixture(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NotifyFixture]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"
    if request.param == "postgresql":
        postgres: Callable[[], str] = request.getfixturevalue("postgres")
        url = postgres()
    made = NotifyFixture(url)
    await made.hook.start()
    await made.post.start()
    await made.open()
    made.tell()
    await made.look()
    yield made
    await made.watcher.stop()
    await made.store.close()
    await made.hook.stop()
    await made.post.stop()


async def test_only_bad_findings_are_told_once_and_only_new_ones(fixture: NotifyFixture) -> None:
    for severity in ("info", "notice", "warning", "loss", "refused"):
        await fixture.finding(severity)
    await fixture.look()
    await fixture.look(5)
    assert fixture.events == ["finding", "finding"]
    told = fixture.hook.told[0]
    assert told["integration"] == "crm"
    assert "Client.AddClient" in told["subject"]
    assert told["facts"]["path"] in ("x4", "x5")
    assert "shim report --finding" in told["text"]


async def test_what_was_there_before_is_not_told(tmp_path: Path) -> None:
    fixture = NotifyFixture(f"sqlite+aiosqlite:///{tmp_path / 'old.db'}")
    await fixture.hook.start()
    await fixture.open()
    await fixture.finding()
    fixture.tell()
    await fixture.look()
    await fixture.finding()
    await fixture.look(5)
    assert [each["facts"]["path"] for each in fixture.hook.told] == ["x2"]
    await fixture.finding()
    await fixture.look(timedelta(days=30).total_seconds())
    assert len(fixture.hook.told) == 1, "nobody was to be told for a month"
    await fixture.store.close()
    await fixture.hook.stop()


async def test_what_came_back_is_told_however_mild(fixture: NotifyFixture) -> None:
    await fixture.finding("info", id=70)
    about = {"at": fixture.now, "who": "shim", "text": "It came again."}
    await fixture.add(FINDING_EVENTS, finding=70, was="fixed", became="new", **about)
    await fixture.add(FINDING_EVENTS, finding=70, was="new", became="fixed", **{**about, "who": "nora"})
    await fixture.look()
    assert fixture.events == ["came_back"]
    assert fixture.hook.told[0]["subject"].startswith("Came back: ")


async def test_paused_entries_and_each_try_that_failed_again(fixture: NotifyFixture) -> None:
    await fixture.add(
        ENTRIES, id="ab12", integration="crm", operation="Client.AddClient", policy="undo", key="k", owner="o",
        state="paused", why="v3 refuses", epoch=1, attempts=12, lease_until=fixture.now, due_at=fixture.now,
        created_at=fixture.now, updated_at=fixture.now,
    )  # fmt: skip
    await fixture.look()
    await fixture.look(5)
    assert fixture.events == ["paused"]
    assert "shim journal show ab12" in fixture.hook.told[0]["text"]
    async with fixture.store.writing() as connection:
        await connection.execute(sa.update(ENTRIES).values(epoch=2))
    await fixture.look(5)
    assert fixture.events == ["paused", "paused"]


async def test_unknown_callers_by_address_and_program(fixture: NotifyFixture) -> None:
    seen = {
        "toolkit": "php",
        "version": "2.5.1",
        "calls": 1,
        "first_seen": fixture.now,
        "last_seen": fixture.now,
    }
    for integration, address in (("(unknown)", "10.1.1.1"), ("(unknown)", "10.1.1.2"), ("crm", "10.1.1.3")):
        await fixture.add(CALLERS, integration=integration, agent="PHP-SOAP", address=address, **seen)
    await fixture.add(
        CALLERS, integration="(unknown)", agent="PHP-SOAP", address="10.1.1.1", **{**seen, "version": "2"}
    )
    await fixture.look()
    await fixture.look(5)
    assert sorted(each["facts"]["address"] for each in fixture.hook.told) == ["10.1.1.1", "10.1.1.2"]


async def test_brownouts_begin_and_end(fixture: NotifyFixture) -> None:
    await fixture.add(
        BROWNOUTS, id="b1", integration="crm", operation="*", text="2.5 ends", link="", who="nora",
        starts_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(hours=2), created_at=NOW,
    )  # fmt: skip
    await fixture.look()
    assert fixture.events == []
    await fixture.look(3600)
    assert fixture.events == ["brownout_begins"]
    assert "2.5 ends" in fixture.hook.told[0]["text"]
    async with fixture.store.writing() as connection:
        await connection.execute(sa.update(BROWNOUTS).values(stopped_at=NOW + timedelta(minutes=80)))
    await fixture.look(1800)
    await fixture.look(7200)
    assert fixture.events == ["brownout_begins", "brownout_ends"]
    assert "was stopped" in fixture.hook.told[1]["text"]


async def test_a_rate_of_faults_is_told_when_it_rises_and_again_after_it_fell(fixture: NotifyFixture) -> None:
    await fixture.calls(1000, 900)
    await fixture.restart()
    await fixture.look()  # what was before the first look of a process may be of any time
    await fixture.calls(1010, 910)
    await fixture.look(60)
    assert fixture.events == [], "ten calls are too few"
    await fixture.calls(1050, 930)
    await fixture.look(60)
    await fixture.look(60)
    assert fixture.events == ["fault_rate"]
    assert fixture.hook.told[0]["facts"]["calls"] == 50
    await fixture.calls(3050, 930)
    await fixture.look(600)
    await fixture.calls(3150, 1030)
    await fixture.look(600)
    assert fixture.events == ["fault_rate", "fault_rate"]


async def test_the_weekly_digest_once_a_week(fixture: NotifyFixture) -> None:
    await fixture.calls(120, 3)
    await fixture.finding("warning")
    for _ in range(5):
        await fixture.look(86_400)
    await fixture.look(3600)  # it is Monday, eleven o'clock: due since seven
    assert fixture.events == ["digest"]
    told = fixture.hook.told[0]
    assert told["subject"] == "Digest: 120 calls of 2.5, 2026-11-23 to 2026-11-29"
    assert "crm: 120 calls, 3 faults" in told["text"]
    assert "Open findings: 1 warning; 1 was new." in told["text"]
    for _ in range(7):
        await fixture.look(86_400)
    assert fixture.events == ["digest", "digest"]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 30, 6, 59, tzinfo=UTC), datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (datetime(2026, 11, 30, 7, 0, tzinfo=UTC), datetime(2026, 11, 30, 7, tzinfo=UTC)),
        (datetime(2026, 12, 6, 23, 0, tzinfo=UTC), datetime(2026, 11, 30, 7, tzinfo=UTC)),
    ],
)
def test_when_a_digest_is_due(now: datetime, due: datetime) -> None:
    assert digest_due(Notify(), now) == due


# ---- nothing lost, nothing doubled ----


async def test_a_receiver_that_is_down_and_back_gets_everything_once(fixture: NotifyFixture) -> None:
    await fixture.hook.stop()
    for _ in range(5):
        await fixture.finding()
        await fixture.look(1)
    assert fixture.hook.got == []
    await fixture.restart()
    [first, *_] = await queue.deliveries(fixture.store)
    assert (first.state, first.problem) == ("waiting", "it cannot be reached")
    await fixture.hook.start()
    for _ in range(4):
        await fixture.look(100)
    assert sorted(each["facts"]["path"] for each in fixture.hook.told) == ["x1", "x2", "x3", "x4", "x5"]
    assert await queue.deliveries(fixture.store) == []


async def test_a_double_has_the_same_id(fixture: NotifyFixture) -> None:
    """The receiver took it, and the shim died before it knew."""
    await fixture.finding()
    await fixture.watcher.look()
    [sending] = await queue.claim(fixture.store)
    assert await queue.claim(fixture.store) == [], "one claims it, no other"
    from shim.edge.notify.send import deliver

    await deliver(fixture.settings, sending, fixture.now)
    await fixture.restart()
    await fixture.look()
    assert len(fixture.hook.got) == 1
    await fixture.look(200)
    ids = [headers["webhook-id"] for headers, _ in fixture.hook.got]
    assert ids == [sending.id, sending.id]
    assert [each["id"] for each in fixture.hook.told] == ids


async def test_it_is_tried_again_after_longer_and_longer_and_given_up_in_the_end(
    fixture: NotifyFixture,
) -> None:
    fixture.tell(first_retry=10, longest_retry=60, give_up=300)
    fixture.hook.answers = [500] * 50
    await fixture.finding()
    tries = []
    with structlog.testing.capture_logs() as logs:
        for second in range(600):
            before = len(fixture.hook.got)
            await fixture.look(1)
            if len(fixture.hook.got) > before:
                tries.append(second)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps[:4] == [10, 20, 40, 60]
    assert set(gaps[4:]) <= {60}
    [left] = await queue.deliveries(fixture.store)
    assert (left.state, left.problem) == ("given-up", "it answers HTTP 500")
    assert "notification given up" in [each["event"] for each in logs]
    text = fixture.metrics.text().decode()
    assert f'shim_notifications_total{{receiver="ops",result="not-taken"}} {len(tries) - 1}.0' in text
    assert 'shim_notifications_total{receiver="ops",result="given-up"} 1.0' in text


async def test_a_slow_receiver_holds_up_no_other(fixture: NotifyFixture) -> None:
    fixture.tell(mail=Mail(host="127.0.0.1", port=fixture.post.port, tls="none", to=("ops@example.com",)))
    fixture.hook.answers = [503]
    await fixture.finding()
    await fixture.look(1)
    assert len(fixture.post.got) == 1
    [left] = await queue.deliveries(fixture.store)
    assert left.receiver == "ops"


async def test_what_is_switched_off_is_not_told(fixture: NotifyFixture) -> None:
    quiet = tuple(name for name in EVENT_NAMES if name != "finding")
    fixture.settings = Notify(webhooks=(Webhook(name="ops", url=SecretStr(fixture.hook.url), events=quiet),))
    await fixture.finding()
    await fixture.look(1)
    assert fixture.hook.got == []
    fixture.tell()
    await fixture.look(1)
    assert fixture.hook.got == [], "it was noticed when nobody wanted it"


# ---- how it is told ----


async def test_a_webhook_is_signed(fixture: NotifyFixture) -> None:
    await fixture.finding()
    await fixture.look(1)
    [(headers, body)] = fixture.hook.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"key", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(fixture.now.timestamp()))
    assert headers["content-type"] == "application/json"


async def test_a_mail_is_sent_with_its_id_and_a_login(fixture: NotifyFixture) -> None:
    fixture.settings = Notify(
        mail=Mail(
            host="127.0.0.1", port=fixture.post.port, tls="none", username="shim", password=SecretStr("pw"),
            sender="shim@example.com", to=("ops@example.com", "nora@example.com"),
        ),
        page="https://shim.example.com/review",
    )  # fmt: skip
    await fixture.finding(id=9)
    await fixture.look(1)
    [mail] = fixture.post.got
    [sent] = await queue.deliveries(fixture.store, everything=True)
    assert mail["Message-ID"] == f"<{sent.notice}@example.com>"
    assert mail["To"] == "ops@example.com, nora@example.com"
    assert mail["Subject"].startswith("[shim] New: ")
    text = str(mail.get_payload(decode=True), "utf-8")
    assert "https://shim.example.com/review/findings/9" in text
    assert fixture.post.logins == [base64.b64encode(b"\0shim\0pw").decode()]


async def test_a_mail_server_that_refuses_is_tried_again(fixture: NotifyFixture) -> None:
    fixture.settings = Notify(
        mail=Mail(host="127.0.0.1", port=fixture.post.port, tls="none", to=("ops@example.com",))
    )
    fixture.post.refuses = ("MAIL",)
    await fixture.finding()
    await fixture.look(1)
    [left] = await queue.deliveries(fixture.store)
    assert left.problem == "the mail server says 550"
    fixture.post.refuses = ()
    await fixture.look(20)
    assert len(fixture.post.got) == 1
