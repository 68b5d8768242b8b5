"""What the pages show."""

from __future__ import annotations

from tests.review.page.running import Browser


async def test_overview(nora: Browser) -> None:
    page = await nora.get("/review/")
    assert "switchboard" in page


async def test_all(nora: Browser) -> None:
    for path in (
        "integrations/crm",
        "integrations/fax-gateway",
        "findings",
        "findings?show=any",
        "findings/1",
        "findings/2",
        "findings/6",
        "operations",
        "brownouts",
    ):
        await nora.get(f"/review/{path}")
