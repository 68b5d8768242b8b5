"""The form of a seed file. docs/emulator.md tells the same to people; a test holds the two together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shim.emulator.world.permissions import PARENTS
from shim.emulator.world.world import LEVELS, USER

SeedLevel = Literal["administrator", "serviceProvider", "organization", "user"]
ExtensionType = Literal[
    "term", "phoneQueue", "ivr", "voicecenter", "conference", "callback", "callcard", "intercom", "queuecenter"
]


def _words(value: object) -> object:
    """Dates and numbers that YAML reads out of what is meant as text."""
    return value.isoformat() if isinstance(value, date) else value


Limit = Annotated[bool | int | str, BeforeValidator(_words)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SystemSeed(_Model):
    """The backend as it names itself."""

    edition: str = "Professional"
    version: str = "3.0.0"
    build: str = "300000"
    infrastructure: str = "emulated"
    currency: str = "USD"


class ExtensionSeed(_Model):
    """An extension of a user: the local number, the type, the label."""

    number: str = Field(pattern=r"^[0-9]{1,15}$")
    type: ExtensionType = "term"
    label: str


class AppSeed(_Model):
    """The credentials of the account's app, where they are not the usual ones."""

    key: str
    secret: str


class AccountSeed(_Model):
    """An account; `parent` is a login. Its app is LOGIN-key with the secret LOGIN-app-secret."""

    id: int = Field(gt=0)
    level: SeedLevel
    login: str = Field(min_length=1)
    parent: str | None = None
    name: str = Field(min_length=1)
    company: str | None = None
    email: str | None = None
    identifier: str | None = None
    status: bool = True
    profile: dict[str, str] = Field(default_factory=dict)
    permissions: Literal["all", "none"] = "none"
    limits: dict[str, Limit] = Field(default_factory=dict)
    charging_plan: int | None = None
    app: AppSeed | None = None
    extensions: list[ExtensionSeed] = Field(default_factory=list)

    @property
    def rank(self) -> int:
        return LEVELS.index(self.level)

    @property
    def app_credentials(self) -> tuple[str, str]:
        if self.app is not None:
            return self.app.key, self.app.secret
        return f"{self.login}-key", f"{self.login}-app-secret"


class ChargingPlanSeed(_Model):
    """A charging plan of an account, for the accounts right below it."""

    id: int = Field(gt=0)
    owner: str
    name: str
    type: Literal["prepaid", "postpaid"] = "prepaid"


class TemplateSeed(_Model):
    """A template for accounts of a level, or for extensions of a type."""

    id: int = Field(gt=0)
    owner: str
    name: str
    level: Literal["serviceProvider", "organization", "user", "extension"]
    extension_type: ExtensionType | None = None
    permissions: Literal["all", "none"] = "none"
    limits: dict[str, Limit] = Field(default_factory=dict)
    charging_plan: int | None = None


class ChannelSeed(_Model):
    """A SIP channel that public numbers come in on."""

    id: int = Field(gt=0)
    name: str
    hostname: str | None = None
    flow: Literal["in", "out", "both"] = "both"


class PublicNumbersSeed(_Model):
    """Consecutive public numbers in the pool of an account; `assigned` maps a number to an extended number."""

    first: str = Field(pattern=r"^[0-9]{1,15}$")
    count: int = Field(default=1, gt=0, le=100_000)
    pool: str
    channel: int
    location: str | None = None
    assigned: dict[str, str] = Field(default_factory=dict)

    @property
    def numbers(self) -> list[str]:
        width = len(self.first)
        return [f"{int(self.first) + step:0{width}d}" for step in range(self.count)]


class NamedSeed(_Model):
    """A region, time zone or codec."""

    ID: int = Field(gt=0)
    name: str
    country: str | None = None
    type: str | None = None


class LanguageSeed(_Model):
    """A language of the interface or of the phones."""

    name: str
    code: str
    version: str


class FirmwareSeed(_Model):
    """A firmware of a phone model."""

    uniqueID: str  # noqa: N815 - the names of the interface
    name: str
    protocol: list[Literal["http", "https", "tftp"]] = Field(default_factory=list)


class EquipmentSeed(_Model):
    """A phone model."""

    uniqueID: str  # noqa: N815
    model: str
    firmware: list[FirmwareSeed] = Field(default_factory=list)


class CatalogueSeed(_Model):
    """Lists that the backend answers as they are."""

    versions: list[str] = Field(default_factory=lambda: ["3.0.0"])
    regions: list[NamedSeed] = Field(default_factory=list)
    timezones: list[NamedSeed] = Field(default_factory=list)
    interface_languages: list[LanguageSeed] = Field(default_factory=list)
    phone_languages: list[LanguageSeed] = Field(default_factory=list)
    codecs: list[NamedSeed] = Field(default_factory=list)
    equipment: list[EquipmentSeed] = Field(default_factory=list)


class Seed(_Model):
    """A whole seed file."""

    next_account_id: int = Field(default=1, gt=0)
    system: SystemSeed = SystemSeed()
    accounts: list[AccountSeed] = Field(min_length=1)
    charging_plans: list[ChargingPlanSeed] = Field(default_factory=list)
    templates: list[TemplateSeed] = Field(default_factory=list)
    channels: list[ChannelSeed] = Field(default_factory=list)
    public_numbers: list[PublicNumbersSeed] = Field(default_factory=list)
    catalogue: CatalogueSeed = CatalogueSeed()


def problems_between(seed: Seed) -> Iterator[str]:
    """Problems between entries that are each right by themselves."""
    yield from _repeated(seed)
    yield from _misplaced(seed)
    yield from _unknown_owners(seed)
    yield from _unknown_extensions(seed)


def _repeated(seed: Seed) -> Iterator[str]:
    lists: dict[str, list[int] | list[str]] = {
        "accounts.id": [each.id for each in seed.accounts],
        "accounts.login": [each.login for each in seed.accounts],
        "accounts.app.key": [each.app_credentials[0] for each in seed.accounts],
        "charging_plans.id": [each.id for each in seed.charging_plans],
        "templates.id": [each.id for each in seed.templates],
        "channels.id": [each.id for each in seed.channels],
        "public_numbers": [number for each in seed.public_numbers for number in each.numbers],
    }
    for path, values in lists.items():
        for value, count in Counter(str(each) for each in values).items():
            if count > 1:
                yield f"{path}: {value} is there {count} times"


def _misplaced(seed: Seed) -> Iterator[str]:
    levels = {each.login: each.level for each in seed.accounts}
    plans = {plan.id: plan.owner for plan in seed.charging_plans}
    for i, each in enumerate(seed.accounts):
        parents = PARENTS.get(each.level)
        if parents is None:
            if each.id != 1 or each.parent is not None:
                yield f"accounts[{i}]: there is one administrator, with ID 1 and without a parent"
        elif levels.get(each.parent or "") != parents:
            yield f"accounts[{i}].parent: the parent of a {each.level} must be the login of a {parents}"
        if each.extensions and each.level != USER:
            yield f"accounts[{i}].extensions: only users have extensions"
        if each.charging_plan is not None and plans.get(each.charging_plan) != each.parent:
            yield f"accounts[{i}].charging_plan: the plan must belong to the parent"
    if "administrator" not in levels.values():
        yield "accounts: there is no administrator"


def _unknown_owners(seed: Seed) -> Iterator[str]:
    logins = {each.login for each in seed.accounts}
    channels = {each.id for each in seed.channels}
    owners = [(f"charging_plans[{i}].owner", each.owner) for i, each in enumerate(seed.charging_plans)]
    owners += [(f"templates[{i}].owner", each.owner) for i, each in enumerate(seed.templates)]
    owners += [(f"public_numbers[{i}].pool", each.pool) for i, each in enumerate(seed.public_numbers)]
    for path, login in owners:
        if login not in logins:
            yield f"{path}: there is no account {login}"
    for i, each in enumerate(seed.public_numbers):
        if each.channel not in channels:
            yield f"public_numbers[{i}].channel: there is no channel {each.channel}"


def _unknown_extensions(seed: Seed) -> Iterator[str]:
    organizations = {each.login: each.id for each in seed.accounts}
    known = Counter(
        f"{organizations.get(account.parent or '', 0):04d}*{each.number}"
        for account in seed.accounts
        for each in account.extensions
    )
    for number, count in known.items():
        if count > 1:
            yield f"accounts.extensions: {number} is there {count} times"
    for i, each in enumerate(seed.public_numbers):
        for number, extension in each.assigned.items():
            if number not in each.numbers:
                yield f"public_numbers[{i}].assigned.{number}: the number is not one of these"
            if extension not in known:
                yield f"public_numbers[{i}].assigned.{number}: there is no extension {extension}"
