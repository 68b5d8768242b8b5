"""Clients of six ecosystems make their bindings from the WSDL of all nine services, for a phone line's life.

JAX-WS, gSOAP and Node's soap as programs of their own, PHP, Perl and zeep by steps. The life: find the own
client and a free number, add an extension, assign the number, find it by its login, edit it, switch it, read
what it costs and counts, delete it; one call at least to each service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.generated_clients import Program, gsoap, jaxws, node
from tests.end_to_end.real_clients.test_real_clients import CLIENTS, each_client, each_way, needed, plain
from tests.end_to_end.running import HOST, Backend, Shim
from tests.end_to_end.scenario import line_steps

pytestmark = [pytest.mark.clients, pytest.mark.slow]

FACTS = {
    "clients": "1", "client": "20", "version": "2.5.1", "added": "success", "assigned": "success",
    "found": "1", "same": "true", "edited": "success", "set": "success", "name": "Lina Longline",
    "company": "Northwind & Sons", "type": "term", "account": "success", "plan": "Northwind Staff",
    "queues": "1", "zone": "Europe/London", "linked": "1 success", "resellers": "2", "deleted": "1",
    "gone": "true",
}  # fmt: skip
WRITES = {"AddUser", "SetUserPL", "AddExtension", "AssignPublicNo", "EditUser", "EditExtension", "DelUser"}

Build = Callable[[Shim, Path], Program]


def built_jaxws(shim: Shim, folder: Path) -> Program:
    needed("JAX-WS", ["wsimport", "-version"], "jaxws default-jdk-headless")
    return jaxws(f"http://{HOST}:{shim.http}/soap2/schema/latest/voipnowservice-all.wsdl", folder)


def built_gsoap(shim: Shim, folder: Path) -> Program:
    needed("gSOAP", ["soapcpp2", "-V"], "gsoap libgsoap-dev g++")
    return gsoap(f"http://{HOST}:{shim.http}/soap2/schema/latest/voipnowservice-all.wsdl", folder)


def built_node(shim: Shim, folder: Path) -> Program:
    needed("Node", ["npm", "--version"], "nodejs npm")
    return node(f"http://{HOST}:{shim.http}/soap2/schema/latest/{{service}}/{{service}}.wsdl", folder)


def built_node_tls(shim: Shim, folder: Path) -> Program:
    needed("Node", ["npm", "--version"], "nodejs npm")
    wsdl = f"https://{HOST}:{shim.https}/soap2/schema/latest/{{service}}/{{service}}.wsdl"
    return node(wsdl, folder, shim.tls.authority)


BUILDS: dict[str, Build] = {
    "jaxws": built_jaxws,
    "gsoap": built_gsoap,
    "node": built_node,
    "node-tls": built_node_tls,
}


@pytest.fixture(params=BUILDS)
def client(request: pytest.FixtureRequest, shim: Shim, tmp_path: Path) -> tuple[str, Program]:
    return request.param, BUILDS[request.param](shim, tmp_path)


def test_a_program_leads_a_phone_line_through_its_life(
    backend: Backend, shim: Shim, client: tuple[str, Program]
) -> None:
    name, program = client
    judged(backend, shim, lambda: program.facts(f"{name}-line"))


SERVICES = ("Account", "Billing", "Channel", "Client", "Extension", "GlobalOp", "PBX", "Report", "Reseller")
NUMBERS = {"php": 5, "perl": 7, "zeep": 9}
"""IDs of free public numbers; over TLS the next one is taken."""


@each_way
@each_client
def test_a_script_leads_a_phone_line_through_its_life(
    backend: Backend, shim: Shim, client: str, way: Callable[[Shim], dict[str, Any]]
) -> None:
    task = way(shim)
    one = next(iter(task["wsdl"].values()))
    task["wsdl"] = {service: one.replace("Client", service) for service in SERVICES}
    tag = f"{client}-line-{task['version']}"
    number = NUMBERS[client] + (task["authority"] is not None)
    judged(backend, shim, lambda: told(CLIENTS[client](task, line_steps(tag, number)), tag))


def told(seen: dict[str, dict[str, Any]], tag: str) -> dict[str, str]:
    """The facts that a program prints, from the answers that a script saw."""
    answers = {name: plain(each["answer"]) for name, each in seen.items() if "answer" in each}

    def rows(name: str, element: str) -> list[Any]:
        found = answers[name].get(element, [])
        return found if isinstance(found, list) else [found]

    [client], [line] = rows("own client", "client"), rows("find", "extension")
    details = answers["details"]
    return {
        "clients": "1", "client": client["ID"], "version": "2.5.1",
        "added": answers["add"]["result"], "assigned": answers["assign"]["result"], "found": "1",
        "same": plain(line["ID"] == answers["add"]["ID"] and line["login"] == tag),
        "edited": answers["edit"]["result"], "set": answers["set"]["result"],
        "name": details["name"], "company": details["company"], "type": details["extensionType"],
        "account": answers["account"]["result"], "plan": rows("plans", "chargingPlan")[0]["name"],
        "queues": answers["stats"]["extensions"]["queue"]["total"],
        "zone": rows("zone", "timezone")[0]["name"],
        "linked": f"{answers['linked']['processedOp']} {rows('linked', 'operation')[0]['result']}",
        "resellers": str(len(rows("resellers", "reseller"))), "deleted": answers["delete"]["items"],
        "gone": plain("100" in seen["gone"].get("faultstring", "")),
    }  # fmt: skip


def judged(backend: Backend, shim: Shim, lead: Callable[[], dict[str, str]]) -> None:
    """Lead a line's life; what the client saw, what arrived in v3 and what was found have to be right."""
    before = set(backend.world.accounts)
    since = shim.mark
    with backend.watched() as calls:
        facts = lead()
    assert facts == FACTS
    done = Counter(each.operation.partition(".")[2] for each in calls if each.outcome == "ok")
    assert {each: done[each] for each in WRITES} == dict.fromkeys(WRITES, 1)
    assert set(backend.world.accounts) == before, "what was added is gone again"
    codes = {each["code"] for each in shim.events[since:] if each["event"] == "finding"}
    assert codes.isdisjoint({"unknown-element", "unknown-attribute", "wrong-endpoint", "field-dropped"})
