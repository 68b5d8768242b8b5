"""Which toolkit a client is built with, as far as its user agent and the look of its messages tell."""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST_AGENT = 200
HEAD = 1200
"""Bytes of a body that are looked at: namespaces and header stand before the rest."""
_ENVELOPE_ALONE = 600
_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ENVELOPE = re.compile(rb"<(?:([A-Za-z_][\w.-]{0,30}):)?Envelope\b")

UNKNOWN = "unknown"
HAND_WRITTEN = "hand-written"

LOOKS: tuple[tuple[str, re.Pattern[bytes], str], ...] = (
    ("php-soap", re.compile(rb"SOAP-ENV:encodingStyle="), "PHP SoapClient without WSDL"),
    ("luasocket", re.compile(rb"<soap:Envelope [^>]*soap:encodingStyle="), "Lua lua-soap"),
    (
        "python-urllib",
        re.compile(rb"<SOAP-ENV:Envelope [^>]*xmlns:ns\d=.{0,400}?<ns\d:Body", re.S),
        "Python suds",
    ),
    ("python-urllib", re.compile(rb"^<\?xml[^>]*\?><(\w+):Envelope [^>]*>\n<\1:Header"), "Python pysimplesoap"),
    (
        "python-httplib2",
        re.compile(rb"^<\?xml[^>]*\?><(\w+):Envelope [^>]*>\n<\1:Header"),
        "Python pysimplesoap",
    ),
    (
        "soap::lite",
        re.compile(rb'^<\?xml version="1\.0" \?><SOAP-ENV:Envelope xmlns:SOAP-ENV="[^"]*" xmlns:xsi="[^"]*" >'),
        "Perl SOAP::WSDL",
    ),
    ("mozilla/5.0", re.compile(rb"<soap:Envelope [^>]*xmlns:soap-enc="), "C++ KDSoap"),
)
"""Toolkits that an agent alone does not tell: a part of it, and how the message looks beside it."""

AGENTS: tuple[tuple[str, str], ...] = (
    ("php-soap", "PHP SoapClient"),
    ("nusoap", "PHP NuSOAP"),
    ("zend_soap", "PHP Zend Soap"),
    ("soap::wsdl", "Perl SOAP::WSDL"),
    ("soap::lite", "Perl SOAP::Lite"),
    ("soap-lite", "Perl SOAP::Lite"),
    ("xml::compile", "Perl XML::Compile"),
    ("zeep", "Python zeep"),
    ("suds", "Python suds"),
    ("pysimplesoap", "Python pysimplesoap"),
    ("ms web services client protocol", ".NET Framework"),
    ("mono web services", ".NET Framework"),
    ("axis2", "Java Axis2"),
    ("axis/", "Java Axis"),
    ("jax-ws", "Java JAX-WS"),
    ("metro/", "Java JAX-WS"),
    ("apache cxf", "Java CXF"),
    ("apache-cxf", "Java CXF"),
    ("xfire", "Java XFire"),
    ("ksoap2", "Java kSOAP2"),
    ("gsoap", "C gSOAP"),
    ("node-soap", "JavaScript node-soap"),
    ("strong-soap", "JavaScript strong-soap"),
    ("savon", "Ruby Savon"),
    ("soap4r", "Ruby soap4r"),
    ("tcl/", "Tcl tclws"),
    ("tcl http", "Tcl tclws"),
    ("soap-client.el", "Emacs soap-client"),
    ("kdsoap", "C++ KDSoap"),
    ("borland soap", "Delphi"),
    ("embarcadero", "Delphi"),
    ("soapui", "SoapUI"),
)
"""A part of the user agent in small letters, and the toolkit that sends it; the first that fits counts."""

PLAIN_AGENTS = (
    *("curl", "wget", "libwww-perl", "lwp::", "php/", "guzzle", "symfony"),
    *(
        "luasocket",
        "python-httplib2",
        "python-requests",
        "python-urllib",
        "aiohttp",
        "python-httpx",
        "go-http-client",
        "java/",
        "okhttp",
    ),
    *("apache-httpclient", "axios", "node-fetch", "undici", "ruby", "postman", "insomnia", "winhttp"),
)
"""Parts of user agents of plain HTTP clients: whoever uses one writes the message by hand."""

STYLES: tuple[tuple[bytes, bytes, str], ...] = (
    (b"s", b"", ".NET WCF"),
    (b"soapenv", b"", "Java Axis"),
    (b"S", b"", "Java JAX-WS"),
    (b"soap-env", b"", "Python zeep"),
    (b"SOAP-ENV", b"xmlns:SOAP-ENC=", "C gSOAP"),
    (b"SOAP-ENV", b"xmlns:ns1=", "PHP SoapClient"),
    (b"soap", b"soap:encodingStyle=", "Perl SOAP::Lite"),
    (b"soap", b"xmlns:xsd=", ".NET Framework"),
    (b"v", b"xmlns:c=", "Java kSOAP2"),
)
"""Prefix of the envelope, something else that stands at its beginning, and the toolkit that writes so."""


def clean_agent(text: str) -> str:
    """A user agent as it is kept: without control characters, at most 200 characters long."""
    return _NOT_SHOWN.sub(" ", text[: 2 * _LONGEST_AGENT]).strip()[:_LONGEST_AGENT]


def toolkit(agent: str, body: bytes) -> str:
    """The toolkit behind a message; `unknown` when nothing tells, `hand-written` when that is what it shows."""
    name = _of_both(agent, body[:HEAD]) or _of_agent(agent) or _of_style(body[:_ENVELOPE_ALONE])
    return name or (HAND_WRITTEN if body else UNKNOWN)


def _of_both(agent: str, head: bytes) -> str | None:
    for look, name in _looks(agent):
        if look.search(head):
            return name
    return None


@lru_cache(maxsize=2048)
def _looks(agent: str) -> tuple[tuple[re.Pattern[bytes], str], ...]:
    """The look of messages that an agent's toolkit writes."""
    small = agent.lower()
    return tuple((look, name) for part, look, name in LOOKS if part in small)


@lru_cache(maxsize=2048)
def _of_agent(agent: str) -> str | None:
    small = agent.lower()
    for part, name in AGENTS:
        if part in small:
            return name
    return HAND_WRITTEN if any(part in small for part in PLAIN_AGENTS) else None


def _of_style(head: bytes) -> str | None:
    envelope = _ENVELOPE.search(head)
    if envelope is None:
        return None
    prefix = envelope[1] or b""
    for marks, beside, name in STYLES:
        if prefix == marks and beside in head:
            return name
    return None
