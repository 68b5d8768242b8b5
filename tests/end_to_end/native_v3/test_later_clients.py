"""v3's own clients of 2026 pass: token form, header of `latest`, bodies of 5.2.5, newer operations.

The calls are made of facts: names of elements, namespaces and forms that the vendor's provisioning tool sends.
The backend answers with bytes that say nothing, so that whatever comes back came through untouched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.end_to_end.messages import SOAP
from tests.end_to_end.native import EXTENSION, FORM, ORGANIZATION, TOKEN, USER, PlainBackend
from tests.end_to_end.running import HOST, Shim, Tls, running_shim
from tests.end_to_end.wire import post

PBX, REPORT, BILLING = "/soap2/pbx_agent.php", "/soap2/report_agent.php", "/soap2/billing_agent.php"
ANSWER = b"<?xml version='1.0'?>\n<theirs>answer</theirs> "

ADD_USER = (
    "<firstName>Ann</firstName><lastName>Lee</lastName><login>ann.lee</login><email>ann@example.com</email>"
    "<parentID>20</parentID><role>member</role><otherNotifyEmail>ops@example.com</otherNotifyEmail>"
)
LIMITS = '<storage unlimited="true">0</storage><ID>30</ID>'
BUSY = (
    "<userID>30</userID><interval><startDate>2026-11-01</startDate><endDate>2026-11-02</endDate></interval>"
    "<disposition>BUSY</disposition>"
)
CALLS = [
    (USER, "User", "AddUser", ADD_USER),
    (USER, "User", "SetUserPL", LIMITS),
    (ORGANIZATION, "Organization", "GetOrganizations", ""),
    (REPORT, "Report", "CallReport", BUSY),
    (BILLING, "Billing", "GetChargingPlans", ""),
    (PBX, "PBX", "GetSchemaVersions", ""),
    (PBX, "PBX", "GetPhoneLang", ""),
]
NEWER = [
    (EXTENSION, "Extension", "GetSIPPreferences", "<extendedNumber>0020*001</extendedNumber>"),
    (EXTENSION, "Extension", "GetScheduledConferences", "<extendedNumber>0020*001</extendedNumber>"),
    (PBX, "PBX", "GetDeviceDetails", "<serial>001122334455</serial>"),
]
"""Operations that 3.0.0 has not, on endpoints that 2.5 has as well."""


@pytest.fixture(scope="module")
def plain() -> Iterator[PlainBackend]:
    backend = PlainBackend()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def front(plain: PlainBackend, tls: Tls) -> Iterator[Shim]:
    with running_shim(plain.url, tls, {"backend.schema_version": "5.2.5"}) as running:
        yield running


@pytest.fixture(scope="module")
def token(front: Shim, plain: PlainBackend) -> str:
    """Fetched as the tool fetches one."""
    plain.say(TOKEN, json.dumps({"access_token": "t-2026", "expires_in": 3600}).encode())
    form = {
        "grant_type": "client_credentials",
        "client_id": "acme-key",
        "client_secret": "acme-app-secret",
        "redirect_uri": "https://tool.example.com/",
        "type": "unifiedapi",
    }
    reply = post(front, urlencode(form).encode(), TOKEN, FORM)
    assert plain.exchanges[-1].body == urlencode(form).encode()
    token: str = json.loads(reply.body)["access_token"]
    return token


def message(front: Shim, token: str, service: str, operation: str, fields: str) -> bytes:
    """The login in the namespace of `latest` on the server's own address, the body in that of 5.2.5."""
    header = f"http://{HOST}:{front.http}/soap2/schema/latest/HeaderData.xsd"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<E:Envelope xmlns:E="{SOAP}" xmlns:h="{header}">'
        f"<E:Header><h:userCredentials><h:accessToken>{token}</h:accessToken></h:userCredentials></E:Header>"
        f'<E:Body><{operation} xmlns="http://4psa.com/{service}Messages.xsd/5.2.5">{fields}</{operation}></E:Body>'
        "</E:Envelope>"
    ).encode()


@pytest.mark.parametrize(
    ("path", "service", "operation", "fields"), [*CALLS, *NEWER], ids=[each[2] for each in [*CALLS, *NEWER]]
)
def test_a_call_passes_and_is_counted_by_its_operation(
    front: Shim, plain: PlainBackend, token: str, path: str, service: str, operation: str, fields: str
) -> None:
    plain.say(path, ANSWER, Content_Type="text/xml")
    sent = message(front, token, service, operation, fields)
    since = front.mark
    reply = post(front, sent, path)
    assert (reply.status, reply.body) == (200, ANSWER)
    assert (plain.exchanges[-1].path, plain.exchanges[-1].body) == (path, sent)
    said = front.said("native call", since)
    assert said["integration"] == "acme"
    assert said["operation"].endswith(f".{operation}")
