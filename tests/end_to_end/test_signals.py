"""Signals: an end that loses no call, and new integrations without dropping a connection."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import yaml

from tests.end_to_end import sinks
from tests.end_to_end.messages import CLIENT, GET_CLIENTS, edit_client, envelope, request
from tests.end_to_end.running import Backend, Shim, StartShim, demo_integrations, integration
from tests.end_to_end.wire import Reply, Wire, answered, connected, faulted, http_get, http_post, post

ACME_APP = {"app_key": "acme-key", "app_secret": "acme-app-secret"}


@pytest.fixture
def shim(start_shim: StartShim) -> Shim:
    """A shim of the test's own, since it is going to be ended or changed."""
    return start_shim()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def under_way(pool: ThreadPoolExecutor, backend: Backend, shim: Shim, seconds: float) -> Future[Reply]:
    """A write that the backend answers so much later; it has arrived there when this returns."""
    backend.world.interfere("EditOrganization", f"late:{seconds}")
    before = len(backend.calls)
    future = pool.submit(post, shim, edit_client(21, "<company>Under way</company>"))
    while len(backend.calls) == before:
        time.sleep(0.01)
    return future


def calls_as(login: str, password: str = "new-secret") -> bytes:
    return envelope(request("GetClientsRequest"), login=(login, password))


def ready(shim: Shim) -> int:
    with connected(shim.admin) as wire:
        return wire.exchange(http_get("/readyz")).status


def refuses_connections(shim: Shim) -> bool:
    try:
        with connected(shim.http):
            return False
    except OSError:
        return True


# ---- the end ----


def test_sigterm_is_an_end_in_which_every_call_gets_its_answer(
    pool: ThreadPoolExecutor, backend: Backend, shim: Shim
) -> None:
    """First a balancer is told; then, which a second signal hastens, nothing new is taken and the rest ends."""
    assert ready(shim) == 200
    call = under_way(pool, backend, shim, 1.5)
    shim.signal(signal.SIGTERM)
    shim.said("stopping", signal="SIGTERM")
    assert ready(shim) == 503
    answered(post(shim, GET_CLIENTS))
    shim.signal(signal.SIGTERM)
    time.sleep(0.3)
    assert refuses_connections(shim)
    assert not call.done()
    assert answered(call.result()).get("result") == "success"
    assert shim.wait() == 0
    assert shim.events[-1]["event"] == "stopped"


@pytest.mark.slow
def test_sigterm_leaves_a_balancer_ten_seconds(shim: Shim) -> None:
    began = time.monotonic()
    shim.signal(signal.SIGTERM)
    time.sleep(8)
    answered(post(shim, GET_CLIENTS))
    assert shim.wait() == 0
    assert 9 < time.monotonic() - began < 14


def test_an_end_under_load_loses_no_call_and_no_finding(
    pool: ThreadPoolExecutor, backend: Backend, shim: Shim
) -> None:
    """Callers go elsewhere when readiness is gone; what they had begun is answered, counted and kept."""
    message = envelope(request("GetClientsRequest", "<naem>x</naem>"))
    backend.world.interfere("GetOrganizations", "late:0.2")
    elsewhere = threading.Event()

    def caller() -> int:
        count = 0
        while not elsewhere.is_set():
            answered(post(shim, message))
            count += 1
        return count

    callers = [pool.submit(caller) for _ in range(4)]
    time.sleep(0.5)
    shim.signal(signal.SIGTERM)
    shim.said("stopping", signal="SIGTERM")
    assert ready(shim) == 503
    elsewhere.set()
    began = time.monotonic()
    shim.signal(signal.SIGTERM)
    answers = sum(each.result() for each in callers)
    assert shim.wait() == 0
    assert time.monotonic() - began < 5, "the second signal ends the waiting"
    assert answers >= 8
    assert sum(int(str(row["calls"])) for row in sinks.table(shim, "usage")) == answers
    kept = {row["code"]: row["count"] for row in sinks.table(shim, "findings")}
    assert kept["unknown-element"] == answers


@pytest.mark.slow
def test_the_end_is_bounded_though_the_store_is_locked(start_shim: StartShim) -> None:
    """What the store does not take then is in the spool, and in the store after the next start."""
    shim = start_shim({"deprecation.flush": 30, "deprecation.patience": 1})
    with sinks.locked(shim):
        answered(post(shim, GET_CLIENTS))
        began = time.monotonic()
        for _ in range(2):
            shim.signal(signal.SIGTERM)
            time.sleep(0.1)
        assert shim.wait(20) == 0
        assert time.monotonic() - began < 12
        assert sinks.spool(shim)
    assert "deprecation log lost" not in {each["event"] for each in shim.events}


def test_kept_connections_do_not_delay_the_end(shim: Shim) -> None:
    with connected(shim.http) as wire, connected(shim.https, shim.tls.authority) as secure:
        answered(wire.exchange(http_post(GET_CLIENTS)))
        answered(secure.exchange(http_post(GET_CLIENTS)))
        began = time.monotonic()
        for _ in range(2):
            shim.signal(signal.SIGTERM)
            time.sleep(0.2)
        assert shim.wait() == 0
        assert time.monotonic() - began < 3
        assert wire.is_closed()


def test_sigint_ends_at_once_and_still_answers_what_is_under_way(
    pool: ThreadPoolExecutor, backend: Backend, shim: Shim
) -> None:
    call = under_way(pool, backend, shim, 0.8)
    shim.signal(signal.SIGINT)
    assert answered(call.result()).get("result") == "success"
    assert shim.wait() == 130


# ---- new integrations ----


def reread(shim: Shim) -> None:
    """Send SIGHUP and wait until it has been obeyed."""
    since = shim.mark
    shim.signal(signal.SIGHUP)
    shim.wait_for(lambda event: event["event"].startswith("configuration "), since)


def serves(wire: Wire, message: bytes) -> bool:
    """Whether a call is answered, on a connection that was open before."""
    reply = wire.exchange(http_post(message))
    if reply.status == 200:
        answered(reply)
        return True
    assert faulted(reply).code == "100"
    return False


def test_sighup_takes_new_integrations_over_and_drops_no_connection(
    pool: ThreadPoolExecutor, backend: Backend, shim: Shim
) -> None:
    contoso = calls_as("contoso", "contoso-secret")
    call = under_way(pool, backend, shim, 0.6)
    with connected(shim.http) as wire:
        assert serves(wire, contoso)
        assert not serves(wire, calls_as("newcomer"))
        others = [each for each in demo_integrations() if each["name"] != "contoso"]
        shim.configure(integrations=[*others, integration("newcomer", "new-secret", **ACME_APP)])
        reread(shim)
        assert serves(wire, calls_as("newcomer"))
        assert not serves(wire, contoso), "what was remembered of it must not outlive it"
        assert serves(wire, GET_CLIENTS)
    assert answered(call.result()).get("result") == "success"
    assert shim.said("configuration reread")["integrations"] == len(demo_integrations())


def test_sighup_takes_a_changed_password_over(shim: Shim) -> None:
    with connected(shim.http) as wire:
        assert serves(wire, GET_CLIENTS)
        acme = integration("acme", "new-secret")
        shim.configure(integrations=[acme])
        reread(shim)
        assert not serves(wire, GET_CLIENTS)
        assert serves(wire, calls_as("acme"))
        shim.configure(integrations=[{**acme, "enabled": False}])
        reread(shim)
        assert not serves(wire, calls_as("acme"))


def test_sighup_takes_changed_conduct_over(backend: Backend, shim: Shim) -> None:
    limits = '<ID>20</ID><phoneExtMax unlimited="false">10</phoneExtMax>'

    def users() -> str | None:
        with backend.watched() as calls:
            answered(post(shim, envelope(request("SetClientPLRequest", limits))))
        found = calls[0].request.child("userMax")
        return found.text if found else None

    assert users() == "0"  # and unlimited
    shim.configure(conduct={"user_max": 50})
    reread(shim)
    assert users() == "50"
    shim.configure(conduct={"user_max": "leave"})
    reread(shim)
    assert users() is None


BROKEN = {
    "no YAML": "integrations: [zqmark",
    "no integration": "integrations:\n  - {name: zqmark}\n",
    "no such key": "zqmark: 1\n",
    "a list": "- zqmark\n",
    "nothing": "",
}


def test_sighup_with_a_broken_file_keeps_the_old_set(shim: Shim) -> None:
    whole = yaml.safe_dump({key: value for key, value in shim.settings.items() if key != "integrations"})
    texts = {what: text if what in ("a list", "nothing") else whole + text for what, text in BROKEN.items()}
    with connected(shim.http) as wire:
        assert serves(wire, GET_CLIENTS)
        for what, text in texts.items():
            since = shim.mark
            shim.write(text)
            reread(shim)
            assert shim.events[since]["event"] == "configuration not reread: the old one stays", what
            assert shim.events[since]["problem"], what
            assert serves(wire, GET_CLIENTS), what
        shim.configure(integrations=[integration("acme", "new-secret")])
        reread(shim)
        assert serves(wire, calls_as("acme"))


def test_sighup_with_a_file_that_is_gone_keeps_the_old_set(shim: Shim) -> None:
    (shim.folder / "config.yaml").unlink()
    reread(shim)
    answered(post(shim, GET_CLIENTS, CLIENT))
