"""An integration may have its faults in another form than all; strangers get that of all."""

from __future__ import annotations

from lxml import etree

from tests.end_to_end.messages import envelope, request
from tests.end_to_end.running import Shim, StartShim, demo_integrations
from tests.end_to_end.wire import post

NOBODY = "<ID>987654</ID>"


def fault(shim: Shim, *login: str) -> dict[str, str]:
    body = envelope(request("GetClientDetailsRequest", NOBODY), login=(login[0], login[1]))
    reply = post(shim, body)
    assert reply.status == 500
    [found] = etree.fromstring(reply.body).iter("{*}Fault")
    return {str(each.tag): "".join(each.itertext()) for each in found}


def test_the_form_is_the_integrations_own_over_that_of_all(start_shim: StartShim) -> None:
    integrations = demo_integrations()
    own = {"acme": {"layout": "number", "detail": True}, "fabrikam": {"detail": True}}
    for each in integrations:
        each["faults"] = own.get(each["name"], {})
    shim = start_shim({"faults.layout": "code", "integrations": integrations})
    acme = fault(shim, "acme", "acme-secret")
    assert (acme["faultcode"], list(acme)) == ("100", ["faultcode", "faultstring", "detail"])
    fabrikam = fault(shim, "fabrikam", "fabrikam-secret")
    assert (fabrikam["faultcode"], list(fabrikam)) == (
        "SOAP-ENV:Client.100",
        ["faultcode", "faultstring", "detail"],
    )
    for stranger in (fault(shim, "acme", "wrong"), fault(shim, "northwind", "northwind-secret")):
        assert (stranger["faultcode"], list(stranger)) == ("SOAP-ENV:Client.100", ["faultcode", "faultstring"])
