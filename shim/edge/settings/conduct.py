"""Settings of conduct: what 2.5 or v3 never knew, what is done about each loss, how callers are told of it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator

from shim.core import policies
from shim.core.commands import caller
from shim.core.schema.interface import Slot
from shim.edge.settings.kinds import Count, Secret, Section, digits, doc
from shim.interfaces.load import Dialect, dialects, new


class PolicySettings(Section):
    """One choice of what is done where something is emulated or dropped; the first that fits counts."""

    operation: Annotated[str, doc("A 2.5 operation such as Client.AddClient, or Client.*, or *.")] = "*"
    path: Annotated[str, doc("A path of its messages such as userPL/MyVoipNowManag, or *.")] = "*"
    finding: Annotated[str | None, doc("The finding that is made there by default; null: any.")] = None
    do: Annotated[
        Literal["emulate", "drop", "refuse"],
        doc("emulate: keep or answer it; drop: leave it out, with a finding; refuse: answer with a fault."),
    ]

    def core(self) -> policies.Policy:
        """The same as the core gets it."""
        return policies.Policy(self.do, self.operation, self.path, self.finding)


class NoticeSettings(Section):
    """How callers are told, in each answer, that what they use is deprecated. An integration may differ."""

    http: Annotated[bool, doc("HTTP headers Deprecation, Sunset and Link, on answers and faults.")] = True
    notices: Annotated[bool, doc("A notice element for each finding, in answers whose schema has them.")] = (
        False
    )
    header: Annotated[bool, doc("A SOAP header with the findings, in answers without notice elements.")] = False

    def core(self) -> caller.NoticeForms:
        """The same as the core gets it."""
        return caller.NoticeForms(self.http, self.notices, self.header)

    def over(self, base: Self) -> Self:
        """The same with the switches of all where it has none of its own."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


class Faults(Section):
    """How faults are laid out. An integration may differ; a caller that is not known gets those of all."""

    layout: Annotated[
        Literal["text", "code", "number"],
        doc(
            "Where the code stands: text: in faultstring; code: in faultcode as well; number: it is faultcode."
        ),
    ] = "text"
    detail: Annotated[
        bool, doc("A detail element with code, reason and reference; WCF and others then lose the text.")
    ] = False

    def core(self) -> caller.FaultForm:
        """The same as the core gets it."""
        return caller.FaultForm(self.layout, self.detail)

    def over(self, base: Self) -> Self:
        """The same with what is set for all where it has none of its own."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


def _word(value: Any) -> Any:
    """YAML reads true and 5 as what they are; v3 wants them as texts."""
    return str(value).lower() if isinstance(value, bool | int) else value


class SuccessorSettings(Section):
    """The successors of an old extension template in v3: a template for users, one for extensions, or both."""

    user: Annotated[Count | None, doc("ID of a v3 template for users.")] = None
    extension: Annotated[Count | None, doc("ID of a v3 template for extensions.")] = None

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if self.user is None and self.extension is None:
            raise ValueError("it needs user, extension, or both: template IDs of v3")
        return self


def _slots(dialect: Dialect) -> Mapping[str, Slot]:
    kind = new(dialect).operations["User.SetUserPL"].input.complex
    assert kind is not None
    return kind.slots


@cache
def _grantable() -> Mapping[str, Slot]:
    """The rights that users may be granted by backends of any kind."""
    return {name: slot for each in dialects() for name, slot in _slots(each).items()}


def _rights(values: dict[str, str]) -> dict[str, str]:
    """Judge what new users get by the interface of v3."""
    slots = _grantable()
    for name, value in values.items():
        decl = slots[name].decl if name in slots and name != "accountExpire" else None
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


class ConductSettings(Section):
    """Values that 2.5 never knew and v3 asks for, and that 2.5 knew and v3 does not. An integration may
    differ."""

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
    complete_names: Annotated[
        Literal["login", "leave"],
        doc("A new account without a name, where a later v3 may insist on one: its login, or left out."),
    ] = "login"
    complete_company: Annotated[
        Literal["name", "leave"],
        doc("A new service provider or organization without a company, likewise: its name, or left out."),
    ] = "name"
    complete_email: Annotated[
        Literal["leave"] | Annotated[str, Field(pattern=r"^[^{}@\s]*\{login\}[^{}@\s]*@[^{}@\s]+$")],
        doc("A new account without an e-mail, likewise: left out, or such as {login}@noreply.example.com."),
    ] = "leave"
    organization_owner: Annotated[
        Literal["leave", "first"],
        doc("Roles of later versions: users are members, or the first of an organization is its owner."),
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
        dict[Count, SuccessorSettings],
        doc("Old extension template to v3 templates: {user: ID, extension: ID}; others are looked up in v3."),
    ] = {}  # noqa: RUF012
    unlimited_absent: Annotated[
        Literal["number", "unlimited"],
        doc("What a 2.5 limit without the unlimited attribute means: no limit (by the schema), or its number."),
    ] = "unlimited"
    unlimited_absent_in_v3: Annotated[
        Literal["number", "unlimited"],
        doc("What a v3 limit without the attribute means in answers: no limit (by the schema), or its number."),
    ] = "unlimited"
    remote_agent: Annotated[
        Literal["id", "phone", "refuse"],
        doc("How v3 is told of a queue's remote agent that 2.5 names by ID: by that ID, by its phone, or not."),
    ] = "id"
    queue_agent_id: Annotated[
        Literal["user", "extension"],
        doc("Whose the IDs of local agents are in v3's GetQueueAgents; extension: then the number decides."),
    ] = "user"
    callback_ext_id: Annotated[
        Literal["user", "extension"],
        doc("Whose callbackExtID is in v3's lists of public numbers; extension: then callbackExt decides."),
    ] = "user"
    move_without_plan: Annotated[
        Literal["leave", "default", "refuse"],
        doc("MoveClients without a charging plan: v3 decides, the new reseller's default plan, or a fault."),
    ] = "leave"
    shared_email: Annotated[
        Literal["use", "leave_out", "refuse"],
        doc("An extension's e-mail that v3 refuses as another user's: so be it, left out, or a fault (300)."),
    ] = "use"
    phone_password: Annotated[
        Literal["follow", "apart"],
        doc("EditExtension's password, for a phone whose own is not known: the phone's, too, or not."),
    ] = "follow"  # noqa: S105  # no password
    lists: Annotated[
        Literal["auto", "subtree", "direct"],
        doc("Lists of v3 have all below a parent, or only the parent's own; auto: found out where it matters."),
    ] = "auto"
    row_identifier: Annotated[
        Literal["auto", "user", "extension"],
        doc("Whose the identifier in v3's rows of extensions is; auto: found out by the rows."),
    ] = "auto"
    linked_failure: Annotated[
        Literal["undo", "keep"],
        doc("When an operation with finalOnFailure ends a LinkedOp: delete again what was added, or keep it."),
    ] = "undo"
    industries: Annotated[
        Literal["write", "read"], doc("Whether industries, which all integrations share, may be changed.")
    ] = "write"
    system_api_status: Annotated[bool, doc("GetSystemAPISettings: whether SystemAPI is on.")] = True
    system_api_legacy_auth: Annotated[
        bool, doc("GetSystemAPISettings: whether user name and password are taken.")
    ] = True
    call_api_status: Annotated[bool, doc("GetCallAPISettings: whether CallAPI is on.")] = False
    call_api_legacy_auth: Annotated[
        bool, doc("GetCallAPISettings: whether user name and password are taken.")
    ] = False
    call_api_username: Annotated[str, doc("GetCallAPISettings: user name."), Field(max_length=255)] = ""
    call_api_password: Annotated[
        Secret | None,
        doc("GetCallAPISettings: password, 4 to 64 characters; null answers `none`, as 2.5 has to say one."),
    ] = None
    policies: Annotated[
        tuple[PolicySettings, ...],
        doc("What is done where something is emulated or dropped; an integration's own go first."),
    ] = ()
    tell: NoticeSettings = NoticeSettings()

    @field_validator("call_api_password")
    @classmethod
    def _answerable(cls, password: SecretStr | None) -> SecretStr | None:
        if password is not None and not 4 <= len(password) <= 64:
            raise ValueError("the password has to have 4 to 64 characters")
        return password

    def over(self, base: Self) -> Self:
        """The same with the rules of all where it has none of its own; of policies and maps both."""
        own = {key: getattr(self, key) for key in self.model_fields_set}
        own |= {key: getattr(base, key) | each for key, each in own.items() if isinstance(each, dict)}
        own |= {"policies": self.policies + base.policies, "tell": self.tell.over(base.tell)}
        return base.model_copy(update=own)
