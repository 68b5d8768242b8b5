"""Settings of logins to the review page by OpenID Connect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from shim.edge.settings.kinds import Seconds, Secret, Section, doc
from shim.edge.settings.logins import Role

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _issuer(value: str) -> str:
    """Raises ValueError for what is no https:// address; http:// is for tests on loopback."""
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an issuer is an https:// address without ? and #, as the provider's metadata have it")
    return value


class OidcSettings(Section):
    """The provider by which users of the review page may log in, and who may what."""

    issuer: Annotated[
        str, AfterValidator(_issuer), doc("Issuer, letter for letter as in the provider's metadata.")
    ]
    client_id: Annotated[str, Field(min_length=1), doc("The client that is registered for this shim there.")]
    client_secret: Annotated[
        Secret | None, doc("Its secret: text, {env: NAME} or {file: path}; null: a public client.")
    ] = None
    scopes: Annotated[tuple[str, ...], doc("What is asked for; openid has to be among them.")] = (
        "openid",
        "profile",
        "email",
    )
    name_claim: Annotated[
        str, Field(min_length=1), doc("Claim that names people, one that they cannot change themselves.")
    ] = "preferred_username"
    role_claim: Annotated[str, Field(min_length=1), doc("Claim with the values that give roles.")] = "groups"
    roles: Annotated[
        Mapping[str, Role], doc("Role by value of that claim; of several the highest counts.")
    ] = {}
    default_role: Annotated[
        Role | None, doc("Role of those who have none of these values; null: they are not let in.")
    ] = None
    label: Annotated[
        str, Field(min_length=1, max_length=60), doc("What stands on the button: Log in with ...")
    ] = "single sign-on"
    timeout: Annotated[Seconds, doc("How long the provider may take for an answer, seconds.")] = 10.0

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes have no openid: without it there is no login")
        if not self.roles and self.default_role is None:
            raise ValueError("nobody could log in: give roles, or a default_role")
        return self
