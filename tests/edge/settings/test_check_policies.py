"""Policies in the configuration: whose go first, what is judged, and that a bad one stops the start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shim.core.policies import CHOICES
from shim.edge.app import open_application
from shim.edge.settings.check_policies import judge_policies
from shim.edge.settings.load import Config, ConfigError, load_config
from tests.support.conversation import catalogue

PAGE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FLAGS = {"backend.url": "https://v3.example"}


class Anything(dict[str, str]):
    """An environment in which every variable is set."""

    def get(self, key: str, default: Any = None) -> Any:
        return "x"


def config(tmp_path: Path, data: str | dict[str, Any]) -> Config:
    path = tmp_path / "shim.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return load_config(path, FLAGS, Anything())


def integration(name: str, **conduct: Any) -> dict[str, Any]:
    login = {"username": name, "password": "old-secret"}
    return {"name": name, "old": login, "new": {"app_key": "k", "app_secret": "s"}, "conduct": conduct}


def judged(tmp_path: Path, *policies: dict[str, str]) -> list[tuple[str, str, str | None]]:
    found = judge_policies(
        config(tmp_path, {"conduct": {"policies": list(policies)}}), catalogue(), "shim.yaml"
    )
    assert all(each.fix for each in found)
    return [(each.where.removeprefix("shim.yaml: conduct."), each.what, each.intention) for each in found]


# ---- the page ----


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_examples_of_the_page_load_and_can_be_meant(tmp_path: Path, example: str) -> None:
    loaded = config(tmp_path, example)
    assert judge_policies(loaded, catalogue()) == []
    assert loaded.conduct.policies or loaded.deprecation.link


def test_the_page_lists_what_can_be_chosen() -> None:
    assert len(EXAMPLES) == 3
    for (side, code), (default, *others) in CHOICES.items():
        where = "the whole call" if code == "operation-emulated" else side
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{code}` | {where} |")]
        assert f"| `{default}` |" in row
        assert all(f"`{each}`" in row for each in others)


# ---- whose go first ----


def test_own_policies_go_before_those_of_all(tmp_path: Path) -> None:
    data = {
        "conduct": {"policies": [{"finding": "field-kept", "do": "drop"}]},
        "integrations": [
            integration("one", policies=[{"path": "industry", "do": "refuse"}]),
            integration("two"),
        ],
    }
    one, two = config(tmp_path, data).integrations
    assert [each.do for each in one.policies.entries] == ["refuse", "drop"]
    assert [each.do for each in two.policies.entries] == ["drop"]
    assert one.caller.policies is one.policies
    assert "policies" not in one.settings


def test_switches_of_telling_are_taken_one_by_one(tmp_path: Path) -> None:
    data = {
        "conduct": {"tell": {"http": False, "header": True}},
        "integrations": [
            integration("one", tell={"notices": True}),
            integration("two", tell={"header": False}),
        ],
    }
    one, two = (each.caller.tell for each in config(tmp_path, data).integrations)
    assert (one.http, one.notices, one.header) == (False, True, True)
    assert (two.http, two.notices, two.header) == (False, False, False)


# ---- what is judged ----


@pytest.mark.parametrize(
    ("policy", "place", "what", "intention"),
    [
        (
            {"operation": "Client.AdClient", "do": "refuse"},
            "policies[0].operation",
            "2.5 has no such operation",
            "Did you mean Client.AddClient?",
        ),
        (
            {"operation": "Clients.*", "do": "refuse"},
            "policies[0].operation",
            "2.5 has no such operation",
            "Did you mean Client.*?",
        ),
        (
            {"operation": "Client.AddClient", "path": "industri", "do": "refuse"},
            "policies[0].path",
            "no message of the operation has this path",
            "Did you mean industry?",
        ),
        (
            {"finding": "field-keep", "do": "refuse"},
            "policies[0].finding",
            "this is no finding of something emulated or dropped",
            "Did you mean field-kept?",
        ),
        (
            {"finding": "unknown-element", "do": "refuse"},
            "policies[0].finding",
            "this is no finding of something emulated or dropped",
            None,
        ),
        (
            {"operation": "Client.AddClient", "path": "company", "do": "drop"},
            "policies[0]",
            "nothing is emulated or dropped there, so there is nothing to choose",
            None,
        ),
        (
            {"operation": "Client.AddClient", "finding": "operation-emulated", "do": "refuse"},
            "policies[0]",
            "nothing is emulated or dropped there, so there is nothing to choose",
            None,
        ),
        (
            {"operation": "Extension.SetupExtension", "path": "callback", "do": "emulate"},
            "policies[0].do",
            "what is dropped cannot be emulated: v3 has no place for it, and nothing would read it",
            None,
        ),
        (
            {"operation": "Channel.AddChannel", "path": "Dahdi", "do": "drop"},
            "policies[0]",
            "nothing is emulated or dropped there, so there is nothing to choose",
            None,
        ),
        (
            {"operation": "Client.AddClient", "finding": "field-emulated", "do": "refuse"},
            "policies[0].do",
            "a write cannot be refused for what its answer lacks: by then it took effect",
            None,
        ),
        (
            {"finding": "operation-emulated", "do": "drop"},
            "policies[0].do",
            "a whole operation cannot be dropped: its callers wait for an answer",
            None,
        ),
    ],
)
def test_what_cannot_be_meant(
    tmp_path: Path, policy: dict[str, str], place: str, what: str, intention: str | None
) -> None:
    assert judged(tmp_path, policy) == [(place, what, intention)]


@pytest.mark.parametrize(
    "policy",
    [
        {"do": "refuse"},
        {"operation": "Client.AddClient", "path": "industry", "do": "refuse"},
        {"operation": "Client.GetClientDetails", "path": "industry", "do": "refuse"},
        {"operation": "Client.DelClient", "finding": "field-dropped", "do": "refuse"},
        {"operation": "Extension.SetExtensionPL", "path": "shareFaxes/ID", "do": "refuse"},
        {"operation": "Client.*", "finding": "operation-emulated", "do": "refuse"},
        {"path": "storage", "do": "drop"},
    ],
)
def test_what_can_be_meant(tmp_path: Path, policy: dict[str, str]) -> None:
    assert judged(tmp_path, policy) == []


def test_every_problem_is_told_with_whose_it_is(tmp_path: Path) -> None:
    data = {
        "conduct": {"policies": [{"do": "drop"}, {"path": "zqmark", "do": "drop"}]},
        "integrations": [
            integration("one", policies=[{"operation": "zqmark", "do": "drop"}]),
            integration("two"),
        ],
    }
    found = judge_policies(config(tmp_path, data), catalogue(), "shim.yaml")
    assert [each.where for each in found] == [
        "shim.yaml: conduct.policies[1].path",
        "shim.yaml: integration one: conduct.policies[0].operation",
    ]
    assert "zqmark" not in "".join(map(str, found))


def test_keys_of_a_policy_are_judged_with_the_rest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, {"conduct": {"policies": [{"operatoin": "*", "do": "dorp"}, {"path": "x"}]}})
    told = {each.where.partition(": ")[2]: each for each in caught.value.problems}
    assert set(told) == {
        "conduct.policies[0].operatoin",
        "conduct.policies[0].do",
        "conduct.policies[1].do",
    }
    assert told["conduct.policies[0].operatoin"].intention == "Did you mean conduct.policies[].operation?"
    assert told["conduct.policies[0].do"].intention == "Did you mean drop?"
    assert told["conduct.policies[1].do"].what == "this is missing"


async def test_nothing_opens_with_policies_that_cannot_be_meant(tmp_path: Path) -> None:
    data = {
        "store": {"url": f"sqlite+aiosqlite:///{tmp_path}/shim.db"},
        "conduct": {"policies": [{"operation": "Client.AdClient", "do": "drop"}]},
    }
    with pytest.raises(ConfigError, match=r"Did you mean Client\.AddClient"):
        async with open_application(config(tmp_path, data)):
            pytest.fail("it opened")
