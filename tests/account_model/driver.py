"""A shim and a v3 backend in one process: calls go from bytes to bytes, through no socket and no event loop.

The request path is the real one (`shim.core.pipeline`), and so is the emulator behind it. What the edge does
(who calls, the store, the identity map, the journal) is done here in memory, by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from typing import assert_never

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.backend import Answer, Call
from shim.core.commands.caller import Caller, Identify
from shim.core.commands.extensions import (
    DenyIdentities,
    DoubtIdentities,
    FindEnded,
    FindIdentities,
    ForgetIdentities,
    Identity,
    Known,
    LearnIdentities,
    RenumberIdentities,
)
from shim.core.commands.journal import Begin, Close, MarkSteps, Opened, Revoke
from shim.core.commands.kept import Forget, Issue, Recall, Remember
from shim.core.commands.steps import AnyCommand, Aside, Together
from shim.core.drive import run
from shim.core.errors import Fault, ShimError
from shim.core.message import Element
from shim.core.parse import ANSWER_LIMITS, parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.emulator import disturb
from shim.emulator.dispatch import Dispatcher
from shim.emulator.handlers.listing import as_listed
from shim.emulator.world.permissions import everything_allowed, nothing_allowed
from shim.emulator.world.refusal import Refusal, fault
from shim.emulator.world.world import (
    ADMINISTRATOR,
    ORGANIZATION,
    SERVICE_PROVIDER,
    USER,
    EmulatedAccount,
    EmulatedApp,
    EmulatedExtension,
    World,
    identifier,
)
from shim.interfaces.load import STANDARD, Dialect, new, old
from tests.support.conversation import old_request
from tests.support.schemas import assert_valid
from translations.extension import account as extension_account
from translations.extension import service as extension
from translations.services import SERVICES

PROVIDER = 10
CLIENTS = (20, 21)
FIRST_ISSUED = 1_000_000_000
"""Issued IDs start here; no account of v3 has one like it."""
_NOW = datetime(2020, 5, 17, 12, tzinfo=UTC)


@cache
def shim(dialect: Dialect = STANDARD) -> Shim:
    """The shim for a backend that speaks so, with the service Extension, also while that is not declared."""
    services = {each.name: each for each in SERVICES}
    if "EmulatedExtension" not in services:
        services["EmulatedExtension"] = extension.SERVICE
    whole = services["EmulatedExtension"]
    there = {each.name for each in whole.operations}
    missing = tuple(each for each in extension_account.PLANS if each.name not in there)
    services["EmulatedExtension"] = replace(whole, operations=(*whole.operations, *missing))
    compiled: Catalogue = compile_catalogue(old(), new(dialect), services.values())
    return Shim(compiled)


@cache
def _dispatcher(dialect: Dialect) -> Dispatcher:
    return Dispatcher(new(dialect))


# ---- what the edge does ----


@dataclass(slots=True)
class _Row:
    """One row of the map; `denied` is when v3 first said that it does not exist."""

    identity: Identity
    gone: bool = False
    denied: float | None = None


class MemoryMap:
    """The identity map by the rules of `shim.edge.identities.map`, policy `preserved`."""

    def __init__(self, first: int = FIRST_ISSUED, confirm_after: float = 3600.0) -> None:
        self.rows: list[_Row] = []
        self.now = 0.0
        self._confirm_after = confirm_after
        self._next = first
        self._had: set[str] = set()

    def live(self) -> list[Identity]:
        return [each.identity for each in self.rows if not each.gone]

    def find(self, by: str, values: Iterable[str]) -> dict[str, tuple[Identity, ...]]:
        wanted = dict.fromkeys(values)
        found: dict[str, list[Identity]] = {}
        for each in self.rows:
            value = getattr(each.identity, by)
            if not each.gone and value in wanted:
                found.setdefault(value, []).append(each.identity)
        return {
            value: tuple(sorted(group, key=lambda each: each.old_id != each.user_id))
            for value, group in found.items()
        }

    def learn(self, known: Iterable[Known]) -> tuple[Identity, ...]:
        given = list(known)
        latest = {each.number: each for each in given}
        users = {each.user_id for each in latest.values()}
        standing = [
            each
            for each in self.rows
            if not each.gone and (each.identity.user_id in users or each.identity.number in latest)
        ]
        for each in standing:
            seen = latest.get(each.identity.number)
            if seen is not None and seen.origin == "created" and seen.user_id != each.identity.user_id:
                each.gone = True  # another extension has its number by now
        standing = [each for each in standing if not each.gone]
        identifiers = {
            each.identity.user_id: each.identity.identifier
            for each in standing
            if each.identity.user_id in users and each.identity.identifier
        }
        identifiers |= {each.user_id: each.identifier for each in latest.values() if each.identifier}
        standing += self._revived([each for number, each in latest.items() if number not in _of(standing)])
        for each in standing:
            each.identity = _seen_now(each.identity, latest, identifiers)
            if each.identity.number in latest:
                each.denied = None
        there = _of(standing)
        fresh = [each for number, each in latest.items() if number not in there]
        self._add(fresh, identifiers)
        by_number = {each.number: each for each in self.live()}
        return tuple(by_number[each.number] for each in given)

    def _add(self, fresh: list[Known], identifiers: Mapping[str, str]) -> None:
        own = self._own_ids(list(dict.fromkeys(each.user_id for each in fresh)))
        drafts = []
        for each in fresh:
            own_id = each.user_id if each.user_id in own else ""
            own.discard(own_id)
            drafts.append(Identity(own_id, "", each.user_id, each.number, identifiers.get(each.user_id)))
        avoid = {value for each in drafts for value in (each.old_id, each.user_id)}
        for draft in drafts:
            old_id = draft.old_id or self._issue(avoid)
            made = replace(draft, old_id=old_id, extension_id=self._issue(avoid))
            self.rows.append(_Row(made))
        for each in self.rows[-len(drafts) :] if drafts else ():
            self._had |= {each.identity.old_id, each.identity.extension_id, each.identity.user_id}

    def _own_ids(self, users: list[str]) -> set[str]:
        return set(users) - {each.identity.old_id for each in self.rows}

    def _revived(self, new: list[Known]) -> list[_Row]:
        """Rows of extensions that had ended and are there again."""
        back: dict[str, _Row] = {}
        for each in self.rows:
            for seen in new:
                if each.gone and _is_back(each.identity, seen):
                    back[seen.number] = each
        for each in back.values():
            each.gone = False
        return list(back.values())

    def ended(self, by: str, values: Iterable[str]) -> dict[str, tuple[Identity, ...]]:
        wanted = dict.fromkeys(values)
        found: dict[str, tuple[Identity, ...]] = {}
        for each in self.rows:
            value = getattr(each.identity, by)
            if each.gone and value in wanted:
                found[value] = (*found.get(value, ()), each.identity)
        return found

    def doubt(self, numbers: Iterable[str]) -> None:
        wanted = set(numbers)
        for each in self.rows:
            if not each.gone and each.identity.number in wanted and not each.identity.doubt:
                each.identity = replace(each.identity, doubt="unseen")

    def deny(self, numbers: Iterable[str]) -> None:
        wanted = set(numbers)
        for each in self.rows:
            if each.gone or each.identity.number not in wanted:
                continue
            if each.denied is not None and self.now - each.denied >= self._confirm_after:
                each.gone = True
            elif each.denied is None:
                each.denied = self.now
                each.identity = replace(each.identity, doubt="denied")

    def _issue(self, avoid: set[str]) -> str:
        while str(self._next) in self._had or str(self._next) in avoid:
            self._next += 1
        self._next += 1
        return str(self._next - 1)

    def forget(self, numbers: Mapping[str, str]) -> None:
        for each in self.rows:
            if numbers.get(each.identity.number) in ("", each.identity.user_id):
                each.gone = True

    def renumber(self, numbers: Mapping[str, str]) -> None:
        if len(set(numbers.values())) < len(numbers):
            raise ValueError("two extensions cannot have one number")
        live = {each.identity.number: each for each in self.rows if not each.gone}
        wanted = {was: now for was, now in numbers.items() if was in live}
        while blocked := [was for was, now in wanted.items() if now in live and now not in wanted]:
            for was in blocked:
                del wanted[was]
        for was, now in wanted.items():
            if was != now:
                live[was].identity = replace(live[was].identity, number=now, doubt="")
                live[was].denied = None


def _of(rows: Iterable[_Row]) -> set[str]:
    return {each.identity.number for each in rows}


def _is_back(was: Identity, seen: Known) -> bool:
    if seen.origin == "created" or was.number != seen.number:
        return False
    return was.user_id == seen.user_id or (was.identifier is not None and was.identifier == seen.identifier)


def _seen_now(was: Identity, latest: Mapping[str, Known], identifiers: Mapping[str, str]) -> Identity:
    user = latest[was.number].user_id if was.number in latest else was.user_id
    own = was.identifier if user == was.user_id else None
    doubt = "" if was.number in latest else was.doubt
    return replace(was, user_id=user, identifier=identifiers.get(user, own), doubt=doubt)


@dataclass
class MemoryJournal:
    """The journal of one process that never dies: what ended well leaves no trace."""

    open: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Entry: its key, and the state it was left in."""
    marks: int = 0
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def begin(self, command: Begin) -> Opened:
        key = f"{command.operation} {command.key}"
        for entry, (there, state) in self.open.items():
            if there == key:
                reason = "half-done" if state == "paused" else "still-running"
                raise ShimError(reason, f"An equal call is in entry {entry}.")
        opened = Opened(str(next(self._numbers)), 1)
        self.open[opened.entry] = (key, "running")
        return opened

    def mark(self, command: MarkSteps) -> None:
        assert command.opened.entry in self.open, "marked after its end"
        self.marks += 1

    def close(self, command: Close) -> None:
        key, _ = self.open.pop(command.opened.entry)
        if command.state not in ("done", "undone"):
            self.open[command.opened.entry] = (key, command.state)


# ---- the world ----


def small_world(dialect: Dialect = STANDARD) -> World:
    """An administrator, a reseller and two clients that may do everything; no extensions yet."""
    world = World(clock=lambda: _NOW)
    _enter(world, 1, ADMINISTRATOR, None, "admin", dialect)
    _enter(world, PROVIDER, SERVICE_PROVIDER, 1, "acme", dialect)
    for number, login in zip(CLIENTS, ("northwind", "contoso"), strict=True):
        _enter(world, number, ORGANIZATION, PROVIDER, login, dialect)
    world.next_id = 100
    return world


def _enter(world: World, number: int, level: str, parent: int | None, login: str, dialect: Dialect) -> None:
    limits = {} if level == ADMINISTRATOR else dict(everything_allowed(new(dialect), level))
    account = EmulatedAccount(
        number, level, parent, identifier("account", number), _NOW, {"login": login, "name": login}, limits
    )
    world.enter(account)
    world.apps[str(number)] = EmulatedApp(str(number), "secret", number)


@dataclass
class Reply:
    """What the old client got, and what is known of how it came about."""

    outcome: Outcome
    body: Element | None

    @property
    def fault(self) -> Fault | None:
        return self.outcome.fault

    @property
    def code(self) -> str | None:
        """The code of the fault; None when there is none."""
        return self.fault.code if self.fault else None

    @property
    def answer(self) -> Element:
        assert self.body is not None, f"{self.outcome.operation}: {self.fault and self.fault.text}"
        return self.body

    def get(self, path: str) -> str | None:
        return self.answer.get(path)

    def rows(self, name: str = "extension") -> list[Element]:
        return self.answer.all(name)

    @property
    def findings(self) -> set[str]:
        return {each.code for each in self.outcome.findings}

    @property
    def calls(self) -> list[str]:
        return self.outcome.calls


@dataclass
class ModelFixture:
    """Old clients, the shim, and v3 behind it. `judged` is how seldom answers are judged by the schemas."""

    world: World = field(default_factory=small_world)
    map: MemoryMap = field(default_factory=MemoryMap)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    kept: dict[str, dict[str, Element]] = field(default_factory=dict)
    issued: dict[str, int] = field(default_factory=dict)
    judged: int = 1
    answered: int = 0
    dialect: Dialect = STANDARD
    requests: list[bytes] = field(default_factory=list)
    """The v3 messages of the last call."""
    _tokens: dict[int, str] = field(default_factory=dict)

    # ---- old calls ----

    def call(self, name: str, /, *fields: Element, by: int = PROVIDER, **texts: str | int) -> Reply:
        """One old call in the name of an account: an operation of Extension, or `Service.Operation`."""
        operation = old().operations[name if "." in name else f"Extension.{name}"]
        children = [*fields, *(Element(key, str(text)) for key, text in texts.items())]
        body = old_request(operation, Element(operation.input.name, children=children))
        self.requests = []
        request = Request(old().services[operation.service].endpoint, "text/xml; charset=utf-8", body)
        outcome = run(exchange(shim(self.dialect), request), partial(self._perform, by))
        if outcome.answer is None:
            return Reply(outcome, None)
        self.answered += 1
        if self.answered % self.judged == 0:
            assert_valid(outcome.answer, old())
        return Reply(outcome, parse(outcome.answer, "text/xml", ANSWER_LIMITS).body)

    def _perform(self, by: int, command: AnyCommand) -> object:  # noqa: PLR0912 - one arm for each command
        match command:
            case Aside():
                return command.work()
            case Identify():
                return Caller(f"account {by}")
            case Call():
                return self._backend(command, by)
            case FindIdentities():
                return self.map.find(command.by, command.values)
            case LearnIdentities():
                return self.map.learn(command.known)
            case FindEnded():
                return self.map.ended(command.by, command.values)
            case DoubtIdentities():
                self.map.doubt(command.numbers)
            case DenyIdentities():
                self.map.deny(command.numbers)
            case ForgetIdentities():
                self.map.forget(command.numbers)
            case RenumberIdentities():
                self.map.renumber(command.numbers)
            case Recall():
                return dict(self.kept.get(command.owner, {}))
            case Remember():
                self.kept.setdefault(command.owner, {}).update(command.fields)
            case Forget():
                for account in command.accounts:
                    self.kept.pop(account, None)
            case Issue():
                self.issued[command.counter] = self.issued.get(command.counter, 0) + 1
                return self.issued[command.counter]
            case Together():
                return [run(part, partial(self._perform, by)) for part in command.parts]
            case Begin():
                return self.journal.begin(command)
            case MarkSteps():
                self.journal.mark(command)
            case Close():
                learned = self.map.learn(command.known)
                self.map.forget(command.gone)
                if command.answering is not None:
                    command.answering(learned)
                self.journal.close(command)
            case Revoke():
                raise AssertionError("only the edge revokes entries")
            case _:
                assert_never(command)
        return None

    # ---- v3 ----

    def _backend(self, call: Call, by: int) -> Answer:
        message = call.envelope(self._token(by))
        self.requests.append(message)
        dispatcher = _dispatcher(self.dialect)
        envelope = parse(message, "text/xml; charset=utf-8", ANSWER_LIMITS)
        try:
            operation = dispatcher.operation(call.endpoint, envelope.body)
            lie = disturb.lie(self.world.disturbance(operation.full_name))
            caller = dispatcher.caller(self.world, envelope.headers)
            answer = dispatcher.perform(self.world, operation, envelope.body, caller)
            memory, who = self.world.listed, str(caller.id)
            answer = as_listed(memory, self.world.ways, operation, who, envelope.body, answer, lie)
            return Answer(200, "text/xml", dispatcher.write(self.world, operation, answer))
        except Refusal as refusal:
            return Answer(500, "text/xml", fault(refusal))

    def _token(self, by: int) -> str:
        if by not in self._tokens:
            self._tokens[by] = self.world.issue_token(str(by), 3600)
        return self._tokens[by]

    # ---- what happens in v3 behind the shim's back ----

    def new_user(self, client: int, login: str, **profile: str) -> int:
        """A user that may do everything."""
        number = self.world.next_id
        facts = {"login": login, "name": login, **profile}
        limits = dict(everything_allowed(new(self.dialect), USER))
        name = identifier("account", number)
        self.world.enter(EmulatedAccount(number, USER, client, name, _NOW, facts, limits))
        return number

    def powerless_user(self, client: int, login: str) -> int:
        """A user as v3 makes it: with everything off."""
        user = self.new_user(client, login)
        self.world.accounts[user].limits = dict(nothing_allowed(new(self.dialect), USER))
        return user

    def new_extension(self, user: int, local: str, kind: str = "term", label: str = "native") -> str:
        world = self.world
        number = world.extended(world.organization_of(world.accounts[user]), local)
        world.enter_extension(EmulatedExtension(number, user, kind, label, _NOW))
        return number

    def move(self, number: str, user: int) -> None:
        """Give an extension to another user."""
        found = self.world.extensions[number]
        del self.world._numbers[found.user][number]
        found.user = user
        self.world.enter_extension(found)

    def renumber(self, number: str, local: str) -> str:
        """Give an extension another number."""
        found = self.world.extensions.pop(number)
        del self.world._numbers[found.user][number]
        found.number = f"{number.partition('*')[0]}*{local}"
        self.world.enter_extension(found)
        return found.number

    def recreate(self, user: int) -> int:
        """Delete a user and make it anew, with the same login, identifier and extensions."""
        world = self.world
        was = world.accounts[user]
        phones = [each for each in world.extensions.values() if each.user == user]
        world.leave(was)
        made = replace(was, id=world.next_id, profile=dict(was.profile), limits=dict(was.limits))
        world.enter(made)
        for each in phones:
            world.enter_extension(replace(each, user=made.id))
        return made.id
