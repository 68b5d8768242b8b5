"""Seed files: the demo world, worlds of one's own, and what is wrong with a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from shim.emulator.world import seed_file
from shim.emulator.world.seed import SeedError, load_seed

SMALL = """
accounts:
  - {id: 1, level: administrator, login: root, name: Root, app: {key: k, secret: s}}
  - {id: 7, level: serviceProvider, parent: root, login: sp, name: SP, permissions: all,
     limits: {organizationMax: 2, userMax: unlimited, sipManag: false, accountExpire: 2030-01-31}}
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"


def load(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "seed.yaml"
    path.write_text(text)
    with pytest.raises(SeedError) as caught:
        load_seed(path)
    assert all(str(path) in line for line in str(caught.value).splitlines())
    return caught.value.problems


def test_the_demo_world() -> None:
    world = load_seed()
    assert {each.id: (each.login, each.level, each.parent) for each in world.accounts.values()} == {
        1: ("admin", "administrator", None),
        10: ("acme", "serviceProvider", 1),
        11: ("fabrikam", "serviceProvider", 1),
        20: ("northwind", "organization", 10),
        21: ("contoso", "organization", 10),
        **{29 + n: (f"nw00{n}", "user", 20) for n in range(1, 6)},
    }
    assert {each.number: (each.user, each.type) for each in world.extensions.values()} == {
        "0020*001": (30, "term"),
        "0020*002": (31, "term"),
        "0020*003": (32, "phoneQueue"),
        "0020*004": (33, "ivr"),
        "0020*005": (34, "conference"),
    }
    numbers = list(world.kept("PublicNo").values())
    assert [each.text("phoneNo") for each in numbers] == [str(2125550100 + n) for n in range(20)]
    assert {each.owner for each in numbers} == {("account", 20)}
    assert [each.held_by for each in numbers[:3]] == ["0020*001", "0020*002", None]
    assert [each.owner[1] for each in world.kept("ChargingPlan").values()] == [10, 11, 20, 21]
    assert {each.text("userLevel") for each in world.kept("Template").values()} == {
        "serviceProvider",
        "organization",
        "user",
        "extension",
    }
    assert {key: app.client_secret for key, app in world.apps.items()} == {
        f"{each.login}-key": f"{each.login}-app-secret" for each in world.accounts.values()
    }
    assert world.next_id == 100


def test_a_world_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text(SMALL)
    world = load_seed(path)
    assert world.apps["k"].client_secret == "s"
    limits = world.accounts[7].limits
    assert limits["organizationMax"][0].text == "2"
    assert limits["userMax"][0].attributes == {"unlimited": "true"}
    assert limits["accountExpire"][0].text == "2030-01-31"
    assert limits["sipManag"][0].text == "false"
    assert world.next_id == 8


def test_every_problem_at_once_with_its_place(tmp_path: Path) -> None:
    text = SMALL.replace("level: administrator", "level: root").replace("id: 7", "id: seven") + "extra: 1\n"
    problems = load(tmp_path, text)
    assert [each.partition(":")[0] for each in problems] == ["accounts[0].level", "accounts[1].id", "extra"]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (("parent: root", "parent: nobody"), "accounts[1].parent: the parent of a serviceProvider"),
        (("id: 7", "id: 1"), "accounts.id: 1 is there 2 times"),
        (("login: sp", "login: root"), "accounts.login: root is there 2 times"),
        (
            ("organizationMax", "clientMax"),
            "accounts[1].limits.clientMax: serviceProvider accounts",
        ),
        (("permissions: all", "charging_plan: 3"), "accounts[1].charging_plan: the plan must belong"),
        (("permissions: all", "extensions: [{number: '1', label: L}]"), "accounts[1].extensions: only users"),
    ],
)
def test_problems_between_entries(tmp_path: Path, wrong: tuple[str, str], problem: str) -> None:
    assert any(each.startswith(problem) for each in load(tmp_path, SMALL.replace(*wrong)))


def test_owners_must_exist(tmp_path: Path) -> None:
    more = (
        "charging_plans: [{id: 1, owner: x, name: P}]\ntemplates: [{id: 1, owner: y, level: user, name: T}]\n"
        "public_numbers: [{first: '10', pool: z, channel: 3, assigned: {'11': 0020*001}}]\n"
    )
    assert load(tmp_path, SMALL + more) == [
        "charging_plans[0].owner: there is no account x",
        "templates[0].owner: there is no account y",
        "public_numbers[0].pool: there is no account z",
        "public_numbers[0].channel: there is no channel 3",
        "public_numbers[0].assigned.11: the number is not one of these",
        "public_numbers[0].assigned.11: there is no extension 0020*001",
    ]


def test_files_that_are_no_seed(tmp_path: Path) -> None:
    assert "not YAML" in load(tmp_path, "accounts: [")[0]
    assert load(tmp_path, "")[0].startswith("the file:")
    with pytest.raises(SeedError, match="cannot be read"):
        load_seed(tmp_path / "absent.yaml")


def test_every_key_is_documented() -> None:
    text = DOCUMENT.read_text()
    documented = set(re.findall(r"`(\w+)`", text))
    models = [
        each for each in vars(seed_file).values() if isinstance(each, type) and issubclass(each, BaseModel)
    ]
    keys = {name for model in models for name in model.model_fields}
    assert keys <= documented, keys - documented
