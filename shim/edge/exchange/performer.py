"""Drives the core: carries out the commands that an exchange yields, until it returns its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeVar, assert_never, cast

from shim.core.commands.backend import Call
from shim.core.commands.caller import Caller, Identify
from shim.core.commands.extensions import (
    DenyIdentities,
    DoubtIdentities,
    FindEnded,
    FindIdentities,
    ForgetIdentities,
    LearnIdentities,
    RenumberIdentities,
)
from shim.core.commands.journal import Begin, Close, MarkSteps, Opened, Revoke, Step
from shim.core.commands.kept import Forget, Issue, Recall, Remember
from shim.core.commands.steps import AnyCommand, Aside, Steps, Together
from shim.core.errors import Fault
from shim.core.login_forms import LoginForm, LoginRung
from shim.edge.backend.client import Backend
from shim.edge.callers.integrations import Integration, Integrations, form_of
from shim.edge.deprecation.samples import MOST_CALLS
from shim.edge.exchange.deadline import Deadline
from shim.edge.exchange.threads import Threads
from shim.edge.identities.change import MapChange
from shim.edge.identities.map import IdentityMap
from shim.edge.journal.journal import ClosedEntry, JournalStore
from shim.edge.porting.ladder import Porting
from shim.edge.store.database import Store


@dataclass(frozen=True, slots=True)
class Performers:
    """The parts that carry out commands."""

    integrations: Integrations
    backend: Backend
    store: Store
    identities: IdentityMap
    journal: JournalStore | None = None
    porting: Porting | None = None
    aside: Threads = field(default_factory=Threads)
    callers: dict[tuple[str, LoginForm | None, LoginRung], tuple[Caller, Caller]] = field(default_factory=dict)
    """Callers with the form of their login, by name and form, beside those without that they were made of."""


_SIDE_BY_SIDE = 8
"""Parts of one exchange that run at once; calls of all exchanges are bounded by the backend's own limit."""
_Result = TypeVar("_Result")
_Steps = tuple[tuple[int, Step], ...]


class Performer:
    """Carries out the commands of one exchange; knows who calls once that was found out.

    `sent` are its first v3 calls, `unsent` how many there were beyond: a sample may be made of them. `wrote`
    says whether any of them was a write, `large` whether a message was parsed aside. `deliveries` gets the
    journal entries whose answer this is: whoever gave the list says with `JournalStore.delivered` whether the
    client got it. Without a list no answer is kept for an equal call.
    """

    def __init__(
        self,
        performers: Performers,
        address: str,
        integration: Integration | None = None,
        recovering: Opened | None = None,
        *,
        deliveries: list[str] | None = None,
    ) -> None:
        self._with = performers
        self.deadline: Deadline | None = None
        """The deadline of the exchange; None: nothing does."""
        self.has_left: Callable[[], bool] = lambda: False
        """Tells whether the client has given up waiting."""
        self.large = False
        self.address = address
        self._integration = integration
        self._opened = recovering
        self._recovering = recovering is not None
        self._deliveries = deliveries
        self._results: MarkSteps | None = None
        self.sent: list[Call] = []
        self.unsent = 0
        self.wrote = False

    async def perform(self, command: AnyCommand) -> Any:  # noqa: PLR0912  # one arm for each command
        """The reply to a command. Raises Fault."""
        match command:
            case Aside():
                self.large = True
                return await self.aside(command.work)
            case Identify():
                return await self._identified(command)
            case Call():
                assert self._integration is not None, "nothing is forwarded for a caller that is not known"
                if self._results is not None:
                    await self._write_results()
                self._note(command)
                integration = self._with.integrations.current(self._integration)
                heard = self.deadline.progress if self.deadline is not None else None
                return await self._with.backend.forward(self._held(command), integration, heard)
            case Recall():
                return await self._with.store.recall(command.owner)
            case Remember():
                return await self._with.store.remember(command.owner, command.fields)
            case Forget():
                return await self._with.store.forget(command.accounts)
            case Issue():
                return await self._with.store.issue(command.counter)
            case FindIdentities():
                return await self._with.identities.find(command.by, command.values)
            case FindEnded():
                return await self._with.identities.ended(command.by, command.values)
            case LearnIdentities():
                return await self._with.identities.learn(command.known)
            case DoubtIdentities() | DenyIdentities() | ForgetIdentities() | RenumberIdentities():
                return await self._unlearn(command)
            case Together():
                return await self._together(command)
            case Begin() | MarkSteps() | Close() | Revoke():
                return await self._journal(command)
            case _:
                assert_never(command)

    async def aside(self, work: Callable[[], _Result]) -> _Result:
        """Do work that would keep others waiting."""
        with self.deadline.working() if self.deadline is not None else nullcontext():
            return await self._with.aside.run(work)

    async def _identified(self, command: Identify) -> Caller:
        integration = await self._with.integrations.authenticate(command.credentials, self.address)
        self._integration = integration
        caller = self._with.porting.caller(integration) if self._with.porting else integration.caller
        form = form_of(command.credentials)
        rung = integration.login_forms.rung(form, self._with.store.now)
        reply = self._with.callers.get((integration.name, form, rung))
        if reply is None or reply[0] is not caller:
            reply = self._with.callers[integration.name, form, rung] = (
                caller,
                replace(caller, login=form, login_rung=rung),
            )
        wait = self._with.integrations.wait(integration)
        return reply[1] if wait is None else replace(reply[1], wait=wait)

    async def _unlearn(
        self, command: DoubtIdentities | DenyIdentities | ForgetIdentities | RenumberIdentities
    ) -> None:
        identities = self._with.identities
        match command:
            case DoubtIdentities():
                await identities.doubt(command.numbers)
            case DenyIdentities():
                await identities.deny(command.numbers)
            case ForgetIdentities():
                await identities.forget(command.numbers)
            case RenumberIdentities():
                await identities.renumber_all(command.numbers)
            case _:
                assert_never(command)

    async def _journal(self, command: Begin | MarkSteps | Close | Revoke) -> Opened | None:
        journal = self._with.journal
        if journal is None:
            return None
        match command:
            case Begin():
                assert self._integration is not None, "nothing is journalled for a caller that is not known"
                self.abandon()  # of a list of calls: one before this has ended by a fault
                opened = await journal.begin(self._integration.name, command, self._is_given_up)
                self._opened = opened if opened.answer is None else None
                if opened.answer is not None:
                    self._to_deliver(opened.entry)
                return opened
            case MarkSteps(soon=True):
                self._results = replace(command, steps=self._with_results(command.steps))
            case MarkSteps():
                await journal.mark(replace(command, steps=self._with_results(command.steps)))
            case Close():
                await self._close(journal, replace(command, steps=self._with_results(command.steps)))
                self._opened = None
            case Revoke():
                await journal.revoke(command.entries)
            case _:
                assert_never(command)
        return None

    def _with_results(self, steps: _Steps) -> _Steps:
        """Steps to write, behind the results that wait for it."""
        results, self._results = self._results, None
        return steps if results is None else (*results.steps, *steps)

    async def _write_results(self) -> None:
        """Commit the result of a write before anything else is asked of v3."""
        results, self._results = self._results, None
        if results is not None and self._with.journal is not None:
            await self._with.journal.mark(results)

    def _note(self, call: Call) -> None:
        if call.writes and self.deadline is not None:
            self.deadline.writes()
        self.wrote = self.wrote or call.writes
        if len(self.sent) < MOST_CALLS:
            self.sent.append(call)
        else:
            self.unsent += 1

    async def _close(self, journal: JournalStore, command: Close) -> None:
        """End an entry; what is learned and forgotten with it is so in the same transaction."""
        recovered, delivers = self._recovering, self._deliveries is not None

        def end(change: MapChange) -> ClosedEntry:
            learned = change.learn({each.number: each for each in command.known})
            change.forget(command.gone)
            identities = tuple(learned[each.number] for each in command.known)
            return journal.end(change.connection, command, identities, recovered=recovered, delivers=delivers)

        if command.known or command.gone:
            ended = await self._with.identities.change(end)
            journal.ended(ended)
        else:
            ended = await journal.close(command, recovered=recovered, delivers=delivers)
        if ended.to_deliver:
            self._to_deliver(command.opened.entry)

    def _is_given_up(self) -> bool:
        """True if the client has left before anything was written: a list of calls that has begun goes on."""
        return not self.wrote and self.has_left()

    def _to_deliver(self, entry: str) -> None:
        if self._deliveries is not None:
            self._deliveries.append(entry)

    def _held(self, call: Call) -> Call:
        """The call, which is not sent when the entry that it is made for is not ours any more by then."""
        journal, opened = self._with.journal, self._opened
        if journal is None or opened is None:
            return call

        def envelope(token: str) -> bytes:
            journal.require(opened)
            return call.envelope(token)

        return replace(call, envelope=envelope)

    def abandon(self) -> None:
        """Leave entries that the exchange has not ended to recovery, at once."""
        if self._with.journal is not None and self._opened is not None:
            self._with.journal.abandon(self._opened, wake=not self._recovering)
        self._opened = self._results = None

    async def _together(self, command: Together[Any]) -> list[Any]:
        """All parts, a few at a time; the first fault is raised once all have ended."""
        places = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(part: Steps[Any]) -> Any:
            async with places:
                return await drive(part, self)

        ended = await asyncio.gather(*(one(part) for part in command.parts), return_exceptions=True)
        try:
            for each in ended:
                if isinstance(each, BaseException):
                    raise each
            return list(ended)
        finally:
            each = ended = None  # type: ignore[assignment]  # a fault must not hold the frame that holds it


async def run(exchange: Steps[_Result], performer: Performer) -> _Result:
    """Run a whole exchange. However it ends, recovery gets what it journalled and could not end."""
    try:
        return await drive(exchange, performer)
    finally:
        performer.abandon()


async def drive(exchange: Steps[_Result], performer: Performer) -> _Result:
    """Run an exchange, or a part of one, to its end.

    Once a large message was part of it, what it does between two commands is done aside: translating and
    writing a long list takes as long as parsing it, and nobody else should wait for that.
    """
    advance: Callable[[Any], AnyCommand] = exchange.send
    value: object = None
    while True:
        if performer.large:
            step, command = await performer.aside(partial(_step, advance, value))
            if step == "ended":
                result: _Result = command
                return result
        else:
            try:
                command = advance(value)
            except StopIteration as ended:
                return cast(_Result, ended.value)
        try:
            value = await performer.perform(command)
        except Fault as fault:
            advance, value = exchange.throw, fault
        else:
            advance = exchange.send


def _step(advance: Callable[[Any], AnyCommand], value: object) -> tuple[Literal["asks", "ended"], Any]:
    """The command that an exchange asks for next, or its outcome: StopIteration does not leave a thread."""
    try:
        return "asks", advance(value)
    except StopIteration as stop:
        return "ended", stop.value
