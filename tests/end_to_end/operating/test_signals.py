"""Signals: an end that loses no call, and new integrations without dropping a connection."""

from __future__ import annotations

import shutil
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
import yaml
from cryptography import x509
from typer.testing import CliRunner

from shim.cli.main import app
from shim.edge.serve import PATIENCE
from tests.end_to_end import sinks
from tests.end_to_end.messages import CLIENT, GET_CLIENTS, edit_client, envelope, request
from tests.end_to_end.running import (
    HOST,
    Backend,
    Event,
    Shim,
    StartShim,
    Tls,
    demo_integrations,
    integration,
    running_shim,
)
from tests.end_to_end.wire import Reply, Wire, answered, connected, faulted, http_get, http_post, post

CALLS_MAY_TAKE = PATIENCE / 2
"""What the end waits for calls that are under way, seconds; nothing else may take as long."""
EXTENSION = "/soap2/extension_agent.php"
TOKEN = "/oauth/token.php"
ADD_PHONE = envelope(
    request(
        "AddExtensionRequest",
        "<name>Front desk</name><company>Harbour</company><login>harbour-desk</login>"
        "<password>Pass-2025</password><country>us</country><parentID>20</parentID>",
    )
)
ACME_APP = {"app_key": "acme-key", "app_secret": "acme-app-secret"}


UNHURRIED = {"listen.drain": 600, "backend.call_timeout": 300, "backend.total_timeout": 300}
"""Nothing ends by itself: what a test sees end, a signal has ended."""


@pytest.fixture
def shim(start_shim: StartShim) -> Shim:
    """A shim of the test's own, since it is going to be ended or changed."""
    return start_shim(UNHURRIED)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def under_way(pool: ThreadPoolExecutor, backend: Backend, shim: Shim) -> Future[Reply]:
    """A write that has arrived at a backend which holds its calls."""
    before = len(backend.hits)
    future = pool.submit(post, shim, edit_client(21, "<company>Under way</company>"))
    sinks.until(lambda: len(backend.hits) > before, "the write arrives")
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
    answered(post(shim, GET_CLIENTS))
    with backend.held("EditOrganization") as release:
        call = under_way(pool, backend, shim)
        shim.signal(signal.SIGTERM)
        shim.said("stopping", signal="SIGTERM")
        assert ready(shim) == 503
        late = post(shim, GET_CLIENTS)
        answered(late)
        assert late.headers["connection"] == "close", "the next call has to go elsewhere"
        shim.signal(signal.SIGTERM)
        sinks.until(lambda: refuses_connections(shim), "nothing new is taken")
        assert not call.done()
        release.set()
        assert answered(call.result()).get("result") == "success"
    assert shim.wait() == 0
    assert shim.events[-1]["event"] == "stopped"


def test_sigterm_leaves_a_balancer_its_time(start_shim: StartShim) -> None:
    shim = start_shim({"listen.drain": 2})
    began = time.monotonic()
    shim.signal(signal.SIGTERM)
    shim.said("stopping", signal="SIGTERM")
    assert ready(shim) == 503
    answered(post(shim, GET_CLIENTS))
    assert shim.wait() == 0
    assert time.monotonic() - began >= 2


def test_an_end_under_load_loses_no_call_and_no_finding(
    pool: ThreadPoolExecutor, backend: Backend, shim: Shim
) -> None:
    """Callers go elsewhere when readiness is gone; what they had begun is answered, counted and kept."""
    message = envelope(request("GetClientsRequest", "<naem>x</naem>"))
    elsewhere = threading.Event()
    done: list[Reply] = []

    def caller() -> None:
        while not elsewhere.is_set():
            done.append(post(shim, message))

    callers = [pool.submit(caller) for _ in range(4)]
    sinks.until(lambda: len(done) >= 8, "calls are answered")
    shim.signal(signal.SIGTERM)
    shim.said("stopping", signal="SIGTERM")
    assert ready(shim) == 503
    elsewhere.set()
    shim.signal(signal.SIGTERM)
    for each in callers:
        each.result()
    assert shim.wait() == 0
    for reply in done:
        answered(reply)
    assert sum(int(str(row["calls"])) for row in sinks.table(shim, "usage")) == len(done)
    kept = {row["code"]: row["count"] for row in sinks.table(shim, "findings")}
    assert kept["unknown-element"] == len(done)


@pytest.mark.slow
def test_the_end_is_bounded_though_the_store_is_locked(start_shim: StartShim) -> None:
    """What the store does not take then is in the spool, and in the store after the next start."""
    shim = start_shim({"listen.drain": 0, "deprecation.flush": 30, "deprecation.patience": 1})
    with sinks.locked(shim):
        answered(post(shim, GET_CLIENTS))
        shim.signal(signal.SIGTERM)
        assert shim.wait() == 0, "the store is locked for as long as that is not so"
        assert sinks.spool(shim)
    assert "deprecation log lost" not in {each["event"] for each in shim.events}


def test_kept_connections_do_not_delay_the_end(start_shim: StartShim) -> None:
    shim = start_shim({"listen.drain": 0, "listen.keepalive_timeout": 600})
    with connected(shim.http) as wire, connected(shim.https, shim.tls.authority) as secure:
        answered(wire.exchange(http_post(GET_CLIENTS)))
        answered(secure.exchange(http_post(GET_CLIENTS)))
        shim.signal(signal.SIGTERM)
        assert shim.wait(CALLS_MAY_TAKE) == 0
        assert wire.is_closed()


def test_sigint_ends_at_once_and_still_answers_what_is_under_way(
    pool: ThreadPoolExecutor, backend: Backend, shim: Shim
) -> None:
    answered(post(shim, GET_CLIENTS))
    with backend.held("EditOrganization") as release:
        call = under_way(pool, backend, shim)
        shim.signal(signal.SIGINT)
        sinks.until(lambda: refuses_connections(shim), "nothing new is taken")
        release.set()
        assert answered(call.result()).get("result") == "success"
    assert shim.wait() == 130


# ---- secrets ----


def test_a_rotated_app_secret_is_taken_over_and_the_old_one_used_no_more(
    start_shim: StartShim, tmp_path: Path, backend: Backend
) -> None:
    """The secret is in a file, as rotation tools write it: what v3 said of the old one is forgotten."""
    secret = tmp_path / "acme-secret"
    secret.write_text("retired\n")
    acme = integration("northwind", "new-secret", app_key="acme-key")
    acme["new"] = {"app_key": "acme-key", "app_secret": {"file": str(secret)}}
    shim = start_shim({"integrations": [acme]})
    message = envelope(request("GetClientsRequest"), login=("northwind", "new-secret"))
    refused = faulted(post(shim, message))
    assert shim.said("call", reason="backend-login-refused"), refused.text
    secret.write_text("acme-app-secret\n")
    reread(shim)
    assert shim.said("configuration reread", changed=["integrations"])
    answered(post(shim, message))
    assert "acme-app-secret" not in shim.log
    assert "retired" not in shim.log


def token_requests(backend: Backend) -> list[bytes]:
    return [each.body for each in backend.exchanges if each.path == TOKEN]


@pytest.mark.slow
def test_an_app_secret_rotated_while_a_token_is_cached_and_a_plan_runs_breaks_nothing(
    tls: Tls, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    """v3 first, then the shim: the cached token lasts until the reload, and the old secret is sent no more."""
    v3, secret = Backend(), tmp_path / "acme-secret"
    secret.write_text("acme-app-secret")
    acme = integration("acme", "acme-secret", app_key="acme-key")
    acme["new"]["app_secret"] = {"file": str(secret)}
    try:
        with running_shim(v3.url, tls, {**UNHURRIED, "integrations": [acme]}) as shim:
            answered(post(shim, GET_CLIENTS))
            v3.world.apps["acme-key"] = replace(v3.world.apps["acme-key"], client_secret="brand-new")
            answered(post(shim, GET_CLIENTS))
            assert len(token_requests(v3)) == 1, "the token that is there is used as long as v3 takes it"
            with v3.held("AddUser") as release:
                before = len(v3.hits)
                plan = pool.submit(post, shim, ADD_PHONE, EXTENSION)
                sinks.until(
                    lambda: "/soap2/user_agent.php" in v3.hits[before:], "the first of its writes arrives"
                )
                secret.write_text("brand-new\n")
                assert reread(shim)["event"] == "configuration reread"
                answered(post(shim, GET_CLIENTS))
                assert len(token_requests(v3)) == 2, "the old token is dropped, the new secret used"
                release.set()
                answered(plan.result())
            assert sum(b"AddExtension" in each.body for each in v3.exchanges) == 1
            assert b"client_secret=brand-new" in token_requests(v3)[1]
            assert len(token_requests(v3)) == 2, "calls that had begun go on with the new one"
            assert "brand-new" not in shim.log
    finally:
        v3.close()


# ---- new integrations ----


def reread(shim: Shim) -> Event:
    """Send SIGHUP and wait until it has been obeyed; what the log says of it."""
    since = shim.mark
    shim.signal(signal.SIGHUP)
    return shim.wait_for(lambda event: event["event"].startswith("configuration "), since)


def copied(tls: Tls, folder: Path) -> dict[str, str]:
    """The server's certificate and key in a folder of the test's own, as settings of `listen`."""
    shutil.copy(tls.certificate, folder / "cert.pem")
    shutil.copy(tls.key, folder / "key.pem")
    return {"tls_cert": str(folder / "cert.pem"), "tls_key": str(folder / "key.pem")}


def renew(tls: Tls, folder: Path) -> None:
    """A new certificate and key of the same authority in the files of that folder."""
    authority = trustme.CA.from_pem(tls.authority.read_bytes(), tls.authority_key.read_bytes())
    issued = authority.issue_cert(HOST, "localhost")
    (folder / "cert.pem").write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())


def serial_number(wire: Wire) -> int:
    assert isinstance(wire.socket, ssl.SSLSocket)
    certificate = wire.socket.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


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
    with connected(shim.http) as wire, backend.held("EditOrganization") as release:
        assert serves(wire, contoso)
        call = under_way(pool, backend, shim)
        assert not serves(wire, calls_as("newcomer"))
        others = [each for each in demo_integrations() if each["name"] != "contoso"]
        shim.configure(integrations=[*others, integration("newcomer", "new-secret", **ACME_APP)])
        reread(shim)
        assert serves(wire, calls_as("newcomer"))
        assert not serves(wire, contoso), "what was remembered of it must not outlive it"
        assert serves(wire, GET_CLIENTS)
        release.set()
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


def test_sighup_takes_a_renewed_certificate_over(shim: Shim, tmp_path: Path) -> None:
    """In the same files, and under other names; a connection that is open keeps the one it has."""

    def serial() -> int:
        with connected(shim.https, shim.tls.authority) as wire:
            return serial_number(wire)

    shim.configure(listen={**shim.settings["listen"], **copied(shim.tls, tmp_path)})
    reread(shim)
    before = serial()
    with connected(shim.https, shim.tls.authority) as kept:
        renew(shim.tls, tmp_path)
        assert serial() == before, "nobody said that it was renewed"
        reread(shim)
        assert serial() != before
        assert serves(kept, GET_CLIENTS)


def test_sighup_with_a_key_of_another_certificate_changes_nothing(shim: Shim, tmp_path: Path) -> None:
    shim.configure(listen={**shim.settings["listen"], **copied(shim.tls, tmp_path)})
    reread(shim)
    (tmp_path / "key.pem").write_bytes(trustme.CA().issue_cert("localhost").private_key_pem.bytes())
    shim.configure(integrations=[])
    reread(shim)
    said = shim.said("configuration not reread: the old one stays")
    assert said["problem"].startswith("listen.tls_cert, listen.tls_key: ")
    assert sinks.metric(shim, "shim_config_last_reload_successful") == 0
    with connected(shim.https, shim.tls.authority) as wire:
        assert serves(wire, GET_CLIENTS), "the integrations of the file that had a problem are not taken over"


def test_sighup_takes_changed_limits_over(shim: Shim) -> None:
    long = envelope(request("GetClientsRequest", f"<filter>{'x' * 2000}</filter>"))
    answered(post(shim, long))
    shim.configure(limits={"body": 2000})
    reread(shim)
    assert faulted(post(shim, long)).reason == "too-large"
    shim.configure(limits={"text": 1999})
    reread(shim)
    assert faulted(post(shim, long)).reason == "over-limit"
    shim.configure(limits={})
    reread(shim)
    answered(post(shim, long))


def test_reload_says_what_was_taken_over_and_what_waits(shim: Shim) -> None:
    command = ["reload", "-c", str(shim.folder / "config.yaml"), "--admin-port", str(shim.admin)]
    shim.configure(limits={"body": 2000}, backend={**shim.settings["backend"], "in_flight": 3})
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["Taken over: limits.body", "Waits for a restart: backend.in_flight"],
    )
    again = CliRunner().invoke(app, command)
    assert again.stdout.splitlines() == [
        "Taken over: nothing had changed",
        "Waits for a restart: backend.in_flight",
    ]
    assert shim.said("configuration reread", needs_restart=["backend.in_flight"])
    assert sinks.metric(shim, "shim_config_last_reload_successful") == 1


def test_reload_with_a_problem_in_the_file_does_not_disturb_the_shim(shim: Shim) -> None:
    since = shim.mark
    shim.configure(limits={"boddy": 1})
    command = ["reload", "-c", str(shim.folder / "config.yaml"), "--admin-port", str(shim.admin)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "limits.boddy: there is no such key. Did you mean limits.body?" in done.stderr
    assert not [each for each in shim.events[since:] if each["event"].startswith("configuration")]


def test_reload_where_no_shim_runs_says_so(shim: Shim) -> None:
    shim.signal(signal.SIGINT)
    shim.wait()
    command = ["reload", "-c", str(shim.folder / "config.yaml"), "--admin-port", str(shim.admin)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert f"No shim answers at http://127.0.0.1:{shim.admin}/status" in done.stderr


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
            shim.write(text)
            told = reread(shim)
            assert told["event"] == "configuration not reread: the old one stays", what
            assert told["problem"], what
            assert serves(wire, GET_CLIENTS), what
        shim.configure(integrations=[integration("acme", "new-secret")])
        reread(shim)
        assert serves(wire, calls_as("acme"))


def test_sighup_with_a_file_that_is_gone_keeps_the_old_set(shim: Shim) -> None:
    (shim.folder / "config.yaml").unlink()
    reread(shim)
    answered(post(shim, GET_CLIENTS, CLIENT))


# ---- who changed what ----


def test_starts_and_what_was_taken_over_are_in_the_audit_log(start_shim: StartShim) -> None:
    shim = start_shim()
    started = shim.said("started", version="0.1.0", configuration=str(shim.folder / "config.yaml"))
    assert {name: int(at.rpartition(":")[2]) for name, at in started["listeners"].items()} == {
        "http": shim.http,
        "https": shim.https,
        "admin": shim.admin,
    }
    assert started["pid"] == shim.process.pid
    assert started["backend"] == [shim.settings["backend"]["url"]]
    assert started["store"] == f"sqlite/{shim.folder / 'shim.db'}"
    shim.configure(limits={"depth": 60})
    reread(shim)
    shim.write("backend: {}\n")
    reread(shim)
    shim.signal(signal.SIGINT)
    assert shim.wait() == 130
    told = [(row["who"], row["action"]) for row in sinks.table(shim, "audit_events")]
    assert told == [
        ("(shim)", "started"),
        ("(shim)", "configuration taken over"),
        ("(shim)", "configuration refused"),
    ]
    assert [row["detail"] for row in sinks.table(shim, "audit_events")][1] == "limits.depth"


# ---- the log's level ----


def test_sighup_changes_the_level_of_the_log(shim: Shim) -> None:
    answered(post(shim, GET_CLIENTS))
    shim.said("call")
    shim.configure(log={"format": "json", "level": "error"})
    since = shim.mark
    shim.signal(signal.SIGHUP)
    sinks.until(lambda: "configuration taken over" in actions(shim), "it is taken over")
    answered(post(shim, GET_CLIENTS))
    shim.configure(log={"format": "json", "level": "info"})
    reread(shim)
    answered(post(shim, GET_CLIENTS))
    shim.said("call", since=since)
    assert [each["event"] for each in shim.events[since:]].count("call") == 1


def actions(shim: Shim) -> list[object]:
    return [row["action"] for row in sinks.table(shim, "audit_events")]
