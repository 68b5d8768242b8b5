"""Roles of users of the page: a viewer reads, an editor works on findings, an admin decides over calls."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from shim.edge.porting.exceptions import grant_exception
from shim.edge.porting.ladder import plan_brownout, set_rung
from shim.review.api.roles import may, needed_for
from tests.review.page.running import admin_user, application, config, served


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/review/logout", "viewer"),
        ("/review/findings", "editor"),
        ("/review/findings/12", "editor"),
        ("/review/integrations/crm/notes", "editor"),
        ("/review/integrations/crm/ladder", "admin"),
        ("/review/integrations/findings/ladder", "admin"),
        ("/review/integrations/crm/reset", "admin"),
        ("/review/brownouts", "admin"),
        ("/review/brownouts/findings/stop", "admin"),
        ("/review/what-comes-later", "admin"),
    ],
)
def test_what_a_form_needs(path: str, role: str) -> None:
    assert needed_for(path) == role


def test_a_higher_role_may_what_a_lower_one_may() -> None:
    assert [may(role, "editor") for role in ("viewer", "editor", "admin")] == [False, True, True]


@pytest.mark.parametrize(
    ("role", "finding", "ladder"), [("viewer", 403, 403), ("editor", 200, 403), ("admin", 200, 200)]
)
async def test_the_page_refuses_what_a_role_may_not(
    tmp_path: Path, role: str, finding: int, ladder: int
) -> None:
    user = admin_user().model_copy(update={"role": role})
    async with application(config(tmp_path, users=[user])) as shim, served(shim) as browser:
        await browser.login()
        page = await browser.get("/review/findings/2")
        told = await browser.post("/review/findings/2", page, finding, do="note", text="Seen.")
        assert ("Your role is viewer, and this needs editor" in told) == (finding == 403)
        page = await browser.get("/review/integrations/crm")
        told = await browser.post(
            "/review/integrations/crm/ladder", page, ladder, operation="Client.AddClient", rung="v3"
        )
        assert ("this needs admin: nothing was changed" in told) == (ladder == 403)
        page = await browser.get("/review/")
        await browser.post("/review/logout", page)


def forms_of(page: str) -> set[str]:
    """Where the forms of a page are sent to, without the log out that everybody has."""
    return set(re.findall(r'<form[^>]* method="post" action="/review/([^"]+)"', page)) - {"logout"}


@pytest.mark.parametrize(
    ("role", "forms"),
    [
        ("viewer", set()),
        ("editor", {"integrations/crm/notes", "findings", "findings/2"}),
        (
            "admin",
            {
                "integrations/crm/notes",
                "findings",
                "findings/2",
                "integrations/crm/ladder",
                "integrations/crm/reset",
                "integrations/crm/exceptions",
                "integrations/crm/exceptions/end",
                "brownouts",
                "brownouts/{brownout}/stop",
            },
        ),
    ],
)
async def test_a_page_has_the_forms_that_a_role_may_send(tmp_path: Path, role: str, forms: set[str]) -> None:
    user = admin_user().model_copy(update={"role": role})
    async with application(config(tmp_path, users=[user])) as shim, served(shim) as browser:
        now = shim.store.now()
        await set_rung(shim.store, "crm", "Client.EditClient", "locked", "ann")
        await grant_exception(
            shim.store, "crm", "Client.EditClient", "Billing", "slips", now + timedelta(days=3), "ann"
        )
        begin, end = now + timedelta(hours=1), now + timedelta(hours=2)
        planned = await plan_brownout(shim.store, "crm", "*", begin, end, "ann", "", "")
        await browser.login()
        found: set[str] = set()
        for address in ("integrations/crm", "findings", "findings/2", "brownouts", "operations", "logins", ""):
            page = await browser.get(f"/review/{address}")
            found |= forms_of(page)
            assert ("(viewer)" in page) == (role == "viewer")
            for form in forms_of(page):
                assert may(user.role, needed_for(f"/review/{form}"))
            if address in ("integrations/crm", "brownouts"):
                assert ("needs the role admin; yours is" in page) == (role != "admin")
        assert found == {each.format(brownout=planned.id) for each in forms}
