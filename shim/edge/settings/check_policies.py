"""Judging policies where the configuration meets the translations, before any call does.

A policy has to be able to act somewhere: what it names exists, something is emulated or dropped there, and what
it wants can be done there. Broad ones (`*`) count where they can act and leave other places alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from shim.core.catalogue.choices import ChoicePoint, places
from shim.core.catalogue.translation import Catalogue
from shim.core.findings import Code
from shim.core.policies import ANY, GOVERNED, Do, Policy, possible
from shim.core.schema.interface import Operation, paths
from shim.edge.settings.load import Config, ConfigError, SettingProblem

_EXPLAIN = "`shim explain OPERATION` lists what can be chosen"
_CANNOT: Mapping[Do, str] = {
    "emulate": "what is dropped cannot be emulated: v3 has no place for it, and nothing would read it",
    "drop": "a whole operation cannot be dropped: its callers wait for an answer",
    "refuse": "a write cannot be refused for what its answer lacks: by then it took effect",
}


def require_policies(config: Config, catalogue: Catalogue) -> None:
    """Refuse a configuration with policies that cannot be meant. Raises ConfigError with every problem."""
    if problems := judge_policies(config, catalogue):
        raise ConfigError(problems)


def judge_policies(config: Config, catalogue: Catalogue, where: str = "") -> list[SettingProblem]:
    """Problems of the policies of all and of each integration; `where` is the file."""
    file = f"{where}: " if where else ""
    general = config.conduct.policies
    lists = [(f"{file}conduct.policies", general)]
    for each in config.integrations:
        own = each.conduct.policies[: len(each.conduct.policies) - len(general)]
        lists.append((f"{file}integration {each.name}: conduct.policies", own))
    return [
        problem
        for place, policies in lists
        for index, policy in enumerate(policies)
        for problem in _judge(policy.core(), f"{place}[{index}]", catalogue)
    ]


def _judge(policy: Policy, place: str, catalogue: Catalogue) -> Iterator[SettingProblem]:
    covered = [each for each in catalogue.old.operations.values() if policy.covers(each.full_name)]
    named = list(_unknown(policy, place, catalogue, covered))
    yield from named
    if named:
        return
    points = list(_reached(policy, catalogue, covered))
    if not points:
        what = "nothing is emulated or dropped there, so there is nothing to choose"
        yield SettingProblem(place, what, None, f"Correct or remove it: {_EXPLAIN}")
    elif not any(policy.do in each.choices for each in points):
        yield _impossible(policy, place, points)


def _unknown(
    policy: Policy, place: str, catalogue: Catalogue, covered: Sequence[Operation]
) -> Iterator[SettingProblem]:
    """The names in it that there are not."""
    if policy.finding is not None and policy.finding not in GOVERNED:
        similar = _did_you_mean(policy.finding, GOVERNED)
        what = "this is no finding of something emulated or dropped"
        yield SettingProblem(f"{place}.finding", what, similar, f"Choose one of {', '.join(GOVERNED)}")
    if not covered:
        known = [*catalogue.old.operations, *(f"{name}.{ANY}" for name in catalogue.old.services), ANY]
        fix = "Write a full name, such as Client.AddClient, or Client.*, or *"
        yield SettingProblem(
            f"{place}.operation", "2.5 has no such operation", _did_you_mean(policy.operation, known), fix
        )
    elif policy.path != ANY and policy.path not in (known_paths := list(_paths(covered))):
        similar = _did_you_mean(policy.path, known_paths)
        fix = "Write a path as `shim explain` shows it, or *"
        yield SettingProblem(f"{place}.path", "no message of the operation has this path", similar, fix)


def _paths(operations: Iterable[Operation]) -> Iterator[str]:
    for each in operations:
        yield from (path for path, _ in chain(paths(each.input), paths(each.output)))


def _did_you_mean(name: str, known: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"Did you mean {close[0]}?" if close else None


def _reached(policy: Policy, catalogue: Catalogue, covered: Iterable[Operation]) -> Iterator[ChoicePoint]:
    """The places that it is about; any call can lose something that the schema of v3 does not allow."""
    for operation in covered:
        translation = catalogue.translations.get(operation.full_name)
        if translation is None:
            continue
        everywhere: list[Code] = ["field-dropped"]
        if policy.operation.endswith(ANY):
            everywhere.append("operation-emulated")
        anywhere = (
            ChoicePoint("request", ANY, code, possible("request", code, writes=True)) for code in everywhere
        )
        for each in (*places(translation), *anywhere):
            if policy.path in (ANY, each.path) and policy.finding in (None, each.finding):
                yield each


def _impossible(policy: Policy, place: str, points: Sequence[ChoicePoint]) -> SettingProblem:
    choices = " or ".join(dict.fromkeys(each for one in points for each in one.choices))
    return SettingProblem(f"{place}.do", _CANNOT[policy.do], None, f"Choose {choices}: {_EXPLAIN}")
