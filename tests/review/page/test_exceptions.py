"""Exceptions to locks on the page: granted with owner, reason and end, shown, and ended."""

from __future__ import annotations

from shim.edge.app import Application
from shim.edge.porting.ladder import set_rung
from tests.review.page.running import Browser
from tests.review.page.test_pages import words

PAGE = "/review/integrations/crm"


async def test_locked_calls_are_let_pass_for_a_while(shim: Application, nora: Browser) -> None:
    assert "Exceptions to locks" not in await nora.get(PAGE), "nothing is locked"
    await set_rung(shim.store, "crm", "Client.EditClient", "locked", "ann")
    page = await nora.get(PAGE)
    fields = {"operation": "Client.EditClient", "owner": "Billing", "reason": "Release slips"}
    said = await nora.post(f"{PAGE}/exceptions", page, **fields, until="2026-03-20T12:00")
    assert "Client.EditClient: locked calls pass until 20 Mar 2026, 12:00 UTC." in said
    text = words(said)
    assert "Client.EditClient pass until 20 Mar 2026, 12:00 UTC Billing answers for it: Release slips" in text
    assert "1 exception to locks holds ; the next to end is that of crm (Billing), in 8 days." in words(
        await nora.get("/review/")
    )
    await shim.porting.refresh()
    known = shim.integration("crm")
    assert known is not None
    assert shim.porting.rungs(known)["Client.EditClient"] == "v3"
    id = said.partition('name="id" value="')[2].partition('"')[0]
    said = await nora.post(f"{PAGE}/exceptions/end", said, id=id)
    assert "The exception is over." in said
    assert "Billing answers for it" not in said
    assert "It was over already." in await nora.post(f"{PAGE}/exceptions/end", said, id=id)


async def test_what_is_missing_is_said(shim: Application, nora: Browser) -> None:
    await set_rung(shim.store, "crm", "*", "locked", "ann")
    page = await nora.get(PAGE)
    for fields, problem in (
        ({"owner": "Billing", "reason": "x", "until": ""}, "Say when the exception ends"),
        ({"owner": "", "reason": "x", "until": "2026-03-20T12:00"}, "An exception needs an owner"),
        ({"owner": "Billing", "reason": "x", "until": "2026-03-01T12:00"}, "An exception ends in the future."),
    ):
        assert problem in await nora.post(f"{PAGE}/exceptions", page, 422, **fields)
