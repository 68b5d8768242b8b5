"""Settings of those who may call: how they prove themselves on both sides, and their rules of conduct."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shim.edge.settings_kinds import Argon2Hash, Count, Secret, Section, Sha256, digits, doc, hidden
from shim.interfaces.load import new


def _word(value: Any) -> Any:
    """YAML reads true and 5 as what they are; v3 wants them as texts."""
    return str(value).lower() if isinstance(value, bool | int) else value


class Successors(Section):
    """What an old extension template became in v3: a template for users, one for extensions, or both."""

    user: Annotated[Count | None, doc("ID of a v3 template for users.")] = None
    extension: Annotated[Count | None, doc("ID of a v3 template for extensions.")] = None

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if self.user is None and self.extension is None:
            raise ValueError("it needs user, extension, or both: template IDs of v3")
        return self


def _rights(values: dict[str, str]) -> dict[str, str]:
    """Judge what new users get by the interface of v3."""
    complex_type = new().operations["User.SetUserPL"].input.complex
    assert complex_type is not None
    slots = complex_type.slots
    for name, value in values.items():
        decl = slots[name].decl if name in slots and not name.startswith("accountExpire") else None
        if decl is None or decl.simple is None:
            close = difflib.get_close_matches(name, slots, 1)
            raise ValueError(f"v3 users have no {name}" + (f": {close[0]} is meant?" if close else ""))
        allowed = decl.simple.enum or ("true", "false")
        if value == "leave" or (decl.complex is None and value in allowed):
            continue
        if decl.complex is None or not (value == "unlimited" or value.isdecimal()):
            good = f"one of {', '.join(allowed)}" if decl.complex is None else "a number or unlimited"
            raise ValueError(f"{name} is {good}, or leave")
    return values


class Conduct(Section):
    """What 2.5 never knew and v3 asks for. An integration may differ."""

    user_max: Annotated[
        Count | Literal["unlimited", "leave"],
        doc("Users that a new service provider or organization may have; leave: the backend decides."),
        BeforeValidator(digits),
    ] = "unlimited"
    organization_type: Annotated[
        Literal["leave", 0, 1],
        doc("Type of a new organization; leave: the backend decides."),
        BeforeValidator(digits),
    ] = "leave"
    new_user: Annotated[
        Literal["configured", "parent"],
        doc("What the user of a new extension may do: as configured, or never more than its organization has."),
    ] = "configured"
    new_user_values: Annotated[
        dict[str, Annotated[str, BeforeValidator(_word)]],
        doc("Where that differs from the defaults, see `shim explain AddExtension`; leave: v3's own (off)."),
        AfterValidator(_rights),
    ] = {}  # noqa: RUF012  # pydantic copies it
    templates: Annotated[
        dict[Count, Successors],
        doc("Old extension template to v3 templates: {user: ID, extension: ID}; others are looked up in v3."),
    ] = {}  # noqa: RUF012
    unlimited_absent: Annotated[
        Literal["number", "unlimited"],
        doc("What a 2.5 limit without the unlimited attribute means: its number, or no limit."),
    ] = "number"


class OldLogin(Section):
    """How an integration proves itself in 2.5: one way or more. A hash or the secret itself for each."""

    username: Annotated[str | None, doc("User name of the 2.5 account.")] = None
    password_hash: Annotated[Argon2Hash | None, hidden("Argon2id hash of its password.")] = None
    password: Annotated[Secret | None, doc("Or the password itself.")] = None
    app_key: Annotated[str | None, doc("2.5 app key.")] = None
    app_secret_hash: Annotated[Argon2Hash | None, hidden("Argon2id hash of its secret.")] = None
    app_secret: Annotated[Secret | None, doc("Or the secret itself.")] = None
    crypted_auth_sha256: Annotated[Sha256 | None, hidden("SHA-256 of the cryptedAuth value, hexadecimal.")] = (
        None
    )
    crypted_auth: Annotated[Secret | None, doc("Or the value itself.")] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        passwords = _one_of(self, "password_hash", "password")
        secrets = _one_of(self, "app_secret_hash", "app_secret")
        crypted = _one_of(self, "crypted_auth_sha256", "crypted_auth")
        if bool(self.username) != passwords:
            raise ValueError("username goes with password_hash or password")
        if bool(self.app_key) != secrets:
            raise ValueError("app_key goes with app_secret_hash or app_secret")
        if not (passwords or secrets or crypted):
            raise ValueError("no way to log in is complete: give a user name, an app key or cryptedAuth")
        return self

    @cached_property
    def crypted_digest(self) -> str | None:
        """SHA-256 of the cryptedAuth value, hexadecimal, however it was given."""
        if self.crypted_auth is None:
            return self.crypted_auth_sha256
        return sha256(self.crypted_auth.get_secret_value().encode()).hexdigest()


def _one_of(model: OldLogin, first: str, second: str) -> bool:
    given = [name for name in (first, second) if getattr(model, name) is not None]
    if len(given) == 2:
        raise ValueError(f"{first} and {second} say the same: give one of them")
    return bool(given)


class NewLogin(Section):
    """The v3 app that an integration's calls are made with. Its account decides lists and rights."""

    app_key: Annotated[str, doc("v3 app key."), Field(min_length=1)]
    app_secret: Annotated[Secret, doc("v3 app secret: text, {env: NAME} or {file: path}.")]


NAME = "^[a-z0-9][a-z0-9-]{0,63}$"


class Integration(Section):
    """One program that calls with 2.5 credentials."""

    name: Annotated[str, doc("Unique; small letters, digits, hyphens."), Field(pattern=NAME)]
    enabled: Annotated[bool, doc("false refuses it like an unknown one.")] = True
    old: OldLogin
    new: NewLogin
    conduct: Annotated[Conduct, doc("Only what differs from `conduct` of all.")] = Conduct()

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The rules of conduct as the core gets them: `templates.7.user` for what is deeper."""
        return dict(_flat(self.conduct.model_dump(exclude_none=True)))

    def over(self, base: Conduct) -> Self:
        """The same with the rules of all where it has none of its own."""
        own = {key: getattr(self.conduct, key) for key in self.conduct.model_fields_set}
        own |= {key: getattr(base, key) | each for key, each in own.items() if isinstance(each, dict)}
        return self.model_copy(update={"conduct": base.model_copy(update=own)})


def _flat(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
