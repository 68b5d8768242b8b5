"""A quarter of 40 integrations, day by day: every fate that a program of 2.5 can have, with few calls a day.

Day 0 is Monday, 5 January 2026; day 91 is the last one. What a program sends stands in `usual`, what people do
in `people`. What was decided about operations and findings is written down in `Quarter`: nothing here asks the
shim.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shim.edge.porting import ladder as porting
from shim.edge.porting.brownouts import plan_brownout
from shim.edge.porting.exceptions import grant_exception
from tests.end_to_end.messages import envelope, namespace
from tests.review.week.script import (
    CARD,
    CLIENTS,
    CODECS,
    CURL,
    DETAIL,
    EDIT,
    INDUSTRIES,
    INDUSTRY,
    JAVA,
    LATE_CLIENTS,
    LIST,
    LOCKED_STATUS,
    PERL,
    PHP,
    SET,
    STATUS,
    STRANGER,
    TRUNK,
    Week,
)
from tests.review.week.tally import FindingKey, Kind

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 92
LAST = DAYS - 1
COUNTS = {
    "quiet": 3, "reader": 6, "lossy": 6, "gone": 4, "ported": 4, "silent": 3, "back": 2, "locked": 2,
    "except": 1, "dark": 2, "faulty": 2, "guess": 1, "key": 2, "crypt": 1, "ending": 1,
}  # fmt: skip
NAMES = tuple(f"{fate}-{number}" for fate, count in COUNTS.items() for number in range(1, count + 1))
OWNERS = ("", "Billing", "Telephony")
AGENTS = (PHP, PERL, CURL, JAVA, None)

DARK = replace(CODECS, found=(("browned-out", "GetCodecsRequest"),), fault="brownout")
ONE_SIDED = replace(
    TRUNK,
    body=TRUNK.body.replace("<qualifies>1</qualifies>", ""),
    found=(("unknown-element", "SIP/concurrentCalls"), ("came-back", "AddChannelRequest")),
)
"""A trunk after it was ported, without one of the two elements that v3 does not know."""
WARNED = replace(CLIENTS, found=(("old-login", "userCredentials/appKey"),))
ENDING = replace(CODECS, found=(("old-login", "userCredentials/password"),))
ENDED = replace(CODECS, found=(("old-login-refused", "userCredentials/password"),), fault="login-form-refused")
LOCKED_CLIENTS = replace(CLIENTS, found=(("operation-locked", "GetClientsRequest"),), fault="locked")


def owner_of(name: str) -> str:
    return OWNERS[NAMES.index(name) % len(OWNERS)]


def more() -> dict[str, dict[str, Any]]:
    """What the configuration says of single integrations."""
    made: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        told: dict[str, Any] = {}
        if owner := owner_of(name):
            told |= {"owner": owner, "contact": f"{owner.lower()}@example.com"}
        if name.startswith("key"):
            told["old"] = {"app_key": f"{name}-old", "app_secret": f"{name}-secret"}
        if name.startswith("crypt"):
            told["old"] = {"crypted_auth": f"{name}-crypted"}
        made[name] = told
    made["quiet-3"]["enabled"] = False
    made["key-2"]["login_forms"] = {"app_key": "warn"}
    made["ending-1"]["login_forms"] = {
        "password": "refuse",
        "refuse_from": (START + timedelta(days=60)).date().isoformat(),
    }
    return made


def header_of(name: str) -> str | None:
    """The credentials of those that do not log in with a password."""
    space = namespace("HeaderData")
    if name.startswith("key"):
        inside = f"<h:appKey>{name}-old</h:appKey><h:appSecret>{name}-secret</h:appSecret>"
    elif name.startswith("crypt"):
        inside = f"<h:cryptedAuth>{name}-crypted</h:cryptedAuth>"
    else:
        return None
    return f'<h:userCredentials xmlns:h="{space}">{inside}</h:userCredentials>'


def form_of(name: str) -> str:
    return {"key": "app_key", "crypt": "crypted_auth"}.get(name.partition("-")[0], "password")


@dataclass
class Quarter(Week):
    """Sends, tallies, and writes down what people decided."""

    rungs: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    """What was set, and when, by (integration, operation)."""
    states: dict[FindingKey, str] = field(default_factory=dict)
    until: dict[FindingKey, datetime] = field(default_factory=dict)
    refused: dict[tuple[str, str], int] = field(default_factory=dict)
    """Refused logins by (whose it is, why)."""

    async def _send(self, integration: str, kind: Kind, login: tuple[str, str], agent: str | None) -> None:
        self.sent += 1
        header = None if kind.fault == "login-refused" else header_of(integration)
        body = kind.body.replace("{n}", str(self.sent))
        status, text = await self.fixture.post(kind.path, envelope(body, header, login), agent)
        assert status == (500 if kind.fault else 200), text
        assert not kind.fault or f"<reason>{kind.fault}</reason>" in text, text
        self.tally.old(self.fixture.clock.now, integration, kind, agent)
        self.fixture.clock.pass_(minutes=1)

    async def wrong(self, whose: str, why: str, login: tuple[str, str]) -> None:
        self.refused[whose, why] = self.refused.get((whose, why), 0) + 1
        await self._send("(unknown)", STRANGER, login, CURL)

    async def at(self, day: int, hour: int) -> None:
        await self.fixture.settle()
        self.fixture.clock.now = START + timedelta(days=day, hours=hour)
        await self.fixture.settle()

    async def put(self, integration: str, operation: str, rung: str) -> None:
        """Somebody moves an operation at the command line."""
        await self.fixture.settle()
        await porting.set_rung(self.fixture.application.store, integration, operation, rung, "ann", "it is due")
        self.rungs[integration, operation] = rung, self.fixture.clock.now
        self.fixture.clock.pass_(minutes=1)
        await self.fixture.settle()

    async def judge(self, key: FindingKey, do: str, state: str, text: str = "", until: int = 0) -> None:
        end = START + timedelta(days=until)
        await self.say(key, do, text, f"{end:%Y-%m-%d}" if until else "")
        self.states[key] = state
        if until:
            self.until[key] = end
        self.fixture.clock.pass_(minutes=1)


def usual(name: str, day: int) -> list[tuple[Kind, int]]:
    """Which calls a program makes on a day, and how many of each."""
    fate, _, digits = name.partition("-")
    number = int(digits)

    def due(every: int, first: int = 0, last: int = LAST) -> bool:
        return first <= day <= last and (day - first) % every == 0

    calls: Mapping[str, list[tuple[Kind, int, bool]]] = {
        "quiet": [],
        "reader": [(CLIENTS, 1, due(3 + number, number)), (CODECS, 2, due(9 + number))],
        "lossy": [
            (STATUS, 1, due(5 + number, number)),
            (INDUSTRIES, 1, due(7, number)),
            (CARD, 1, number == 1 and due(20)),
            (INDUSTRY, 1, number == 3 and due(4)),
            (INDUSTRY, 1, number == 5 and due(6, 0, 30)),
            (EDIT, 1, number == 5 and due(6, 36)),
        ],
        "gone": [(STATUS if number == 2 else CLIENTS, 1, due(2, 0, 20 + 14 * number))],
        "ported": [(CLIENTS, 1, due(3, 0, 30)), (STATUS, 1, due(6, 0, 30))],
        "silent": [(CLIENTS, 1, due(3, 0, 45))],
        "back": [
            (TRUNK if number == 2 else CLIENTS, 1, due(3, 0, 30)),
            (ONE_SIDED if number == 2 else LATE_CLIENTS, 1, due(7, 70)),
        ],
        "locked": [(STATUS, 1, due(4, 0, 39)), (LOCKED_STATUS, number, day in (55, 70, 91))],
        "except": [
            (CLIENTS, 1, due(4, 0, 39)), (LOCKED_CLIENTS, 1, day in (42, 65, 88)),
            (LATE_CLIENTS, 1, day in (50, 58)),
        ],
        "dark": [(CODECS, 1, due(5))],
        "faulty": [(CLIENTS, 3, due(5, number)), (CARD, 1, due(5, number))],
        "guess": [(CLIENTS, 1, due(6))],
        "key": [(WARNED if number == 2 else CLIENTS, 1, due(5))],
        "crypt": [(CLIENTS, 1, due(6))],
        "ending": [(ENDING if day < 60 else ENDED, 1, due(5))],
    }  # fmt: skip
    return [(kind, times) for kind, times, wanted in calls[fate] if wanted]


def natively(name: str, day: int) -> list[str]:
    """Which native calls a program makes on a day."""
    fate = name.partition("-")[0]
    if fate == "ported" and day > 30 and day % 4 == 0:
        return [LIST, SET]
    if fate == "silent" and day > 45 and day % 4 == 0:
        return [LIST]
    if fate == "crypt" and day % 30 == 5:
        return [DETAIL]
    return []


STATUS_OF_1: FindingKey = ("lossy-1", STATUS.operation, "unknown-element", "why")
EMULATED_OF_2: FindingKey = ("lossy-2", INDUSTRIES.operation, "operation-emulated", "GetIndustriesRequest")
KEPT_OF_3: FindingKey = ("lossy-3", INDUSTRY.operation, "field-kept", "industry")
STATUS_OF_4: FindingKey = ("lossy-4", STATUS.operation, "unknown-element", "why")
KEPT_OF_5: FindingKey = ("lossy-5", INDUSTRY.operation, "field-kept", "industry")


async def people(quarter: Quarter, day: int) -> None:
    """What people do and say on a day, after its calls."""
    fixture, store = quarter.fixture, quarter.fixture.application.store
    if day == 10:
        await quarter.judge(STATUS_OF_1, "acknowledge", "acknowledged", "Ticket 12")
    elif day == 12:
        await quarter.judge(EMULATED_OF_2, "ignore", "ignored", "Until spring", until=40)
        await quarter.judge(STATUS_OF_4, "ignore", "ignored", "Nobody reads it")
    elif day == 21:
        await quarter.judge(KEPT_OF_3, "fixed", "fixed", "Released")
    elif day == 31:
        await quarter.judge(KEPT_OF_5, "fixed", "fixed", "Released")
        for name in ("ported-1", "ported-2", "ported-3", "ported-4"):
            await quarter.put(name, CLIENTS.operation, "v3")
            await quarter.put(name, STATUS.operation, "v3")
        await quarter.put("back-1", CLIENTS.operation, "v3")
        await quarter.put("back-2", TRUNK.operation, "v3")
    elif day == 40:
        await quarter.put("locked-1", STATUS.operation, "locked")
        await quarter.put("locked-2", STATUS.operation, "locked")
        await quarter.put("except-1", CLIENTS.operation, "locked")
    elif day == 45:
        until = START + timedelta(days=60, hours=12)
        await grant_exception(store, "except-1", CLIENTS.operation, "Ann", "Its release is late", until, "ann")
    elif day == 50:
        begins = fixture.clock.now + timedelta(minutes=5)
        for name in ("dark-1", "dark-2"):
            await plan_brownout(store, name, "Channel.*", begins, begins + timedelta(hours=2), "ann", "Trial")
        fixture.clock.pass_(minutes=30)
        await fixture.settle()
        for name in ("dark-1", "dark-2"):
            await quarter.old(name, DARK, 2, PERL)
    if day in (10, 50, LAST):
        await quarter.wrong("guess-1", "wrong-secret", ("guess-1", "guessed"))
        await quarter.wrong("(unknown)", "unknown", ("somebody", "guessed"))
        await quarter.wrong("quiet-3", "disabled", ("quiet-3", "quiet-3-secret"))
    if day == 15:
        page = await fixture.browser.get("/review/integrations/reader-1")
        await fixture.browser.post("/review/integrations/reader-1/notes", page, notes="Runs on Sundays")


async def run(quarter: Quarter, evening: Callable[[int], Awaitable[None]]) -> None:
    """The whole quarter; `evening` looks at things at the end of each day."""
    for day in range(DAYS):
        await quarter.at(day, 6)
        for number, name in enumerate(NAMES):
            for kind, times in usual(name, day):
                await quarter.old(name, kind, times, AGENTS[number % len(AGENTS)])
            for operation in natively(name, day):
                await quarter.new(name, operation)
        await people(quarter, day)
        await quarter.at(day, 20)
        await evening(day)
