"""A fault as the bytes of a SOAP 1.1 message."""

from __future__ import annotations

from shim.core.commands.caller import PLAIN_FAULTS, FaultForm
from shim.core.errors import Fault
from shim.core.parse import SOAP
from shim.core.serialise import XML_DECLARATION, escape


def fault_message(fault: Fault, reference: str | None = None, form: FaultForm = PLAIN_FAULTS) -> bytes:
    """A fault in the old dialect: SOAP 1.1, to be sent with HTTP 500.

    Where 2.5 put its numeric code is not known: `form` says where it stands. It is always in faultstring,
    which clients show to people. `reference` is the correlation ID that the log has too; None inside an
    answer. There is no detail unless `form` wants one: it hides the whole fault from WCF, SOAP::WSDL and
    pysimplesoap. What it holds is one qualified entry, since gSOAP in strict mode reads no more than one.
    """
    text = fault.text.rstrip()
    notes = [f"code {fault.code}"] if fault.code else []
    if reference:
        notes.append(f"reference {reference}")
    bracketed = f" ({', '.join(notes)})" if notes else ""
    return (
        f'{XML_DECLARATION}<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}"><SOAP-ENV:Body><SOAP-ENV:Fault>'
        f"<faultcode>{_faultcode(fault, form)}</faultcode>"
        f"<faultstring>{escape(text + bracketed)}</faultstring>"
        f"{_detail(fault, reference) if form.detail else ''}"
        "</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>\n"
    ).encode()


def _faultcode(fault: Fault, form: FaultForm) -> str:
    if not fault.code or form.layout == "text":
        return f"SOAP-ENV:{fault.side}"
    return fault.code if form.layout == "number" else f"SOAP-ENV:{fault.side}.{fault.code}"


def _detail(fault: Fault, reference: str | None) -> str:
    code = f"<code>{fault.code}</code>" if fault.code else ""
    named = f"<reference>{escape(reference)}</reference>" if reference else ""
    reason = f"<reason>{fault.reason}</reason>"
    return f'<detail><s:fault xmlns:s="urn:systemapi-shim">{code}{reason}{named}</s:fault></detail>'
