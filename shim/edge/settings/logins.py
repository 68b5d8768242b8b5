"""Settings of those who may call: how they prove themselves on both sides, and their rules of conduct."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shim.core.admit import pattern_problem
from shim.core.commands.caller import Caller, Rung
from shim.core.login_forms import LoginForm, LoginRung
from shim.core.policies import Policies
from shim.edge.settings.conduct import ConductSettings, Faults
from shim.edge.settings.deprecation import Page
from shim.edge.settings.kinds import Argon2Hash, Count, Secret, Section, Sha256, doc, hidden
from shim.interfaces.load import old

_NO_TEXT = {"policies", "tell"}


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
            raise ValueError("no way to log in is complete: give username, app_key or crypted_auth")
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


class Quota(Section):
    """How much of the shim and of v3 one integration may take from the others."""

    in_flight: Annotated[
        Count | None, doc("Its v3 calls at the same time; null: three quarters of backend.in_flight.")
    ] = None
    calls_per_second: Annotated[
        float | None,
        Field(gt=0, le=100_000),
        doc("2.5 calls a second, over time; null: any number. What is more gets a fault with Retry-After."),
    ] = None
    burst: Annotated[Count, doc("Calls at once before that rate holds.")] = 20

    def over(self, base: Self) -> Self:
        """The same with what is set for all where it has none of its own."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


class LoginForms(Section):
    """How far each form of a 2.5 login may still be used."""

    password: Annotated[LoginRung, doc("User name and password: translate, warn (a finding), or refuse.")] = (
        "translate"  # noqa: S105  # no password
    )
    app_key: Annotated[LoginRung, doc("App key and secret: translate, warn, or refuse.")] = "translate"
    crypted_auth: Annotated[LoginRung, doc("cryptedAuth: translate, warn, or refuse.")] = "translate"
    refuse_from: Annotated[
        date | None, doc("Day (UTC) from which refuse holds; before it, it warns. null: at once.")
    ] = None

    def rung(self, form: LoginForm | None, now: Callable[[], datetime]) -> LoginRung:
        """The rung of a form at this time; the clock is only asked where it matters."""
        rung: LoginRung = "translate" if form is None else getattr(self, form)
        if rung == "refuse" and self.refuse_from is not None and now().date() < self.refuse_from:
            return "warn"
        return rung

    def over(self, base: Self) -> Self:
        """The same with what is set for all where it has none of its own."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


def _scopes(value: Mapping[str, Rung]) -> Mapping[str, Rung]:
    """Raises ValueError for what is no operation of 2.5; keys are no secrets, so they are named."""
    problems = [why for scope in value if (why := pattern_problem(old(), scope))]
    if problems:
        raise ValueError("; ".join(problems))
    return value


def _line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("it is one line of text")
    return value


CredentialLine = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]
NAME = "^[a-z0-9][a-z0-9-]{0,63}$"


class Integration(Section):
    """One program that calls with 2.5 credentials."""

    name: Annotated[str, doc("Unique; small letters, digits, hyphens."), Field(pattern=NAME)]
    enabled: Annotated[bool, doc("false refuses it like an unknown one.")] = True
    watched: Annotated[
        bool, doc("false: served, but not counted as use and without findings, as for a test tool.")
    ] = True
    owner: Annotated[
        CredentialLine | None, doc("Who looks after it: a team or a person. The review page groups by it.")
    ] = None
    contact: Annotated[CredentialLine | None, doc("How to reach them: an address, a number.")] = None
    link: Annotated[Page | None, doc("Page about it, http:// or https://.")] = None
    notes: Annotated[
        str | None, Field(max_length=4000), doc("What is worth knowing; may be changed on the review page.")
    ] = None
    old: OldLogin
    new: NewLogin
    conduct: Annotated[ConductSettings, doc("Only what differs from `conduct` of all.")] = ConductSettings()
    faults: Annotated[Faults, doc("Only what differs from `faults` of all.")] = Faults()
    quota: Annotated[Quota, doc("Only what differs from `quota` of all.")] = Quota()
    login_forms: Annotated[LoginForms, doc("Only what differs from `login_forms` of all.")] = LoginForms()
    porting: Annotated[
        Mapping[str, Rung],
        doc("How far operations are ported: Service.Operation, Service.* or '*', and its rung."),
        AfterValidator(_scopes),
    ] = {}  # pydantic copies it

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The rules of conduct as the core gets them: `templates.7.user` for what is deeper."""
        return dict(_flat({key: value for key, value in self.conduct if key not in _NO_TEXT}))

    @cached_property
    def policies(self) -> Policies:
        """Its policies as the core gets them."""
        return Policies(each.core() for each in self.conduct.policies)

    @cached_property
    def caller(self) -> Caller:
        """The integration as the core may know it."""
        conduct = self.conduct
        return Caller(self.name, self.settings, self.policies, conduct.tell.core(), faults=self.faults.core())

    def over(self, conduct: ConductSettings, faults: Faults, quota: Quota, login_forms: LoginForms) -> Self:
        """The same with the rules of all where it has none of its own."""
        return self.model_copy(
            update={
                "conduct": self.conduct.over(conduct),
                "faults": self.faults.over(faults),
                "quota": self.quota.over(quota),
                "login_forms": self.login_forms.over(login_forms),
            }
        )


def _flat(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        inner = value.model_dump() if isinstance(value, Section) else value
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{key}.")
        elif inner is not None:
            yield f"{prefix}{key}", _text(inner)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value)
