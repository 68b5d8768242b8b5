"""What was typed is not lost with a session: it comes back to its page after the login."""

from __future__ import annotations

import re
from html import unescape

from tests.review.page.running import PASSWORD, USER, Browser


async def send(
    browser: Browser, path: str, page: str, status: int, headers: dict[str, str] | None = None, **fields: str
) -> str:
    token = re.search(r'name="token" value="([^"]+)"', page)
    data = {"token": token[1] if token else "", **fields}
    async with browser.client.post(path, data=data, headers=headers or {}) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


async def login_again(browser: Browser, page: str, password: str = PASSWORD, status: int = 200) -> str:
    """Send the login form with what it carries."""
    hidden = dict(re.findall(r'<input type="hidden" name="(kept-[a-z]+|next)" value="([^"]*)"', page))
    carried = {name: unescape(value) for name, value in hidden.items()}
    return await send(browser, "/review/login", page, status, name=USER, password=password, **carried)


async def test_a_note_comes_back_to_its_finding(nora: Browser) -> None:
    page = await nora.get("/review/findings/6")
    nora.client.session.cookie_jar.clear()
    note = 'He said "soon" <b> & more'
    login = await send(nora, "/review/findings/6", page, 401, do="ignore", text=note, until="2026-05-01")
    assert "nothing was saved" in login
    wrong = await login_again(nora, login, "not-it", 401)
    back = await login_again(nora, wrong)
    assert "What you typed is back in its form" in back
    assert "He said &#34;soon&#34; &lt;b&gt; &amp; more</textarea>" in back
    assert re.search(r'value="ignore" required checked', back)
    assert 'name="until" type="date" value="2026-05-01"' in back
    assert "Acknowledged" in back, "nothing was saved"
    assert "He said" not in await nora.get("/review/findings/6"), "it comes back once"


async def test_notes_of_an_integration_come_back(nora: Browser) -> None:
    page = await nora.get("/review/integrations/crm")
    nora.client.session.cookie_jar.clear()
    login = await send(nora, "/review/integrations/crm/notes", page, 401, notes="Moves in May")
    back = await login_again(nora, login)
    assert "<h1>crm</h1>" in back
    assert "Moves in May</textarea>" in back


async def test_a_script_gets_the_login_in_place_of_the_page(nora: Browser) -> None:
    page = await nora.get("/review/findings/6")
    host = f"{nora.client.host}:{nora.client.port}"
    nora.client.session.cookie_jar.clear()
    said = {"HX-Request": "true", "HX-Current-URL": f"http://{host}/review/findings/6"}
    login = await send(nora, "/review/findings/6", page, 401, said, do="note", text="mine")
    assert 'name="kept-text" value="mine"' in login
    assert 'name="next" value="/review/findings/6"' in login


async def test_what_another_site_sends_is_not_carried(nora: Browser) -> None:
    page = await nora.get("/review/findings/6")
    nora.client.session.cookie_jar.clear()
    foreign = {"Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/review/findings/6"}
    login = await send(nora, "/review/findings/6", page, 401, foreign, do="note", text="theirs")
    assert "theirs" not in login
    assert 'name="next" value="/review/"' in login
