"""Who calls: the integration behind a message, and its rules of conduct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from shim.core.commands.command import Command
from shim.core.login_forms import LoginForm, LoginRung
from shim.core.message import Credentials
from shim.core.policies import NO_POLICIES, Policies

Rung = Literal["translate", "compare", "v3", "locked"]


RUNGS: tuple[Rung, ...] = get_args(Rung)
"""The porting ladder, from the lowest rung to the highest: see `shim.core.admit`."""


@dataclass(frozen=True, slots=True)
class Brownout:
    """A planned refusal that holds now.

    `operation` is a full name of the old interface, `Service.*` or `*`; `until` is a time as people read it;
    `text` and `link` are the operator's, for the caller.
    """

    id: str
    operation: str
    until: str
    text: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class NoticeForms:
    """How one integration is told: HTTP headers, notice elements, a SOAP header where there are none."""

    http: bool = True
    notices: bool = False
    header: bool = False


@dataclass(frozen=True, slots=True)
class FaultForm:
    """How faults are laid out for a caller.

    `layout` says where the three-digit code stands: `text`, in faultstring; `code`, as the last part of
    faultcode as well (`SOAP-ENV:Client.117`); `number`, as the whole faultcode (`117`), as a PHP program
    writes it that throws `new SoapFault('117', ...)`. `detail` adds an entry for programs to read.
    """

    layout: Literal["text", "code", "number"] = "text"
    detail: bool = False


PLAIN_FAULTS = FaultForm()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the core may know: the integration's name and its rules of conduct.

    `rungs` says how far its operations are ported, by full name, `Service.*` or `*`; `brownouts` are those
    that hold for it now; `wait` the seconds until it may call again, when it called more often than it may.
    `login` is the form of the login that it came with, and `login_rung` how far that may still be used today.
    """

    name: str
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    policies: Policies = NO_POLICIES
    tell: NoticeForms = field(default_factory=NoticeForms)
    rungs: Mapping[str, Rung] = field(default_factory=dict)
    brownouts: tuple[Brownout, ...] = ()
    faults: FaultForm = PLAIN_FAULTS
    wait: int | None = None
    login: LoginForm | None = None
    login_rung: LoginRung = "translate"


@dataclass(frozen=True, slots=True)
class Identify(Command[Caller]):
    """Find the integration behind the credentials. Reply: `Caller`. Raises CallerError (code 100)."""

    credentials: Credentials
