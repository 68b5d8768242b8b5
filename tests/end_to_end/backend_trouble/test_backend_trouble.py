"""A backend that refuses, fails, is late or talks nonsense: what the caller hears, what is not repeated."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from shim.emulator.app import TOKEN_PATH, Options
from shim.emulator.world.world import SeenRequest
from tests.end_to_end.messages import (
    ADMIN,
    CLIENT,
    GET_CLIENTS,
    RESELLER,
    add_client,
    edit_client,
    envelope,
    request,
)
from tests.end_to_end.running import (
    HOST,
    PATIENCE,
    Backend,
    Shim,
    StartShim,
    Tls,
    demo_integrations,
    integration,
    running_shim,
)
from tests.end_to_end.wire import answered, connected, faulted, http_post, post

NOT_KNOWN = "Whether the change was made is not known"
EDIT = "Organization.EditOrganization"
GET = "Organization.GetOrganizations"
ADD = "Organization.AddOrganization"

ACME_APP = {"app_key": "acme-key", "app_secret": "acme-app-secret"}
MORE_LOGINS = [integration(f"token-{n}", "secret", **ACME_APP) for n in range(3)]
MORE_LOGINS.append(integration("wrong-app", "secret", app_key="acme-key", app_secret="wrong"))
MORE_LOGINS.append(integration("no-app", "secret", app_key="no-such-key", app_secret="wrong"))
IMPATIENT = {"backend.call_timeout": 0.5, "integrations": demo_integrations() + MORE_LOGINS}


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    """One that waits for half a second only."""
    with running_shim(backend.url, tls, IMPATIENT) as running:
        yield running


@pytest.fixture(autouse=True)
def _every_disturbance_is_used_up(backend: Backend) -> Iterator[None]:
    yield
    assert backend.world.faults == []


def edit(company: str) -> bytes:
    return edit_client(21, f"<company>{company}</company>")


def company(backend: Backend) -> str:
    return backend.world.accounts[21].profile["company"]


def outcomes(calls: list[SeenRequest]) -> list[tuple[str, str]]:
    return [(call.operation, call.outcome) for call in calls]


# ---- reads: repeated, since nothing can be done twice ----


@pytest.mark.parametrize("action", ["drop", "drop-after", "half", "late:1"])
def test_a_read_whose_answer_is_lost_is_repeated(backend: Backend, shim: Shim, action: str) -> None:
    backend.world.interfere("GetOrganizations", action)
    with backend.watched() as calls:
        assert answered(post(shim, GET_CLIENTS)).name == "GetClientsResponse"
    lost = "drop" if action == "drop" else "ok"
    assert outcomes(calls) == [(GET, lost), (GET, "ok")]


def test_a_read_that_never_succeeds_is_tried_three_times(backend: Backend, shim: Shim) -> None:
    for _ in range(3):
        backend.world.interfere("GetOrganizations", "drop")
    with backend.watched() as calls:
        said = faulted(post(shim, GET_CLIENTS))
    assert (said.side, said.reason, said.code) == ("Server", "backend-cut", None)
    assert NOT_KNOWN not in said.text
    assert outcomes(calls) == [(GET, "drop")] * 3


def test_nonsense_instead_of_a_list_is_a_fault(backend: Backend, shim: Shim) -> None:
    backend.world.interfere("GetOrganizations", "garbage")
    said = faulted(post(shim, GET_CLIENTS))
    assert (said.side, said.reason) == ("Server", "backend-nonsense")
    assert NOT_KNOWN not in said.text
    assert "An error occurred" not in said.text


# ---- writes: never repeated once they may have run ----


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("drop", "backend-cut"),
        ("drop-after", "backend-cut"),
        ("half", "backend-cut"),
        ("late:1", "backend-late"),
        ("garbage", "backend-nonsense"),
    ],
)
def test_a_write_whose_answer_is_lost_is_said_to_be_unknown_and_not_repeated(
    backend: Backend, shim: Shim, action: str, reason: str
) -> None:
    new = f"After {action}"
    backend.world.interfere("EditOrganization", action)
    with backend.watched() as calls:
        said = faulted(post(shim, edit(new)))
        time.sleep(0.3)  # long enough for a repeat, had there been one
    assert (said.side, said.reason, said.code) == ("Server", reason, None)
    assert NOT_KNOWN in said.text
    ran = action != "drop"
    assert outcomes(calls) == [(EDIT, "ok" if ran else "drop")]
    assert (company(backend) == new) is ran


def test_an_add_that_ran_unseen_ran_once_and_is_answered_with_its_id(backend: Backend, shim: Shim) -> None:
    backend.world.interfere("AddOrganization", "drop-after")
    with backend.watched() as calls:
        said = answered(post(shim, add_client("unseen")))
    assert [each for each in outcomes(calls) if each[0] == ADD] == [(ADD, "ok")]
    made = backend.world.by_login("unseen")
    assert made is not None
    assert said.get("ID") == str(made.id)
    assert faulted(post(shim, add_client("unseen"))).code == "200"


def test_a_call_that_takes_too_long_as_a_whole_is_ended(backend: Backend, start_shim: StartShim) -> None:
    shim = start_shim({"backend.total_timeout": 0.4, "backend.call_timeout": 300})
    with backend.held("EditOrganization"):
        said = faulted(post(shim, edit("In the end")))
    assert (said.side, said.reason) == ("Server", "backend-late")
    assert "not known" in said.text


# ---- what the backend says itself ----


@pytest.mark.parametrize("code", ["054", "100", "200", "301", "520"])
def test_a_fault_of_the_backend_keeps_its_code_and_text(backend: Backend, shim: Shim, code: str) -> None:
    """Code 100 may mean a dead token: then, and only then, the call is repeated, the token tried apart."""
    backend.world.interfere("EditOrganization", f"fault:{code}")
    if code == "100":
        backend.world.interfere("EditOrganization", f"fault:{code}")
    with backend.watched() as calls:
        said = faulted(post(shim, edit("Refused")))
    assert (said.side, said.reason, said.code) == ("Server", "backend-fault", code)
    assert f"refuse this with {code}" in said.text
    tried = [(EDIT, code), (EDIT, code), ("PBX.GetInterfaceLang", "ok")]
    assert outcomes(calls) == (tried if code == "100" else [(EDIT, code)])
    assert company(backend) != "Refused"


def test_a_fault_of_the_backend_without_a_code_has_none(backend: Backend, shim: Shim) -> None:
    backend.world.interfere("GetOrganizations", "fault:")
    said = faulted(post(shim, GET_CLIENTS))
    assert (said.reason, said.code) == ("backend-fault", None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (add_client("northwind"), "200"),
        (add_client("x", "<country>atlantis</country>"), "301"),
        (add_client("x", "<email>nowhere</email>"), "300"),
        (add_client("x", "<parentID>4711</parentID>"), "251"),
        (add_client("x", "<chargingPlanID>4711</chargingPlanID>"), "258"),
        (add_client("x" * 20).replace(b">Test<", b">" + b"n" * 256 + b"<"), "307"),
        (envelope(request("AddClientRequest", "<name>No Login</name>")), "117"),
        (envelope(request("GetClientDetailsRequest", "<ID>4711</ID>")), "100"),
        (envelope(request("AddResellerRequest", "<name>R</name><login>r</login>")), "520"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_backend_judges_comes_back_with_its_code(shim: Shim, body: bytes, code: str) -> None:
    said = faulted(post(shim, body))
    assert (said.side, said.reason, said.code) == ("Client", "backend-fault", code)


# ---- tokens ----


@pytest.mark.parametrize("number", [0, 1], ids=["read", "write"])
def test_a_dead_token_is_renewed_once_and_the_call_is_made(backend: Backend, shim: Shim, number: int) -> None:
    login = (f"token-{number}", "secret")
    read = envelope(request("GetClientsRequest"), login=login)
    write = envelope(request("EditClientRequest", "<ID>21</ID><company>Renewed</company>"), login=login)
    body, operation = [(read, GET), (write, EDIT)][number]
    assert answered(post(shim, read)).name == "GetClientsResponse"
    backend.world.interfere(operation, "dead-token")
    tokens = backend.hits.count(TOKEN_PATH)
    with backend.watched() as calls:
        answered(post(shim, body))
    assert outcomes(calls) == [(operation, "100"), (operation, "ok")]
    assert backend.hits.count(TOKEN_PATH) == tokens + 1


def test_a_token_that_the_backend_forgot_is_renewed(backend: Backend, shim: Shim) -> None:
    read = envelope(request("GetClientsRequest"), login=("token-2", "secret"))
    before = set(backend.world.tokens)
    answered(post(shim, read))
    for token in set(backend.world.tokens) - before:
        del backend.world.tokens[token]
    assert answered(post(shim, read)).name == "GetClientsResponse"


def test_one_token_serves_many_calls(backend: Backend, shim: Shim) -> None:
    answered(post(shim, GET_CLIENTS))
    tokens = backend.hits.count(TOKEN_PATH)
    for _ in range(3):
        answered(post(shim, GET_CLIENTS))
    assert backend.hits.count(TOKEN_PATH) == tokens


@pytest.mark.parametrize("login", ["wrong-app", "no-app"])
def test_an_app_that_the_backend_refuses_is_the_operators_business(
    backend: Backend, shim: Shim, login: str
) -> None:
    with backend.watched() as calls:
        said = faulted(post(shim, envelope(request("GetClientsRequest"), login=(login, "secret"))))
    assert (said.side, said.reason) == ("Server", "backend-login-refused")
    assert "new.app_secret" in said.text
    assert calls == []


# ---- no backend ----


@pytest.fixture(scope="module")
def nowhere() -> str:
    """The address of a backend that is down: nothing listens there."""
    with closing(socket.create_server((HOST, 0))) as free:
        return f"http://{HOST}:{free.getsockname()[1]}"


def test_a_backend_that_is_down_is_said_to_be_so(start_shim: StartShim, nowhere: str) -> None:
    shim = start_shim(backend_url=nowhere)
    for body in (GET_CLIENTS, edit("Never")):
        said = faulted(post(shim, body))
        assert (said.side, said.reason, said.code) == ("Server", "backend-unreachable", None)
        assert "the call was not made" in said.text
    assert faulted(post(shim, envelope(request("GetClientsRequest"), login=("acme", "wrong")))).code == "100"


def test_a_backend_that_goes_down_with_a_token_out_is_said_to_be_so(start_shim: StartShim) -> None:
    own = Backend()
    try:
        shim = start_shim(backend_url=own.url)
        answered(post(shim, GET_CLIENTS))
    finally:
        own.close()
    for body in (GET_CLIENTS, edit("Never")):
        said = faulted(post(shim, body))
        assert said.reason == "backend-unreachable"
        assert "nothing was changed" in said.text


def test_http_503_is_repeated_for_reads_and_not_known_for_writes(start_shim: StartShim) -> None:
    failing = Backend(Options(fail_rate=1.0))
    try:
        shim = start_shim(backend_url=failing.url)
        for body, said_unknown, attempts in ((GET_CLIENTS, False, 3), (edit("Never"), True, 1)):
            failing.hits.clear()
            said = faulted(post(shim, body))
            assert (said.side, said.reason) == ("Server", "backend-nonsense")
            assert "503" in said.text
            assert (NOT_KNOWN in said.text) is said_unknown
            assert [path for path in failing.hits if path not in (TOKEN_PATH, "/")] == [
                "/soap2/organization_agent.php"
            ] * attempts
    finally:
        failing.close()


def test_a_wrong_path_of_the_backend_is_told_to_the_operator(start_shim: StartShim, backend: Backend) -> None:
    shim = start_shim({"backend.url": f"{backend.url}/nothing", "backend.token_path": "/nowhere.php"})
    said = faulted(post(shim, GET_CLIENTS, CLIENT))
    assert (said.side, said.reason) == ("Server", "backend-nonsense")
    assert "backend.url" in said.text


def test_calls_of_others_go_on_while_one_waits(backend: Backend, shim: Shim) -> None:
    """The administrator's call is held up; acme's is answered meanwhile."""
    resellers = envelope(request("GetResellersRequest"), login=ADMIN)
    with connected(shim.http, timeout=PATIENCE) as waiting, backend.held("GetServiceProviders") as release:
        waiting.send(http_post(resellers, RESELLER))
        answered(post(shim, GET_CLIENTS))
        release.set()
        assert answered(waiting.read()).name == "GetResellersResponse"
