"""What every number has to be, counted from the tally of the quarter: plain sums, no code of the shim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

from tests.review.quarter import script
from tests.review.quarter.script import NAMES, Quarter
from tests.review.week.script import CARD, CLIENTS, CODECS, EDIT, INDUSTRIES, STATUS, TRUNK
from tests.review.week.tally import FindingKey, Use

WORST_FIRST = ("refused", "loss", "warning", "notice")
SEVERITY = {
    "field-refused": "refused", "browned-out": "refused", "operation-locked": "refused",
    "old-login-refused": "refused", "came-back": "warning", "field-kept": "warning",
    "operation-emulated": "warning", "old-login": "warning", "unknown-element": "notice",
}  # fmt: skip
OF_PORTING = ("browned-out", "operation-locked", "came-back", "old-login", "old-login-refused")
ON_PURPOSE = ("brownout", "locked")
FITS = {"refused": "refused", "loss": "lossy", "warning": "emulated", "notice": "moved", None: "clean"}
SUCCESSORS = {
    CLIENTS.operation: ["Organization.GetOrganizations"],
    CODECS.operation: ["Channel.GetCodecs"],
    CARD.operation: ["Channel.AddChannel"],
    TRUNK.operation: ["Channel.AddChannel"],
    EDIT.operation: ["Organization.EditOrganization"],
    STATUS.operation: ["Organization.SetOrganizationStatus"],
    INDUSTRIES.operation: [],
}
ALL = (*NAMES, "(unknown)")


class Expected:
    """What is to be seen at a time, of the last so many days with today."""

    def __init__(self, quarter: Quarter, days: int) -> None:
        self.quarter, self.length = quarter, days
        self.tally, self.now = quarter.tally, quarter.fixture.clock.now
        self.today = self.now.date()
        self.since = self.today - timedelta(days=days - 1)
        self.days = [self.since + timedelta(days=number) for number in range(days)]
        self._uses: dict[tuple[str, str], list[Use]] = {}
        for each in self.tally.uses:
            self._uses.setdefault((each.integration, each.side), []).append(each)

    def uses(self, side: str, name: str, operation: str | None = None, since: date | None = None) -> list[Use]:
        """Those of the window, or from another day on."""
        first = since or self.since
        return [
            each
            for each in self._uses.get((name, side), [])
            if each.day >= first and operation in (None, each.operation)
        ]

    def operations(self, name: str) -> set[str]:
        return {each.operation for each in self.uses("old", name)}

    def observed(self, name: str) -> int:
        old, new = self._uses.get((name, "old"), []), self.uses("new", name)
        first = min((each.day for each in (*old[:1], *new[:1])), default=self.since)
        return (self.today - max(first, self.since)).days + 1

    def rung(self, name: str, operation: str) -> str:
        return self.quarter.rungs.get((name, operation), ("translate", self.now))[0]

    def is_ported(self, name: str, operation: str) -> bool:
        """By its rung; or, for the silent ones, by what happened: they stopped and went on in v3."""
        went_on = name.startswith("silent") and self.today > script.START.date() + timedelta(days=51)
        return self.rung(name, operation) in ("v3", "locked") or went_on

    def left(self, name: str) -> set[str]:
        return {each for each in self.operations(name) if not self.is_ported(name, each)}

    def ported(self, name: str) -> set[str]:
        return self.operations(name) - self.left(name)

    def natively(self, name: str, operation: str) -> int:
        if name == "(unknown)":
            return 0
        return sum(len(self.uses("new", name, each)) for each in SUCCESSORS[operation])

    # ---- findings ----

    def state(self, key: FindingKey) -> str:
        """What was said of it; what came back, or was ignored for a while, is new again."""
        said = self.quarter.states.get(key, "new")
        if said == "ignored" and key in self.quarter.until and self.quarter.until[key] <= self.now:
            return "new"
        if said == "fixed" and key == script.KEPT_OF_3:
            return "new" if self.today >= script.START.date() + timedelta(days=24) else "fixed"
        if said == "fixed" and key == script.KEPT_OF_5:
            return "verified" if self.today >= script.START.date() + timedelta(days=36) else "fixed"
        return said

    def is_open(self, key: FindingKey) -> bool:
        return self.state(key) in ("new", "acknowledged")

    def counted(self, name: str, operation: str | None = None) -> list[FindingKey]:
        """Open ones seen in the window; of what is ported, those that came since it was."""
        found = []
        for key, times in self.tally.findings().items():
            if key[0] != name or operation not in (None, key[1]) or not self.is_open(key):
                continue
            moved = self.quarter.rungs.get(key[:2])
            over = key[1] in self.ported(name) and not (moved and times[-1] > moved[1])
            if times[-1].date() >= self.since and not over:
                found.append(key)
        return found

    def severities(self, *names: str) -> Counter[str]:
        return Counter(SEVERITY[key[2]] for name in names for key in self.counted(name))

    def fit(self, name: str, operation: str) -> str:
        found = {SEVERITY[key[2]] for key in self.counted(name, operation) if key[2] not in OF_PORTING}
        return FITS[next((each for each in WORST_FIRST if each in found), None)]

    # ---- failures and trend ----

    def spans(self, uses: list[Use]) -> dict[str, int]:
        age = [(self.today - each.day).days for each in uses]
        return {
            "today": sum(each == 0 for each in age),
            "week": sum(each < 7 for each in age),
            "before": sum(7 <= each < 14 for each in age),
        }

    def failures(self, *names: str) -> dict[str, Any]:
        begun = self.today - timedelta(days=13)
        uses = [each for name in names for each in self.uses("old", name, since=begun)]
        faults = [each for each in uses if each.fault]
        reasons = {
            reason: self.spans([each for each in faults if each.fault == reason])
            for reason in {each.fault for each in faults}
        }
        calls, failed = self.spans(uses), self.spans([each for each in faults if each.fault not in ON_PURPOSE])
        failing = any(
            failed[span] > 0 and failed[span] * 4 >= calls[span] and (span == "week" or calls[span] >= 10)
            for span in ("week", "today")
        )
        return {"calls": calls, "faults": self.spans(faults), "reasons": reasons, "failing": failing}

    def trend(self, *names: str) -> dict[str, Any]:
        """The line through the last four weeks of whole days, by the sums of a textbook, in fractions."""
        days = [self.today - timedelta(days=back) for back in range(28, 0, -1)]
        count = Counter(each.day for name in names for each in self.uses("old", name, since=days[0]))
        began = min(
            (self._uses[name, "old"][0].day for name in names if (name, "old") in self._uses), default=None
        )
        days = [day for day in days if began and day >= began]
        ys = [count[day] for day in days]
        told: dict[str, Any] = {"week": sum(ys[-7:]), "before": sum(ys[-14:-7]) if len(ys) >= 14 else None}
        told |= {"fitted": len(ys), "zero": None}
        if len(ys) >= 14:
            n, sx, sy = len(ys), sum(range(len(ys))), sum(ys)
            sxx, sxy = sum(x * x for x in range(n)), sum(x * y for x, y in enumerate(ys))
            slope = Fraction(n * sxy - sx * sy, n * sxx - sx * sx)
            if slope < 0:
                crossing = -(Fraction(sy, n) - slope * Fraction(sx, n)) / slope
                zero = days[0] + timedelta(days=ceil(crossing)) if ceil(crossing) < 5 * 365 else None
                told["zero"] = zero.isoformat() if zero and zero > self.today else None
        return told

    # ---- whole answers ----

    def by_day(self, *names: str) -> list[dict[str, Any]]:
        sides = {
            side: Counter(each.day for name in names for each in self.uses(side, name))
            for side in ("old", "new")
        }
        return [
            {"day": day.isoformat(), "old": sides["old"][day], "new": sides["new"][day]} for day in self.days
        ]

    def last(self, side: str, name: str) -> datetime | None:
        """The last call: in 2.5 over all time, in v3 in the window."""
        uses = self._uses.get((name, "old"), []) if side == "old" else self.uses("new", name)
        return uses[-1].at if uses else None

    def card(self, name: str) -> dict[str, Any]:
        """The numbers of a scorecard as JSON has them."""
        left, severities = self.left(name), self.severities(name)
        old, new = self.uses("old", name), self.uses("new", name)
        every = sum(key[0] == name and self._seen(key) for key in self.tally.findings())
        return {
            "integration": name,
            "configured": name != "(unknown)",
            "days": self.by_day(name),
            "old_calls": len(old),
            "new_calls": len(new),
            "observed": self.observed(name),
            "left": len(left),
            "ported": len(self.ported(name)),
            "fits": Counter(self.fit(name, each) for each in left),
            "findings": severities,
            "open_findings": severities.total(),
            "past_findings": every - severities.total(),
            "failures": self.failures(name),
            "last_old": _iso(self.last("old", name)),
            "last_new": _iso(self.last("new", name)),
            "native": Counter(each.operation for each in new),
            "done": not left and not self._came_back(name),
        }

    def _seen(self, key: FindingKey) -> bool:
        return self.is_open(key) and self.tally.findings()[key][-1].date() >= self.since

    def _came_back(self, name: str) -> bool:
        moved = {operation: at for (whose, operation), (_, at) in self.quarter.rungs.items() if whose == name}
        return any(
            each.operation in moved and each.at > moved[each.operation] for each in self.uses("old", name)
        )

    def use(self, name: str, operation: str) -> dict[str, Any]:
        """The numbers of an operation of an integration."""
        uses = self.uses("old", name, operation)
        return {
            "becomes": SUCCESSORS[operation],
            "fit": self.fit(name, operation),
            "calls": len(uses),
            "faults": sum(each.fault is not None for each in uses),
            "new_calls": self.natively(name, operation),
            "rung": self.rung(name, operation),
            "ported": self.is_ported(name, operation),
            "open_findings": len(self.counted(name, operation)),
            "first_seen": _iso(uses[0].at),
            "last_seen": _iso(uses[-1].at),
            "reasons": Counter(each.fault for each in uses if each.fault),
        }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def told(card: Mapping[str, Any]) -> dict[str, Any]:
    """A scorecard as JSON has it, with the same names and shapes as `Expected.card`."""
    failures = card["failures"]
    reasons = {each["reason"]: each["faults"] for each in failures["reasons"]}
    made = {**card, "failures": {**failures, "reasons": reasons}}
    made["native"] = {each["operation"]: each["calls"] for each in card["native"]}
    for name in ("last_old", "last_new"):
        made[name] = card[name] and datetime.fromisoformat(card[name]).isoformat()
    return made
