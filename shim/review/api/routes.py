"""The routes of /api/v1: what each takes and answers, and which role it needs. `openapi` describes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, get_args

from shim.edge.settings.admin import Role
from shim.edge.store.audit import AuditEvent
from shim.review.reading.model import FindingPage, FindingRow, FindingState, OperationUse, Overview, Scorecard

SEVERITIES = ("info", "notice", "warning", "loss", "refused")
MOST_DAYS = 3650
MOST = 500
"""Items of one part of a list."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a route; `schema` is its JSON schema."""

    name: str
    about: str
    schema: dict[str, Any]
    place: Literal["query", "path"] = "query"


@dataclass(frozen=True, slots=True)
class Route:
    """A route. `answer` is the type of what it answers, of one item where it is `paged`."""

    name: str
    method: Literal["GET", "POST"]
    path: str
    summary: str
    answer: Any
    role: Role = "viewer"
    parameters: tuple[Parameter, ...] = ()
    paged: bool = False
    body: Any = None


@dataclass(frozen=True, slots=True)
class FindingChange:
    """The change of a finding: a state with a reason, or a note (`state` null)."""

    OPTIONAL: ClassVar[bool] = True
    text: str = ""
    state: Literal["new", "acknowledged", "ignored", "fixed"] | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of any kind, as the audit log has it."""

    at: datetime
    who: str
    action: str
    subject: str
    detail: str

    @staticmethod
    def of(event: AuditEvent) -> Change:
        return Change(event.at, event.who, event.action, event.subject, event.detail)


def _text(name: str, about: str) -> Parameter:
    return Parameter(name, about, {"type": "string"})


_DAYS = Parameter(
    "days", "Days to look at, today included.",
    {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 30},
)  # fmt: skip
_LIMIT = Parameter(
    "limit", "So many items at most.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100}
)
_OFFSET = Parameter("offset", "After so many items.", {"type": "integer", "minimum": 0, "default": 0})
_PAGES = (_LIMIT, _OFFSET)
_INTEGRATION = _text("integration", "Only of this one.")
_NAME = Parameter("name", "The name of an integration.", {"type": "string"}, "path")
_ID = Parameter("id", "The number of a finding.", {"type": "integer", "minimum": 1}, "path")

ROUTES: tuple[Route, ...] = (
    Route("report", "GET", "/report", "All integrations, what is left.", Overview, parameters=(_DAYS,)),
    Route(
        "integrations", "GET", "/integrations", "The scorecards of all integrations, most left to do first.",
        Scorecard, parameters=(_DAYS, *_PAGES), paged=True,
    ),
    Route(
        "integration", "GET", "/integrations/{name}", "One integration, with its callers.", Scorecard,
        parameters=(_NAME, _DAYS),
    ),
    Route(
        "operations", "GET", "/operations", "Who uses which operation of 2.5.", OperationUse,
        parameters=(_INTEGRATION, _text("operation", "Only this one."), _DAYS, *_PAGES),
        paged=True,
    ),
    Route(
        "findings", "GET", "/findings", "Findings, open ones first, the worst first.", FindingRow,
        parameters=(
            _INTEGRATION,
            _text("operation", "Only of this operation."),
            _text("code", "Only with this code."),
            Parameter("severity", "Only of this severity.", {"type": "string", "enum": list(SEVERITIES)}),
            Parameter("state", "Only in this state.", {"type": "string", "enum": list(get_args(FindingState))}),
            Parameter("open", "Only those that are open, or not.", {"type": "boolean"}),
            _text("text", "Only with this in operation, path, code or title."),
            *_PAGES,
        ),
        paged=True,
    ),
    Route(
        "finding", "GET", "/findings/{id}", "One finding: sample, days and history.", FindingPage,
        parameters=(_ID,),
    ),
    Route(
        "say", "POST", "/findings/{id}", "Change a finding's state, or note something.", FindingPage,
        role="editor", parameters=(_ID,), body=FindingChange,
    ),
    Route(
        "audit", "GET", "/audit", "Every change, the oldest first: who, what, when.", Change, role="admin",
        parameters=(
            Parameter("since", "Only from this time on.", {"type": "string", "format": "date-time"}), *_PAGES,
        ),
        paged=True,
    ),
)  # fmt: skip
"""Every route, but for /openapi.json itself, which needs no token."""
