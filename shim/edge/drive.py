"""Drives the core: carries out the commands that an exchange yields, until it returns its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shim.core.commands import Call, Caller, Command, Forget, Identify, Recall, Remember
from shim.core.errors import Fault
from shim.core.pipeline import Exchange, Outcome
from shim.edge.backend import Backend
from shim.edge.integrations import Integration, Integrations
from shim.edge.store import Store


@dataclass(frozen=True, slots=True)
class Performers:
    """What carries out commands."""

    integrations: Integrations
    backend: Backend
    store: Store


class Performer:
    """Carries out the commands of one exchange; knows who calls once that was found out."""

    def __init__(self, performers: Performers, address: str) -> None:
        self._with = performers
        self._address = address
        self._integration: Integration | None = None

    async def perform(self, command: Command) -> Any:
        """The reply to a command. Raises Fault."""
        match command:
            case Identify():
                self._integration = await self._with.integrations.authenticate(
                    command.credentials, self._address
                )
                return Caller(self._integration.name, self._integration.settings)
            case Call():
                assert self._integration is not None, "nothing is forwarded for a caller that is not known"
                return await self._with.backend.forward(command, self._integration)
            case Recall():
                return await self._with.store.recall(command.account)
            case Remember():
                return await self._with.store.remember(command.account, command.fields)
            case Forget():
                return await self._with.store.forget(command.accounts)


async def drive(exchange: Exchange, performer: Performer) -> Outcome:
    """Run an exchange to its end."""
    try:
        command = next(exchange)
        while True:
            try:
                reply = await performer.perform(command)
            except Fault as fault:
                command = exchange.throw(fault)
            else:
                command = exchange.send(reply)
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome
