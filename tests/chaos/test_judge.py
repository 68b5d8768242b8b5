"""The judge of the chaos run sees what it is there to see, and callers repeat what was not answered well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import ORGANIZATION, USER, EmulatedAccount, EmulatedExtension, World
from tests.chaos import traffic
from tests.chaos.judge import Verdict, judge
from tests.chaos.report import as_json, as_markdown
from tests.chaos.run import Result
from tests.chaos.toolkits import Refused
from tests.chaos.traffic import Ledger, Life, Line

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER = "0020*077"


@dataclass
class Scene:
    """A world with one extension that a caller made, and a client account, and what the caller knows."""

    world: World = field(default_factory=load_seed)
    ledger: Ledger = field(default_factory=Ledger)
    users_kept: int = 0

    def __post_init__(self) -> None:
        self.before = [each.login for each in self.world.accounts.values()]
        self.user = self.account("line-1", USER, 20)
        self.world.enter_extension(EmulatedExtension(NUMBER, self.user.id, "term", "", NOW))
        self.account("client-1", ORGANIZATION, 10)
        self.line = self.told("line-1", "extension", str(self.user.id))
        self.client = self.told("client-1", "client", "999")

    def account(self, login: str, level: str, parent: int) -> EmulatedAccount:
        made = EmulatedAccount(self.world.next_id, level, parent, login, NOW, {"login": login, "name": login})
        self.world.enter(made)
        return made

    def told(self, login: str, kind: str, number: str) -> Line:
        line = Line(login, kind, number, login)
        self.ledger.lines[login] = line
        return line

    def verdict(self) -> Verdict:
        return judge(self.ledger, self.world, self.before, self.users_kept)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_told_and_is_so_is_good(scene: Scene) -> None:
    assert scene.verdict().good


def _gone(scene: Scene) -> None:
    scene.world.leave(scene.user)


def _not_gone(scene: Scene) -> None:
    scene.client.deleted = True


def _old_name(scene: Scene) -> None:
    scene.line.name = "line-1 edited"


def _two_phones(scene: Scene) -> None:
    scene.world.enter_extension(EmulatedExtension("0020*078", scene.user.id, "term", "", NOW))


def _two_with_an_id(scene: Scene) -> None:
    scene.client.id = scene.line.id


def _half(scene: Scene) -> None:
    scene.world.drop_extension(NUMBER)


def _nobodys(scene: Scene) -> None:
    scene.account("stray", ORGANIZATION, 10)


def _user_left(scene: Scene) -> None:
    scene.line.deleted = True
    scene.world.drop_extension(NUMBER)


@pytest.mark.parametrize(
    ("happen", "question"),
    [
        (_gone, "lost"),
        (_not_gone, "lost"),
        (_old_name, "lost"),
        (_two_phones, "doubled"),
        (_two_with_an_id, "doubled"),
        (_half, "orphaned"),
        (_nobodys, "orphaned"),
        (_user_left, "orphaned"),
    ],
)
def test_what_is_not_so_is_seen(scene: Scene, happen: Callable[[Scene], None], question: str) -> None:
    happen(scene)
    assert scene.verdict().counts[question] == 1


def test_a_user_that_stays_with_a_finding_is_known_of(scene: Scene) -> None:
    _user_left(scene)
    scene.users_kept = 1
    assert scene.verdict().good


@dataclass
class Told:
    """A caller whose calls end as they are told to, then well."""

    key: str = "told"
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def ask(self, login: str, operation: str, wanted: str, fields: Mapping[str, str]) -> str:
        self.asked.append(operation)
        if self.faults:
            raise Refused(self.faults.pop(0))
        return {"ID": "77", "name": fields.get("name", ""), "items": "1"}.get(wanted, "")

    def close(self) -> None:
        """Nothing is open."""


def _life(caller: Told) -> Life:
    return Life(caller, Ledger(), threading.Event(), seed=0)


def test_a_caller_repeats_until_it_is_answered_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "PAUSE", 0)
    caller = Told(faults=["The shim cannot use its store."] * 3)
    life = _life(caller)
    life._account("told-1")
    assert caller.asked[:4] == ["Client.AddClient"] * 4
    assert life.ledger.lines["told-1"].id == "77"
    assert life.ledger.faults.total() == 3
    assert not life.ledger.given_up


def test_what_is_never_answered_well_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "GIVE_UP", -1.0)
    life = _life(Told())
    life._extension("told-1")
    assert life.ledger.given_up
    assert life.ledger.lines["told-1"].unsure == "Extension.AddExtension"


def test_what_is_read_otherwise_than_it_was_told_is_a_contradiction() -> None:
    life = _life(Told())
    life._look(Line("told-1", "extension", "77", "its name"))
    assert life.ledger.wrong


def test_the_summary_names_what_was_found() -> None:
    result = Result(seed=3, minutes=1, began=0, verdict=Verdict(lost=["line-1: gone"]))
    assert '"good": false' in as_json(result)
    assert "| told to be done, and not so in v3 | 1 |" in as_markdown(result)
    assert "line-1: gone" in as_markdown(result)
