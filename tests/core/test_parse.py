"""Parsing takes what old clients send and refuses what would cost, each with its own words."""

from __future__ import annotations

import tracemalloc

import pytest

from shim.core.errors import BackendError, CallerError
from shim.core.parse import Limits, fault_of, parse, parse_answer
from shim.core.reading.credentials import credentials

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(body: str, header: str = "", declaration: str = "") -> str:
    return (
        f'{declaration}<e:Envelope xmlns:e="{SOAP}"><e:Header>{header}</e:Header>'
        f"<e:Body>{body}</e:Body></e:Envelope>"
    )


NAMES = "<GetClientsRequest><filter>Zoë €5</filter></GetClientsRequest>"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", [True, False])
def test_unicode_encodings_with_and_without_declaration(codec: str, declared: bool) -> None:
    name = "utf-16" if codec.startswith("utf-16") else "utf-8"
    text = envelope(NAMES, declaration=f'<?xml version="1.0" encoding="{name}"?>' if declared else "")
    assert parse(text.encode(codec)).body.get("filter") == "Zoë €5"


@pytest.mark.parametrize("codec", ["iso-8859-15", "windows-1252"])
def test_declared_single_byte_encodings(codec: str) -> None:
    text = envelope(NAMES, declaration=f"<?xml version='1.0' encoding='{codec}'?>")
    assert parse(text.encode(codec)).body.get("filter") == "Zoë €5"


def test_the_charset_of_the_content_type_counts_when_the_document_says_nothing() -> None:
    data = envelope("<a><b>Zoë</b></a>").encode("iso-8859-1")
    assert parse(data, "text/xml; charset=ISO-8859-1").body.get("b") == "Zoë"


def test_what_the_document_declares_goes_before_the_content_type() -> None:
    data = envelope("<a><b>Zoë</b></a>", declaration='<?xml version="1.0" encoding="utf-8"?>').encode()
    assert parse(data, "text/xml; charset=ISO-8859-1").body.get("b") == "Zoë"


def test_white_space_before_the_declaration() -> None:
    text = envelope("<a/>", declaration='\n\t <?xml version="1.0" encoding="UTF-8"?>\n')
    assert parse(text.encode()).body.name == "a"


def test_namespaces_prefixes_and_xsi_types_do_not_matter() -> None:
    body = (
        '<m:SetClientStatusRequest xmlns:m="http://4psa.com/ClientMessages.xsd/2.0.4" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="http://4psa.com/x/2.5.1">'
        '<status xsi:type="xsd:boolean">1</status><m:ID xsi:nil="1"/></m:SetClientStatusRequest>'
    )
    parsed = parse(envelope(body).encode())
    assert parsed.namespace == "http://4psa.com/ClientMessages.xsd/2.0.4"
    assert [(each.name, each.text, each.nil, each.attributes) for each in parsed.body.children] == [
        ("status", "1", False, {}),
        ("ID", "", True, {}),
    ]


def test_comments_cdata_and_instructions_inside_values() -> None:
    text = envelope("<a><b>x<!-- no --><![CDATA[<!DOCTYPE & ]]><?pi no?>y</b></a>")
    assert parse(text.encode()).body.get("b") == "x<!DOCTYPE & y"


def test_credentials_count_at_any_depth() -> None:
    inner = "<userCredentials><username>u</username><password>p</password></userCredentials>"
    header = f"<userCredentials>{inner}</userCredentials>"
    found = credentials(parse(envelope("<a/>", header).encode()).headers)
    assert (found.username, found.password, found.complete) == ("u", "p", True)
    outside = "<security><username>u</username><password>p</password></security>"
    assert not credentials(parse(envelope("<a/>", outside).encode()).headers).complete


def test_credentials_of_two_headers_are_one_login() -> None:
    header = (
        '<h:userCredentials xmlns:h="http://4psa.com/HeaderData.xsd/2.5.1"><username>acme</username>'
        "</h:userCredentials><userCredentials><username>other</username><password>pw</password>"
        "</userCredentials>"
    )
    found = credentials(parse(envelope("<a/>", header).encode()).headers)
    assert (found.username, found.password, found.complete) == ("acme", "pw", True)
    assert "pw" not in repr(found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed-xml"),
        (b"username=a&password=b", "malformed-xml"),
        (b"<a>", "malformed-xml"),
        (b"\xff\xfe\x00", "malformed-xml"),
        (b"\x00\x00\x00<", "malformed-xml"),
        (b"<html/>", "not-soap"),
        (f'<e:Envelope xmlns:e="{SOAP}"><e:Body/></e:Envelope>'.encode(), "not-soap"),
        (b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"/>', "not-soap"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "encoding-refused"),
        (b'<?xml version="1.0" encoding="ebcdic-cp-us"?><a/>', "encoding-refused"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a b="&x;"/>', "doctype-refused"),
        (b'<?xml version="1.0"?>\n<!-- - -- -> -->\n<?p ?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
         "doctype-refused"),
        ('\ufeff<?xml version="1.0"?><!DOCTYPE a><a/>'.encode("utf-16"), "doctype-refused"),
        ("<!DOCTYPE a><a/>".encode("utf-16-be"), "doctype-refused"),
        (envelope("<a>&x;</a>").encode(), "malformed-xml"),
        (envelope("<a>" * 70 + "</a>" * 70).encode(), "over-limit"),
        (envelope("<a>" + "<b/>" * 20_001 + "</a>").encode(), "over-limit"),
        (envelope("<a>" + "<b/>" * 1_001 + "</a>").encode(), "over-limit"),
        (envelope("<a " + " ".join(f'x{i}=""' for i in range(65)) + "/>").encode(), "over-limit"),
        (envelope(f"<{'n' * 257}/>").encode(), "over-limit"),
        (envelope(f"<a>{'t' * (256 * 1024 + 1)}</a>").encode(), "over-limit"),
        (b"<a>" + b" " * (1 << 20), "too-large"),
    ],
)  # fmt: skip
def test_hostile_and_broken_input_is_refused_with_its_own_word(data: bytes, reason: str) -> None:
    with pytest.raises(CallerError) as caught:
        parse(data)
    assert caught.value.reason == reason
    assert "passwd" not in caught.value.text


def test_a_megabyte_of_empty_elements_never_becomes_a_tree() -> None:
    data = envelope("<a>" + "<b/>" * 260_000 + "</a>").encode()[: 1 << 20]
    tracemalloc.start()
    with pytest.raises(CallerError):
        parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(data)


def test_limits_are_settings() -> None:
    data = envelope("<a>" + "<b/>" * 3 + "</a>").encode()
    with pytest.raises(CallerError, match="repeated more than 2"):
        parse(data, limits=Limits(repeats=2))


@pytest.mark.parametrize(
    ("fault", "code", "side"),
    [
        ("<faultcode>SOAP-ENV:Client</faultcode><faultstring>taken</faultstring>"
         "<detail><code>200</code></detail>", "200", "Client"),
        ("<faultcode>SOAP-ENV:307</faultcode><faultstring>Bad name</faultstring>", "307", "Server"),
        ("<faultcode>Server</faultcode><faultstring>100: no such object</faultstring>", "100", "Server"),
        ("<faultcode>Server</faultcode><faultstring>Out of order</faultstring>", None, "Server"),
        ("<faultcode>Server</faultcode><faultstring>More than 12345 rows</faultstring>", None, "Server"),
        ("<faultcode>Client</faultcode><faultstring>Account 999 is gone. (code 100, reference 0a123b4567c89d01)"
         "</faultstring>", "100", "Client"),
        ("<faultcode>Client</faultcode><faultstring>Gone. (code 100)</faultstring>", "100", "Client"),
        ("<faultcode>Server</faultcode><faultstring>Gone. (reference 0a123b4567c89d01)</faultstring>",
         None, "Server"),
    ],
)  # fmt: skip
def test_the_code_of_a_backend_fault_is_found_where_it_may_sit(fault: str, code: str, side: str) -> None:
    found = fault_of(parse_answer(envelope(f"<e:Fault>{fault}</e:Fault>").encode()).body)
    assert found is not None
    assert (found.code, found.side, found.carried) == (code, side, True)


def test_the_text_of_a_backend_fault_never_gets_into_str() -> None:
    found = fault_of(parse_answer(envelope("<e:Fault><faultstring>Bob</faultstring></e:Fault>").encode()).body)
    assert found is not None
    assert "Bob" in found.text
    assert "Bob" not in str(found)


def test_an_answer_that_is_no_soap_is_the_backends_fault() -> None:
    with pytest.raises(BackendError) as caught:
        parse_answer(b"<html>It works!</html>")
    assert caught.value.reason == "backend-nonsense"


@pytest.mark.parametrize("body", ["<a>lost<b/></a>", "<a><b/>lost</a>", "<a><b/> <c/>lost</a>"])
def test_text_between_elements_is_kept_to_be_told(body: str) -> None:
    assert parse(envelope(body).encode()).body.text == "lost"


def test_white_space_between_elements_is_nothing() -> None:
    assert parse(envelope("<a>\n  <b/>\n  <c/>\n</a>").encode()).body.text is None


def test_further_body_elements_are_kept_to_be_told() -> None:
    parsed = parse(envelope("<a/><b/><c/>").encode())
    assert (parsed.body.name, parsed.surplus) == ("a", ("b", "c"))
