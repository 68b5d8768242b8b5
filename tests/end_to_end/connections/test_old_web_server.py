"""What the old web server and SOAP layer let through: paths, SOAP 1.2, calls that the body does not name."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.end_to_end.messages import ACME as LOGIN
from tests.end_to_end.messages import CLIENT, GET_CLIENTS, SOAP, credentials, envelope, namespace, request
from tests.end_to_end.running import Shim
from tests.end_to_end.wire import answered, get, judge_answer, post

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
CONTENT_12 = "Content-Type: application/soap+xml; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "//soap2/client_agent.php",
        "/soap2//client_agent.php",
        "/soap2/./client_agent.php",
        "/soap2/schema/../client_agent.php",
        "/soap2/%2e/client_agent.php",
        "/soap2/schema/%2E%2e/client_agent.php",
        "/soap2/client%5fagent.php",
        "/soap2/client_agent.php/",
        "/soap2/client_agent.php/editClient",
        "/soap2//client_agent.php?sid=1",
    ],
)
def test_paths_are_served_as_web_servers_normalise_them(shim: Shim, path: str) -> None:
    since = shim.mark
    assert answered(post(shim, GET_CLIENTS, path)).name == "GetClientsResponse"
    assert ("unusual-path", "GetClientsRequest") in shim.found(since)


@pytest.mark.parametrize(
    "path",
    ["/../soap2/client_agent.php", "/soap2%2fclient_agent.php", "/soap2/client_agent.phpx", "/soap2/x/.."],
)
def test_paths_that_lead_elsewhere_are_not_served(shim: Shim, path: str) -> None:
    assert post(shim, GET_CLIENTS, path).status == 404


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("//soap2/schema/latest/voipnowservice.wsdl", "/soap2/schema/latest/voipnowservice.wsdl"),
        ("/soap2/schema/latest/Client/../HeaderData.xsd", "/soap2/schema/latest/HeaderData.xsd"),
        ("/soap2/schema/2.5.1//Client/./Client.wsdl", "/soap2/schema/2.5.1/Client/Client.wsdl"),
        ("/soap2//client_agent.php?wsdl", "/soap2/client_agent.php?wsdl"),
    ],
)
def test_the_tree_is_published_under_such_paths_as_well(shim: Shim, path: str, plain: str) -> None:
    found = get(shim, path)
    assert (found.status, found.body) == (200, get(shim, plain).body)


def soap_12(message: bytes) -> bytes:
    return message.replace(SOAP.encode(), SOAP_12.encode())


def test_soap_12_is_answered_in_soap_12(shim: Shim) -> None:
    since = shim.mark
    reply = post(shim, soap_12(GET_CLIENTS), CLIENT, CONTENT_12)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/soap+xml; charset=utf-8")
    assert f'"{SOAP_12}"' in reply.text
    assert SOAP not in reply.text
    judge_answer(reply.body.replace(SOAP_12.encode(), SOAP.encode()))
    assert ("soap-12", "GetClientsRequest") in shim.found(since)


def test_a_fault_of_soap_12(shim: Shim) -> None:
    message = envelope(request("SetClientStatusRequest", "<status>off</status>"))
    reply = post(shim, soap_12(message), CLIENT, CONTENT_12)
    assert (reply.status, reply.headers["content-type"]) == (500, "application/soap+xml; charset=utf-8")
    spaces = {"e": SOAP_12}
    fault = etree.fromstring(reply.body).find("e:Body/e:Fault", spaces)
    assert fault is not None
    assert fault.findtext("e:Code/e:Value", namespaces=spaces) == "e:Sender".replace("e:", "env:")
    assert "Bad value at status" in (fault.findtext("e:Reason/e:Text", namespaces=spaces) or "")


ACTION = 'SOAPAction: "http://4psa.com/Client/2.5.1:getClientsIn"'
NAMESPACE = namespace("ClientMessages")


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("", (ACTION,)),
        ("", ("SOAPAction: getClients",)),
        ("", ("SOAPAction: urn:x#GetClients",)),
        ("<GetClients/>", ()),
        (f'<m:getClients xmlns:m="{NAMESPACE}"/>', ()),
        ("<GetClientsIn/>", ()),
        ("<messagePart/>", (ACTION,)),
        ("<Body/>", (ACTION,)),
        (f'<GetClients><GetClientsRequest xmlns="{NAMESPACE}"/></GetClients>', ()),
        (f'<messagePart><GetClientsRequest xmlns="{NAMESPACE}"/></messagePart>', (ACTION,)),
    ],
)
def test_a_call_that_the_body_does_not_name(shim: Shim, body: str, lines: tuple[str, ...]) -> None:
    since = shim.mark
    reply = post(shim, envelope(body, credentials(LOGIN)), CLIENT, *lines)
    assert answered(reply).name == "GetClientsResponse"
    assert ("call-told-otherwise", "GetClientsRequest") in shim.found(since)


def test_an_empty_body_of_soap_12_with_its_action_in_the_content_type(shim: Shim) -> None:
    line = 'Content-Type: application/soap+xml; action="http://4psa.com/Client/2.5.1:getClientsIn"'
    assert post(shim, soap_12(envelope("")), CLIENT, line).status == 200


@pytest.mark.parametrize("action", ["", "SOAPAction: urn:none", 'SOAPAction: ""'])
def test_what_nothing_names_is_refused(shim: Shim, action: str) -> None:
    lines = (action,) if action else ()
    assert post(shim, envelope(""), CLIENT, *lines).status == 500
    assert post(shim, envelope("<messagePart/>"), CLIENT, *lines).status == 500
    assert post(shim, envelope("<Whatever/>"), CLIENT, ACTION).status == 500
