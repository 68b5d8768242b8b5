"""Changes that can be tried before they are made: each gives another state of an integration.

Laws: nothing is changed in the store or the configuration. What a change says of one integration leaves all
others as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shim.core.admit import ALL, covers
from shim.core.commands.caller import Rung
from shim.core.login_forms import WORDS, LoginForm, LoginRung
from shim.core.policies import Policies, Policy
from shim.edge.porting.exceptions import LockException, lifted
from shim.edge.porting.ladder import RungRule
from shim.edge.settings.model import Integration


@dataclass(frozen=True, slots=True)
class State:
    """The settings that decide over the calls of an integration.

    `rungs` by scope as they are set, `exceptions` the scopes whose locks are lifted for a while, `logins` the
    rung of each form of login.
    """

    enabled: bool
    rungs: Mapping[str, Rung]
    policies: Policies
    logins: Mapping[str, LoginRung]
    exceptions: tuple[str, ...] = ()

    @property
    def deciding(self) -> Mapping[str, Rung]:
        """Rungs by scope as calls meet them: a lock that an exception lifts is `v3`."""
        return lifted(self.rungs, self.exceptions)


StateChange = Callable[[str, State], State]
"""A function from the state of an integration, given with its name, to another."""


def state_of(
    integration: Integration | None,
    stored: Iterable[RungRule],
    exceptions: Iterable[LockException],
    now: datetime,
) -> State:
    """That of a configured integration, with the rungs of the store over its own; of one that is not configured
    everything is refused."""
    if integration is None:
        return State(False, {}, Policies(), {})
    name, forms = integration.name, integration.login_forms
    own = {each.operation: each.rung for each in stored if each.integration == name}
    logins: dict[str, LoginRung] = {form: forms.rung(form, lambda: now) for form in WORDS}
    holding = tuple(each.operation for each in exceptions if each.integration == name and each.holds(now))
    return State(integration.enabled, {**integration.porting, **own}, integration.policies, logins, holding)


def rung_set(integration: str, operation: str, rung: Rung) -> StateChange:
    """Operations on a rung, whatever was set for single ones of them."""

    def change(name: str, state: State) -> State:
        kept = {scope: each for scope, each in state.rungs.items() if not covers(operation, scope)}
        return replace(state, rungs={**kept, operation: rung})

    return _only(integration, change)


def policy_added(integration: str, policy: Policy) -> StateChange:
    """A policy that goes before all others."""
    return _only(
        integration,
        lambda _, state: replace(state, policies=Policies((policy, *state.policies.entries))),
    )


def exception_ended(integration: str, operation: str) -> StateChange:
    """Exceptions to locks that are over: those whose operations are covered."""

    def change(name: str, state: State) -> State:
        return replace(
            state, exceptions=tuple(each for each in state.exceptions if not covers(operation, each))
        )

    return _only(integration, change)


def login_set(integration: str, form: LoginForm, rung: LoginRung) -> StateChange:
    """A form of login on a rung, at once."""
    return _only(integration, lambda _, state: replace(state, logins={**state.logins, form: rung}))


def disabled(integration: str) -> StateChange:
    """Everything of it refused."""
    return _only(integration, lambda _, state: replace(state, enabled=False))


def _only(integration: str, change: StateChange) -> StateChange:
    return lambda name, state: change(name, state) if integration in (ALL, name) else state
