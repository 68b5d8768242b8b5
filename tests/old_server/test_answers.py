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

from shim.core.interface import ElementDecl, Operation, Simple
from shim.core.model import Element
from shim.core.parse import SOAP, SOAP_12
from shim.core.serialise import MessageWriter
from shim.core.soap12 import as_soap_12
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


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    return answers()


@pytest.fixture(scope="module")
def written_by_php(asked: list[Asked], tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder: Path = tmp_path_factory.mktemp("tree")
    publish(folder)
    command = [str(PHP), "-n", "-d", "extension=soap", str(HERE / "answers.php"), str(folder)]
    lines = "".join(f"{each.line()}\n" for each in asked)
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=True, timeout=300)
    return [base64.b64decode(line) for line in done.stdout.split()]


def test_every_answer_is_written_byte_for_byte_as_soapserver_writes_it(
    asked: list[Asked], written_by_php: list[bytes]
) -> None:
    assert len(written_by_php) == len(asked) == len(SEEDS) * 161 + len(nulls())
    differ = {
        f"{each.operation.full_name} {number // 161}": (each.ours().decode(), theirs.decode())
        for number, (each, theirs) in enumerate(zip(asked, written_by_php, strict=True))
        if each.ours() != theirs
    }
    assert differ == {}
