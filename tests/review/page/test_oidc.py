"""Logins by OpenID Connect: with a real provider, in a real browser, and with one that lies."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from shim.edge.settings.admin import OidcSettings
from shim.review.page.auth import PageLoginRefused
from shim.review.page.oidc import LASTS, Oidc
from tests.review.page.provider import CLIENT, SECRET, Provider, known_to_all, real_provider
from tests.review.page.running import Browser, application, config, served
from tests.review.page.test_browser import CHROMIUM, SWITCHES

BACK = "http://127.0.0.1:8027/review/login/oidc/back"


def settings(issuer: str, **more: Any) -> OidcSettings:
    given = {"client_id": CLIENT, "client_secret": SECRET, "roles": {"ops": "admin", "readers": "viewer"}}
    return OidcSettings.model_validate({"issuer": issuer, **given, **more})


# ---- with a real provider ----


async def through(provider: aiohttp.ClientSession, address: str, subject: str | None) -> str:
    """Log in at the provider, or deny it; the address that the browser is sent back to."""
    form = {"action": "deny"} if subject is None else {"sub": subject}
    async with provider.post(address, data=form, allow_redirects=False) as answer:
        assert answer.status in (302, 303), await answer.text()
        return answer.headers["Location"]


async def login(browser: Browser, page: str, subject: str | None) -> tuple[int, str]:
    """From the login form of a page to the answer that the browser gets in the end."""
    form = await browser.get(page)
    link = re.search(r'<a class="button" href="([^"]+)">Log in with the company', form)
    assert link, form
    address = link[1].replace("&amp;", "&")
    async with browser.client.get(address, allow_redirects=False) as answer:
        assert answer.status == 303
        assert "HttpOnly" in answer.headers["Set-Cookie"]
        assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    async with aiohttp.ClientSession() as provider:
        back = urlsplit(await through(provider, answer.headers["Location"], subject))
    async with browser.client.get(f"{back.path}?{back.query}") as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["ops", "readers", "others"], "admin"), (["readers"], "viewer"), ("readers", "viewer")],
)
async def test_somebody_whom_the_provider_knows_comes_in_with_the_role_of_his_groups(
    tmp_path: Path, groups: Any, role: str
) -> None:
    who = {"preferred_username": "ann@example.com", "groups": groups}
    async with real_provider(("u1", who)) as issuer:
        whole = config(
            tmp_path, users=[], oidc=settings(issuer, label="the company", scopes=["openid", "profile"])
        )
        async with application(whole) as shim, served(shim) as browser:
            status, page = await login(browser, "/review/findings/2", "u1")
            assert (status, "You are logged in" in page) == (200, True)
            assert '<meta http-equiv="refresh" content="0; url=/review/findings/2">' in page
            page = await browser.get("/review/findings/2")
            assert "ann@example.com" in page
            noted = await browser.post(
                "/review/findings/2", page, 200 if role == "admin" else 403, do="note", text="Seen."
            )
            assert ("ann@example.com" in noted.partition("<main")[2]) == (role == "admin"), "who wrote the note"
            await browser.post("/review/logout", page)
            assert "Log in with the company" in await browser.get("/review/findings/2")


async def test_who_has_no_role_or_denies_it_is_told_so(tmp_path: Path) -> None:
    who = {"preferred_username": "bob", "groups": ["others"]}
    async with real_provider(("u2", who)) as issuer:
        whole = config(tmp_path, oidc=settings(issuer, label="the company"))
        async with application(whole) as shim, served(shim) as browser:
            status, page = await login(browser, "/review/", "u2")
            assert status == 401
            assert "You are logged in as bob, and nobody has given you a role here" in page
            status, page = await login(browser, "/review/", None)
            assert status == 401
            assert "The login server did not let you in." in page
            assert "Or with a user of the shim" in page, "passwords go on beside it"
            await browser.login()


async def test_the_session_ends_when_the_provider_is_taken_out_of_the_configuration(tmp_path: Path) -> None:
    async with real_provider(("u1", {"preferred_username": "ann", "groups": ["ops"]})) as issuer:
        whole = config(tmp_path, oidc=settings(issuer, label="the company"))
        async with application(whole) as shim, served(shim) as browser:
            await login(browser, "/review/", "u1")
            assert "Logged in as" in await browser.get("/review/")
            without = shim.config.admin.model_copy(update={"oidc": None})
            shim.config = shim.config.model_copy(update={"admin": without})
            page = await browser.get("/review/")
            assert "Logged in as" not in page
            assert "single sign-on" not in page


@pytest.mark.slow
@pytest.mark.clients
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
async def test_a_browser_comes_back_from_another_site_logged_in(tmp_path: Path) -> None:
    """The session's cookie is Strict: a redirect from the provider would not carry it."""
    playwright = pytest.importorskip("playwright.async_api")
    async with real_provider(("u1", {"preferred_username": "ann", "groups": ["ops"]})) as issuer:
        whole = config(tmp_path, users=[], oidc=settings(issuer, label="the company"))
        async with application(whole) as shim, served(shim) as browser, playwright.async_playwright() as driver:
            chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
            page = await chromium.new_page()
            await page.route(re.compile("^https:"), lambda route: route.abort())  # the provider's style sheet
            base = str(browser.client.make_url("/review/")).replace("localhost", "127.0.0.1")
            await page.goto(base + "findings/2")
            await page.click("text=Log in with the company")
            await page.fill("input[name=sub]", "u1")
            await page.click("button:has-text('Authorize')")
            await page.wait_for_url(base + "findings/2")
            assert "ann" in await page.inner_text(".me")
            await chromium.close()


# ---- what an answer must not do ----


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider().running() as running:
        yield running


class Flow:
    """Logins at a provider, with a clock that a test moves."""

    def __init__(self, provider: Provider, **more: Any) -> None:
        self.provider = provider
        self.now = 0.0
        self.settings: OidcSettings | None = settings(provider.base, **more)
        self.oidc = Oidc(lambda: self.settings, lambda: self.now)

    async def begun(self) -> tuple[dict[str, str], str]:
        """(what was asked of the provider, the cookie of the browser that asked)"""
        begun = await self.oidc.begin(BACK, "/review/findings")
        query = {name: values[0] for name, values in parse_qs(urlsplit(begun.address).query).items()}
        return query, begun.cookie

    async def whole(self) -> tuple[str, str, str]:
        query, cookie = await self.begun()
        user, _, next = await self.oidc.end(self.provider.logged_in(query), cookie)
        return user.name, user.role, next


async def refused(flow: Flow) -> str:
    with pytest.raises(PageLoginRefused) as caught:
        await flow.whole()
    return str(caught.value)


async def test_a_login_names_who_came_and_where_to_go_on(provider: Provider) -> None:
    flow = Flow(provider)
    assert await flow.whole() == ("ann", "admin", "/review/findings")
    query, _ = await flow.begun()
    assert (query["response_type"], query["scope"], query["code_challenge_method"], query["redirect_uri"]) == (
        "code", "openid profile email", "S256", BACK,
    )  # fmt: skip
    assert provider.asked.count("/.well-known/openid-configuration") == 1, "metadata are kept"
    flow.now = 3601
    await flow.whole()
    assert provider.asked.count("/.well-known/openid-configuration") == 2, "for an hour"


async def test_what_the_id_token_lacks_is_asked_of_userinfo(provider: Provider) -> None:
    provider.claims = {"preferred_username": None, "groups": None}
    provider.userinfo = {"preferred_username": "eve", "groups": ["readers"]}
    assert (await Flow(provider).whole())[:2] == ("eve", "viewer")
    provider.userinfo["sub"] = "somebody-else"
    assert "not one that this shim can trust" in await refused(Flow(provider))


def lies(**claims: Any) -> Callable[[Provider], None]:
    return lambda provider: provider.claims.update(claims)


def by_another_key(provider: Provider) -> None:
    provider.signed_by = RSAKey.generate_key(2048, {"kid": "one"})


def by_the_secret(provider: Provider) -> None:
    provider.header, provider.signed_by = {"alg": "HS256", "kid": "one"}, known_to_all()


@pytest.mark.parametrize(
    "lie",
    [
        lies(aud="another-client"),
        lies(aud=[CLIENT, "another-client"]),
        lies(aud=[CLIENT, "another-client"], azp="another-client"),
        lies(iss="https://elsewhere.example.com"),
        lies(nonce="another"),
        lies(nonce=None),
        lies(exp=1),
        lies(exp=None),
        lies(sub=None),
        by_another_key,
        by_the_secret,
    ],
)
async def test_an_id_token_that_does_not_hold_lets_nobody_in(
    provider: Provider, lie: Callable[[Provider], None]
) -> None:
    lie(provider)
    assert "not one that this shim can trust" in await refused(Flow(provider))


async def test_several_audiences_hold_where_this_client_is_the_authorized_one(provider: Provider) -> None:
    provider.claims = {"aud": [CLIENT, "another-client"], "azp": CLIENT}
    assert (await Flow(provider).whole())[0] == "ann"


async def test_new_keys_of_the_provider_are_found(provider: Provider) -> None:
    flow = Flow(provider)
    await flow.whole()
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    provider.header = {"alg": "RS256", "kid": "two"}
    assert "can trust" in await refused(flow), "a moment ago they were read"
    flow.now = 60
    assert (await flow.whole())[0] == "ann"


async def test_an_answer_counts_once_in_time_and_in_the_browser_that_asked(provider: Provider) -> None:
    flow = Flow(provider)
    query, cookie = await flow.begun()
    for wrong in ("another", None):
        with pytest.raises(PageLoginRefused, match="not begun here"):
            await flow.oidc.end(provider.logged_in(query), wrong)
        query, cookie = await flow.begun()
    back = provider.logged_in(query)
    await flow.oidc.end(back, cookie)
    with pytest.raises(PageLoginRefused, match="not begun here"):
        await flow.oidc.end(back, cookie)
    query, cookie = await flow.begun()
    flow.now = LASTS
    with pytest.raises(PageLoginRefused, match="took too long"):
        await flow.oidc.end(provider.logged_in(query), cookie)
    query, cookie = await flow.begun()
    flow.settings = settings(provider.base, default_role="viewer")
    with pytest.raises(PageLoginRefused, match="not begun here"):
        await flow.oidc.end(provider.logged_in(query), cookie)
    query, cookie = await flow.begun()
    with pytest.raises(PageLoginRefused, match="can trust"):
        await flow.oidc.end({**provider.logged_in(query), "iss": "https://elsewhere.example.com"}, cookie)
    query, cookie = await flow.begun()
    with pytest.raises(PageLoginRefused, match="server does not answer"):
        await flow.oidc.end({"code": "nothing", "state": query["state"]}, cookie)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/jwks"])
async def test_a_provider_that_is_broken_is_said_to_be(provider: Provider, path: str) -> None:
    provider.broken = path
    assert "does not answer as it should" in await refused(Flow(provider))


@pytest.mark.parametrize("keys", [{}, {"keys": 7}, {"keys": [{"kty": "RSA", "kid": "one"}]}, {"keys": []}])
async def test_keys_that_cannot_be_read_let_nobody_in(provider: Provider, keys: dict[str, Any]) -> None:
    provider.keys = keys
    assert "can trust" in await refused(Flow(provider))


@pytest.mark.parametrize("metadata", [{"issuer": "https://elsewhere.example.com"}, {"token_endpoint": 7}])
async def test_metadata_that_do_not_hold_are_not_used(provider: Provider, metadata: dict[str, Any]) -> None:
    provider.metadata = metadata
    assert "can trust" in await refused(Flow(provider))


async def test_metadata_of_another_kind_let_nobody_in(provider: Provider) -> None:
    provider.metadata = {"id_token_signing_alg_values_supported": 7}
    assert "can trust" in await refused(Flow(provider))
    provider.metadata, provider.claims = {"userinfo_endpoint": 7}, {"groups": None}
    assert "does not answer as it should" in await refused(Flow(provider))


@pytest.mark.parametrize(("name", "told"), [("a name", "gives you no name"), (7, "gives you no name")])
async def test_a_name_that_cannot_stand_beside_changes_is_refused(
    provider: Provider, name: object, told: str
) -> None:
    provider.claims = {"preferred_username": name}
    assert told in await refused(Flow(provider))


async def test_a_public_client_names_itself_in_the_form(provider: Provider) -> None:
    assert (await Flow(provider, client_secret=None, default_role="viewer", roles={}).whole())[1] == "viewer"


async def test_without_a_provider_there_is_no_such_login(provider: Provider) -> None:
    flow = Flow(provider)
    flow.settings = None
    with pytest.raises(PageLoginRefused, match="No login server is configured"):
        await flow.oidc.begin(BACK, "/review/")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"issuer": "http://login.example.com"}, "an https:// address"),
        ({"issuer": "https://login.example.com/?a=b"}, "an https:// address"),
        ({"scopes": ["profile"]}, "scopes have no openid"),
        ({"roles": {}}, "nobody could log in"),
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(**{"issuer": "https://login.example.com", **change})
