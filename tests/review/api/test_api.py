"""/api/v1: every route answers what its description says, to whom may ask, and every change is on record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator

from shim.core.errors import BackendError
from shim.edge.app import Application
from shim.edge.store.audit import audit_log
from shim.review.api.openapi import document
from shim.review.api.routes import ROUTES, Route
from shim.review.listener import review
from tests.review.page.running import application, config

ROLES = ("viewer", "editor", "admin")
DESCRIBED = document()


def token(role: str) -> str:
    return f"shim_{role}-token"


def tokens() -> list[dict[str, str]]:
    return [
        {"name": f"a-{role}", "role": role, "sha256": hashlib.sha256(token(role).encode()).hexdigest()}
        for role in ROLES
    ]


class Program:
    """A program with a token."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def ask(
        self, path: str, role: str | None = "viewer", status: int = 200, method: str = "GET", body: Any = None
    ) -> Any:
        headers = {"Authorization": f"Bearer {token(role)}"} if role else {}
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        async with self.client.request(method, f"/api/v1{path}", headers=headers, data=data) as answer:
            told = await answer.json()
            assert answer.status == status, told
            assert answer.headers["Cache-Control"] == "no-store"
            if status >= 400:
                judge(told, {"$ref": "#/components/schemas/Problem"})
            return told


def judge(told: Any, schema: dict[str, Any]) -> None:
    Draft202012Validator({**schema, "components": DESCRIBED["components"]}).validate(told)


@pytest.fixture
async def shim(tmp_path: Path) -> AsyncIterator[Application]:
    async with application(config(tmp_path, tokens=tokens())) as opened:
        yield opened


@pytest.fixture
async def program(shim: Application) -> AsyncIterator[Program]:
    async with TestClient[web.Request, web.Application](TestServer(shim.admin_routes(review))) as client:
        yield Program(client)


def address(route: Route) -> str:
    return route.path.replace("{name}", "crm").replace("{id}", "2")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_route_answers_as_it_is_described(program: Program, route: Route) -> None:
    told = await program.ask(
        address(route), "admin", method=route.method, body={"text": "Seen."} if route.body else None
    )
    operation = DESCRIBED["paths"][f"/api/v1{route.path}"][route.method.lower()]
    judge(told, operation["responses"]["200"]["content"]["application/json"]["schema"])
    assert told


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_a_role_that_is_not_enough_and_no_token_are_refused(program: Program, route: Route) -> None:
    told = await program.ask(address(route), None, 401, route.method)
    assert "Authorization: Bearer TOKEN" in told["problem"]
    for role in ROLES[: ROLES.index(route.role)]:
        told = await program.ask(address(route), role, 403, route.method, {"text": "x"})
        assert f"Your role is {role}, and this needs {route.role}" in told["problem"]


async def test_a_token_counts_as_it_is_configured_now(shim: Application, program: Program) -> None:
    await program.ask("/report")
    shim.config = shim.config.model_copy(update={"admin": shim.config.admin.model_copy(update={"tokens": ()})})
    await program.ask("/report", status=401)


async def test_the_description_needs_no_token_and_is_the_one_in_the_docs(program: Program) -> None:
    assert await program.ask("/openapi.json", None) == DESCRIBED


async def test_lists_come_in_parts_that_lead_on(program: Program) -> None:
    whole = (await program.ask("/findings"))["items"]
    seen, path = [], "/findings?limit=3"
    while path:
        part = await program.ask(path)
        assert part["total"] == len(whole)
        assert len(part["items"]) <= 3
        seen += part["items"]
        path = (part["next"] or "").removeprefix("/api/v1")
    assert seen == whole


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("integration=crm", "integration", "crm"),
        ("operation=Client.AddClient", "operation", "Client.AddClient"),
        ("severity=loss", "severity", "loss"),
        ("state=acknowledged", "state", "acknowledged"),
        ("open=false", "open", False),
        ("code=field-kept", "code", "field-kept"),
    ],
)
async def test_findings_are_filtered(program: Program, query: str, name: str, value: object) -> None:
    found = (await program.ask(f"/findings?{query}"))["items"]
    assert found
    assert {each[name] for each in found} == {value}
    assert len(found) < (await program.ask("/findings"))["total"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/report?days=0", "days is a whole number from 1 to 3650."),
        ("/report?days=many", "days is a whole number"),
        ("/findings?limit=501", "limit is a whole number from 1 to 500."),
        ("/findings?offset=-1", "offset is a whole number"),
        ("/findings?severity=bad", "severity is one of info, notice, warning, loss, refused."),
        ("/findings?open=yes", "open is true or false."),
        ("/findings/0", "id is a whole number"),
    ],
)
async def test_what_cannot_be_read_is_named(program: Program, path: str, told: str) -> None:
    assert told in (await program.ask(path, status=400))["problem"]


async def test_what_there_is_not_is_a_404(program: Program) -> None:
    for path in ("/findings/999", "/integrations/nobody", "/nothing"):
        assert (await program.ask(path, status=404))["problem"]


async def test_every_change_bears_the_name_of_the_token_and_is_in_the_audit_log(
    shim: Application, program: Program
) -> None:
    body = {"state": "ignored", "text": "Nobody needs it.", "until": "2026-06-01T00:00:00Z"}
    told = await program.ask("/findings/2", "editor", method="POST", body=body)
    assert told["row"]["state"] == "ignored"
    assert told["history"][-1]["who"] == "api:a-editor"
    assert "api:a-editor" in [each.who for each in await audit_log(shim.store)]
    log = await program.ask("/audit", "admin")
    [mine] = [each for each in log["items"] if each["who"] == "api:a-editor"]
    assert mine["action"] == "finding"
    assert "Nobody needs it." in mine["detail"]
    later = datetime.fromisoformat(mine["at"]).replace(year=2027).isoformat().replace("+", "%2B")
    assert (await program.ask(f"/audit?since={later}", "admin"))["total"] == 0


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"\xff", "no JSON"),
        (b"[" * 5000, "no JSON"),
        ([], "an object with text, state and until"),
        ({"state": "verified"}, "a state that can be said"),
        ({"text": 3}, "a text"),
        ({"state": "ignored", "text": "x", "until": "soon"}, "until is a time as 2026-12-31T09:00:00Z."),
        ({"state": "ignored", "text": "x", "until": "2026-12-31"}, "until needs its zone"),
        ({"more": 1}, "an object with text, state and until"),
        ({"text": ""}, ""),
    ],
)
async def test_a_change_that_cannot_be_taken_changes_nothing(program: Program, body: Any, told: str) -> None:
    before = await program.ask("/findings/2")
    problem = (await program.ask("/findings/2", "editor", 400, "POST", body))["problem"]
    assert told in problem
    assert await program.ask("/findings/2") == before


async def test_a_store_that_is_away_is_a_503(
    shim: Application, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise BackendError("store-unavailable", "The shim cannot use its store: it is away.")

    monkeypatch.setattr("shim.review.reading.finding_queries.findings", away)
    assert "it is away" in (await program.ask("/findings", status=503))["problem"]
