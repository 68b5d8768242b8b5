"""Random histories: the old API mixed with changes in v3 behind the shim's back, against a small 2.5 server.

After every step the old view is compared with the model: GetExtensions of each client, GetExtensionDetails of
every ID that a list shows, and of IDs that are gone.

In some steps lists of v3 lie, and every ID that an old client knows has to answer all the same. What no source
tells of v3 is played both ways: each of the worlds has histories of its own.

200 histories of 30 steps run by default, spread over the worlds, always the same ones, and 25 against each
later version of v3; every fifth answer is judged by the published schemas. A longer run takes other histories
each time and judges every answer:

    ACCOUNT_MODEL_HISTORIES=5000 ACCOUNT_MODEL_STEPS=60 pytest tests/account_model/test_histories.py
"""

from __future__ import annotations

import itertools
import os
import unittest
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shim.emulator.handlers.listing import LIES, EmptyList, Lists, RowIdentifier, Ways
from shim.interfaces.load import STANDARD, Dialect, dialects
from tests.account_model.driver import CLIENTS, PROVIDER, ModelFixture, small_world
from tests.account_model.history import GRANTED, UNLIMITED, History
from tests.account_model.model import Person, Phone

HISTORIES = int(os.environ.get("ACCOUNT_MODEL_HISTORIES", "0"))
STEPS = int(os.environ.get("ACCOUNT_MODEL_STEPS", "30"))
_MOST = 7
"""Extensions at a time: every one is looked at after every step."""
WORLDS = [
    Ways(*each) for each in itertools.product(*(get_args(kind) for kind in (Lists, RowIdentifier, EmptyList)))
]
_NOBODY = ("7", "999999", "1999999999", str(CLIENTS[0]))

clients = st.sampled_from(CLIENTS)
picks = st.integers(0, 60)
logins = st.sampled_from([f"{letter}{number}" for letter in ("ann", "bob", "Cleo") for number in range(6)])
kinds = st.sampled_from(
    ["term", "term", "term", "queue", "queue", "ivr", "conference", "voicecenter", "queuecenter", "callcard",
     "callback", "intercom"]
)  # fmt: skip
locals_ = st.sampled_from([None, None, "201", "202", "203", "0204"])
switches = st.booleans()
changes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Nora N", "Bo & Co <x>", "Zoë"]),
        "company": st.sampled_from(["Alpha Ltd", "Beta GmbH"]),
        "email": st.sampled_from(["one@example.com", "two@example.com"]),
        "phone": st.sampled_from(["5550001", "5550002"]),
        "login": logins,
        "password": st.sampled_from(["Another!9pw", "Third?4pwd"]),
    },
)
permissions = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(["true", "false"]) for name in GRANTED},
        "concurentCalls": st.sampled_from([UNLIMITED, "1", "7"]),
    },
)
levels = st.sampled_from([None, "none", "standard", "premium"])


class Histories(RuleBasedStateMachine):
    """The rules only choose; what happens, and what has to come of it, is in `History`."""

    ways = Ways()
    dialect = STANDARD

    def __init__(self) -> None:
        super().__init__()
        self.history = History(ModelFixture(small_world(self.dialect), dialect=self.dialect))
        self.history.fixture.world.ways = self.ways
        self.history.fixture.judged = 1 if HISTORIES else 5
        self.looks = 0

    # choosing

    def phone(self, pick: int) -> Phone:
        live = self.history.model.live()
        return live[pick % len(live)]

    def person(self, pick: int) -> Person:
        people = self.history.model.people
        return people[pick % len(people)]

    def of_kind(self, kind: str) -> list[Phone]:
        return [each for each in self.history.model.live() if each.kind == kind]

    def some(self) -> bool:
        return bool(self.history.model.phones)

    def people(self) -> bool:
        return bool(self.history.model.people)

    def room(self) -> bool:
        return len(self.history.model.phones) < _MOST and len(self.history.model.people) < _MOST

    def queues(self) -> bool:
        return bool(self.of_kind("queue") and self.of_kind("term"))

    @initialize(upgraded=st.lists(st.tuples(clients, kinds), min_size=2, max_size=5), seen=switches)
    def upgrade(self, upgraded: list[tuple[int, str]], seen: bool) -> None:
        """What the upgrade left: users with one extension each; old clients know their IDs already."""
        for number, (client, kind) in enumerate(upgraded):
            person = self.history.native_user(client, f"old{number}", kind)
            assert person is not None
            [phone] = self.history.model.of(person)
            if seen:
                self.history.known_before(phone)

    # the old API

    @precondition(room)
    @rule(
        client=clients,
        login=logins,
        kind=kinds,
        local=locals_,
        own=switches,
        parent=st.sampled_from(["parentID", "parentIdentifier", "parentLogin"]),
    )
    def add(self, client: int, login: str, kind: str, local: str | None, own: bool, parent: str) -> None:
        self.history.add(client, login, kind, local, client if own else PROVIDER, parent)

    @precondition(some)
    @rule(pick=picks, what=changes.filter(bool), by_identifier=switches)
    def edit(self, pick: int, what: dict[str, str], by_identifier: bool) -> None:
        self.history.edit(self.phone(pick), by_identifier, **what)

    @precondition(some)
    @rule(pick=picks, on=switches, phone_status=st.sampled_from([None, "1", "16", "32", "64"]))
    def status(self, pick: int, on: bool, phone_status: str | None) -> None:
        self.history.set_status(self.phone(pick), on, phone_status)

    @precondition(some)
    @rule(pick=picks, on=switches)
    def access(self, pick: int, on: bool) -> None:
        self.history.set_access(self.phone(pick), on)

    @precondition(some)
    @rule(pick=picks, level=levels, what=permissions)
    def permit(self, pick: int, level: str | None, what: dict[str, str]) -> None:
        self.history.permit(self.phone(pick), level, **what)

    @precondition(some)
    @rule(pick=picks)
    def read_permissions(self, pick: int) -> None:
        self.history.compare_permissions(self.phone(pick))

    @precondition(some)
    @rule(
        chosen=st.lists(picks, max_size=3),
        lost=st.lists(st.sampled_from(_NOBODY), max_size=2, unique=True),
        dead=st.none() | picks,
    )
    def delete(self, chosen: list[int], lost: list[str], dead: int | None) -> None:
        phones = list(dict.fromkeys(self.phone(pick) for pick in chosen))
        gone = self.history.deletable_dead()
        if dead is not None and gone:
            lost = [*lost, gone[dead % len(gone)]]
        if phones or lost:
            self.history.delete(phones, lost)

    @precondition(some)
    @rule(pick=picks)
    def delete_by_identifier(self, pick: int) -> None:
        phone = self.phone(pick)
        if phone.id == str(phone.person.user) and not self.history.model.siblings(phone):
            self.history.delete([], by_identifier=[phone])

    @rule(
        client=clients,
        own=switches,
        text=st.sampled_from([None, "ann", "BOB", "example.com", "Beta", "nobody at all"]),
        kind=st.sampled_from([None, "term", "queue", "ivr"]),
    )
    def filtered(self, client: int, own: bool, text: str | None, kind: str | None) -> None:
        self.history.list(client, client if own else PROVIDER, text, kind)

    @precondition(some)
    @rule(pick=picks)
    def by_identifier(self, pick: int) -> None:
        self.history.find_by_identifier(self.phone(pick))

    @precondition(some)
    @rule(pick=picks, more=switches)
    def call_rules(self, pick: int, more: bool) -> None:
        phone = self.phone(pick)
        if more or not phone.rules:
            self.history.add_rule(phone)
        else:
            self.history.drop_rule(phone)

    @precondition(queues)
    @rule(queue=picks, agent=picks, more=switches)
    def agents(self, queue: int, agent: int, more: bool) -> None:
        queues, terms = self.of_kind("queue"), self.of_kind("term")
        chosen, member = queues[queue % len(queues)], terms[agent % len(terms)]
        if more or member.number not in chosen.agents:
            self.history.assign(chosen, member)
        else:
            self.history.unassign(chosen, member)

    # behind the shim's back

    @precondition(room)
    @rule(client=clients, login=logins, what=st.lists(kinds, max_size=2))
    def native_user(self, client: int, login: str, what: list[str]) -> None:
        self.history.native_user(client, login, *what)

    @precondition(lambda self: self.people() and self.room())
    @rule(pick=picks, kind=kinds)
    def native_extension(self, pick: int, kind: str) -> None:
        self.history.native_extension(self.person(pick), kind)

    @precondition(some)
    @rule(pick=picks, to=picks)
    def native_move(self, pick: int, to: int) -> None:
        phone = self.phone(pick)
        others = [
            each
            for each in self.history.model.people
            if each.client == phone.person.client and each is not phone.person
        ]
        if others:
            self.history.native_move(phone, others[to % len(others)])

    @precondition(people)
    @rule(pick=picks, whole=switches, one_more=switches)
    def native_delete(self, pick: int, whole: bool, one_more: bool) -> None:
        """A user or an extension is gone; half of the time somebody new comes."""
        if whole:
            self.history.native_delete_user(self.person(pick))
        elif self.some():
            self.history.native_delete(self.phone(pick))
        if one_more:
            self.history.native_user(CLIENTS[pick % 2], f"new{pick}", "term")

    @precondition(people)
    @rule(pick=picks, login=logins)
    def native_rename(self, pick: int, login: str) -> None:
        self.history.native_rename(self.person(pick), login)

    @precondition(some)
    @rule(pick=picks)
    def native_renumber(self, pick: int) -> None:
        self.history.native_renumber(self.phone(pick))

    @precondition(people)
    @rule(pick=picks)
    def native_recreate(self, pick: int) -> None:
        self.history.native_recreate(self.person(pick))

    @precondition(lambda self: self.history.model.away and self.room())
    @rule(pick=picks)
    def native_return(self, pick: int) -> None:
        away = self.history.model.away
        self.history.native_return(away[pick % len(away)])

    @rule(
        client=clients,
        lies=st.lists(
            st.tuples(st.sampled_from(["GetExtensions", "GetExtensions", "GetUsers"]), st.sampled_from(LIES)),
            min_size=1,
            max_size=3,
        ),
        before=st.sampled_from([None, "add", "delete", "move", "renumber", "recreate", "return"]),
        pick=picks,
    )
    def lied_to(self, client: int, lies: list[tuple[str, str]], before: str | None, pick: int) -> None:
        """Lists that lie, right after something happened behind the shim's back."""
        if before == "add" and self.people() and self.room():
            self.native_extension(pick=pick, kind="term")
        elif before == "delete" and self.some():
            self.history.native_delete(self.phone(pick))
        elif before == "move" and self.some():
            self.native_move(pick=pick, to=pick // 2)
        elif before == "renumber" and self.some():
            self.history.native_renumber(self.phone(pick))
        elif before == "recreate" and self.people():
            self.history.native_recreate(self.person(pick))
        elif before == "return" and self.history.model.away and self.room():
            self.native_return(pick=pick)
        # that a number was denied and no other came, twice in a row, is what a deletion looks like
        self.history.lied_to(client, lies[:1] if before == "renumber" else lies)

    @rule(hours=st.sampled_from([0.5, 2]))
    def time_passes(self, hours: float) -> None:
        self.history.fixture.map.now += hours * 3600

    # after every step

    @invariant()
    def look(self) -> None:
        """Half of the time nobody asks for an ID that is gone."""
        self.looks += 1
        self.history.look(gone=(1000 if HISTORIES else 2) * (self.looks % 2))


def _histories(ways: Ways, dialect: Dialect = STANDARD) -> type[unittest.TestCase]:
    name = f"In_{ways.lists}_{ways.row_identifier}_{ways.empty_list}_{dialect.version}"
    made = type(name, (Histories,), {"ways": ways, "dialect": dialect})
    case: type[unittest.TestCase] = made.TestCase  # type: ignore[attr-defined]
    case.settings = settings(  # type: ignore[attr-defined]
        max_examples=-(-(HISTORIES or 200) // len(WORLDS)),
        stateful_step_count=STEPS,
        derandomize=not HISTORIES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return pytest.mark.slow(case)


(
    TestSubtreeUserNotice, TestSubtreeUserBare, TestSubtreeExtensionNotice, TestSubtreeExtensionBare,
    TestDirectUserNotice, TestDirectUserBare, TestDirectExtensionNotice, TestDirectExtensionBare,
) = map(_histories, WORLDS)  # fmt: skip
TestSchema350, TestSchema525 = (_histories(Ways(), each) for each in dialects()[1:])
