"""Settings of the admin listener: where it is, and who may use the review page and the interface on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from shim.edge.settings.kinds import (
    Argon2Hash,
    Existing,
    PortNumber,
    Seconds,
    Secret,
    Section,
    Sha256,
    doc,
    hidden,
    is_loopback,
)
from shim.edge.settings.problems import OTHER_FORM

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the one that may least."""


USER_NAME = re.compile(r"[\w.@+-]{1,64}")
"""Names of people and programs as they stand beside changes."""


def _of_user_name(value: str) -> str:
    if USER_NAME.fullmatch(value) is None:
        raise ValueError(OTHER_FORM)
    return value


ChangeAuthor = Annotated[str, AfterValidator(_of_user_name)]
"""The same. Not by pydantic's own patterns, which take 30 ms and 6 MiB of each start for up to 64 of a set that
has all letters there are."""


class AdminUser(Section):
    """Somebody who may use the review page. Every change there is recorded with the name."""

    name: Annotated[
        ChangeAuthor, doc("Unique; stands beside every change made. Letters, digits, and . _ @ + -")
    ]
    password_hash: Annotated[Argon2Hash, hidden("Argon2id hash of the password: `shim admin password`.")]
    role: Annotated[
        Role, doc("viewer reads; editor also works on findings and notes; admin also decides over calls.")
    ] = "admin"


class AdminToken(Section):
    """A program that may use /api/v1 of the admin listener."""

    name: Annotated[
        ChangeAuthor,
        doc("Unique; stands beside every change made, as api:NAME. Letters, digits, and . _ @ + -"),
    ]
    role: Annotated[Role, doc("viewer, editor or admin, as of users.")] = "viewer"
    sha256: Annotated[Sha256, hidden("SHA-256 of the token, hexadecimal: `shim admin token`.")]


def _issuer(value: str) -> str:
    """Raises ValueError for what is no https:// address; http:// is for tests on loopback."""
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
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


class Admin(Section):
    """Where health, readiness, metrics and the review page are: never on the network that clients use."""

    host: Annotated[str, doc("Address of the admin port.")] = "127.0.0.1"
    port: Annotated[PortNumber, doc("The admin port; 0 takes any free one.")] = 8027
    tls_cert: Annotated[
        Existing | None, doc("Certificate chain, a PEM file: the admin port then speaks HTTPS alone.")
    ] = None
    tls_key: Annotated[Existing | None, doc("Private key of that certificate, a PEM file.")] = None
    names: Annotated[
        tuple[str, ...],
        doc("Host names under which browsers reach the review page, beside localhost and IP addresses."),
    ] = ()
    session_idle: Annotated[Seconds, doc("A login of the review page ends when unused this long, seconds.")] = (
        1800.0
    )
    session_longest: Annotated[Seconds, doc("And after this time at the latest, seconds.")] = 43_200.0
    tokens: Annotated[
        tuple[AdminToken, ...], doc("Programs that may use /api/v1; with none it is closed.")
    ] = ()
    users: Annotated[
        tuple[AdminUser, ...], doc("Who may use the review page; with none, and no oidc, it is closed.")
    ] = ()
    oidc: Annotated[OidcSettings | None, doc("Provider by which people may log in to the review page.")] = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both, or none")
        return self

    @field_validator("tokens")
    @classmethod
    def _unique_tokens(cls, tokens: tuple[AdminToken, ...]) -> tuple[AdminToken, ...]:
        if len({each.name for each in tokens}) < len(tokens) or len({each.sha256 for each in tokens}) < len(
            tokens
        ):
            raise ValueError("two tokens have the same name or are the same: each must be unique")
        return tokens

    @field_validator("users")
    @classmethod
    def _unique(cls, users: tuple[AdminUser, ...]) -> tuple[AdminUser, ...]:
        names = [each.name for each in users]
        if len(set(names)) < len(names):
            raise ValueError("two users have the same name: each must be unique")
        return users
