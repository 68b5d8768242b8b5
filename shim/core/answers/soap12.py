"""SOAP 1.2: answers and faults of SOAP 1.1, as this program writes them, in an envelope of 1.2."""

from __future__ import annotations

import re

from lxml import etree

from shim.core.parse import PARSER_OPTIONS, SOAP, SOAP_12
from shim.core.serialise import escape

CONTENT_TYPE_12 = "application/soap+xml; charset=utf-8"

_ACTION = re.compile(r"\baction\s*=\s*(?:\"([^\"]{0,300})\"|([^;\s]{0,300}))", re.IGNORECASE)
_TAGS = re.compile(rb"<(/?)SOAP-ENV:")
"""No text has a bare <. SoapServer's prefix for 1.2 is env."""
_SIDES = {"Client": "Sender", "Server": "Receiver"}
_FAULT = f"{{{SOAP}}}Fault"


def action_of(content_type: str) -> str:
    """The action that SOAP 1.2 says in the content type instead of in a header; empty when there is none."""
    match = _ACTION.search(content_type)
    return (match[1] or match[2] or "") if match else ""


def as_soap_12(message: bytes) -> bytes:
    """A message of this program in SOAP 1.2."""
    if b"Fault>" in message[:1000]:
        fault = etree.fromstring(message, etree.XMLParser(**PARSER_OPTIONS)).find(f".//{_FAULT}")
        if fault is not None:
            return _fault(fault)
    named = message.replace(f'SOAP-ENV="{SOAP}"'.encode(), f'env="{SOAP_12}"'.encode(), 1)
    return _TAGS.sub(rb"<\1env:", named)


def _fault(fault: etree._Element) -> bytes:
    code = fault.findtext("faultcode") or ""
    side, _, rest = code.rpartition(":")[2].partition(".")
    known = _SIDES.get(side, side if side in ("VersionMismatch", "MustUnderstand") else "")
    subcode = rest if known else code
    more = f"<env:Subcode><env:Value>{escape(subcode)}</env:Value></env:Subcode>" if subcode else ""
    text = escape(fault.findtext("faultstring") or "")
    detail = fault.find("detail")
    content = b""
    if detail is not None:
        content = b"".join(etree.tostring(each, with_tail=False) for each in detail)
    detail_element = f"<env:Detail>{content.decode()}</env:Detail>" if content else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<env:Envelope xmlns:env="{SOAP_12}"><env:Body><env:Fault>'
        f"<env:Code><env:Value>env:{known or 'Receiver'}</env:Value>{more}</env:Code>"
        f'<env:Reason><env:Text xml:lang="en">{text}</env:Text></env:Reason>{detail_element}'
        "</env:Fault></env:Body></env:Envelope>\n"
    ).encode()
