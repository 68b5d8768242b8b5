"""Nothing that a caller, the backend or the configuration says is ever in the log, whatever happens to a call.

Every value that is sent here carries a mark, and the log, at its most talkative, must not have one.
"""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.end_to_end import sinks
from tests.end_to_end.messages import CLIENT, credentials, envelope, request
from tests.end_to_end.running import Backend, Shim, Tls, running_shim
from tests.end_to_end.wire import Reply, Said, answered, connected, faulted, get, http_post, post

MARK = "zq"
LOGIN, PASSWORD = "zq-login", "zq-password"
APP_KEY, APP_SECRET = "zq-v3-key", "zq-v3-secret"


def entry(name: str, old: dict[str, Any], new_secret: str = APP_SECRET) -> dict[str, Any]:
    return {"name": name, "old": old, "new": {"app_key": APP_KEY, "app_secret": new_secret}}


INTEGRATIONS = [
    entry("by-password", {"username": LOGIN, "password": PASSWORD}),
    entry("by-app", {"app_key": "zq-old-key", "app_secret": "zq-old-secret"}),
    entry("by-crypted", {"crypted_auth_sha256": hashlib.sha256(b"zq-crypted").hexdigest()}),
    entry("app-refused", {"username": "zq-refused", "password": PASSWORD}, "zq-wrong-secret"),
]
FIELDS = "name company phone fax email address city pcode notes serverID chargingIdentifier".split()  # noqa: SIM905
WAYS = {
    "password": credentials((LOGIN, PASSWORD)),
    "app": "<userCredentials><appKey>zq-old-key</appKey><appSecret>zq-old-secret</appSecret></userCredentials>",
    "crypted": "<userCredentials><cryptedAuth>zq-crypted</cryptedAuth></userCredentials>",
}
HEADERS = ("User-Agent: an-agent", "X-Forwarded-For: zq-address", "SOAPAction: zq-action", "Cookie: a=zq")


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """A backend whose app for acme has a secret that can be recognised."""
    backend = Backend()
    app = backend.world.apps["acme-key"]
    backend.world.apps[APP_KEY] = type(app)(APP_KEY, APP_SECRET, app.account)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    changes = {
        "integrations": INTEGRATIONS,
        "log.level": "debug",
        "backend.call_timeout": 3,
        "listen.body_timeout": 0.5,
    }
    with running_shim(backend.url, tls, changes) as running:
        yield running


@pytest.fixture(autouse=True)
def _the_log_has_no_mark(backend: Backend, shim: Shim) -> Iterator[None]:
    since = len(shim.log)
    yield
    log = shim.log[since:]
    assert log, "something has to be logged for the silence about the rest to count"
    assert MARK not in log.lower(), next(line for line in log.splitlines() if MARK in line.lower())
    for token in backend.world.tokens:
        assert token not in log


def marked(fields: str = "") -> str:
    """Fields of an account, all with a mark in their values."""
    values = {name: f"zq-{name}" for name in FIELDS} | {"email": "zq@zq.example", "password": "zq-new-password"}
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items()) + fields


def sent(shim: Shim, body: str, way: str = "password") -> Reply:
    return post(shim, envelope(body, WAYS[way]), CLIENT, *HEADERS)


def refused(shim: Shim, message: bytes | str, *lines: str) -> Said:
    """The fault of a message; the shim's own faults repeat nothing either."""
    body = message if isinstance(message, bytes) else envelope(message, WAYS["password"])
    said = faulted(post(shim, body, CLIENT, *HEADERS, *lines))
    assert MARK not in said.text
    return said


def added(shim: Shim, login: str) -> str:
    extra = f"<login>zq-{login}</login><industry>zq-industry</industry><notifyOnly>1111</notifyOnly>"
    answer = answered(sent(shim, request("AddClientRequest", marked(extra))))
    return answer.get("ID") or ""


# ---- what works ----


@pytest.mark.parametrize("way", WAYS)
def test_whoever_calls_is_known_by_the_integrations_name_only(shim: Shim, way: str) -> None:
    since = shim.mark
    answered(sent(shim, request("GetClientsRequest", "<filter>zq-filter</filter>"), way))
    assert shim.said("call", since=since)["integration"] == f"by-{way}"


def test_a_clients_life_is_not_told(backend: Backend, shim: Shim) -> None:
    client = added(shim, "life")
    this = f"<ID>{client}</ID>"
    answered(sent(shim, request("EditClientRequest", this + marked("<industry>zq-other</industry>"))))
    told = answered(sent(shim, request("GetClientDetailsRequest", this)))
    assert told.get("notes") == "zq-notes"
    answered(sent(shim, request("DelClientRequest", this)))
    assert backend.world.by_login("zq-life") is None


def test_what_is_found_in_a_call_is_told_without_values(shim: Shim) -> None:
    """Unknown elements, attributes and headers, stray text, repeats, nil, empty elements: all at once."""
    fields = (
        'zq-stray<name zz="zq-attribute">zq-name</name><name>zq-again</name><naem>zq-slip</naem>'
        "<phone/><region></region><login>zq-found</login>"
        '<company xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">zq-nil</company>'
    )
    header = WAYS["password"] + "<trace>zq-trace</trace>"
    since = shim.mark
    answered(post(shim, envelope(request("AddClientRequest", fields), header), "/soap2/reseller_agent.php"))
    assert {code for code, _ in shim.found(since)} >= {"unknown-element", "unknown-attribute", "stray-text"}
    assert {code for code, _ in shim.found(since)} >= {"repeated-element", "wrong-endpoint", "unknown-header"}


# ---- what fails at the shim ----


def test_refused_logins_are_not_told(shim: Shim) -> None:
    for user, password in ((LOGIN, "zq-wrong"), ("zq-nobody", "zq-wrong")):
        message = envelope(request("GetClientsRequest"), credentials((user, password)))
        assert refused(shim, message).code == "100"


@pytest.mark.parametrize(
    "message",
    [
        b"zq is no XML",
        b"<zq>",
        b"<zq-root/>",
        b'<!DOCTYPE zq [<!ENTITY zq "zq">]><zq>&zq;</zq>',
        b'<?xml version="1.0" encoding="zq-8"?><a/>',
        envelope("<zq-operation/>", WAYS["password"]),
        envelope('<a xmlns="http://4psa.com/zq.xsd/2.5.1"/>', WAYS["password"]),
        envelope("<a/>" * 2, WAYS["password"]).replace(b"<a/><a/>", b"<zq>" * 80 + b"</zq>" * 80),
        envelope(f"<a>{'zq' * 300_000}</a>", WAYS["password"]),
        b"zq" * (1 << 20),
    ],
    ids=lambda message: repr(bytes(message[:20])),
)
def test_messages_that_cannot_be_read_are_not_told(shim: Shim, message: bytes) -> None:
    refused(shim, message)


def test_encodings_that_are_not_taken_are_not_told(shim: Shim) -> None:
    refused(shim, b"zq", "Content-Encoding: zq")
    refused(shim, b"zq", "Content-Encoding: gzip")
    refused(shim, b"zq \xff", "Content-Type: text/zq; charset=zq")


def test_bad_values_are_not_told(shim: Shim) -> None:
    values = "<ID>zq</ID><status>zq</status><phoneStatus>zq</phoneStatus>"
    refused(shim, request("SetClientStatusRequest", values))
    limited = '<ID>20</ID><phoneExtMax unlimited="false">zq</phoneExtMax>'
    refused(shim, request("SetClientPLRequest", limited))


def test_a_limit_that_some_word_makes_unlimited_is_told_without_the_word(shim: Shim) -> None:
    """The old server read any word as true, and then no number counts."""
    since = shim.mark
    limited = '<ID>20</ID><phoneExtMax unlimited="zq">zq</phoneExtMax>'
    answered(sent(shim, request("SetClientPLRequest", limited)))
    assert ("value-converted", "phoneExtMax/@unlimited") in shim.found(since)


def test_a_body_that_breaks_off_is_not_told(shim: Shim) -> None:
    message = http_post(envelope(request("AddClientRequest", marked()), WAYS["password"]), CLIENT, *HEADERS)
    with connected(shim.http) as wire:
        wire.send(message[:-10])
        assert faulted(wire.read()).reason == "slow-body"
    with connected(shim.http) as wire:
        wire.send(message[:-10])
    answered(sent(shim, request("GetClientsRequest")))


def test_what_is_no_http_and_what_is_not_found_is_not_told(shim: Shim) -> None:
    assert get(shim, "/zq/zq?zq=zq").status == 404
    assert get(shim, "/soap2/schema/zq/zq.wsdl").status == 404
    with connected(shim.http) as wire:
        assert wire.exchange(b"ZQ zq zq\r\n\r\n").status == 400


# ---- what fails at the backend ----


@pytest.mark.parametrize(
    "action", ["drop", "drop-after", "half", "garbage", "late:4", "dead-token", "fault:200"]
)
@pytest.mark.parametrize("operation", ["EditOrganization", "GetOrganizations"])
def test_trouble_with_the_backend_is_told_without_values(
    backend: Backend, shim: Shim, operation: str, action: str
) -> None:
    fields = {"EditOrganization": f"<ID>21</ID>{marked()}", "GetOrganizations": "<filter>zq-filter</filter>"}
    old = {"EditOrganization": "EditClientRequest", "GetOrganizations": "GetClientsRequest"}
    backend.world.interfere(operation, action)
    reply = sent(shim, request(old[operation], fields[operation]))
    if reply.status == 200:
        answered(reply)
    else:
        assert MARK not in faulted(reply).text


def test_what_the_backend_says_reaches_the_caller_and_nobody_else(backend: Backend, shim: Shim) -> None:
    backend.world.interfere("EditOrganization", "fault:999 zq-told-by-the-backend")
    said = faulted(sent(shim, request("EditClientRequest", f"<ID>21</ID>{marked()}")))
    assert "zq-told-by-the-backend" in said.text
    assert said.code == "999"


def test_an_app_that_the_backend_refuses_is_not_told(shim: Shim) -> None:
    message = envelope(request("GetClientsRequest"), credentials(("zq-refused", PASSWORD)))
    assert refused(shim, message).reason == "backend-login-refused"


# ---- elsewhere ----


def test_no_other_place_has_a_mark_either(shim: Shim) -> None:
    """In the deprecation log and the metrics, after all the tests before; user agents are kept as they come."""
    refused(shim, b"zq is no XML")
    calls = sum(event["event"] == "call" for event in shim.events)
    sinks.until(lambda: sinks.calls(shim) == calls > 0, "every call counts")
    assert MARK not in sinks.deprecation_rows(shim).lower()
    assert MARK not in sinks.metrics(shim).lower()


# ---- the configuration ----


@pytest.mark.parametrize(
    "damage",
    [
        {"integrations": [entry("ZQ", {"username": "zq"})]},
        {"integrations": [entry("twice", {"username": "zq", "password": "zq"})] * 2},
        {"integrations": [{**entry("x", {"crypted_auth_sha256": "zq"}), "conduct": {"user_max": "zq"}}]},
        {"integrations": "zq-text"},
        {"backend": {"url": "https://zq:zq@zq.example"}},
        {"backend": {"url": "zq"}, "listen": {"port": "zq"}, "store": {"url": ["zq"]}},
    ],
    ids=["login", "twice", "values", "list", "url", "sections"],
)
def test_a_configuration_that_is_broken_is_told_without_values(shim: Shim, damage: dict[str, Any]) -> None:
    since = shim.mark
    shim.write(yaml.safe_dump({**shim.settings, **damage}))
    shim.signal(signal.SIGHUP)
    shim.said("configuration not reread: the old one stays", since=since)


@pytest.mark.parametrize(
    "text",
    ["a: [zq", "a: zq: zq", "\tzq", "a: 1\na: zq\n", "a: !zq", "a: !!zq b", "a: *zq", "a: %zq", "a: 'zq", "zq"],
)
def test_a_configuration_that_is_no_yaml_is_told_without_text(shim: Shim, text: str) -> None:
    """A password without quotes may begin with anything that means something in YAML."""
    since = shim.mark
    shim.write(text)
    shim.signal(signal.SIGHUP)
    shim.said("configuration not reread: the old one stays", since=since)
