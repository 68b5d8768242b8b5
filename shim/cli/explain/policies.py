"""Choices that there are about an operation, and those that a configuration made."""

from __future__ import annotations

from collections.abc import Iterator

from shim.core.catalogue.choices import ChoicePoint, places
from shim.core.catalogue.translation import Translation
from shim.core.policies import ANY, Policies, deciding
from shim.edge.settings.model import Config


def policy_lines(translation: Translation, config: Config | None) -> Iterator[str]:
    """A line for each place, with its default and what else is possible; below it, what was chosen."""
    points = places(translation)
    if points:
        yield "\nPolicies"
    for place in points:
        default, *others = place.choices
        also = f"; can be chosen: {', '.join(others)}" if others else ""
        what = "the whole call" if place.path == ANY else place.path
        if place.odd:
            what += ", values that v3 cannot take"
        yield f"  {place.side} {what} (finding {place.finding}): {default} by default{also}"
        if config is not None:
            yield from _chosen(translation, place, config)


def _chosen(translation: Translation, place: ChoicePoint, config: Config) -> Iterator[str]:
    general = Policies(each.core() for each in config.conduct.policies)
    setting = _decided(translation, place, general)
    if setting is not None:
        yield f"      chosen: {setting[0]} (conduct.policies[{setting[1]}])"
    for each in config.integrations:
        own = len(each.conduct.policies) - len(general.entries)
        decided = _decided(translation, place, each.policies)
        if decided is not None and decided[1] < own:
            yield f"      chosen for {each.name}: {decided[0]} (its conduct.policies[{decided[1]}])"


def _decided(translation: Translation, place: ChoicePoint, policies: Policies) -> tuple[str, int] | None:
    """The choice and the position of the policy that made it; None: nothing was chosen."""
    name = translation.old.full_name
    covering = [(index, each) for index, each in enumerate(policies.entries) if each.covers(name)]
    policy = deciding(
        [each for _, each in covering], place.side, place.finding, place.path, writes=translation.writes
    )
    return (policy[1].do, covering[policy[0]][0]) if policy else None
