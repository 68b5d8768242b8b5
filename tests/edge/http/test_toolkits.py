from __future__ import annotations

import pytest

from shim.edge.http.toolkits import clean_agent, toolkit

PHP = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV='
    b'"http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns1="http://4psa.com/ClientMessages.xsd/2.5.1">'
)
GSOAP = b'<SOAP-ENV:Envelope xmlns:SOAP-ENV="e" xmlns:SOAP-ENC="c">'
PERL = b'<?xml version="1.0"?><soap:Envelope soap:encodingStyle="x" xmlns:soap="e">'
WCF = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
AXIS = b'<soapenv:Envelope xmlns:soapenv="e">'
HAND = b'<E:Envelope xmlns:E="e">'


@pytest.mark.parametrize(
    ("agent", "body", "expected"),
    [
        ("PHP-SOAP/8.2.29", HAND, "PHP SoapClient"),
        ("SOAP::Lite/Perl/1.27", PHP, "Perl SOAP::Lite"),
        ("Zeep/4.3.3 (www.python-zeep.org)", b"", "Python zeep"),
        (
            "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 4.0.30319)",
            b"",
            ".NET Framework",
        ),
        ("Axis/1.4", b"", "Java Axis"),
        ("Apache-CXF/3.5", b"", "Java CXF"),
        ("gSOAP/2.8", b"", "C gSOAP"),
        ("libwww-perl/6.67", PERL, "hand-written"),
        ("curl/8.5", PHP, "hand-written"),
        ("", PHP, "PHP SoapClient"),
        ("my billing", GSOAP, "C gSOAP"),
        ("", PERL, "Perl SOAP::Lite"),
        ("", WCF, ".NET WCF"),
        ("", AXIS, "Java Axis"),
        ("my billing", HAND, "hand-written"),
        ("", HAND.decode().encode("utf-16"), "hand-written"),
        ("", b"", "unknown"),
        ("PHP-SOAP/8.2.36", PHP[:-1] + b' SOAP-ENV:encodingStyle="c">', "PHP SoapClient without WSDL"),
        ("LuaSocket 3.0.0", b'<soap:Envelope xmlns:soap="e" soap:encodingStyle="c">', "Lua lua-soap"),
        ("LuaSocket 3.0.0", HAND, "hand-written"),
        ("Python-urllib/3.11", b'<SOAP-ENV:Envelope xmlns:ns0="e"><SOAP-ENV:Header/><ns0:Body>', "Python suds"),
        (
            "Python-urllib/3.11",
            b'<?xml version="1.0"?><a:Envelope xmlns:a="e">\n<a:Header/>',
            "Python pysimplesoap",
        ),
        ("Python-urllib/3.11", HAND, "hand-written"),
        ("SOAP4R/1.6.1-SNAPSHOT", b"", "Ruby soap4r"),
        ("strong-soap/5.0.10", b"", "JavaScript strong-soap"),
        ("SOAP::WSDL 3.004", b"", "Perl SOAP::WSDL"),
        (
            "SOAP::Lite/Perl/1.27",  # whose transport SOAP::WSDL takes where it is installed
            b'<?xml version="1.0" ?><SOAP-ENV:Envelope xmlns:SOAP-ENV="e" xmlns:xsi="i" ><SOAP-ENV:Body>',
            "Perl SOAP::WSDL",
        ),
        ("Mozilla/5.0", b'<soap:Envelope xmlns:soap="e" xmlns:soap-enc="c">', "C++ KDSoap"),
        ("Mozilla/5.0", HAND, "hand-written"),
        ("Tcl/8.6.13", b"", "Tcl tclws"),
        ("soap-client.el 3.2", b"", "Emacs soap-client"),
    ],
)
def test_the_user_agent_tells_the_toolkit_else_the_look_of_the_message(
    agent: str, body: bytes, expected: str
) -> None:
    assert toolkit(agent, body) == expected


def test_user_agents_are_cut_and_cleaned() -> None:
    assert clean_agent("a\r\nb\x00\x1b[31mc\x9b") == "a b [31mc"
    assert clean_agent("x" * 5000) == "x" * 200
    assert clean_agent(b"caf\xe9".decode("utf-8", "surrogateescape")).encode() == b"caf"
