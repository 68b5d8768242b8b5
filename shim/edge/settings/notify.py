"""Settings of telling somebody: webhooks and mail, what each is told, and when something is worth telling."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator

from shim.edge.settings.kinds import (
    Count,
    HttpUrl,
    PortNumber,
    Seconds,
    Secret,
    Section,
    Share,
    doc,
    secret_text,
)

EventName = Literal[
    "finding",
    "came_back",
    "paused",
    "unknown_caller",
    "fault_rate",
    "brownout_begins",
    "brownout_ends",
    "digest",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def _hook_url(value: SecretStr) -> SecretStr:
    """Its path often is the key to it, so it is kept like a secret."""
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address starts with http:// or https:// and names a host")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+", value):
        raise ValueError("a mail address is name@host, without the name of a person")
    return value


HookUrl = Annotated[SecretStr, BeforeValidator(secret_text), AfterValidator(_hook_url)]
Address = Annotated[str, Field(max_length=254), AfterValidator(_address)]
NotifyEvents = Annotated[
    tuple[EventName, ...],
    doc(
        "Of what it is told: finding, came_back, paused, unknown_caller, fault_rate, brownout_begins, "
        "brownout_ends, digest."
    ),
]


class Webhook(Section):
    """An address that gets each event as JSON, by POST."""

    name: Annotated[
        str,
        doc("Unique; small letters, digits, hyphens; not mail."),
        Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$"),
    ]
    url: Annotated[HookUrl, doc("Address: text, {env: NAME} or {file: path}. It is never shown.")]
    secret: Annotated[
        Secret | None,
        doc("Key of the signature (HMAC-SHA256); null: unsigned, for receivers that cannot check it."),
    ] = None
    events: NotifyEvents = EVENT_NAMES
    timeout: Annotated[Seconds, doc("For its answer, seconds.")] = 10.0
    verify_tls: Annotated[bool, doc("Check its certificate; false only for trials.")] = True


class Mail(Section):
    """A mail for each event, over an SMTP server."""

    host: Annotated[str | None, doc("SMTP server; null: no mail is sent.")] = None
    port: Annotated[PortNumber, doc("Its port: 587, or 465 with tls: on_connect.")] = 587
    tls: Annotated[
        Literal["starttls", "on_connect", "none"],
        doc("starttls: encrypted after a plain greeting; on_connect: from the start; none: in clear."),
    ] = "starttls"
    verify_tls: Annotated[bool, doc("Check its certificate; false only for trials.")] = True
    username: Annotated[str | None, doc("Login at the server; null: none is needed.")] = None
    password: Annotated[Secret | None, doc("Its password: text, {env: NAME} or {file: path}.")] = None
    sender: Annotated[Address, doc("Address that mails come from.")] = "shim@localhost"
    to: Annotated[tuple[Address, ...], doc("Addresses that get them.")] = ()
    events: NotifyEvents = EVENT_NAMES
    timeout: Annotated[Seconds, doc("For one mail, seconds.")] = 30.0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host is not None and not self.to:
            raise ValueError("host is set and nobody is in to: say who gets the mails")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: set both, or none")
        return self


class Notify(Section):
    """Who is told of what needs somebody. Nothing is told without a webhook or a mail server."""

    webhooks: Annotated[tuple[Webhook, ...], doc("Addresses that get events as JSON.")] = ()
    mail: Mail = Mail()
    page: Annotated[HttpUrl | None, doc("Address of the review page, for links; null: without links.")] = None
    fault_rate: Annotated[
        Share, doc("Share of an integration's 2.5 calls that end in faults from which it is told."), Field(le=1)
    ] = 0.2
    fault_window: Annotated[Seconds, doc("Over which that share is taken, seconds.")] = 600.0
    fault_calls: Annotated[Count, doc("Calls in that time below which nothing is told.")] = 20
    digest_day: Annotated[Weekday, doc("Day of the weekly digest.")] = "monday"
    digest_hour: Annotated[int, doc("Its hour, UTC."), Field(ge=0, le=23)] = 7
    look: Annotated[Seconds, doc("How often it is looked whether there is something to tell, seconds.")] = 5.0
    first_retry: Annotated[
        Seconds, doc("After how long what was not taken is sent again, doubling, seconds.")
    ] = 10.0
    longest_retry: Annotated[Seconds, doc("Where the doubling ends, seconds.")] = 3600.0
    give_up: Annotated[Seconds, doc("After this it is not sent again, and logged as an error, seconds.")] = (
        259_200.0
    )

    @field_validator("webhooks")
    @classmethod
    def _unique(cls, webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
        names = [each.name for each in webhooks]
        if len(set(names)) < len(names):
            raise ValueError("two webhooks have the same name: each must be unique")
        if "mail" in names:
            raise ValueError("a webhook cannot be called mail: that is what mail is called")
        return webhooks

    def receivers(self) -> dict[str, tuple[EventName, ...]]:
        """Who is told what: each webhook by its name, and `mail`."""
        receivers = {each.name: each.events for each in self.webhooks}
        return {**receivers, "mail": self.mail.events} if self.mail.host is not None else receivers
