"""A small world of integrations for tests of what reads the deprecation log, always the same.

- `ledger` maps cleanly: it reads, and nothing it does is worse than an info.
- `switchboard` is lossy: it sets extensions up with elements that v3 lacks, and has a call refused.
- `crm` is half ported: two operations are native or on the rung v3, two are left.
- `portal` ports in this very week: its last old call was yesterday morning, v3 calls came from Tuesday on.
- `fax-gateway` may call and never did.

`NOW` is a Thursday, noon. Days are counted back from it: 0 is today.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from lxml import etree

from shim.core.findings import KINDS
from shim.core.rehearsal.dry_run import TOKEN, dry_run
from shim.edge.callers.refused import RefusedWhy, refused_login
from shim.edge.deprecation.tables import (
    CALLERS,
    FAULTS,
    FINDING_DAYS,
    FINDING_EVENTS,
    FINDINGS,
    PORTING,
    REFUSED_LOGINS,
    USAGE,
)
from shim.edge.deprecation.writer import reopen_days
from shim.edge.settings.load import Config
from shim.edge.store.columns import METADATA
from shim.edge.store.database import Store
from tests.support.conversation import catalogue

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
INTEGRATIONS = ("crm", "fax-gateway", "ledger", "portal", "switchboard")


def config(porting: Mapping[str, Mapping[str, str]] | None = None) -> Config:
    """A configuration in which all of them may call; `porting` are rungs by integration and scope."""
    return Config.model_validate(
        {
            "backend": {"url": "https://voipnow.example.com", "health": {"every": 0}},
            "integrations": [
                {
                    "name": name,
                    "old": {"username": name, "password": f"{name}-secret"},
                    "new": {"app_key": f"{name}-key", "app_secret": f"{name}-app-secret"},
                    "porting": (porting or {}).get(name, {}),
                }
                for name in INTEGRATIONS
            ],
        }
    )


@dataclass
class Builder:
    """Collects rows, then writes them. Ids of findings are given in the order of `finding`."""

    now: datetime = NOW
    rows: dict[sa.Table, list[dict[str, Any]]] = field(default_factory=dict)

    def at(self, days_ago: int, hour: int = 9) -> datetime:
        return (self.now - timedelta(days=days_ago)).replace(hour=hour, minute=0, second=0, microsecond=0)

    def calls(
        self,
        integration: str,
        operation: str,
        days_ago: Iterable[int],
        a_day: int = 10,
        *,
        new: bool = False,
        hour: int = 9,
        faults: int = 0,
        reason: str = "",
    ) -> None:
        """Calls on these days, all in the hour before `hour`; `faults` of them for a reason, if it is kept."""
        for each in days_ago:
            last = self.at(each, hour)
            self.add(
                USAGE,
                day=last.date().isoformat(),
                integration=integration,
                side="new" if new else "old",
                operation=operation,
                calls=a_day,
                faults=faults,
                first_seen=last - timedelta(hours=1),
                last_seen=last,
            )
            if reason:
                self.add(
                    FAULTS,
                    day=last.date().isoformat(),
                    integration=integration,
                    operation=operation,
                    reason=reason,
                    calls=faults,
                    first_seen=last - timedelta(hours=1),
                    last_seen=last,
                )

    def login(
        self, why: RefusedWhy, login: str, calls: int, integration: str = "(unknown)", **more: Any
    ) -> None:
        """A login that was refused so often, first three days ago."""
        told = refused_login(why, "password", login)
        row = {"way": told.way, "login": told.login, "digest": told.digest, "address": "192.0.2.66"}
        row |= {"agent": "curl/8.5.0", "unchecked": 0, "first_seen": self.at(3), "last_seen": self.at(0)}
        self.add(REFUSED_LOGINS, integration=integration, why=why, calls=calls, **(row | more))

    def finding(
        self,
        integration: str,
        operation: str,
        code: str,
        path: str,
        because: str = "",
        *,
        days_ago: Iterable[int] = (3, 2, 1, 0),
        a_day: int = 10,
        hour: int = 9,
        state: str = "new",
        state_at: datetime | None = None,
        until: datetime | None = None,
        sample: str | None = None,
    ) -> int:
        """A finding that came on these days; its id."""
        days = sorted(days_ago, reverse=True)
        id = len(self.rows.get(FINDINGS, ())) + 1
        first = self.at(days[0], hour) - timedelta(hours=1)
        self.add(
            FINDINGS,
            id=id,
            integration=integration,
            operation=operation,
            code=code,
            path=path,
            severity=KINDS[code].severity,
            because=because or KINDS[code].meaning,
            place=None,
            count=a_day * len(days),
            first_seen=first,
            last_seen=self.at(days[-1], hour),
            sample=sample,
            sample_at=first if sample else None,
            state=state,
            state_at=state_at or first,
            until=until,
        )
        for each in days:
            self.add(FINDING_DAYS, finding=id, day=self.at(each).date().isoformat(), count=a_day)
        return id

    def event(self, finding: int, days_ago: int, who: str, was: str, became: str, text: str = "") -> None:
        self.add(
            FINDING_EVENTS, finding=finding, at=self.at(days_ago), who=who, was=was, became=became, text=text
        )

    def rung(self, integration: str, operation: str, rung: str, days_ago: int = 5) -> None:
        self.add(
            PORTING, integration=integration, operation=operation, rung=rung, who="ann", at=self.at(days_ago)
        )

    def caller(self, integration: str, agent: str, toolkit: str, calls: int, days_ago: int = 0) -> None:
        self.add(
            CALLERS,
            integration=integration,
            agent=agent,
            toolkit=toolkit,
            version="2.5.1",
            address="192.0.2.10",
            calls=calls,
            first_seen=self.at(days_ago + 20),
            last_seen=self.at(days_ago),
        )

    def add(self, table: sa.Table, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)

    async def fill(self, store: Store) -> None:
        """Write all rows into an empty store."""
        async with store.writing() as connection:
            await reopen_days(connection)
            for table in METADATA.sorted_tables:
                if rows := self.rows.get(table):
                    await connection.execute(sa.insert(table), rows)
            if connection.dialect.name == "postgresql":  # ids were given here, so the next one is not known
                last = len(self.rows.get(FINDINGS, ())) + 1
                await connection.execute(
                    sa.text("SELECT setval(pg_get_serial_sequence('findings', 'id'), :last, false)"),
                    {"last": last},
                )


def world(now: datetime = NOW) -> Builder:
    """The four integrations and what became of their calls in the last three weeks."""
    made = Builder(now)
    _ledger(made)
    _switchboard(made)
    _crm(made)
    _portal(made)
    return made


def _ledger(made: Builder) -> None:
    month = range(21)
    made.calls("ledger", "Client.GetClients", month, 24)
    made.calls("ledger", "Report.CallReport", month, 96)
    made.calls("ledger", "Channel.GetCodecs", (14, 7, 0), 1)
    made.finding("ledger", "Report.CallReport", "empty-as-absent", "interval", days_ago=month)
    made.caller("ledger", "PHP-SOAP/8.2.7", "PHP SoapClient", 2500)


def _switchboard(made: Builder) -> None:
    month = range(21)
    made.calls("switchboard", "Extension.AddExtension", (15, 8, 1), 4)
    made.calls("switchboard", "Extension.SetupExtension", month, 30, faults=2)
    made.calls("switchboard", "Extension.GetExtensionSettings", month, 30)
    made.calls("switchboard", "Channel.AddChannel", (8, 1), 3, faults=3)
    made.calls("switchboard", "PBX.GetIndustries", (2,), 1, faults=1)
    setup = (
        "<SetupExtensionRequest><ID>30</ID><phoneTerminal><callWaiting>true</callWaiting></phoneTerminal>"
        "<callback>x</callback></SetupExtensionRequest>"
    )
    extension = (
        "<AddExtensionRequest><name>a</name><company>b</company><login>c</login><password>d</password>"
        "<country>us</country><parentID>20</parentID></AddExtensionRequest>"
    )
    made.finding(
        "switchboard",
        "Extension.SetupExtension",
        "field-dropped",
        "callback",
        days_ago=month,
        a_day=30,
        sample=sample(setup),
    )
    made.finding(
        "switchboard",
        "Extension.SetupExtension",
        "field-kept",
        "queue/service",
        days_ago=month,
        a_day=30,
        state="acknowledged",
        state_at=made.at(6),
    )
    made.finding(
        "switchboard",
        "Channel.AddChannel",
        "field-refused",
        "Dahdi",
        days_ago=(8, 1),
        a_day=3,
    )
    made.finding(
        "switchboard",
        "Extension.AddExtension",
        "default-added",
        "permissions",
        days_ago=(15, 8, 1),
        a_day=4,
        sample=sample(extension),
    )
    made.caller("switchboard", "SOAP::Lite/Perl/1.27", "SOAP::Lite", 700)
    made.caller("switchboard", "", "unknown", 9, 1)


def _crm(made: Builder) -> None:
    month = range(21)
    made.calls("crm", "Client.GetClients", range(10, 21), 50)
    made.calls("crm", "Organization.GetOrganizations", range(10), 50, new=True)
    made.calls("crm", "Client.GetClientDetails", range(5, 21), 20)
    made.rung("crm", "Client.GetClientDetails", "v3", 4)
    made.rung("crm", "Client.EditClient", "compare")
    made.calls("crm", "Client.AddClient", month, 5)
    made.calls("crm", "Client.EditClient", month, 8)
    add = (
        "<AddClientRequest><name>a</name><company>b</company><login>c</login><password>d</password>"
        "<industry>e</industry><country>us</country></AddClientRequest>"
    )
    kept = made.finding(
        "crm",
        "Client.AddClient",
        "field-kept",
        "industry",
        days_ago=month,
        a_day=5,
        state="acknowledged",
        state_at=made.at(9),
        sample=sample(add),
    )
    made.event(kept, 9, "ann", "new", "acknowledged", "The CRM has the industry itself.")
    made.event(kept, 8, "bob", "acknowledged", "acknowledged", "Ticket is with the integrator.")
    made.finding(
        "crm",
        "Client.EditClient",
        "field-kept",
        "industry",
        days_ago=month,
        a_day=8,
        state="fixed",
        state_at=made.at(0, 11),
    )
    made.finding(
        "crm", "Client.GetClientDetails", "field-emulated", "industry", days_ago=range(5, 21), a_day=20
    )
    made.caller("crm", "python-requests/2.32", "zeep", 1400)


def _portal(made: Builder) -> None:
    for old, new, a_day in (
        ("Client.GetClients", "Organization.GetOrganizations", 40),
        ("Client.SetClientStatus", "Organization.SetOrganizationStatus", 6),
    ):
        made.calls("portal", old, range(1, 21), a_day)
        made.calls("portal", new, range(3), a_day, new=True, hour=11)
    made.finding(
        "portal", "Client.SetClientStatus", "unknown-element", "reason", days_ago=range(1, 21), a_day=6
    )
    made.caller("portal", "Axis/1.4", "Axis", 900, 1)


# ---- samples ----

_KEPT = {"true", "false"}


def sample(message: str) -> str:
    """The column `sample` for an old message (a body element): shapes only, by the shim's own translation."""
    run = dry_run(catalogue(), message.encode(), "http://backend.invalid")
    assert run.calls, run.fault
    new = catalogue().new.operations
    return json.dumps(
        {
            "old": _shape(etree.fromstring(message)),
            "calls": [
                {
                    "operation": f"{each.service}.{each.operation}",
                    "endpoint": catalogue().new.services[each.service].endpoint,
                    "soap_action": new[f"{each.service}.{each.operation}"].soap_action,
                    "xml": _shape(etree.fromstring(each.envelope)),
                }
                for each in run.calls
            ],
        }
    )


def _shape(root: etree._Element) -> str:
    for each in root.iter():
        text = (each.text or "").strip()
        if len(each) == 0 and text and text not in _KEPT:
            name = etree.QName(each).localname
            each.text = "{accessToken}" if text == TOKEN else f"{{{name}}}"
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def filled(text: str, values: Mapping[str, str]) -> str:
    """A shape with values in place of its placeholders."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
