"""Settings: the one table of what can be configured, with kinds, defaults and one sentence each.

Laws: every model forbids unknown keys and is frozen; a secret is never shown, and no value stands in an error.
Defaults are the limits that the shim was designed with; times are seconds, sizes bytes. How settings are read
is the business of `config`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    IPvAnyNetwork,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shim.core.parse import Limits as ParseLimits

# ---- kinds of value ----


def _context(info: ValidationInfo) -> tuple[Path, Mapping[str, str]]:
    context = info.context or {}
    return context.get("base", Path()), context.get("environ", os.environ)


def _beside(value: Any, info: ValidationInfo) -> Any:
    """Paths are relative to the configuration file, whatever sets them."""
    return _context(info)[0] / value if isinstance(value, str | Path) else value


def _secret(value: Any, info: ValidationInfo) -> Any:
    """The text of `plain`, `{env: NAME}` or `{file: path}`. Raises ValueError without any value in it."""
    base, environ = _context(info)
    if isinstance(value, Mapping) and len(value) == 1:
        [(kind, place)] = value.items()
        if kind == "env":
            value = environ.get(str(place))
            if value is None:
                raise ValueError(f"the environment variable {place} is not set")
        elif kind == "file":
            try:
                value = (base / str(place)).read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"the file {place} cannot be read ({type(error).__name__})") from None
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str):
        raise ValueError("a secret is a text, {env: NAME} or {file: path}")
    if not value:
        raise ValueError("the secret is empty")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address starts with http:// or https:// and names a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address has no user, password, query or fragment")
    if re.search(r"/(soap2|oauth)(/|$)", parts.path):
        raise ValueError("give the address without /soap2 or /oauth: the shim adds them")
    return value.rstrip("/")


def _argon2(value: str) -> str:
    try:
        extract_parameters(value)
    except InvalidHashError:
        raise ValueError("this is no argon2 hash (make one with `shim integrations add`)") from None
    return value


def _digits(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65535)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Existing = Annotated[FilePath, BeforeValidator(_beside)]
Argon2Hash = Annotated[str, AfterValidator(_argon2)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Version = Annotated[str, Field(pattern=r"^2\.[0-9]+\.[0-9]+$")]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _doc(text: str) -> Any:
    return Field(description=text)


def _hidden(text: str) -> Any:
    return Field(description=text, repr=False)


# ---- the settings ----


class Listen(Section):
    """Where 2.5 clients connect."""

    host: Annotated[
        str, _doc("Address to listen on. Plain HTTP carries passwords: opening it (0.0.0.0) is your choice.")
    ] = "127.0.0.1"
    port: Annotated[Port, _doc("Port for plain HTTP; 0 takes any free one.")] = 8025
    tls_port: Annotated[Port, _doc("Port for HTTPS; used when tls_cert and tls_key are set.")] = 8443
    tls_cert: Annotated[Existing | None, _doc("Certificate chain, a PEM file.")] = None
    tls_key: Annotated[Existing | None, _doc("Private key of the certificate, a PEM file.")] = None
    public_url: Annotated[
        HttpUrl | None, _doc("Address that the WSDL gives to clients; null takes it from each request.")
    ] = None
    trusted_proxies: Annotated[
        tuple[IPvAnyNetwork, ...], _doc("Networks whose X-Forwarded headers are believed.")
    ] = ()
    max_connections: Annotated[Count, _doc("Open connections in all.")] = 1000
    max_connections_per_address: Annotated[Count, _doc("Open connections from one address.")] = 20
    header_timeout: Annotated[Seconds, _doc("For a request's headers, seconds.")] = 10.0
    body_timeout: Annotated[Seconds, _doc("For a request's whole body, seconds.")] = 30.0
    keepalive_timeout: Annotated[Seconds, _doc("How long an idle connection stays, seconds.")] = 75.0

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both, or none")
        return self

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None


class Admin(Section):
    """Where health, readiness and metrics are served: never to the network that clients use."""

    host: Annotated[str, _doc("Address of the admin port.")] = "127.0.0.1"
    port: Annotated[Port, _doc("The admin port; 0 takes any free one.")] = 8027


class Retry(Section):
    """Repeats of calls that never ran, and of reads. A write that may have run is never repeated."""

    attempts: Annotated[Count, _doc("Attempts for one call, the first included.")] = 3
    share: Annotated[Share, _doc("Repeats for each call made, so that repeats never become the load.")] = 0.2
    per_second: Annotated[Share, _doc("Repeats a second that are free beside the share.")] = 10.0


class Backend(Section):
    """The v3 system that calls are forwarded to."""

    url: Annotated[HttpUrl, _doc("Address of the v3 system, without a path: https://voipnow.example.com")]
    schema_version: Annotated[Literal["3.0.0"], _doc("Interface version that is spoken to it.")] = "3.0.0"
    token_path: Annotated[str, _doc("Path where access tokens are given."), Field(pattern="^/")] = (
        "/oauth/token.php"  # noqa: S105  # a path
    )
    connect_timeout: Annotated[Seconds, _doc("For a connection, seconds.")] = 3.0
    call_timeout: Annotated[Seconds, _doc("For one v3 call, seconds; below what clients wait.")] = 15.0
    total_timeout: Annotated[Seconds, _doc("For all v3 calls of one old call, seconds.")] = 45.0
    keepalive_timeout: Annotated[
        Seconds,
        _doc("Idle connections are given up after this, seconds; keep it below the backend's own (Apache: 5)."),
    ] = 4.0
    in_flight: Annotated[Count, _doc("v3 calls at the same time.")] = 32
    max_answer: Annotated[Count, _doc("Largest answer taken, bytes; lists have no paging.")] = 256 << 20
    retry: Retry = Retry()
    verify_tls: Annotated[bool, _doc("Check the backend's certificate; false only for trials.")] = True
    ca_file: Annotated[Existing | None, _doc("PEM file of your own authority; null: the system's.")] = None


class Limits(Section):
    """What one message of a client may cost."""

    body: Annotated[Count, _doc("Largest message, bytes.")] = 1 << 20
    line: Annotated[Count, _doc("Longest HTTP request line, bytes.")] = 8190
    header: Annotated[Count, _doc("Longest HTTP header, bytes.")] = 8190
    headers: Annotated[Count, _doc("HTTP headers of a request.")] = 64
    elements: Annotated[Count, _doc("XML elements.")] = 20_000
    depth: Annotated[Count, _doc("Depth of XML elements.")] = 64
    attributes: Annotated[Count, _doc("Attributes of one XML element.")] = 64
    name: Annotated[Count, _doc("Longest XML name, characters.")] = 256
    text: Annotated[Count, _doc("Longest XML text, characters.")] = 256 << 10
    repeats: Annotated[Count, _doc("Repeats of one XML element under the same parent.")] = 1_000

    def parse(self) -> ParseLimits:
        """The part that the core's parser enforces."""
        return ParseLimits(
            bytes=self.body,
            elements=self.elements,
            depth=self.depth,
            attributes=self.attributes,
            name=self.name,
            text=self.text,
            repeats=self.repeats,
        )


class Store(Section):
    """Where the shim keeps what v3 cannot hold."""

    url: Annotated[
        Secret,
        _doc("sqlite+aiosqlite:///file (relative to the working directory) or postgresql+asyncpg://..."),
    ] = SecretStr("sqlite+aiosqlite:///shim.db")
    journal_mode: Annotated[
        Literal["wal", "delete"],
        _doc("SQLite only; delete (with synchronous=EXTRA) where SQLite has the WAL-reset bug."),
    ] = "wal"


class Journal(Section):
    """Calls that become several v3 writes: how they are finished or undone whatever happens."""

    lease: Annotated[Seconds, _doc("A call is its process's own for this long, seconds.")] = 60.0
    renew: Annotated[Seconds, _doc("How often leases are renewed, seconds; well below lease.")] = 15.0
    sweep: Annotated[Seconds, _doc("How often calls that were left behind are looked for, seconds.")] = 15.0
    settle: Annotated[
        Seconds,
        _doc("How late a write whose end was not seen may take effect: the backend's own time-out, seconds."),
    ] = 30.0
    wait: Annotated[
        Seconds, _doc("How long a call waits for an equal one, seconds; below backend.total_timeout.")
    ] = 35.0
    keep: Annotated[Seconds, _doc("How long an answer that nobody received is kept, seconds.")] = 86_400.0
    attempts: Annotated[
        Count, _doc("Tries at finishing or undoing before a call is paused for the operator.")
    ] = 12


class Identities(Section):
    """Which IDs old clients see for extensions, which are users with extensions in v3."""

    policy: Annotated[
        Literal["preserved", "imported"],
        _doc("preserved: a user's first extension has the user's ID; imported: a file decides. Else: issued."),
    ] = "preserved"
    import_file: Annotated[
        Existing | None, _doc("CSV file old_id,extension_id,user_id,number; read at each start.")
    ] = None
    issued_from: Annotated[Count, _doc("First ID to issue; v3 account IDs must never reach it.")] = (
        1_000_000_000
    )
    issued_to: Annotated[Count, _doc("Last ID to issue."), Field(lt=1 << 31)] = 1_999_999_999
    four_digit_ids: Annotated[
        bool, _doc("For clients that take four digits only: issue from 9999 downwards instead.")
    ] = False
    issued_from_four: Annotated[
        int, _doc("Lowest of the four-digit IDs to issue."), Field(ge=1000, le=9999)
    ] = 9000

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.issued_from > self.issued_to:
            raise ValueError("issued_from is above issued_to")
        return self


class ServerInfo(Section):
    """What answers say about the server in their serverInfo header."""

    edition: Annotated[str | None, _doc("Edition; null takes the backend's.")] = None
    version: Annotated[str | None, _doc("Version that clients see; null takes the backend's.")] = "2.5.1"
    infrastructure_id: Annotated[str | None, _doc("Infrastructure ID; null takes the backend's.")] = None


class Faults(Section):
    """How faults are laid out."""

    layout: Annotated[
        Literal["text", "code"],
        _doc("Where the numeric code stands: in faultstring and detail, or in faultcode as well."),
    ] = "text"


class SchemaVersions(Section):
    """Schema versions: every 2.x is published, since all speak the same dialect."""

    latest: Annotated[Version, _doc("What /soap2/schema/latest/ and ?wsdl give.")] = "2.5.1"


class Conduct(Section):
    """What 2.5 never knew and v3 asks for. An integration may differ."""

    user_max: Annotated[
        Count | Literal["unlimited", "leave"],
        _doc("Users that a new service provider or organization may have; leave: the backend decides."),
        BeforeValidator(_digits),
    ] = "unlimited"
    organization_type: Annotated[
        Literal["leave", 0, 1],
        _doc("Type of a new organization; leave: the backend decides."),
        BeforeValidator(_digits),
    ] = "leave"
    unlimited_absent: Annotated[
        Literal["number", "unlimited"],
        _doc("What a 2.5 limit without the unlimited attribute means: its number, or no limit."),
    ] = "number"


class Log(Section):
    """What is logged, to stderr."""

    level: Annotated[Literal["debug", "info", "warning", "error"], _doc("Least severity.")] = "info"
    format: Annotated[
        Literal["auto", "json", "console"], _doc("auto: console on a terminal, JSON lines otherwise.")
    ] = "auto"


class Argon2(Section):
    """Parameters of new password hashes."""

    memory: Annotated[Count, _doc("Memory of one hash, KiB.")] = 19456
    iterations: Annotated[Count, _doc("Passes.")] = 2
    parallelism: Annotated[Count, _doc("Lanes.")] = 1


class Login(Section):
    """How credentials are checked, and how guessing is slowed."""

    remember: Annotated[Seconds, _doc("A correct check is good for this long, seconds.")] = 60.0
    free_failures: Annotated[Count, _doc("Failures of a login from an address that cost nothing.")] = 5
    first_delay: Annotated[Seconds, _doc("Delay after the next failure, doubling, seconds.")] = 30.0
    longest_delay: Annotated[Seconds, _doc("Where the doubling ends, seconds.")] = 3600.0
    address_failures: Annotated[Count, _doc("Failures of an address, any login, before it waits.")] = 50
    address_window: Annotated[Seconds, _doc("Over which those failures are counted, seconds.")] = 600.0
    queue: Annotated[Count, _doc("Checks that may wait for a free core.")] = 256
    argon2: Argon2 = Argon2()


class OldLogin(Section):
    """How an integration proves itself in 2.5: one way or more. A hash or the secret itself for each."""

    username: Annotated[str | None, _doc("User name of the 2.5 account.")] = None
    password_hash: Annotated[Argon2Hash | None, _hidden("Argon2id hash of its password.")] = None
    password: Annotated[Secret | None, _doc("Or the password itself.")] = None
    app_key: Annotated[str | None, _doc("2.5 app key.")] = None
    app_secret_hash: Annotated[Argon2Hash | None, _hidden("Argon2id hash of its secret.")] = None
    app_secret: Annotated[Secret | None, _doc("Or the secret itself.")] = None
    crypted_auth_sha256: Annotated[Sha256 | None, _hidden("SHA-256 of the cryptedAuth value, hexadecimal.")] = (
        None
    )
    crypted_auth: Annotated[Secret | None, _doc("Or the value itself.")] = None

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

    app_key: Annotated[str, _doc("v3 app key."), Field(min_length=1)]
    app_secret: Annotated[Secret, _doc("v3 app secret: text, {env: NAME} or {file: path}.")]


NAME = "^[a-z0-9][a-z0-9-]{0,63}$"


class Integration(Section):
    """One program that calls with 2.5 credentials."""

    name: Annotated[str, _doc("Unique; small letters, digits, hyphens."), Field(pattern=NAME)]
    enabled: Annotated[bool, _doc("false refuses it like an unknown one.")] = True
    old: OldLogin
    new: NewLogin
    conduct: Annotated[Conduct, _doc("Only what differs from `conduct` of all.")] = Conduct()

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The rules of conduct as the core gets them."""
        return {key: str(value) for key, value in self.conduct.model_dump().items()}

    def over(self, base: Conduct) -> Self:
        """The same with the rules of all where it has none of its own."""
        own = {key: getattr(self.conduct, key) for key in self.conduct.model_fields_set}
        return self.model_copy(update={"conduct": base.model_copy(update=own)})


class Config(Section):
    """Everything that can be set."""

    listen: Listen = Listen()
    admin: Admin = Admin()
    backend: Backend
    limits: Limits = Limits()
    store: Store = Store()
    identity: Identities = Identities()
    journal: Journal = Journal()
    server_info: ServerInfo = ServerInfo()
    faults: Faults = Faults()
    schema_versions: SchemaVersions = SchemaVersions()
    conduct: Conduct = Conduct()
    log: Log = Log()
    login: Login = Login()
    integrations_file: Annotated[
        Existing | None, _doc("YAML file with a list like `integrations`, kept by `shim integrations`.")
    ] = None
    integrations: Annotated[tuple[Integration, ...], _doc("Who may call.")] = ()

    @field_validator("integrations")
    @classmethod
    def _conduct_of_all(
        cls, integrations: tuple[Integration, ...], info: ValidationInfo
    ) -> tuple[Integration, ...]:
        return tuple(each.over(info.data.get("conduct", Conduct())) for each in integrations)
