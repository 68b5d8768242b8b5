"""The life of one phone line, over TLS, as PHP and Perl clients lead it: found, numbered, found again, deleted.

The ID that AddExtension gave is the one that every later call uses, and the number is free again in the end.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.end_to_end.real_clients.test_real_clients import (
    Seen,
    kinds_of_findings,
    needed,
    perl,
    php,
    python,
    writes,
)
from tests.end_to_end.running import HOST, Backend, Shim
from tests.end_to_end.scenario import Step, phone_line_steps
from tests.end_to_end.wire import judge_answer, judge_fault

pytestmark = pytest.mark.clients

BY_HAND = Path(__file__).parents[1] / "clients" / "by_hand.pl"
SERVICES = ("Client", "Channel", "Extension")


def by_hand(task: dict[str, Any], steps: list[Step]) -> Seen:
    """Perl without a SOAP library."""
    needed("LWP for Perl", ["perl", "-MLWP::Protocol::https", "-e", "1"], "libwww-perl")
    root = task["wsdl"]["Client"]
    given = {
        "base": root.partition("/soap2/")[0],
        "authority": task["authority"],
        "steps": [step.data for step in steps],
    }
    done = subprocess.run(
        ["perl", str(BY_HAND)], input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen: Seen = json.loads(done.stdout)
    return seen


CLIENTS = {"php": php, "perl": perl, "zeep": python, "by-hand": by_hand}


class Life:
    """What was answered, by step; each answer is judged by the schema first."""

    def __init__(self, seen: Seen, steps: list[Step], version: str) -> None:
        assert set(seen) == {step.name for step in steps}
        self._raw = {name: each["raw"].encode() for name, each in seen.items()}
        self._version = version

    def body(self, step: str) -> etree._Element:
        judge_answer(self._raw[step], self._version)
        return etree.fromstring(self._raw[step])[-1][0]

    def code(self, step: str) -> str | None:
        return judge_fault(self._raw[step]).code

    def texts(self, step: str, *path: str) -> list[str]:
        """The texts at a path of the body, whatever the namespaces."""
        steps = "/".join(f"*[local-name()='{name}']" for name in path)
        return [each.text or "" for each in self.body(step).xpath(steps)]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_phone_line_lives_its_life(backend: Backend, shim: Shim, client: str) -> None:
    root = f"https://{HOST}:{shim.https}/soap2/schema/latest/voipnowservice-all.wsdl"
    task = {"wsdl": dict.fromkeys(SERVICES, root), "authority": str(shim.tls.authority), "version": "2.5.1"}
    steps = phone_line_steps(client)
    since = shim.mark
    with backend.watched() as calls:
        life = Life(CLIENTS[client](task, steps), steps, "2.5.1")
    texts = life.texts

    assert texts("find own client", "client", "ID") == ["20"]
    free = texts("poll numbers", "publicNo", "available", "ID")
    [line] = texts("add line", "ID")
    assert texts("add line", "extensionID") != [line]
    assert texts("assign number", "result") == ["success"]
    taken = texts("poll with it assigned", "publicNo", "available", "ID")
    assert set(free) - set(taken) == {free[0]}
    [number] = set(texts("poll with it assigned", "publicNo", "assigned", "externalNo")) - set(
        texts("poll numbers", "publicNo", "assigned", "externalNo")
    )

    assert texts("find by login", "extension", "ID") == [line]
    [login] = texts("find by login", "extension", "login")
    assert login.endswith("-line")
    assert texts("read details", "ID") == [line]
    assert texts("read details", "pcode") == ["10001"]
    assert texts("read permissions", "extensionPL", "ID") == [line]
    assert texts("read permissions", "extensionPL", "sipManag") == ["true"]
    assert texts("read settings", "extensionType") in ([], ["term"])
    assert texts("add call rule", "result") == ["success"]
    assert len(texts("read call rules", "rules")) == 1
    assert texts("set voicemail", "ID") == texts("read voicemail", "ID") == [line]
    assert texts("edit profile", "result") == texts("switch off", "result") == ["success"]
    assert texts("poll own numbers", "publicNo", "assigned", "externalNo") == [number]
    assert texts("read edited details", "name") == ["Lina Longer"]
    life.body("read caller IDs")

    assert texts("delete line", "items") == ["1"]
    assert texts("poll once it is gone", "publicNo", "available", "ID") == free
    assert texts("find once it is gone", "extension", "ID") == []
    assert life.code("read once it is gone") == "100"

    expected = {
        "AddUser": 1, "SetUserPL": 1, "AddExtension": 1, "AssignPublicNo": 1, "AddCallRulesIn": 1,
        "SetVoicemail": 1, "EditUser": 1, "EditExtension": 1, "SetUserStatus": 1, "DelUser": 1,
    }  # fmt: skip
    assert writes(calls) == expected
    noise = {"unknown-element"} if client == "by-hand" else set()
    assert kinds_of_findings(shim, since) == {"default-added", "field-emulated"} | noise
