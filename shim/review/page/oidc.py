"""Logins by OpenID Connect: the authorization code flow with PKCE, against the provider of the configuration.

Laws: an answer counts once, within minutes, and only in the browser that asked; the ID token's signature,
issuer, audience, time and nonce are checked before anything of it is believed; only asymmetric signatures
count. No token is kept or logged.

Sources: OpenID Connect Core 1.0 (3.1), Discovery 1.0, RFC 7636 (PKCE), RFC 9700 (best practice).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import structlog

from shim.edge.settings.admin import USER_NAME, OidcSettings, Role
from shim.review.api.roles import highest
from shim.review.page.auth import PageLoginRefused

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger()

LASTS = 600.0
"""Seconds that somebody has to log in at the provider."""
_MOST_PENDING = 1000
_FRESH = 3600.0
"""Seconds after which the provider's metadata are read anew."""
_AGAIN = 30.0
"""Seconds in which an unknown key is not looked for a second time."""
_SKEW = 60
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_AWAY = "The login server does not answer as it should. The shim's log says why; try again in a moment."
_ODD = "The login server's answer is not one that this shim can trust. The shim's log says why."


@dataclass(frozen=True, slots=True)
class OidcUser:
    """Somebody whom the provider knows, with the role that the configuration gives to his claims."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class OidcRequest:
    """A login that was begun: where to send the browser, and the cookie by which it is known again."""

    address: str
    cookie: str


@dataclass(frozen=True, slots=True)
class _Pending:
    settings: OidcSettings
    cookie: bytes
    nonce: str
    verifier: str
    redirect: str
    next: str
    until: float


class Oidc:
    """Logins that are under way. `settings` gives the provider as it is now, None for none."""

    def __init__(
        self, settings: Callable[[], OidcSettings | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._metadata: tuple[OidcSettings, float, Mapping[str, Any]] | None = None
        self._keys: tuple[str, float, Any] | None = None

    @property
    def settings(self) -> OidcSettings | None:
        return self._settings()

    async def begin(self, redirect: str, next: str) -> OidcRequest:
        """Begin a login; `redirect` is where the provider sends the browser, `next` the page to go on to.

        Raises PageLoginRefused when no provider is configured or it cannot be asked.
        """
        settings = self._configured()
        metadata = await self._provider(settings)
        state, cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        query = {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64url(_digest(verifier)),
            "code_challenge_method": "S256",
        }
        endpoint: str = metadata["authorization_endpoint"]
        address = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"
        until = self._clock() + LASTS
        self._pending[state] = _Pending(settings, _digest(cookie), nonce, verifier, redirect, next, until)
        if len(self._pending) > _MOST_PENDING:
            self._pending.popitem(last=False)
        return OidcRequest(address, cookie)

    async def end(self, query: Mapping[str, str], cookie: str | None) -> tuple[OidcUser, OidcSettings, str]:
        """Who came back from the provider, by which settings, and the page to go on to.

        Raises PageLoginRefused.
        """
        begun = self._pending.pop(query.get("state", ""), None)
        if (error := query.get("error")) is not None:  # some providers leave the state out then
            log.warning("review login refused", by="oidc", error=_line(error))
            raise PageLoginRefused("The login server did not let you in.")
        known = begun is not None and hmac.compare_digest(begun.cookie, _digest(cookie or ""))
        if begun is None or not known or self._clock() >= begun.until or begun.settings != self.settings:
            raise PageLoginRefused("This login was not begun here, or took too long. Log in again.")
        metadata = await self._provider(begun.settings)
        if query.get("iss", metadata["issuer"]) != metadata["issuer"]:  # RFC 9207
            raise _odd("the answer names another issuer")
        claims = await self._claims(begun, metadata, query.get("code", ""))
        return _user(begun.settings, claims), begun.settings, begun.next

    async def reach(self) -> None:
        """Ask the provider for its metadata and keys. Raises PageLoginRefused; `why` is for the operator."""
        await self._key_set(await self._provider(self._configured()))

    # ---- the provider ----

    def _configured(self) -> OidcSettings:
        settings = self.settings
        if settings is None:
            raise PageLoginRefused("No login server is configured.")
        return settings

    async def _provider(self, settings: OidcSettings) -> Mapping[str, Any]:
        """Its metadata, kept for an hour."""
        kept = self._metadata
        if kept is not None and kept[0] == settings and self._clock() - kept[1] < _FRESH:
            return kept[2]
        async with _client(settings) as client:
            address = f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            metadata = await _json(client.get(address), address)
        if metadata.get("issuer") != settings.issuer:
            raise _odd("its metadata name another issuer", issuer=_line(metadata.get("issuer")))
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(metadata.get(name), str):
                raise _odd(f"its metadata have no {name}")
        self._metadata, self._keys = (settings, self._clock(), metadata), None
        return metadata

    async def _claims(self, begun: _Pending, metadata: Mapping[str, Any], code: str) -> Mapping[str, Any]:
        """The claims about who logged in: the ID token's claims, and those of userinfo it lacks."""
        settings = begun.settings
        async with _client(settings) as client:
            token = await _json(
                _exchange(client, begun, metadata["token_endpoint"], code), metadata["token_endpoint"]
            )
            claims = dict(await self._verified(begun, metadata, token.get("id_token")))
            missing = {settings.name_claim, settings.role_claim} - claims.keys()
            if missing and (address := metadata.get("userinfo_endpoint")):
                bearer = {"Authorization": f"Bearer {token.get('access_token', '')}"}
                more = await _json(client.get(address, headers=bearer), address)
                if more.get("sub") != claims["sub"]:
                    raise _odd("userinfo is about somebody else")
                claims |= {name: more[name] for name in missing if name in more}
        return claims

    async def _verified(self, begun: _Pending, metadata: Mapping[str, Any], token: object) -> Mapping[str, Any]:
        from joserfc import jwt  # noqa: PLC0415  # only who logs in so needs it
        from joserfc.errors import InvalidKeyIdError, JoseError  # noqa: PLC0415

        if not isinstance(token, str):
            raise _odd("there is no ID token")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        try:
            algorithms = [each for each in _SIGNATURES if each in offered]
            try:
                token_read = jwt.decode(token, await self._key_set(metadata), algorithms=algorithms)
            except InvalidKeyIdError:  # the provider has changed its keys
                token_read = jwt.decode(token, await self._key_set(metadata, again=True), algorithms=algorithms)
            claims = token_read.claims
            jwt.JWTClaimsRegistry(
                leeway=_SKEW,
                iss={"essential": True, "value": metadata["issuer"]},
                aud={"essential": True, "value": begun.settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": begun.nonce},
            ).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise _odd("its ID token does not hold", error=type(error).__name__) from None
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1:
            authorized = claims.get("azp")
            if authorized != begun.settings.client_id:
                raise _odd("its ID token is for another client")
        return claims

    async def _key_set(self, metadata: Mapping[str, Any], *, again: bool = False) -> Any:
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        address, now = metadata["jwks_uri"], self._clock()
        kept = self._keys
        if kept is not None and kept[0] == address and (not again or now - kept[1] < _AGAIN):
            return kept[2]
        async with _client(self._configured()) as client:
            given = await _json(client.get(address), address)
        try:
            keys = KeySet.import_key_set(given)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _odd("its keys cannot be read", error=type(error).__name__) from None
        self._keys = address, now, keys
        return keys


def _exchange(client: httpx.AsyncClient, begun: _Pending, address: str, code: str) -> Awaitable[httpx.Response]:
    """Give the code for tokens. A secret goes along as RFC 6749, 2.3.1 has it: quoted, then HTTP Basic."""
    settings = begun.settings
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": begun.redirect,
        "code_verifier": begun.verifier,
    }
    if settings.client_secret is None:
        return client.post(address, data={**form, "client_id": settings.client_id})
    secret = settings.client_secret.get_secret_value()
    return client.post(address, data=form, auth=(quote_plus(settings.client_id), quote_plus(secret)))


def _client(settings: OidcSettings) -> httpx.AsyncClient:
    import httpx  # noqa: PLC0415  # only who logs in so needs it

    return httpx.AsyncClient(timeout=settings.timeout, follow_redirects=False)


async def _json(response: Awaitable[httpx.Response], address: str) -> dict[str, Any]:
    """The JSON object that is answered there. Raises PageLoginRefused."""
    import httpx  # noqa: PLC0415

    try:
        document = (await response).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, RecursionError) as error:
        log.error("login server unavailable", address=address, error=type(error).__name__, why=_line(error))
        raise PageLoginRefused(_AWAY, f"{address}: {type(error).__name__}: {_line(error)}") from None
    if not isinstance(document, dict):
        raise _odd("it answers no JSON object", address=address)
    return document


def _user(settings: OidcSettings, claims: Mapping[str, Any]) -> OidcUser:
    name = claims.get(settings.name_claim)
    if not isinstance(name, str) or not USER_NAME.fullmatch(name):
        log.warning("review login refused", by="oidc", why=f"the claim {settings.name_claim} is no name")
        raise PageLoginRefused(
            f"The login server gives you no name that can stand beside changes (claim {settings.name_claim})."
        )
    given = claims.get(settings.role_claim, ())
    values: Iterable[object] = (given,) if isinstance(given, str) else given if isinstance(given, list) else ()
    roles = [settings.roles[each] for each in values if isinstance(each, str) and each in settings.roles]
    role = highest(roles) or settings.default_role
    if role is None:
        log.warning("review login refused", by="oidc", user=name, why="no role")
        raise PageLoginRefused(
            f"You are logged in as {name}, and nobody has given you a role here: none of your "
            f"{settings.role_claim} stands in admin.oidc.roles of the shim's configuration."
        )
    return OidcUser(name, role)


def _odd(why: str, **more: str) -> PageLoginRefused:
    log.error("login server not understood", why=why, **more)
    return PageLoginRefused(_ODD, "; ".join((why, *more.values())))


def _line(text: object) -> str:
    """A short text of somebody else's for the log."""
    return "".join(each for each in str(text)[:200] if each.isprintable())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
