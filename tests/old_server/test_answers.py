"""The shim's answers beside those of PHP's SoapServer for the same values: the same bytes, prefixes too."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shim.core.answers.fault_message import fault_message
from shim.core.answers.soap12 import as_soap_12
from shim.core.commands.caller import FaultForm
from shim.core.errors import BackendError, CallerError
from shim.core.message import Element
from shim.core.parse import SOAP, SOAP_12
from shim.core.schema.interface import ElementDecl, Operation, Simple, paths
from shim.core.serialise import MessageWriter
from shim.interfaces.load import old
from tests.old_server.asking import HERE, PHP, has_soap, publish
from tests.support.messages import Messages

pytestmark = pytest.mark.skipif(
    not has_soap() and not os.environ.get("CI"), reason="there is no php with its SOAP extension"
)
SEEDS = range(6)
INFO = {"edition": "SERVICE PROVIDER", "version": "2.5.1", "infrastructureID": "1A2B"}


@dataclass(frozen=True)
class Asked:
    """An answer that both write: its element, with a header or without, for a caller of SOAP 1.1 or 1.2."""

    operation: Operation
    answer: Element
    header: Element | None
    envelope: str

    def line(self) -> str:
        """What answers.php is given."""
        space = old().namespace(self.operation.input.namespace)
        body = f'<x:{self.operation.input.name} xmlns:x="{space}"/>'
        header = None
        if self.header is not None:
            header = [
                old().namespace("HeaderData"),
                self.header.name,
                {each.name: each.text for each in self.header.children},
            ]
        return json.dumps(
            {
                "service": self.operation.service,
                "operation": self.operation.name,
                "request": f'<E:Envelope xmlns:E="{self.envelope}"><E:Body>{body}</E:Body></E:Envelope>',
                "answer": in_php(self.answer, self.operation.output),
                "header": header,
            }
        )

    def ours(self) -> bytes:
        """What the shim writes."""
        writer = MessageWriter(old(), self.operation.output, answers=True)
        body, lost = writer.write(self.answer)
        assert lost == []
        message = writer.envelope(body, self.header)
        return as_soap_12(message) if self.envelope == SOAP_12 else message


def in_php(element: Element, decl: ElementDecl) -> Any:
    """A value as a PHP program would give it back: objects, lists, booleans, null, and text for the rest."""
    kind = decl.complex
    if element.nil:
        return None
    if element.children:
        assert kind is not None
        found: dict[str, list[Any]] = {}
        for child in element.children:
            found.setdefault(child.name, []).append(in_php(child, kind.slots[child.name].decl))
        return {name: values if len(values) > 1 else values[0] for name, values in found.items()}
    if decl.simple is None:
        return {}
    if not element.attributes:
        return _value(decl.simple, element.text or "")
    assert kind is not None
    types = {each.name: each.type for each in kind.all_attributes}
    attributes = {name: _value(types[name], value) for name, value in element.attributes.items()}
    return {"_": _value(decl.simple, element.text or ""), **attributes}


def _value(simple: Simple, text: str) -> Any:
    if simple.base == "boolean":
        return text in ("true", "1")
    return base64.b64decode(text).decode() if simple.base == "base64Binary" else text


def answers() -> list[Asked]:
    """An answer of every operation for each seed, every other one with a header, every third in SOAP 1.2."""
    made = []
    for seed in SEEDS:
        header = Element("serverInfo", children=[Element(*each) for each in INFO.items()]) if seed % 2 else None
        for operation in old().operations.values():
            messages = Messages(random.Random(f"{seed} {operation.full_name}"))
            envelope = SOAP if seed % 3 else SOAP_12
            made.append(Asked(operation, messages.message(operation.output), header, envelope))
    return [*made, *nulls()]


def nulls() -> list[Asked]:
    """Answers with nulls: in the first element that is complete, and in a later one."""
    operation = old().operations["Billing.GetRecharges"]
    credit = Element("credit", children=[Element("creditIn", nil=True), Element("creditID", "7")])
    plain = [Element("planType", "prepaid"), Element("userID", "20")]
    rows = [Element("recharge", children=plain), Element("recharge", children=[credit, *plain])]
    answers = [Element(operation.output.name, children=some) for some in (rows[1:], rows)]
    return [Asked(operation, each, None, SOAP) for each in answers]


VALUES: dict[str, tuple[str, ...]] = {
    "integer": ("7", "007", "+7", "7.0", "-0", "-12", "123456789012"),
    "positiveInteger": ("7", "007", "7.0"),
    "unsignedInt": ("0", "000", "7.00"),
    "float": ("0", "100", "0.1", ".5", "5.", "1E3", "1e-7", "1e14", "1e300", "-0.25", "0.00001234",
              "123456789012345.678", "0.30000000000000004", "12345678901234", "INF", "-INF", "NaN"),
    "decimal": ("1.50", "007", "-3"),
    "date": ("2011-03-31", "2011-03-31 10:20:30"),
    "dateTime": ("2011-03-31T10:20:30", "2011-03-31 10:20:30"),
    "time": ("08:30:00", "8:30"),
    "string": ("", " a  b ", "a\r\nb\tc", "]]>", "é😀", "&amp;", "\"'", "\x01", "001"),
}  # fmt: skip
"""Values as v3, or the old server's program out of its database, may give them, by type."""

FAULTS = (("Client", "Access denied & <é> \"'\r\n end."), ("Server", "x"), ("100", "x"), ("Client.100", "x"))

_DATES = "SoapServer wrote what its program gave; no toolkit reads this as its type. A finding says so."
_DIGITS = "PHP writes 14 digits, which is another number: an amount of v3 is never rounded."
_INFINITE = "SoapServer made 0 of the text, which would be another number."
OTHERWISE = {
    "float 123456789012345.678": _DIGITS,
    "float 0.30000000000000004": _DIGITS,
    "float INF": _INFINITE,
    "float -INF": _INFINITE,
    "float NaN": _INFINITE,
    "date 2011-03-31 10:20:30": _DATES,
    "dateTime 2011-03-31 10:20:30": _DATES,
    "time 8:30": _DATES,
    "string \x01": "SoapServer writes it as it is, and the answer is no well-formed XML; here it is U+FFFD.",
}
"""What is not written as SoapServer writes it, and why."""


def _with(base: str, text: str) -> Asked:
    """An answer that has a value of a type somewhere."""
    for operation in old().operations.values():
        for path, decl in paths(operation.output):
            if not isinstance(decl, ElementDecl) or decl.max == 0 or decl.simple is None:
                continue
            if decl.simple.enum or decl.simple.base != base:
                continue
            answer = Messages(random.Random(11), 0.95).message(operation.output)
            found = [each for each in _at(answer, path.split("/")) if not each.nil]
            for each in found:
                each.text = text
            if found:
                return Asked(operation, answer, None, SOAP)
    raise AssertionError(f"no answer has a {base}")


def _at(element: Element, path: list[str]) -> list[Element]:
    children = element.all(path[0])
    return [deep for each in children for deep in _at(each, path[1:])] if path[1:] else list(children)


def written_by(asked: list[str], folder: Path) -> list[bytes]:
    """What PHP's SoapServer makes of each line."""
    publish(folder)
    command = [str(PHP), "-n", "-d", "extension=soap", str(HERE / "answers.php"), str(folder)]
    lines = "".join(f"{each}\n" for each in asked)
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=True, timeout=300)
    return [base64.b64decode(line) for line in done.stdout.split()]


def test_every_answer_is_written_byte_for_byte_as_soapserver_writes_it(tmp_path: Path) -> None:
    asked = answers()
    written = written_by([each.line() for each in asked], tmp_path)
    assert len(written) == len(asked) == len(SEEDS) * 161 + len(nulls())
    differ = {
        f"{each.operation.full_name} {number // 161}": (each.ours().decode(), theirs.decode())
        for number, (each, theirs) in enumerate(zip(asked, written, strict=True))
        if each.ours() != theirs
    }
    assert differ == {}


def test_values_are_written_as_soapserver_writes_them(tmp_path: Path) -> None:
    asked = {f"{base} {text}": _with(base, text) for base, texts in VALUES.items() for text in texts}
    written = written_by([each.line() for each in asked.values()], tmp_path)
    differ = {}
    for (name, each), theirs in zip(asked.items(), written, strict=True):
        writer = MessageWriter(old(), each.operation.output, answers=True)
        ours = writer.envelope(writer.write(each.answer)[0])
        if ours != theirs:
            differ[name] = (ours.decode(), theirs.decode())
    assert {name: texts for name, texts in differ.items() if name not in OTHERWISE} == {}
    assert set(OTHERWISE) == set(differ), "a decision without a difference"


@pytest.mark.parametrize("envelope", [SOAP, SOAP_12])
def test_faults_are_written_as_soapserver_writes_them(envelope: str, tmp_path: Path) -> None:
    """But for the language of their text, which SOAP 1.2 demands, and codes that are none of SOAP 1.2."""
    asked = json.loads(_with("string", "x").line().replace(SOAP, envelope))
    codes = {"Client.100": "SOAP-ENV:Client.100"}
    written = written_by(
        [json.dumps({**asked, "fault": [codes.get(code, code), text]}) for code, text in FAULTS], tmp_path
    )
    for (code, text), theirs in zip(FAULTS, written, strict=True):
        ours = _fault(code, text)
        if envelope == SOAP_12:
            ours = as_soap_12(ours)
            assert b'<env:Text xml:lang="en">' in ours
            ours = ours.replace(b' xml:lang="en"', b"")
            if "100" in code:
                assert b"<env:Subcode><env:Value>100</env:Value></env:Subcode>" in ours
                continue
        assert ours == theirs


def _fault(code: str, text: str) -> bytes:
    """The shim's fault with the same code, without what it adds to the text."""
    side, _, number = code.rpartition(".") if "." in code else (code, "", "")
    if code.isdigit():
        side, number = "Client", code
    fault = CallerError("any", text, number or None) if side == "Client" else BackendError("any", text)
    form = FaultForm(layout="number" if code.isdigit() else "code" if number else "text")
    return fault_message(fault, None, form).replace(f" (code {number})".encode(), b"")
