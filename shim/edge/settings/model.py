"""Settings: the one table of what can be configured, with kinds, defaults and one sentence each.

Laws: every model forbids unknown keys and is frozen; a secret is never shown, and no value stands in an error.
Defaults are the limits that the shim was designed with; times are seconds, sizes bytes. How settings are read
is the business of `config`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shim.core.parse import Limits as ParseLimits
from shim.edge.settings.admin import Admin
from shim.edge.settings.backend import BackendSettings
from shim.edge.settings.conduct import ConductSettings, Faults
from shim.edge.settings.deprecation import DeprecationSettings
from shim.edge.settings.kinds import (
    BesideConfig,
    Count,
    Existing,
    HttpUrl,
    PortNumber,
    Seconds,
    Section,
    StoreUrl,
    Version,
    decimal,
    doc,
)
from shim.edge.settings.logins import (
    NAME,
    Integration,
    LoginForms,
    NewLogin,
    OldLogin,
    Quota,
)
from shim.edge.settings.notify import Notify
from shim.edge.settings.telemetry import Telemetry

__all__ = [
    "NAME",
    "ConductSettings",
    "Config",
    "DeprecationSettings",
    "Integration",
    "NewLogin",
    "OldLogin",
]


class Listen(Section):
    """Where 2.5 clients connect."""

    host: Annotated[
        str, doc("Address to listen on. Plain HTTP carries passwords: opening it (0.0.0.0) is your choice.")
    ] = "127.0.0.1"
    port: Annotated[PortNumber, doc("Port for plain HTTP; 0 takes any free one.")] = 8025
    tls_port: Annotated[PortNumber, doc("Port for HTTPS; used when tls_cert and tls_key are set.")] = 8443
    tls_cert: Annotated[Existing | None, doc("Certificate chain, a PEM file.")] = None
    tls_key: Annotated[Existing | None, doc("Private key of the certificate, a PEM file.")] = None
    tls_minimum: Annotated[
        Literal["1.2", "1.1", "1.0"],
        doc(
            "Oldest version of TLS that is taken. 1.0 and 1.1 are broken: only for clients that have no other."
        ),
        BeforeValidator(decimal),
    ] = "1.2"
    tls_ciphers: Annotated[
        str | None, doc("Cipher list in OpenSSL's form; null: OpenSSL's own, old ones too below TLS 1.2.")
    ] = None
    public_url: Annotated[
        HttpUrl | None, doc("Address that the WSDL gives to clients; null takes it from each request.")
    ] = None
    trusted_proxies: Annotated[
        tuple[IPvAnyNetwork, ...], doc("Networks of proxies that are believed who calls through them.")
    ] = ()
    forwarded: Annotated[
        Literal["x-forwarded", "forwarded"],
        doc(
            "Headers that they write: X-Forwarded-For, -Proto, -Host, -Port, or Forwarded. The other is unread."
        ),
    ] = "x-forwarded"
    workers: Annotated[
        Count | None,
        doc("Processes that serve; null: one a core on PostgreSQL. On SQLite there is one."),
    ] = None
    max_connections: Annotated[Count, doc("Open connections in all.")] = 1000
    max_connections_per_address: Annotated[Count, doc("Open connections from one address.")] = 20
    handshake_timeout: Annotated[Seconds, doc("For a TLS handshake, seconds.")] = 10.0
    header_timeout: Annotated[Seconds, doc("For a request's headers, seconds.")] = 10.0
    body_timeout: Annotated[Seconds, doc("For a request's whole body, seconds.")] = 30.0
    answer_timeout: Annotated[
        Seconds, doc("In which a client has to read 16 KiB of its answer, or the rest, seconds.")
    ] = 30.0
    keepalive_timeout: Annotated[Seconds, doc("How long an idle connection stays, seconds.")] = 75.0
    drain: Annotated[
        float,
        Field(ge=0, le=3600),
        doc("How long calls are taken after SIGTERM while /readyz says 503, for balancers to notice, seconds."),
    ] = 10.0

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both, or none")
        return self

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None


class NativeV3Settings(Section):
    """Calls of v3 clients on this host, which pass through to the v3 system as they are."""

    enabled: Annotated[bool, doc("Let them pass; false: this host speaks 2.5 only.")] = True
    max_answer: Annotated[Count, doc("Largest answer that passes, bytes; lists have no paging.")] = 256 << 20
    buffer: Annotated[Count, doc("Answers above this are passed on as they come, bytes.")] = 1 << 20
    latest: Annotated[
        Literal["old", "new"], doc("Whose WSDL tree /soap2/schema/latest/ is: that of 2.5, or that of v3.")
    ] = "old"


class LimitSettings(Section):
    """Limits of one message of a client."""

    body: Annotated[Count, doc("Largest message, bytes.")] = 1 << 20
    line: Annotated[Count, doc("Longest HTTP request line, bytes.")] = 8190
    header: Annotated[Count, doc("Longest HTTP header, bytes.")] = 8190
    headers: Annotated[Count, doc("HTTP headers of a request.")] = 64
    elements: Annotated[Count, doc("XML elements.")] = 20_000
    depth: Annotated[Count, doc("Depth of XML elements.")] = 64
    attributes: Annotated[Count, doc("Attributes of one XML element.")] = 64
    name: Annotated[Count, doc("Longest XML name, characters.")] = 256
    namespace: Annotated[Count, doc("Longest name of an XML namespace, bytes.")] = 1_024
    text: Annotated[Count, doc("Longest XML text, characters.")] = 256 << 10
    repeats: Annotated[Count, doc("Repeats of one XML element under the same parent.")] = 1_000

    def parse(self) -> ParseLimits:
        """The part that the core's parser enforces."""
        return ParseLimits(
            bytes=self.body,
            elements=self.elements,
            depth=self.depth,
            attributes=self.attributes,
            name=self.name,
            namespace=self.namespace,
            text=self.text,
            repeats=self.repeats,
        )


class Compare(Section):
    """Compare mode: an old 2.5 server that is asked the same reads, while it still runs."""

    url: Annotated[HttpUrl | None, doc("Address of the old 2.5 server; null: nothing is compared.")] = None
    timeout: Annotated[Seconds, doc("For one of its answers, seconds.")] = 30.0
    in_flight: Annotated[Count, doc("Comparisons under way at once; what is more is left out and counted.")] = 8
    noise_seconds: Annotated[
        Seconds, doc("How long it is remembered what differs between two of its own answers, seconds.")
    ] = 3600.0
    verify_tls: Annotated[bool, doc("Check its certificate; false where it signed its own.")] = True


class StoreSettings(Section):
    """Where the shim keeps what v3 cannot hold."""

    url: Annotated[
        StoreUrl,
        doc("sqlite+aiosqlite:///file (beside the configuration file) or postgresql+asyncpg://..."),
    ] = SecretStr("sqlite+aiosqlite:///shim.db")
    journal_mode: Annotated[
        Literal["wal", "delete"],
        doc("SQLite only; delete (with synchronous=EXTRA) where SQLite has the WAL-reset bug."),
    ] = "wal"
    busy_timeout: Annotated[
        Seconds, doc("SQLite only: how long a write waits while another program writes, seconds.")
    ] = 35.0
    answer_timeout: Annotated[
        Seconds,
        doc("PostgreSQL only: how long it may take for a connection or a statement before it counts as away."),
    ] = 20.0


class JournalSettings(Section):
    """Calls that become several v3 writes: how they are finished or undone whatever happens."""

    lease: Annotated[Seconds, doc("A call is its process's own for this long, seconds.")] = 60.0
    renew: Annotated[Seconds, doc("How often leases are renewed, seconds; well below lease.")] = 15.0
    sweep: Annotated[Seconds, doc("How often calls that were left behind are looked for, seconds.")] = 15.0
    settle: Annotated[
        Seconds,
        doc("How late a write whose end was not seen may take effect: the backend's own time-out, seconds."),
    ] = 30.0
    wait: Annotated[
        Seconds, doc("How long a call waits for an equal one, seconds; below backend.total_timeout.")
    ] = 35.0
    keep: Annotated[Seconds, doc("How long an answer that nobody received is kept, seconds.")] = 86_400.0
    attempts: Annotated[
        Count, doc("Tries at finishing or undoing before a call is paused for the operator.")
    ] = 12


class Identities(Section):
    """Which IDs old clients see for extensions, which are users with extensions in v3."""

    policy: Annotated[
        Literal["preserved", "imported"],
        doc("preserved: a user's first extension has the user's ID; imported: a file decides. Else: issued."),
    ] = "preserved"
    import_file: Annotated[
        Existing | None, doc("CSV file old_id,extension_id,user_id,number; read at each start.")
    ] = None
    issued_from: Annotated[Count, doc("First ID to issue; v3 account IDs must never reach it.")] = 1_000_000_000
    issued_to: Annotated[Count, doc("Last ID to issue."), Field(lt=1 << 31)] = 1_999_999_999
    four_digit_ids: Annotated[
        bool, doc("For clients that take four digits only: issue from 9999 downwards instead.")
    ] = False
    confirm_after: Annotated[
        Seconds,
        doc("An ID ends when v3 says that its extension does not exist, and says so again this much later."),
    ] = 3600.0
    issued_from_four: Annotated[int, doc("Lowest of the four-digit IDs to issue."), Field(ge=1000, le=9999)] = (
        9000
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.issued_from > self.issued_to:
            raise ValueError("issued_from is above issued_to")
        return self


class ServerInfoSettings(Section):
    """The server as answers name it in their serverInfo header."""

    edition: Annotated[str | None, doc("Edition; null takes the backend's.")] = None
    version: Annotated[str | None, doc("Version that clients see; null takes the backend's.")] = "2.5.1"
    infrastructure_id: Annotated[str | None, doc("Infrastructure ID; null takes the backend's.")] = None


class SchemaVersions(Section):
    """Schema versions: every 2.x is published, since all speak the same dialect."""

    latest: Annotated[Version, doc("What /soap2/schema/latest/ and ?wsdl give.")] = "2.5.1"


class Log(Section):
    """The log: which lines there are, and where they go."""

    level: Annotated[Literal["debug", "info", "warning", "error"], doc("Least severity.")] = "info"
    format: Annotated[
        Literal["auto", "json", "console"], doc("auto: console on a terminal, JSON lines otherwise.")
    ] = "auto"
    file: Annotated[
        Path | None,
        BesideConfig,
        doc("File to log to, JSON lines; null: stderr, which systemd takes to its journal."),
    ] = None
    file_bytes: Annotated[Count, doc("The file is rotated when it would get longer, bytes.")] = 64 << 20
    files: Annotated[int, doc("Older files that are kept: name.1 is the youngest."), Field(ge=0, le=1000)] = 5
    syslog: Annotated[
        str | None,
        doc("Syslog server to log to: the path of a socket (/dev/log), or host:port (UDP); null: none."),
        Field(pattern=r"^(/.+|.+:[0-9]{1,5})$"),
    ] = None
    queue: Annotated[Count, doc("Lines that may wait to be written; more are dropped and counted.")] = 10_000

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.file is not None and self.syslog is not None:
            raise ValueError("file and syslog exclude each other: set one of them")
        return self


class Argon2(Section):
    """Parameters of new password hashes."""

    memory: Annotated[Count, doc("Memory of one hash, KiB.")] = 19456
    iterations: Annotated[Count, doc("Passes.")] = 2
    parallelism: Annotated[Count, doc("Lanes.")] = 1


class LoginSettings(Section):
    """How credentials are checked, and how guessing is slowed."""

    remember: Annotated[Seconds, doc("A correct check is good for this long, seconds.")] = 60.0
    free_failures: Annotated[Count, doc("Failures of a login from an address that cost nothing.")] = 5
    first_delay: Annotated[Seconds, doc("Delay after the next failure, doubling, seconds.")] = 30.0
    longest_delay: Annotated[Seconds, doc("Where the doubling ends, seconds.")] = 3600.0
    address_failures: Annotated[Count, doc("Failures of an address, any login, before it waits.")] = 50
    address_window: Annotated[Seconds, doc("Over which those failures are counted, seconds.")] = 600.0
    queue: Annotated[Count, doc("Checks that may wait for a free core.")] = 256
    argon2: Argon2 = Argon2()


class Config(Section):
    """Everything that can be set."""

    listen: Listen = Listen()
    admin: Admin = Admin()
    backend: BackendSettings
    native_v3: NativeV3Settings = NativeV3Settings()
    limits: LimitSettings = LimitSettings()
    compare: Compare = Compare()
    store: StoreSettings = StoreSettings()
    identity: Identities = Identities()
    journal: JournalSettings = JournalSettings()
    deprecation: DeprecationSettings = DeprecationSettings()
    notify: Notify = Notify()
    server_info: ServerInfoSettings = ServerInfoSettings()
    faults: Faults = Faults()
    schema_versions: SchemaVersions = SchemaVersions()
    conduct: ConductSettings = ConductSettings()
    quota: Quota = Quota()
    login_forms: LoginForms = LoginForms()
    log: Log = Log()
    telemetry: Telemetry = Telemetry()
    login: LoginSettings = LoginSettings()
    integrations_file: Annotated[
        Existing | None, doc("YAML file with a list like `integrations`, kept by `shim integrations`.")
    ] = None
    integrations: Annotated[tuple[Integration, ...], doc("Who may call.")] = ()

    @field_validator("integrations")
    @classmethod
    def _conduct_of_all(
        cls, integrations: tuple[Integration, ...], info: ValidationInfo
    ) -> tuple[Integration, ...]:
        conduct, faults = info.data.get("conduct", ConductSettings()), info.data.get("faults", Faults())
        quota = info.data.get("quota", Quota())
        forms = info.data.get("login_forms", LoginForms())
        return tuple(each.over(conduct, faults, quota, forms) for each in integrations)
