"""The examples of docs/porting.md: each program is run as an integrator would run it.

The old call that is shown beside it is sent as well, through the same shim: both have to see the same facts, or
do the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from lxml import etree

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest
from shim.emulator.handlers.system import HANDLERS
from shim.interfaces.load import new
from tests.end_to_end.messages import ACME, envelope
from tests.end_to_end.native import call, fetch_token
from tests.end_to_end.real_clients.test_real_clients import needed, needed_php
from tests.end_to_end.running import HOST, Backend, Shim
from tests.end_to_end.wire import answered, post
from tests.support.conversation import catalogue
from tests.support.schemas import assert_valid

pytestmark = pytest.mark.clients

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PASSWORD = "Long-Pass-2025"
COMPANY = 'Müller & Söhne <"Nord">'
RUN = {
    "php": ["php", "-d", "soap.wsdl_cache_enabled=0", "-d", "display_errors=stderr"],
    "pl": ["perl"],
    "py": [sys.executable, "-W", "error"],
}
_serial = count(1)


def reported(call: EmulatedRequest) -> Element:
    """Three calls, so that a report has something in it."""
    row = {"source": "001", "destination": "2125550150", "disposition": "ANSWERED"}
    return call.answer(
        {
            "incomingCalls": {"total": "1"},
            "outgoingCalls": {"total": "2"},
            "call": [{**row, "flow": flow} for flow in ("in", "out", "out")],
        }
    )


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HANDLERS, "Report.CallReport", reported)
        backend = Backend()
    yield backend
    backend.close()


class Both:
    """The old calls of the examples and the programs of one language, against one shim."""

    def __init__(self, shim: Shim, backend: Backend, language: str) -> None:
        self._shim = shim
        self._backend = backend
        self._language = language

    def example(self, operation: str, *args: str) -> list[str]:
        """The lines that the program prints; what it sends to v3 has to be valid."""
        app = {"V3_APP_KEY": "acme-key", "V3_APP_SECRET": "acme-app-secret"}
        self._backend.exchanges.clear()
        done = subprocess.run(
            [*RUN[self._language], str(EXAMPLES / f"{operation}.{self._language}"), *args],
            env={**os.environ, "V3_URL": f"http://{HOST}:{self._shim.http}", **app},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
        for each in self._backend.exchanges:
            if each.path.startswith("/soap2/") and each.body:
                assert_valid(each.body, new())
        return done.stdout.splitlines()

    def shown(self, operation: str, **texts: str) -> Element:
        """The answer to the old call that the guide shows, with other values where they are given."""
        root = etree.fromstring((EXAMPLES / f"{operation}.xml").read_bytes())
        for name, text in texts.items():
            [element] = root.iter(f"{{*}}{name}")
            element.text = text
        return self.send(etree.tostring(root, encoding="unicode"))

    def old(self, operation: str, **texts: str) -> Element:
        """The answer to another old call."""
        root = etree.Element(f"{operation}Request")
        for name, text in texts.items():
            etree.SubElement(root, name).text = text
        return self.send(etree.tostring(root, encoding="unicode"))

    def send(self, body: str) -> Element:
        """The answer to an old call, given as its body element."""
        found = catalogue().old.by_input[etree.QName(etree.fromstring(body)).localname]
        path = catalogue().old.services[found.service].endpoint
        return answered(post(self._shim, envelope(body, login=ACME), path))

    # ---- things to try it on ----

    def client(self) -> str:
        """The ID of a client of its own."""
        return self.shown("AddClient", login=self.login()).get("ID") or ""

    def extension(self) -> tuple[str, str]:
        """Old ID and extended number of an extension of its own, below northwind."""
        made = self.shown("AddExtension", login=self.login()).get("ID") or ""
        return made, self.number(made)

    def login(self) -> str:
        return f"{self._language}-{next(_serial)}"

    def number(self, extension: str) -> str:
        return f"0020*{self.old('GetExtensionDetails', ID=extension).get('extensionNo')}"

    def has_user(self, user: str) -> bool:
        return int(user) in self._backend.world.accounts


@pytest.fixture(params=RUN)
def both(request: pytest.FixtureRequest, shim: Shim, backend: Backend) -> Both:
    if request.param == "php":
        needed_php()
    if request.param == "pl":
        needed("SOAP::Lite for Perl", ["perl", "-MSOAP::Lite", "-MJSON::PP", "-e", "1"], "libsoap-lite-perl")
    return Both(shim, backend, request.param)


def facts(answer: Element, *but: str) -> dict[str, list[str | None]]:
    """All that an answer says, except the elements that are different for every thing."""
    found: dict[str, list[str | None]] = {}
    for path, text in answer.leaves():
        if path not in but:
            found.setdefault(path, []).append(text)
    return found


OF_ACCOUNT = (
    "ID",
    "login",
    "identifier",
    "crDate",
    "extensionID",
    "extensionNo",
    "link/resourceID",
    "link/uuid",
)


# ---- reading: what the old call says is what the program prints ----


def rows(name: str, *fields: str, between: str = " ") -> Callable[[Element], list[str]]:
    return lambda answer: [between.join(each.get(field) or "" for field in fields) for each in answer.all(name)]


def named(*fields: str) -> Callable[[Element], list[str]]:
    return lambda answer: [f"{field}: {answer.get(field)}" for field in fields]


def extension_rows(answer: Element) -> list[str]:
    """Lists of 2.5 have numbers without leading zeros; here all have three digits in v3."""
    told = rows("extension", "extensionNo", "extensionType", "ID", "login")(answer)
    types = [each.replace(" queue ", " phoneQueue ") for each in told]
    return [f"0020*{int(number):03} {others}" for number, others in (each.split(" ", 1) for each in types)]


def extension_details(answer: Element) -> list[str]:
    own = [f"type: {answer.get('extensionType')}", f"number: {answer.get('extensionNo')}"]
    return own + named("login", "name", "company", "email", "parentID", "chargingPlanID")(answer)


def public_numbers(answer: Element) -> list[str]:
    pool = answer.child("publicNo")
    assert pool is not None
    return [
        f"{kind}: {each.get('ID')} {each.get('externalNo')}"
        for kind in ("assigned", "available")
        for each in pool.all(kind)
    ]


def report(answer: Element) -> list[str]:
    totals = [
        f"incoming: {answer.get('incomingCalls/total')}",
        f"outgoing: {answer.get('outgoingCalls/total')}",
    ]
    return totals + rows("call", "flow", "source", "destination", "disposition")(answer)


PROFILE = ("login", "name", "company", "email", "phone", "city", "country", "chargingPlanID")
Told = Callable[[Element], list[str]]
READS: dict[str, tuple[tuple[str, ...], Told, int]] = {
    "GetClientDetails": (("20",), named(*PROFILE), 8),
    "GetExtensions": (("20",), extension_rows, 5),
    "GetExtensionDetails": (("0020*001",), extension_details, 8),
    "GetPublicNoPoll": (("0020*002",), public_numbers, 5),
    "GetChargingPlans": (("10",), rows("chargingPlan", "ID", "name", "planType"), 1),
    "CallReport": (("31", "2025-01-01", "2025-01-31"), report, 5),
}


@pytest.mark.parametrize("operation", READS)
def test_a_program_tells_what_the_old_call_told(both: Both, operation: str) -> None:
    args, told, least = READS[operation]
    printed = both.example(operation, *args)
    assert printed == told(both.shown(operation))
    assert len(printed) >= least


def test_clients_are_those_of_the_old_list(both: Both) -> None:
    printed = both.example("GetClients")
    listed = [
        f"{e.get('ID')} {e.get('login')}: {e.get('name')}" for e in both.shown("GetClients").all("client")
    ]
    assert printed == listed
    assert "20 northwind: Nora Northwind" in printed


def test_both_extensions_of_a_user_are_listed(both: Both, shim: Shim) -> None:
    user, number = both.extension()
    body = f"<AddExtension><label>Second</label><parentID>{user}</parentID></AddExtension>"
    native = fetch_token(shim, "admin")
    call(
        shim,
        "/soap2/user_agent.php",
        native,
        f"<SetUserPL><phoneExtMax>2</phoneExtMax><ID>{user}</ID></SetUserPL>",
    )
    second = call(shim, "/soap2/extension_agent.php", native, body).get("extendedNumber")
    printed = [line.split() for line in both.example("GetExtensions", "20")]
    assert [line[0] for line in printed if line[2] == user] == [number, second]
    assert len(printed) == len(both.shown("GetExtensions").all("extension"))


def test_call_rules_are_those_of_the_old_list(both: Both) -> None:
    extension, number = both.extension()
    for to in ("2125550150", "2125550151"):
        both.shown("AddCallRulesIn", userID=extension, transferNumber=to)
    rules = both.shown("GetCallRulesIn", userID=extension).all("rules")
    told = [f"{each.get('ruleID')}: to {each.get('transfer/toNumbers/transferNumber')}" for each in rules]
    assert len(told) == 2
    assert both.example("GetCallRulesIn", number) == told


def test_time_intervals_are_those_of_the_old_list(both: Both) -> None:
    both.send(
        f"<AddTimeIntervalBlockRequest><name>Hours {both.login()}</name><type>interval</type>"
        "<timezone>2</timezone><timeInterval><startTime>08:00:00</startTime><endTime>12:30:00</endTime></timeInterval>"
        "<userID>20</userID></AddTimeIntervalBlockRequest>"
    )
    told = rows("timeIntervalBlock", "ID", "name")(both.shown("GetTimeIntervalBlocks"))
    assert told
    assert both.example("GetTimeIntervalBlocks", "20") == told


# ---- writing: the old call does to one thing what the program does to another ----


def test_clients_are_added_alike(both: Both) -> None:
    by_old = both.shown("AddClient", login=both.login(), company=COMPANY).get("ID") or ""
    [by_new] = both.example("AddClient", both.login(), PASSWORD, COMPANY)
    seen = [facts(both.old("GetClientDetails", ID=each), *OF_ACCOUNT) for each in (by_old, by_new)]
    assert seen[0].pop("industry") == ["5"], "the shim keeps it, and v3 has no place for it"
    assert seen[0] == seen[1]
    assert seen[1]["company"] == [COMPANY]


def test_clients_are_edited_alike(both: Both) -> None:
    one, other = both.client(), both.client()
    both.shown("EditClient", ID=one)
    assert both.example("EditClient", other, "2125550199") == ["success"]
    seen = [facts(both.old("GetClientDetails", ID=each), *OF_ACCOUNT) for each in (one, other)]
    assert seen[0] == seen[1]
    assert seen[1]["phone"] == ["2125550199"]


def test_clients_are_deleted_alike(both: Both) -> None:
    one, other = both.client(), both.client()
    answer = both.shown("DelClient", ID=one)
    printed = both.example("DelClient", other)
    assert printed == [f"{answer.get('result')}: {answer.get('items')}"] == ["success: 1"]
    assert not {one, other} & {each.get("ID") for each in both.shown("GetClients").all("client")}


def test_clients_are_suspended_alike(both: Both) -> None:
    one, other = both.client(), both.client()
    both.shown("SetClientStatus", ID=one)
    assert both.example("SetClientStatus", other, "0") == ["success"]
    states = [both.old("GetClientDetails", ID=each).get("status") for each in (one, other)]
    assert states == ["false", "false"]
    assert both.example("SetClientStatus", other, "1") == ["success"]
    assert both.old("GetClientDetails", ID=other).get("status") == "true"


def test_clients_are_allowed_alike(both: Both) -> None:
    one, other = both.client(), both.client()
    both.shown("SetClientPL", ID=one)
    assert both.example("SetClientPL", other, "25") == ["success"]
    answers = [both.old("GetClientPL", ID=each) for each in (one, other)]
    assert facts(answers[0], "userPL/ID") == facts(answers[1], "userPL/ID")
    limit = answers[1].child("userPL")
    assert limit is not None
    bound = limit.child("phoneExtMax")
    assert bound is not None
    assert (bound.text, bound.attributes["unlimited"]) == ("25", "false")


def test_extensions_are_added_alike(both: Both) -> None:
    by_old, _ = both.extension()
    login = both.login()
    [printed] = both.example("AddExtension", "20", login, PASSWORD)
    by_new, number = printed.split()
    assert both.number(by_new) == number
    seen = [facts(both.old("GetExtensionDetails", ID=each), *OF_ACCOUNT) for each in (by_old, by_new)]
    assert seen[0] == seen[1]
    limits = [both.old("GetExtensionPL", ID=each) for each in (by_old, by_new)]
    for name in ("sipManag", "soundManag", "callerIDManag", "mailboxMax"):
        assert limits[0].get(f"extensionPL/{name}") == limits[1].get(f"extensionPL/{name}")
    rows = both.shown("GetExtensions").all("extension")
    assert (by_new, login) in {(each.get("ID"), each.get("login")) for each in rows}


def test_extensions_are_edited_alike(both: Both) -> None:
    (one, _), (other, number) = both.extension(), both.extension()
    both.shown("EditExtension", ID=one)
    printed = both.example("EditExtension", number, "Paul Porter", "2125550123")
    assert printed == ["user: success", "extension: success"]
    seen = [facts(both.old("GetExtensionDetails", ID=each), *OF_ACCOUNT) for each in (one, other)]
    assert seen[0] == seen[1]
    assert (seen[1]["name"], seen[1]["phone"]) == (["Paul Porter"], ["2125550123"])
    labels = {each.label for each in both._backend.world.extensions.values() if each.number == number}
    assert labels == {"Paul Porter"}


def test_extensions_are_deleted_alike_and_their_users_with_them(both: Both) -> None:
    (one, _), (other, number) = both.extension(), both.extension()
    answer = both.shown("DelExtension", ID=one)
    assert both.has_user(other)
    printed = both.example("DelExtension", number)
    assert printed == [f"{answer.get('result')}: {answer.get('items')}"] == ["success: 1"]
    assert not both.has_user(one)
    assert not both.has_user(other)
    assert not {one, other} & {each.get("ID") for each in both.shown("GetExtensions").all("extension")}


def test_extensions_are_suspended_alike(both: Both) -> None:
    (one, _), (other, number) = both.extension(), both.extension()
    both.shown("SetExtensionStatus", ID=one)
    assert both.example("SetExtensionStatus", number, "0") == ["success"]
    states = [both.old("GetExtensionDetails", ID=each).get("status") for each in (one, other)]
    assert states == ["false", "false"]


def test_call_rules_are_added_alike(both: Both) -> None:
    (one, _), (other, number) = both.extension(), both.extension()
    both.shown("AddCallRulesIn", userID=one)
    [printed] = both.example("AddCallRulesIn", number, "2125550150")
    answers = [both.shown("GetCallRulesIn", userID=each) for each in (one, other)]
    assert printed == f"success: {answers[1].get('rules/ruleID')}"
    assert facts(answers[0], "userID", "rules/ruleID") == facts(answers[1], "userID", "rules/ruleID")
    assert answers[1].get("rules/transfer/toNumbers/transferNumber") == "2125550150"


def test_public_numbers_are_assigned_alike(both: Both) -> None:
    (one, _), (other, number) = both.extension(), both.extension()
    pool = both.shown("GetPublicNoPoll", userID=one).child("publicNo")
    assert pool is not None
    first, second = [each.get("ID") or "" for each in pool.all("available")][:2]
    both.shown("AssignPublicNo", didID=first, userID=one)
    assert both.example("AssignPublicNo", number, second) == ["success"]
    for extension, did in ((one, first), (other, second)):
        held = both.shown("GetPublicNoPoll", userID=extension).child("publicNo")
        assert held is not None
        assert [each.get("ID") for each in held.all("assigned")] == [did]


# ---- the examples themselves ----


def test_every_example_is_there_and_tried() -> None:
    shown = {each.stem for each in EXAMPLES.glob("*.xml")}
    assert len(shown) == 20
    for suffix in RUN:
        assert {each.stem for each in EXAMPLES.glob(f"*.{suffix}")} - {"v3"} == shown
    here = Path(__file__).read_text("utf-8")
    untried = [each for each in shown if f'example("{each}"' not in here and each not in READS]
    assert not untried


@pytest.mark.parametrize("wrong", ["V3_APP_KEY", "V3_APP_SECRET"])
def test_a_wrong_login_fails_and_says_no_secret(both: Both, shim: Shim, wrong: str) -> None:
    app = {"V3_APP_KEY": "acme-key", "V3_APP_SECRET": "acme-app-secret", wrong: "wrong-value"}
    done = subprocess.run(
        [*RUN[both._language], str(EXAMPLES / f"GetClients.{both._language}")],
        env={**os.environ, "V3_URL": f"http://{HOST}:{shim.http}", **app},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert not done.stdout
    assert "acme-app-secret" not in done.stderr
