"""The week, day by day: four integrations, what they send, and what people say and do about it.

- `ledger` maps cleanly; a health check uses its login, and is kept out.
- `switchboard` is lossy: things are dropped, refused, kept out of reach for an hour, and much is in LinkedOps.
- `crm` is half ported: some of its calls are native v3 ones, with its own token, on the same host.
- `portal` ports in this very week, and is done on Sunday.

Monday is 9 March 2026. A minute passes after each message, so that every time is another one.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from shim.edge.porting import ladder as porting
from tests.end_to_end.meanings.test_linked_op import operation as packed_operation
from tests.end_to_end.meanings.test_linked_op import packed
from tests.end_to_end.messages import envelope, namespace
from tests.end_to_end.native import native
from tests.review.week.running import WeekFixture
from tests.review.week.tally import FindingKey, Kind, Tally

START = datetime(2026, 3, 9, tzinfo=UTC)
DAYS = tuple(date(2026, 3, 9 + number) for number in range(7))
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)

PHP, PERL, CURL, JAVA, CHECK = (
    "PHP-SOAP/8.2.7",
    "SOAP::Lite/Perl/1.27",
    "curl/8.5.0",
    "Axis/1.4",
    "check_soap/2.1",
)
TOOLKITS = {
    PHP: "PHP SoapClient",
    PERL: "Perl SOAP::Lite",
    CURL: "hand-written",
    JAVA: "Java Axis",
    "": "hand-written",
}

_CLIENT, _CHANNEL, _EXTENSION = (f"/soap2/{name}_agent.php" for name in ("client", "channel", "extension"))
_ORGANIZATION = "/soap2/organization_agent.php"


def _kind(
    path: str, operation: str, fields: str = "", *found: tuple[str, str], fault: str | None = None
) -> Kind:
    name = f"{operation.partition('.')[2]}Request"
    space = namespace(f"{operation.partition('.')[0]}Messages")
    return Kind(path, operation, f'<m:{name} xmlns:m="{space}">{fields}</m:{name}>', found, fault)


CLIENTS = _kind(_CLIENT, "Client.GetClients")
REPORT = _kind(
    "/soap2/report_agent.php",
    "Report.CallReport",
    "<userID>20</userID><interval><startDate>2026-03-01</startDate><endDate>2026-03-31</endDate></interval>",
)
CODECS = _kind(_CHANNEL, "Channel.GetCodecs")
TRUNK = _kind(
    _CHANNEL,
    "Channel.AddChannel",
    "<SIP><name>Trunk</name><concurrentCalls>4</concurrentCalls><qualifies>1</qualifies><flow>both</flow>"
    "<codecs>1</codecs></SIP>",
    ("unknown-element", "SIP/concurrentCalls"),
    ("unknown-element", "SIP/qualifies"),
)
CARD = _kind(
    _CHANNEL,
    "Channel.AddChannel",
    "<Dahdi><group>1</group></Dahdi>",
    ("field-refused", "Dahdi"),
    fault="field-refused",
)
DARK = replace(TRUNK, found=(("browned-out", "AddChannelRequest"),), fault="brownout")
PHONE = _kind(
    _EXTENSION,
    "Extension.AddExtension",
    "<name>Desk</name><company>Northwind Ltd</company><login>desk-{n}</login><password>Pass-2025</password>"
    "<country>us</country><parentID>20</parentID>",
    ("default-added", "extensionType"),
)
PHONES = _kind(_EXTENSION, "Extension.GetExtensions", "<parentID>20</parentID>")
INDUSTRIES = _kind(
    "/soap2/pbx_agent.php", "PBX.GetIndustries", "", ("operation-emulated", "GetIndustriesRequest")
)
DETAILS = _kind(_CLIENT, "Client.GetClientDetails", "<ID>21</ID>", ("field-emulated", "industry"))
BARE_DETAILS = replace(DETAILS, found=())
"""The same before an industry was kept."""
EDIT = _kind(_CLIENT, "Client.EditClient", "<ID>21</ID><name>Conrad</name>")
INDUSTRY = _kind(
    _CLIENT,
    "Client.EditClient",
    "<ID>21</ID><name>Conrad</name><industry>4</industry>",
    ("field-kept", "industry"),
)
STATUS = _kind(
    _CLIENT,
    "Client.SetClientStatus",
    "<ID>20</ID><status>1</status><why>x</why>",
    ("unknown-element", "why"),
)


def _linked(*inside: Kind, found: tuple[tuple[str, str], ...] = ()) -> Kind:
    held = "".join(
        packed_operation(str(number), packed(each.body), final=False) for number, each in enumerate(inside)
    )
    return replace(_kind("/soap2/globalop_agent.php", "GlobalOp.LinkedOp", held, *found), inside=inside)


BATCH = _linked(PHONES, TRUNK)
DARK_BATCH = _linked(PHONES, DARK, found=(("package-failed", "package[2]/AddChannelRequest"),))
LATE_CLIENTS = replace(CLIENTS, found=(("came-back", "GetClientsRequest"),))
LOCKED_STATUS = replace(STATUS, found=(("operation-locked", "SetClientStatusRequest"),), fault="locked")
STRANGER = replace(CLIENTS, fault="login-refused")

LIST, DETAIL, SET = ("GetOrganizations", "GetOrganizationDetails", "SetOrganizationStatus")
_NATIVE = {
    LIST: "<GetOrganizations/>",
    DETAIL: "<GetOrganizationDetails><ID>21</ID></GetOrganizationDetails>",
    SET: "<SetOrganizationStatus><ID>20</ID><status>1</status></SetOrganizationStatus>",
}


@dataclass
class Week:
    """Sends, and tallies what it sends."""

    fixture: WeekFixture
    tally: Tally
    sent: int = 0

    async def old(self, integration: str, kind: Kind, times: int = 1, agent: str | None = PHP) -> None:
        login = (integration, f"{integration}-secret")
        for _ in range(times):
            await self._send(integration, kind, login, agent)

    async def stranger(self) -> None:
        await self._send("(unknown)", STRANGER, ("ledger", "guessed"), CURL)

    async def kept_out(self, integration: str, agent: str) -> None:
        """A call that is served and does not count."""
        login = (integration, f"{integration}-secret")
        status, text = await self.fixture.post(CLIENTS.path, envelope(CLIENTS.body, login=login), agent)
        assert status == 200, text
        self.tally.kept_out[integration, CLIENTS.operation] += 1

    async def _send(self, integration: str, kind: Kind, login: tuple[str, str], agent: str | None) -> None:
        self.sent += 1
        body = kind.body.replace("{n}", str(self.sent))
        status, text = await self.fixture.post(kind.path, envelope(body, login=login), agent)
        assert status == (500 if kind.fault else 200), text
        assert not kind.fault or f"<reason>{kind.fault}</reason>" in text
        self.tally.old(self.fixture.clock.now, integration, kind, agent)
        self.fixture.clock.pass_(minutes=1)

    async def new(self, integration: str, operation: str, times: int = 1) -> None:
        token = await self.fixture.token(integration)
        for _ in range(times):
            await self._native(token, operation)
            self.tally.new(self.fixture.clock.now, integration, f"Organization.{operation}")
            self.fixture.clock.pass_(minutes=1)

    async def foreign(self) -> None:
        """A native call with a token that was not fetched through the shim."""
        await self._native(self.fixture.world.issue_token("acme-key", 3600), LIST)
        await self.fixture.settle()
        self.tally.new(self.fixture.clock.now, "(unknown)", f"Organization.{LIST}")
        self.fixture.clock.pass_(minutes=1)

    async def _native(self, token: str, operation: str) -> None:
        status, text = await self.fixture.post(_ORGANIZATION, native(token, _NATIVE[operation]), "crm/2")
        assert status == 200, text

    # ---- people ----

    async def say(self, key: FindingKey, do: str, text: str = "", until: str = "") -> None:
        """Say something of a finding on its page."""
        browser = self.fixture.browser
        path = f"/review/findings/{await self.id_of(key)}"
        page = await browser.get(path)
        fields = {"do": do, "text": text, "until": until}
        assert "It was saved." in await browser.post(path, page, **fields)

    async def id_of(self, key: FindingKey) -> int:
        await self.fixture.settle()
        integration, operation, code, path = key
        page = await self.fixture.browser.get(
            f"/review/findings?show=any&integration={integration}&operation={operation}&code={code}"
        )
        found = re.findall(r'href="/review/findings/(\d+)">[^<]*: <code>([^<]*)</code>', page)
        return next(int(id) for id, at in found if at == path)

    async def rung(self, operation: str, rung: str, why: str) -> None:
        """Somebody moves an operation of the portal at the command line."""
        await porting.set_rung(self.fixture.application.store, "portal", operation, rung, "ann", why)
        await self.fixture.settle()

    async def plan_brownout(self) -> None:
        browser = self.fixture.browser
        page = await browser.get("/review/brownouts")
        window = {"starts": "2026-03-13T12:00", "ends": "2026-03-13T13:00"}
        about = {"integration": "switchboard", "operation": "Channel.*", "text": "A rehearsal", "do": "plan"}
        said = await browser.post("/review/brownouts", page, **window, **about)
        assert "The brownout is planned" in said

    async def at(self, day: int, hour: int) -> None:
        await self.fixture.settle()
        self.fixture.clock.now = START + timedelta(days=day, hours=hour)
        await self.fixture.settle()


QUALIFY: FindingKey = ("switchboard", TRUNK.operation, "unknown-element", "SIP/qualifies")
DAHDI: FindingKey = ("switchboard", CARD.operation, "field-refused", "Dahdi")
EMULATED: FindingKey = ("switchboard", INDUSTRIES.operation, "operation-emulated", "GetIndustriesRequest")
KEPT: FindingKey = ("crm", INDUSTRY.operation, "field-kept", "industry")
ANSWERED: FindingKey = ("crm", DETAILS.operation, "field-emulated", "industry")


async def usual(week: Week, day: int) -> None:
    """What comes every day."""
    await week.old("ledger", CLIENTS, 6)
    await week.old("ledger", REPORT, 9 + day)
    await week.kept_out("ledger", CHECK)
    await week.kept_out("probe", PHP)
    await week.old("switchboard", PHONES, 4, PERL)
    await week.old("switchboard", BATCH, 2, PERL)
    await week.old("switchboard", PHONE, 1, PERL)
    await week.old("crm", DETAILS if day else BARE_DETAILS, 5, JAVA)
    await week.new("crm", DETAIL, 1 + day)


async def run(fixture: WeekFixture, evening: Callable[[int], Awaitable[None]] | None = None) -> Week:
    """The whole week. `evening` looks at things at the end of each day."""
    week = Week(fixture, Tally())
    for day, special in enumerate((monday, tuesday, wednesday, thursday, friday, saturday, sunday)):
        await week.at(day, 9)
        await usual(week, day)
        await special(week)
        await week.at(day, 20)
        if evening is not None:
            await evening(day)
    return week


async def monday(week: Week) -> None:
    await week.old("ledger", CODECS)
    await week.old("switchboard", CARD, 3, None)
    await week.old("switchboard", INDUSTRIES, 2, PERL)
    await week.old("crm", CLIENTS, 8, JAVA)
    await week.old("crm", INDUSTRY, 4, JAVA)
    await week.old("crm", DETAILS, 1, JAVA)
    await week.old("portal", CLIENTS, 10, CURL)
    await week.old("portal", STATUS, 3, CURL)
    await week.say(ANSWERED, "ignore", "Ported next week", until="2026-03-13")
    await week.say(EMULATED, "ignore", "The list is never shown")


async def tuesday(week: Week) -> None:
    await week.old("crm", CLIENTS, 8, JAVA)
    await week.old("crm", INDUSTRY, 4, JAVA)
    await week.old("portal", CLIENTS, 10, CURL)
    await week.old("portal", STATUS, 3, CURL)
    await week.stranger()
    await week.say(QUALIFY, "acknowledge")
    await week.say(KEPT, "acknowledge", "Ticket 4711")
    await week.say(DAHDI, "fixed", "The card is gone")


async def wednesday(week: Week) -> None:
    await week.new("crm", LIST, 8)
    await week.old("crm", INDUSTRY, 4, JAVA)
    await week.old("portal", CLIENTS, 10, CURL)
    await week.old("portal", STATUS, 3, CURL)
    await week.at(WEDNESDAY, 18)
    await week.say(KEPT, "fixed", "Released today")
    await week.rung(CLIENTS.operation, "v3", "released")


async def thursday(week: Week) -> None:
    await week.new("crm", LIST, 8)
    await week.old("crm", EDIT, 4, JAVA)
    await week.new("portal", LIST, 10)
    await week.old("portal", LATE_CLIENTS, 1, CURL)
    await week.old("portal", STATUS, 3, CURL)
    await week.plan_brownout()


async def friday(week: Week) -> None:
    await week.new("crm", LIST, 8)
    await week.old("crm", EDIT, 4, JAVA)
    await week.new("portal", LIST, 10)
    await week.new("portal", SET, 3)
    await week.at(FRIDAY, 12)
    await week.old("switchboard", DARK, 2, PERL)
    await week.old("switchboard", DARK_BATCH, 1, PERL)
    await week.at(FRIDAY, 18)
    await week.rung(CLIENTS.operation, "locked", "silent since Thursday")
    await week.rung(STATUS.operation, "locked", "its v3 code is out")


async def saturday(week: Week) -> None:
    await week.new("crm", LIST, 8)
    await week.old("crm", INDUSTRY, 1, JAVA)
    await week.new("portal", SET, 3)
    await week.old("portal", LOCKED_STATUS, 2, CURL)


async def sunday(week: Week) -> None:
    await week.new("crm", LIST, 8)
    await week.old("crm", EDIT, 4, JAVA)
    await week.new("portal", LIST, 10)
    await week.foreign()
    await week.rung(STATUS.operation, "locked", "that was the old cron job, it is gone")
