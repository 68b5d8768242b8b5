"""Reads a seed file and builds the world that it describes.

The form is that of the models in `seed_file`. Every problem of a file is reported at once, with its key path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shim.core.message import Element
from shim.emulator.world.permissions import everything_allowed, limit_fields, nothing_allowed
from shim.emulator.world.seed_file import AccountSeed, PublicNumbersSeed, Seed, TemplateSeed, problems_between
from shim.emulator.world.shape import elements
from shim.emulator.world.world import (
    ADMINISTRATOR,
    EmulatedAccount,
    EmulatedApp,
    EmulatedExtension,
    Facts,
    Object,
    Owner,
    World,
    identifier,
)
from shim.interfaces.load import Dialect, dialects, new


class SeedError(Exception):
    """A seed file that cannot be used; the message has a line for each problem."""

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{source}: {each}" for each in problems))
        self.problems = problems


def load_seed(path: Path | None = None) -> World:
    """The world of a seed file, or the demo world. Raises SeedError with every problem and its key path."""
    source = str(path) if path else "demo.yaml"
    return _world(_checked(source, _read(source, path)))


def _read(source: str, path: Path | None) -> Any:
    try:
        text = (
            path.read_text("utf-8") if path else files("shim.emulator").joinpath("demo.yaml").read_text("utf-8")
        )
        return yaml.safe_load(text)
    except OSError as error:
        raise SeedError(source, [f"the file cannot be read: {error.strerror or error}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f"line {place.line + 1}" if place else "the file"
        raise SeedError(source, [f"{where} is not YAML: {getattr(error, 'problem', None) or error}"]) from None


def _checked(source: str, data: Any) -> Seed:
    try:
        seed = Seed.model_validate(data)
    except ValidationError as error:
        sentences = [f"{_path(each['loc'])}: {each['msg']}" for each in error.errors(include_url=False)]
        raise SeedError(source, sentences) from None
    problems = [*problems_between(seed), *_unknown_limits(seed)]
    if problems:
        raise SeedError(source, problems)
    return seed


def _path(steps: tuple[int | str, ...]) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.lstrip(".") or "the file"


def _unknown_limits(seed: Seed) -> Iterator[str]:
    holders: list[tuple[str, str, dict[str, bool | int | str]]]
    holders = [(f"accounts[{i}]", each.level, each.limits) for i, each in enumerate(seed.accounts)]
    holders += [(f"templates[{i}]", each.level, each.limits) for i, each in enumerate(seed.templates)]
    for place, level, limits in holders:
        ways = _WAYS if level not in (ADMINISTRATOR, "extension") else ()
        known = {name for each in ways for name in limit_fields(new(each), level)}
        for name in limits:
            if name not in known:
                yield f"{place}.limits.{name}: {level} accounts have no such permission or limit"


def _world(seed: Seed) -> World:
    world = World(facts=Facts(**seed.system.model_dump()))
    by_login = {each.login: each.id for each in seed.accounts}
    for each in sorted(seed.accounts, key=lambda account: account.rank):
        _enter(world, each, by_login)
    for section, entries in seed.catalogue.model_dump(exclude_none=True).items():
        world.catalogue[section] = list(elements(section, entries))
    for plan in seed.charging_plans:
        fields = {"name": plan.name, "planType": plan.type}
        _keep(world, "ChargingPlan", plan.id, ("account", by_login[plan.owner]), fields)
    for template in seed.templates:
        _keep(world, "Template", template.id, ("account", by_login[template.owner]), _template(template))
    for channel in seed.channels:
        trunk = {"name": channel.name, "type": "sip", "hostname": channel.hostname, "flow": channel.flow}
        _keep(world, "Channel", channel.id, ("account", 1), trunk)
    for numbers in seed.public_numbers:
        _number(world, numbers, by_login[numbers.pool])
    world.next_id = max(world.next_id, seed.next_account_id)
    return world


def _enter(world: World, seed: AccountSeed, by_login: Mapping[str, int]) -> None:
    given = {"login": seed.login, "name": seed.name, "company": seed.company, "email": seed.email}
    account = EmulatedAccount(
        id=seed.id,
        level=seed.level,
        parent=by_login[seed.parent] if seed.parent else None,
        identifier=seed.identifier or identifier("account", seed.id),
        created=world.clock(),
        profile={name: value for name, value in {**given, **seed.profile}.items() if value},
        limits=_limits(seed.level, seed.permissions, seed.limits),
        status=seed.status,
        plan=seed.charging_plan,
    )
    world.enter(account)
    client_id, secret = seed.app_credentials
    world.apps[client_id] = EmulatedApp(client_id, secret, seed.id)
    for each in seed.extensions:
        number = world.extended(world.organization_of(account), each.number)
        world.enter_extension(EmulatedExtension(number, seed.id, each.type, each.label, world.clock()))


def _limits(level: str, base: str, given: Mapping[str, bool | int | str]) -> dict[str, list[Element]]:
    if level in (ADMINISTRATOR, "extension"):
        return {}
    start = {name: limit for each in _WAYS for name, limit in _start(each, level, base).items()}
    bounded = {name for each in _WAYS for name, decl in limit_fields(new(each), level).items() if decl.complex}
    return {**start, **{name: [_limit(name, value, name in bounded)] for name, value in given.items()}}


_WAYS = dialects()
"""The ways in which a backend may bound things: a seeded account has the limits of all of them."""


def _start(dialect: Dialect, level: str, base: str) -> dict[str, list[Element]]:
    allowed = everything_allowed if base == "all" else nothing_allowed
    return allowed(new(dialect), level)


def _limit(name: str, value: bool | int | str, is_bound: bool) -> Element:
    if value == "unlimited":
        return Element(name, "2037-12-31" if name == "accountExpire" else "0", {"unlimited": "true"})
    element = next(elements(name, value))
    return Element(name, element.text, {"unlimited": "false"}) if is_bound else element


def _template(seed: TemplateSeed) -> dict[str, Any]:
    limits = {name: values[0] for name, values in _limits(seed.level, seed.permissions, seed.limits).items()}
    shown = {"name": seed.name, "userLevel": seed.level, "extensionType": seed.extension_type}
    return {**shown, "chargingPlanID": seed.charging_plan, **limits}


def _keep(world: World, kind: str, key: int, owner: Owner, facts: Mapping[str, Any]) -> Object:
    fields = [each for name, value in facts.items() for each in elements(name, value)]
    world.kept(kind)[key] = kept = Object(kind, key, owner, world.clock(), fields)
    return kept


def _number(world: World, seed: PublicNumbersSeed, pool: int) -> None:
    for number in seed.numbers:
        facts = {"phoneNo": number, "did": number, "location": seed.location, "channelID": seed.channel}
        public_number = _keep(world, "PublicNo", world.new_key("PublicNo"), ("account", pool), facts)
        public_number.held_by = seed.assigned.get(number)
