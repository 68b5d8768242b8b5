"""Real SOAP clients of three languages lead the same life through the WSDL that the shim serves.

What each made of every answer is compared whole, and every answer itself is judged by the schema.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.messages import envelope, request
from tests.end_to_end.running import HOST, Backend, Shim
from tests.end_to_end.scenario import Step, client_steps, reseller_steps
from tests.end_to_end.wire import judge_answer, judge_fault
from tests.end_to_end.zeep_client import ZeepClient

pytestmark = pytest.mark.clients

SCRIPTS = Path(__file__).parents[1] / "clients"
Seen = dict[str, dict[str, Any]]
Run = Callable[[dict[str, Any], list[Step]], Seen]


# ---- the clients ----


def needed(what: str, command: list[str], packages: str) -> None:
    """Skip the test where a client is not installed; in CI that is a failure."""
    found = shutil.which(command[0])
    if found and subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return
    problem = f"{what} is not installed: apt install {packages}"
    if os.environ.get("CI"):
        pytest.fail(problem)
    pytest.skip(problem)


def scripted(command: list[str], task: dict[str, Any], steps: list[Step]) -> Seen:
    """Hand the task to a script and take what it prints."""
    given = json.dumps({**task, "steps": [step.data for step in steps]})
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    assert not done.stderr, done.stderr
    seen: Seen = json.loads(done.stdout)
    return seen


def needed_php() -> None:
    has_soap = ["php", "-r", "exit(class_exists('SoapClient') ? 0 : 1);"]
    needed("PHP with SoapClient", has_soap, "php-cli php-soap")


def php(task: dict[str, Any], steps: list[Step]) -> Seen:
    needed_php()
    return scripted(["php", str(SCRIPTS / "scenario.php")], task, steps)


def perl(task: dict[str, Any], steps: list[Step]) -> Seen:
    modules = ["perl", "-MSOAP::Lite", "-MIO::Socket::SSL", "-MLWP::Protocol::https", "-e", "1"]
    needed("SOAP::Lite for Perl", modules, "libsoap-lite-perl libio-socket-ssl-perl")
    return scripted(["perl", str(SCRIPTS / "scenario.pl")], task, steps)


def python(task: dict[str, Any], steps: list[Step]) -> Seen:
    return ZeepClient(**task).run(steps)


CLIENTS: dict[str, Run] = {"php": php, "perl": perl, "zeep": python}


def over_http(shim: Shim) -> dict[str, Any]:
    """Each service's own WSDL, of the latest version."""
    base = f"http://{HOST}:{shim.http}/soap2/schema/latest"
    wsdl = {service: f"{base}/{service}/{service}.wsdl" for service in ("Client", "Reseller")}
    return {"wsdl": wsdl, "authority": None, "version": "2.5.1"}


def over_tls(shim: Shim) -> dict[str, Any]:
    """The one WSDL of all services, of another version."""
    root = f"https://{HOST}:{shim.https}/soap2/schema/2.5.4/voipnowservice-all.wsdl"
    authority = str(shim.tls.authority)
    return {"wsdl": {"Client": root, "Reseller": root}, "authority": authority, "version": "2.5.4"}


Way = Callable[[Shim], dict[str, Any]]

each_client = pytest.mark.parametrize("client", CLIENTS)
each_way = pytest.mark.parametrize("way", [over_http, over_tls], ids=["http", "tls"])


# ---- what they must see ----


def plain(value: Any) -> Any:
    """One form for what different languages make of an answer; shapes of lists are a test of their own."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        text = next((value[name] for name in ("#", "_", "_value_1") if name in value), None)
        if text is not None:
            return "unlimited" if plain(value["unlimited"]) == "true" else plain(text)
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return plain(value[0]) if len(value) == 1 else [plain(each) for each in value]
    return str(value)


def logins(answer: Any, kind: str) -> list[str]:
    """The logins in a list, however one item looks."""
    found = answer.get(kind, [])
    return sorted(each["login"] for each in (found if isinstance(found, list) else [found]))


class Story:
    """What a client saw, by step, with every answer judged first."""

    def __init__(self, seen: Seen, steps: list[Step], version: str) -> None:
        assert set(seen) == {step.name for step in steps}
        self._seen = seen
        for step in seen.values():
            if "answer" in step:
                judge_answer(step["raw"].encode(), version)
            else:
                said = judge_fault(step["raw"].encode())
                assert step["faultstring"] == said.text
                assert step["faultcode"] == f"SOAP-ENV:{said.side}"

    def answer(self, step: str) -> dict[str, Any]:
        assert "answer" in self._seen[step], self._seen[step]
        found: dict[str, Any] = plain(self._seen[step]["answer"])
        return found

    def code(self, step: str) -> str | None:
        assert "answer" not in self._seen[step], self._seen[step]
        return judge_fault(self._seen[step]["raw"].encode()).code


UNTOLD = {"crDate", "identifier", "parentIdentifier", "chargingPlanIdentifier"}
"""What the backend makes up."""


def details(answer: dict[str, Any]) -> dict[str, Any]:
    assert UNTOLD & {"crDate", "identifier"} <= set(answer)
    return {name: value for name, value in answer.items() if name not in UNTOLD}


SWITCHES = (
    "permsManag", "extensionManag", "extFeatureManag", "sipManag", "IMManag", "chargingPlanManag",
    "soundManag", "numberManag", "callAPIManag", "callerIDManag",
)  # fmt: skip
LIMITS = (
    "phoneExtMax", "queueExtMax", "ivrExtMax", "voicemailExtMax", "queuecenterExtMax", "confExtMax",
    "callbackExtMax", "callbackCallerIDMax", "callCardExtMax", "callCardCodesMax", "intercomExtMax",
    "concurentCalls", "concurentInternalCalls", "queueMembersMax", "concurentText2Speech", "mailboxMax",
    "mailboxSize", "recordStorage", "soundStorage", "mohStorage", "faxStorage",
)  # fmt: skip


def permissions(**given: str) -> dict[str, Any]:
    """Those of a new account but for what is given: all off, all limits 0, no end."""
    off = dict.fromkeys(SWITCHES, "false") | dict.fromkeys(LIMITS, "0")
    rest = {"MyVoipNowManag": "none", "ProvisionManag": "0", "accountExpire": "unlimited"}
    return {"userPL": {**off, **rest, **given}}


def done(account: str, **more: str) -> dict[str, str]:
    return {"ID": account, "result": "success", **more}


def writes(calls: list[Any]) -> Counter[str]:
    """How often each operation that changes something arrived and was carried out."""
    return Counter(
        each.operation.partition(".")[2]
        for each in calls
        if each.outcome == "ok" and not each.operation.partition(".")[2].startswith("Get")
    )


@each_way
@each_client
def test_a_client_account_lives_its_life(backend: Backend, shim: Shim, client: str, way: Way) -> None:
    task = way(shim)
    tag = f"{client}-{task['version']}"
    steps = client_steps(tag)
    since = shim.mark
    with backend.watched() as calls:
        story = Story(CLIENTS[client](task, steps), steps, task["version"])
    answer = story.answer

    there = ["contoso", "northwind"]
    assert logins(answer("list clients"), "client") == there
    added = answer("add client")
    number = added["ID"]
    assert added == done(number, identifier=added["identifier"])
    assert logins(answer("list clients with it"), "client") == sorted([*there, f"{tag}-client"])
    told = {
        "ID": number, "name": "Cleo Client", "company": "Client & Sons", "login": f"{tag}-client",
        "email": "cleo@client.example", "country": "us", "city": "Albany", "industry": "7",
        "status": "true", "phoneStatus": "1", "cpAccess": "true",
        "parentID": "10", "parentName": "Anna Acme", "chargingPlanID": "1", "chargingPlan": "Acme Standard",
    }  # fmt: skip
    assert details(answer("read client")) == told
    assert answer("edit client") == done(number, identifier=added["identifier"])
    told |= {"company": "Client Ltd", "industry": "9"}
    assert details(answer("read edited client")) == told
    assert answer("set client status") == answer("close client panel") == done(number)
    told |= {"status": "false", "phoneStatus": "16", "cpAccess": "false"}
    assert details(answer("read disabled client")) == told

    limits = {"phoneExtMax": "5", "queueExtMax": "unlimited", "mailboxSize": "100"}
    switches = {"extensionManag": "true", "ProvisionManag": "2"}
    assert answer("set client permissions") == answer("update client permissions") == done(number)
    said = permissions(**switches, **limits, MyVoipNowManag="standard")
    assert answer("read client permissions") == said
    limits |= {"phoneExtMax": "7", "queueExtMax": "3", "ivrExtMax": "unlimited"}
    said = permissions(**switches, **limits, MyVoipNowManag="premium")
    assert answer("read updated client permissions") == said

    assert answer("move client") == answer("delete client") == {"items": "1", "result": "success"}
    told |= {"parentID": "11", "parentName": "Frank Fabrikam"}
    told |= {"chargingPlanID": "2", "chargingPlan": "Fabrikam Standard"}
    assert details(answer("read moved client")) == told
    assert logins(answer("list clients of fabrikam"), "client") == [f"{tag}-client"]
    assert story.code("read client that was taken away") == "100"
    assert story.code("read deleted client") == "100"
    assert answer("list clients of fabrikam again") == {"notice": {"code": "030", "message": "No records."}}
    assert story.code("add client with a login that is taken") == "200"
    assert story.code("list clients with a wrong password") == "100"
    assert logins(answer("list clients as the client"), "client") == ["northwind"]

    once = ("Add", "Edit", "Set{}Status", "Set{}CpAccess", "Set{}PL", "Update{}PL", "Del")
    expected = [name.format("Organization") if "{" in name else f"{name}Organization" for name in once]
    assert writes(calls) == Counter([*expected, "MoveOrganizations"])
    assert kinds_of_findings(shim, since) == {"field-kept", "field-emulated", "default-added"}


@each_way
@each_client
def test_a_reseller_lives_its_life(backend: Backend, shim: Shim, client: str, way: Way) -> None:
    task = way(shim)
    tag = f"{client}-{task['version']}"
    steps = reseller_steps(tag)
    since = shim.mark
    with backend.watched() as calls:
        story = Story(CLIENTS[client](task, steps), steps, task["version"])
    answer = story.answer

    there = ["acme", "fabrikam"]
    assert logins(answer("list resellers"), "reseller") == there
    added = answer("add reseller")
    number = added["ID"]
    assert added == done(number, identifier=added["identifier"])
    assert logins(answer("list resellers with it"), "reseller") == sorted([*there, f"{tag}-reseller"])
    told = {
        "ID": number, "name": "Rosa Reseller", "company": "Resold", "login": f"{tag}-reseller",
        "email": "rosa@reseller.example", "country": "us",
        "status": "true", "phoneStatus": "1", "cpAccess": "true",
        "parentID": "1", "parentName": "Alice Administrator",
    }  # fmt: skip
    assert details(answer("read reseller")) == told
    assert answer("edit reseller") == done(number, identifier=added["identifier"])
    assert answer("set reseller status") == answer("close reseller panel") == done(number)
    told |= {"company": "Resold Networks", "status": "false", "phoneStatus": "32", "cpAccess": "false"}
    assert details(answer("read disabled reseller")) == told

    switches = {"clientManag": "true", "advertisingManag": "true", "stackedManag": "false"}
    more = {**switches, "MyVoipNowManag": "standard", "ID": number}
    assert answer("set reseller permissions") == answer("update reseller permissions") == done(number)
    said = permissions(**more, clientMax="3", phoneExtMax="unlimited")
    assert answer("read reseller permissions") == said
    said = permissions(**more, clientMax="5", phoneExtMax="9", ivrExtMax="unlimited")
    assert answer("read updated reseller permissions") == said

    assert story.code("add reseller with a login that is taken") == "200"
    assert answer("delete reseller") == {"items": "1", "result": "success"}
    assert story.code("read deleted reseller") == "100"
    assert logins(answer("list resellers again"), "reseller") == there

    once = ("Add", "Edit", "Set{}Status", "Set{}CpAccess", "Set{}PL", "Update{}PL", "Del")
    expected = [name.format("ServiceProvider") if "{" in name else f"{name}ServiceProvider" for name in once]
    assert writes(calls) == Counter(expected)
    assert kinds_of_findings(shim, since) == {"field-kept", "field-emulated", "default-added"}


def kinds_of_findings(shim: Shim, since: int) -> set[str]:
    """The codes of all findings since a mark, of clients that did nothing wrong."""
    return {event["code"] for event in shim.events[since:] if event["event"] == "finding"}


def test_php_sees_a_list_with_one_item_as_that_item(shim: Shim) -> None:
    """That is what PHP scripts were written for: the shim sends exactly what the list holds."""
    wanted = ("list clients", "list clients as the client")
    steps = [step for step in client_steps("shape") if step.name in wanted]
    seen = php(over_http(shim), steps)
    assert isinstance(seen["list clients"]["answer"]["client"], list)
    one = seen["list clients as the client"]["answer"]["client"]
    assert isinstance(one, dict)
    assert one["login"] == "northwind"


@each_way
def test_a_perl_script_without_a_soap_library_is_served(shim: Shim, way: Way) -> None:
    modules = ["perl", "-MLWP::Protocol::https", "-e", "1"]
    needed("LWP for Perl", modules, "libwww-perl")
    wsdl, authority = way(shim)["wsdl"]["Client"], way(shim)["authority"]
    url = wsdl.partition("/soap2/")[0] + "/soap2/client_agent.php"
    header = "<userCredentials><username>acme</username><password>acme-secret</password></userCredentials>"
    body = envelope(request("GetClientsRequest"), header)
    environment = {**os.environ, **({"PERL_LWP_SSL_CA_FILE": authority} if authority else {})}
    done = subprocess.run(
        ["perl", str(SCRIPTS / "plain.pl"), url],
        input=body,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    judge_answer(done.stdout)
    assert b"northwind" in done.stdout


README = Path(__file__).parents[3] / "README.md"
SHOWN = {"php": ["php", "-d", "soap.wsdl_cache_enabled=0", "-r"], "perl": ["perl", "-e"]}
SHOWN["python"] = [sys.executable, "-c"]


@pytest.mark.parametrize("language", SHOWN)
def test_what_the_readme_shows_works(shim: Shim, language: str) -> None:
    if language == "php":
        needed_php()
    if language == "perl":
        needed("LWP for Perl", ["perl", "-MLWP::UserAgent", "-e", "1"], "libwww-perl")
    code = README.read_text().partition(f"```{language}\n")[2].partition("```")[0]
    assert "127.0.0.1:8025" in code
    code = code.replace("127.0.0.1:8025", f"{HOST}:{shim.http}")
    done = subprocess.run([*SHOWN[language], code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for login in ("northwind", "contoso"):
        assert login in done.stdout
