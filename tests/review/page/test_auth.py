"""Who gets in, for how long, and what a page may do: sessions, tokens of forms, headers, host names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shim.edge.app import Application
from shim.edge.http.host_names import is_ours
from shim.edge.settings.admin import Admin, AdminUser
from shim.edge.settings.model import LoginSettings
from shim.review.page.auth import PageLoginRefused, Sessions
from shim.review.page.site import local_path
from tests.review.page.running import PASSWORD, USER, Browser, admin_user, application, config, served

PATHS = ("", "findings", "findings/1", "operations", "brownouts", "integrations/crm", "nothing")


async def test_a_stranger_is_sent_to_the_login_and_then_on(stranger: Browser) -> None:
    for path in PATHS:
        async with stranger.client.get(f"/review/{path}", allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"].startswith("/review/login")
        page = await stranger.get(f"/review/{path}")
        assert "switchboard" not in page
        next = re.search(r'name="next" value="([^"]*)"', page)
        assert next
        assert next[1] == f"/review/{path}"


async def test_a_form_that_came_after_the_session_is_not_saved_and_that_is_told(nora: Browser) -> None:
    page = await nora.get("/review/findings/2")
    nora.client.session.cookie_jar.clear()
    said = await nora.post("/review/findings/2", page, 401, do="fixed")
    assert "nothing was saved" in said
    async with nora.client.get("/review/findings", headers={"HX-Request": "true"}) as answer:
        assert (answer.status, answer.headers["HX-Redirect"]) == (
            401,
            "/review/login?next=%2Freview%2Ffindings",
        )
    await nora.login()
    assert "Nobody has said anything" in await nora.get("/review/findings/2")


async def test_login_leads_back_to_the_page_and_logout_ends_it(stranger: Browser) -> None:
    form = await stranger.get("/review/findings?show=any")
    page = await stranger.post(
        "/review/login", form, name=USER, password=PASSWORD, next="/review/findings?show=any"
    )
    assert "<title>Findings" in page
    assert USER in page
    await stranger.post("/review/logout", page)
    assert "<h1>Log in</h1>" in await stranger.get("/review/")


async def test_wrong_logins_hear_one_sentence_and_nothing_typed_is_logged(stranger: Browser) -> None:
    for name, password in ((USER, "wrong"), ("nobody", PASSWORD), ("", "")):
        with capture_logs() as logs:
            page = await stranger.login(name, password, 401)
        assert "The name or the password is wrong." in page
        assert [entry["event"] for entry in logs] == ["review login refused"]
        assert not {name, password} - {""} & {str(value) for entry in logs for value in entry.values()}
    assert "<h1>Log in</h1>" in await stranger.get("/review/")


async def test_guessing_is_slowed_but_never_for_what_was_right_before(
    shim: Application, stranger: Browser
) -> None:
    await stranger.login()
    await stranger.post("/review/logout", await stranger.get("/review/"))
    for _ in range(shim.config.login.free_failures + 1):
        await stranger.login(password="wrong", status=401)
    assert "Try again in" in await stranger.login(password="also wrong", status=401)
    assert "<title>Overview" in await stranger.login()


def sessions_of(clock: list[float], **settings: Any) -> tuple[Sessions, list[Admin]]:
    now = [Admin(users=(admin_user(),), **settings)]
    return Sessions(lambda: now[0], LoginSettings(), lambda: clock[0]), now


async def test_a_session_ends_when_idle_and_when_too_old() -> None:
    clock = [0.0]
    opened, _ = sessions_of(clock, session_idle=10, session_longest=25)
    key = await opened.enter(USER, PASSWORD, "127.0.0.1")
    for clock[0] in (9.0, 18.0, 24.0):
        assert opened.session(key)
    clock[0] = 25.0
    assert opened.session(key) is None
    key = await opened.enter(USER, PASSWORD, "127.0.0.1")
    clock[0] = 35.0
    assert opened.session(key) is None
    opened.close()


async def test_a_session_ends_with_its_user_or_its_password() -> None:
    opened, admin = sessions_of([0.0])
    for users in ((), (AdminUser(name=USER, password_hash="$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA"),)):
        before = admin[0]
        key = await opened.enter(USER, PASSWORD, "127.0.0.1")
        assert opened.session(key)
        admin[0] = Admin(users=users)
        assert opened.session(key) is None
        admin[0] = before
        assert opened.session(key) is None, "an ended session does not come back"
    opened.close()


async def test_a_new_user_may_guess_no_more_than_an_old_one() -> None:
    clock = [0.0]
    opened, _ = sessions_of(clock)
    for _ in range(6):
        with pytest.raises(PageLoginRefused, match="wrong"):
            await opened.enter("nobody", "x", "192.0.2.1")
    with pytest.raises(PageLoginRefused, match="30 seconds"):
        await opened.enter("nobody", "x", "192.0.2.1")
    clock[0] = 31.0
    with pytest.raises(PageLoginRefused, match="wrong"):
        await opened.enter("nobody", "x", "192.0.2.1")
    opened.close()


# ---- tokens of forms ----

FORMS = (
    "logout",
    "findings/1",
    "integrations/crm/ladder",
    "integrations/crm/reset",
    "brownouts",
    "brownouts/abc/stop",
)


async def test_no_form_without_its_token(nora: Browser) -> None:
    fields = {"do": "note", "text": "x", "operation": "*", "rung": "v3"}
    for path in FORMS:
        for token in ({}, {"token": ""}, {"token": "wrong"}, {"token": "\u00fc"}):
            async with nora.client.post(f"/review/{path}", data=fields | token) as answer:
                assert answer.status == 403, path
                assert "Nothing was changed" in await answer.text()
    assert USER in await nora.get("/review/"), "still logged in"
    assert "What is set" not in await nora.get("/review/integrations/portal")
    assert "Nobody has said anything" in await nora.get("/review/findings/1")


async def test_no_form_from_another_site(nora: Browser) -> None:
    page = await nora.get("/review/findings/1")
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    fields = {"token": token[1], "do": "note", "text": "x"}
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        async with nora.client.post(
            "/review/findings/1", data=fields, headers={"Sec-Fetch-Site": site}
        ) as answer:
            assert answer.status == status


async def test_a_login_form_needs_its_cookie(stranger: Browser) -> None:
    fields = {"name": USER, "password": PASSWORD, "token": ""}
    async with stranger.client.post("/review/login", data=fields) as answer:
        assert answer.status == 403


async def test_reading_changes_nothing(nora: Browser) -> None:
    for path in FORMS:
        async with nora.client.get(f"/review/{path}?do=note&text=x&token=x", allow_redirects=False) as answer:
            assert answer.status in (200, 404, 405)
    assert "Nobody has said anything" in await nora.get("/review/findings/2")


# ---- headers, cookies, hosts ----


async def test_every_answer_has_the_headers(nora: Browser) -> None:
    for path in (*PATHS, "login", "static/style.css"):
        async with nora.client.get(f"/review/{path}", allow_redirects=False) as answer:
            check_headers(answer.headers, kept=path.startswith("static/"))


def check_headers(headers: Mapping[str, str], kept: bool) -> None:
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert ("immutable" if kept else "no-store") in headers["Cache-Control"]


async def test_no_page_has_inline_scripts_or_styles_or_strange_addresses(nora: Browser) -> None:
    for path in ("", "findings", "findings/5", "integrations/crm", "operations", "brownouts"):
        page = await nora.get(f"/review/{path}")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]+src=)", page), path
        linked = re.findall(r'(?:src|href|action)="([^"]*)"', page)
        assert linked
        assert [each for each in linked if not each.startswith(("/review/", "#"))] == []


async def test_cookie_is_for_the_browser_alone(stranger: Browser) -> None:
    form = await stranger.get("/review/login")
    token = re.search(r'name="token" value="([^"]+)"', form)
    assert token
    fields = {"token": token[1], "name": USER, "password": PASSWORD}
    async with stranger.client.post("/review/login", data=fields, allow_redirects=False) as answer:
        cookie = answer.cookies["shim-review"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/review")
    assert not cookie["secure"], "http on loopback"


async def test_cookie_is_secure_behind_a_trusted_proxy_with_tls(tmp_path: Path) -> None:
    base = config(tmp_path)
    listen = base.listen.model_validate({"trusted_proxies": ["127.0.0.0/8"]})
    async with (
        application(base.model_copy(update={"listen": listen})) as shim,
        served(shim) as browser,
        browser.client.get("/review/login", headers={"X-Forwarded-Proto": "https"}) as answer,
    ):
        assert answer.cookies["shim-review-login"]["secure"]


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8027", True),
        ("[::1]:8027", True),
        ("192.0.2.7", True),
        ("localhost:8027", True),
        ("LOCALHOST", True),
        ("shim.example.com", True),
        ("Shim.Example.com:443", True),
        ("attacker.example:8027", False),
        ("127.0.0.1.attacker.example", False),
        ("localhost.attacker.example", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_host_names(host: str, known: bool) -> None:
    assert is_ours(host, ("shim.example.com",)) is known


async def test_a_rebound_name_gets_nothing(nora: Browser) -> None:
    async with nora.client.get("/review/", headers={"Host": "attacker.example"}) as answer:
        assert answer.status == 421
        text = await answer.text()
    assert "admin.names" in text
    assert "crm" not in text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/review/findings?show=any", "/review/findings?show=any"),
        ("https://attacker.example/review/", "/review/"),
        ("//attacker.example/review/", "/review/"),
        ("/review/\\attacker.example", "/review/"),
        ("/review/\r\nSet-Cookie: a=b", "/review/"),
        ("/other", "/review/"),
        ("", "/review/"),
    ],
)
def test_a_login_leads_on_within_the_site(text: str, path: str) -> None:
    assert local_path(text) == path


# ---- without users; the rest of the listener ----


async def test_without_users_the_page_says_how_to_have_one_and_health_stays(tmp_path: Path) -> None:
    async with application(config(tmp_path, users=[])) as shim, served(shim) as browser:
        for path in ("", "login", "findings"):
            page = await browser.get(f"/review/{path}", 503)
            assert "shim admin password" in page
            assert "password_hash" in page
        assert await browser.get("/healthz") == "alive\n"
        assert await browser.get("/readyz") == "ready\n"
        await browser.get("/review/static/style.css")


async def test_the_root_leads_to_the_page(stranger: Browser) -> None:
    async with stranger.client.get("/", allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/review/"


async def test_static_files_are_those_of_the_page_alone(stranger: Browser) -> None:
    for name in ("nothing.css", "..%2Fsite.py", "%2e%2e%2fsite.py"):
        await stranger.get(f"/review/static/{name}", 404)
