"""Two integrations with different policies on one shim: each call is served by its caller's."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.messages import ACME, ADMIN, add_client, envelope, request
from tests.end_to_end.running import Backend, Shim, Tls, demo_integrations, running_shim
from tests.end_to_end.wire import answered, faulted, post

OF_ALL = [{"finding": "field-dropped", "do": "refuse"}, {"path": "advertisingTemplate", "do": "drop"}]
OF_ACME = [{"operation": "Client.AddClient", "path": "industry", "do": "refuse"}]
OF_ADMIN = [
    {"operation": "Client.*", "finding": "field-kept", "do": "drop"},
    {"operation": "Client.GetClientDetails", "path": "industry", "do": "refuse"},
]


def integrations(**policies: Any) -> list[dict[str, Any]]:
    """Those of the demo world; some with policies of their own."""
    return [
        {**each, "conduct": {"policies": policies[each["name"]]}} if each["name"] in policies else each
        for each in demo_integrations()
    ]


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    changes = {"conduct.policies": OF_ALL, "integrations": integrations(acme=OF_ACME, admin=OF_ADMIN)}
    with running_shim(backend.url, tls, changes) as running:
        yield running


def industry(shim: Shim, caller: tuple[str, str], account: str | None) -> str | None:
    details = request("GetClientDetailsRequest", f"<ID>{account}</ID>")
    return answered(post(shim, envelope(details, login=caller))).get("industry")


def test_one_is_refused_what_the_other_may_send_without_effect(backend: Backend, shim: Shim) -> None:
    since = shim.mark
    with backend.watched() as calls:
        said = faulted(post(shim, add_client("chosen-acme", "<industry>9</industry>", ACME)))
    assert (said.side, said.code, said.reason) == ("Client", None, "field-refused")
    assert "industry cannot be served" in said.text
    assert not calls, "it is refused before anything is forwarded"
    assert shim.found(since) == {("field-refused", "industry")}

    since = shim.mark
    added = answered(
        post(shim, add_client("chosen-admin", "<industry>9</industry><parentID>10</parentID>", ADMIN))
    )
    assert shim.found(since) == {("field-dropped", "industry")}
    assert industry(shim, ACME, added.get("ID")) is None, "it was not kept"


def test_one_reads_what_is_kept_and_the_other_is_refused(backend: Backend, shim: Shim) -> None:
    added = answered(post(shim, add_client("kept-acme")))
    edit = f"<ID>{added.get('ID')}</ID><industry>7</industry>"
    answered(post(shim, envelope(request("EditClientRequest", edit))))
    assert industry(shim, ACME, added.get("ID")) == "7"
    details = request("GetClientDetailsRequest", f"<ID>{added.get('ID')}</ID>")
    with backend.watched() as calls:
        said = faulted(post(shim, envelope(details, login=ADMIN)))
    assert said.reason == "field-refused"
    assert "v3 cannot answer with industry" in said.text
    assert not calls


def test_policies_of_all_count_where_an_integration_has_none(shim: Shim) -> None:
    extra = '<advertisingTemplate GlobalDefault="true"/>'
    since = shim.mark
    answered(post(shim, add_client("general-acme", extra)))
    assert shim.found(since) == {("field-dropped", "advertisingTemplate")}


def test_sighup_takes_policies_over_and_keeps_them_from_a_file_that_cannot_be_meant(
    backend: Backend, tls: Tls
) -> None:
    with running_shim(backend.url, tls, {"integrations": integrations(acme=OF_ACME)}) as shim:
        faulted(post(shim, add_client("reread", "<industry>9</industry>")))
        wrong = [
            {"operation": "Client.AddClient", "path": "industry", "do": "emulate"},
            {"path": "x", "do": "drop"},
        ]
        shim.configure(integrations=integrations(acme=wrong))
        shim.signal(signal.SIGHUP)
        kept = shim.said("configuration not reread: the old one stays")
        assert "integration acme: conduct.policies[1].path" in kept["problem"]
        faulted(post(shim, add_client("reread", "<industry>9</industry>")))
        shim.configure(integrations=integrations(acme=wrong[:1]))
        shim.signal(signal.SIGHUP)
        shim.said("configuration reread")
        answered(post(shim, add_client("reread", "<industry>9</industry>")))
