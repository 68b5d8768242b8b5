"""Golden conversations: each file of tests/cases is one call, from the old request to the old answer.

A file has sections, each under a line `=== name`:
- the text before the first section says what the conversation proves
- `old request`: the body element, or a whole envelope
- `settings`, `kept before`: one `key: value` a line; kept values as `account field: XML`, or as `industries
  field: XML` where they are kept for all
- `policies`: a line for each, as in the configuration; `tell`: switches and what there is to tell, one a line
- `texts`: `as sent`, where the call has a text that breaks a pattern or a length of the schema of both versions
- `backend`: how it speaks, `version: 3.x.y` or `person_names: split`
- `identities`: what the identity map knows, a line `old_id extension_id user_id number identifier` each
- `v3 call`, `v3 answer`: in turn, as often as calls are made; a `v3 answer` may be a Fault
- `old answer` or `fault`, `findings` (`code path`), `kept after`: what has to come out; after an answer, `old
  header` is the SOAP header block that tells of findings, if there is one, and the messages that a LinkedOp
  answers with stand in `output N`, instead of in base64

To write the outcome sections of a new file, run with RECORD_CASES=1 and read what it wrote.
"""

from __future__ import annotations

import base64
import os
import re
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from lxml import etree

from shim.core.answers.notices import DeprecationDates
from shim.core.commands.backend import Call
from shim.core.commands.caller import NoticeForms
from shim.core.commands.extensions import Identity
from shim.core.commands.kept import KeptBy, Shared
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome
from shim.core.policies import Policies
from shim.core.serialise import escape
from shim.edge.settings.conduct import PolicySettings
from shim.interfaces.load import Dialect, new, old
from tests.support.conversation import World
from tests.support.schemas import TOLD, assert_valid

CASES = Path(__file__).parent / "cases"
FILES = sorted(CASES.glob("*/*.case"))
GIVEN = ("old request", "texts", "backend", "settings", "policies", "tell", "kept before", "identities")
RECORD = bool(os.environ.get("RECORD_CASES"))
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_LOGIN = "<userCredentials><username>who</username><password>secret</password></userCredentials>"


@dataclass
class Case:
    """One conversation, taken apart; `outcome` is filled by running it."""

    title: str
    sections: list[tuple[str, str]]
    answers: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Case:
        title, *rest = re.split(r"^=== (.+)$", path.read_text("utf-8"), flags=re.MULTILINE)
        sections = [(rest[i].strip(), rest[i + 1].strip()) for i in range(0, len(rest), 2)]
        return cls(title.strip(), sections, [text for name, text in sections if name == "v3 answer"])

    def get(self, name: str) -> str:
        return next((text for key, text in self.sections if key == name), "")

    def world(self) -> World:
        answers = iter(self.answers)

        def backend(call: Call, request: Element) -> bytes:
            return wrap(next(answers), header=_SERVER_INFO)

        settings = dict(line.split(": ", 1) for line in self.get("settings").splitlines())
        known = [Identity(*line.split()) for line in self.get("identities").splitlines()]
        lines = self.get("policies").splitlines()
        policies = Policies(PolicySettings.model_validate(yaml.safe_load(line)).core() for line in lines)
        facts = yaml.safe_load(self.get("tell")) or {}
        tell = NoticeForms(**{name: said for name, said in facts.items() if isinstance(said, bool)})
        deprecation = DeprecationDates(
            **{name: str(said) for name, said in facts.items() if said not in (True, False)}
        )
        return World(
            backend,
            settings,
            _kept(self.get("kept before")),
            identities=known,
            dialect=self.dialect,
            policies=policies,
            tell=tell,
            deprecation=deprecation,
        )

    @property
    def dialect(self) -> Dialect:
        return Dialect(**dict(line.split(": ", 1) for line in self.get("backend").splitlines()))  # type: ignore[arg-type]


_SERVER_INFO = (
    "<serverInfo><edition>Unlimited</edition><version>3.0.0</version>"
    "<infrastructureID>INF-1</infrastructureID></serverInfo>"
)


def wrap(body: str, header: str) -> bytes:
    """The message with this body; one that is a whole envelope stays."""
    if "Envelope" in body[:60]:
        return body.encode()
    return (
        f'<e:Envelope xmlns:e="{SOAP}"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>'
    ).encode()


def _kept(text: str) -> dict[KeptBy, dict[str, Element]]:
    kept: dict[KeptBy, dict[str, Element]] = {}
    for line in text.splitlines():
        whose, name, xml = re.fullmatch(r"(\S+) (\S+): (.*)", line).groups()  # type: ignore[union-attr]
        owner: KeptBy = whose if whose.isdecimal() else Shared(whose)
        kept.setdefault(owner, {})[name] = parse(wrap(xml, "")).body
    return kept


def _kept_text(kept: dict[KeptBy, dict[str, Element]]) -> str:
    told = {each.key if isinstance(each, Shared) else each: fields for each, fields in kept.items()}
    lines = []
    for whose, fields in sorted(told.items()):
        for name, element in sorted(fields.items()):
            lines.append(f"{whose} {name}: {_xml(element)}")
    return "\n".join(lines)


def _xml(element: Element) -> str:
    """A kept element in one line; `nil` for the mark of something that is gone."""
    attributes = "".join(f' {key}="{value}"' for key, value in element.attributes.items())
    attributes += f' xmlns:xsi="{XSI}" xsi:nil="true"' if element.nil else ""
    inner = "".join(map(_xml, element.children)) or escape(element.text or "")
    return f"<{element.name}{attributes}>{inner}</{element.name}>"


def _body(envelope: bytes) -> str:
    """The body element alone, indented, with the namespaces it uses."""
    return _indented(etree.fromstring(envelope).find(f"{{{SOAP}}}Body")[0])  # type: ignore[index]


def _indented(part: etree._Element) -> str:
    node = deepcopy(part)
    etree.indent(node)
    etree.cleanup_namespaces(node)
    return etree.tostring(node, encoding="unicode").strip()


def _unpacked(answer: str) -> tuple[str, list[tuple[str, str]]]:
    """An answer with the messages in it as sections of their own."""
    outputs: list[tuple[str, str]] = []

    def take(found: re.Match[str]) -> str:
        name = f"output {len(outputs) + 1}"
        outputs.append((name, _body(base64.b64decode(found[1]))))
        return f"({name})"

    return re.sub(r"(?<=:output>)([^<]+)(?=</)", take, answer), outputs


def _told(world: World, outcome: Outcome) -> list[tuple[str, str]]:
    """The outcome of a run as sections."""
    told: list[tuple[str, str]] = []
    for index, envelope in enumerate(world.envelopes):
        told.append(("v3 call", _body(envelope)))
        told.append(("v3 answer", f"#{index}"))
    if outcome.answer is not None:
        answer, outputs = _unpacked(_body(outcome.answer))
        told += [("old answer", answer), *outputs]
        block = etree.fromstring(outcome.answer).find(f"{{{SOAP}}}Header/{TOLD}")
        if block is not None:
            told.append(("old header", _indented(block)))
    elif outcome.fault is not None:
        fault = outcome.fault
        told.append(("fault", f"{fault.side} {fault.code or '-'} {fault.reason}: {fault.text}"))
    told.append(("findings", "\n".join(f"{each.code} {each.path}" for each in outcome.findings)))
    told.append(("kept after", _kept_text(world.kept)))
    return told


def _operation(path: Path) -> str:
    """The full name of the operation that a file is about: its folder is a service in lower case."""
    name = f"{path.parent.name}.{path.name.split('.')[0]}".lower()
    return next(each for each in old().operations if each.lower() == name)


def _run(case: Case, path: Path) -> list[tuple[str, str]]:
    operation = old().operations[_operation(path)]
    world = case.world()
    outcome = world.run(operation, wrap(case.get("old request"), _LOGIN))
    for envelope in world.envelopes:
        assert_valid(envelope, new(case.dialect), texts_as_sent=case.get("texts") == "as sent")
    if outcome.answer is not None:
        assert_valid(outcome.answer, old(), outcome.schema_version)
    return [
        (name, case.answers[int(text[1:])] if name == "v3 answer" else text)
        for name, text in _told(world, outcome)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_conversation(path: Path) -> None:
    case = Case.read(path)
    told = [(name, text.strip()) for name, text in _run(case, path)]
    given = [(name, text) for name, text in case.sections if name in GIVEN]
    if RECORD:
        parts = [f"=== {name}\n{text}\n" for name, text in given + told]
        path.write_text(f"{case.title}\n\n" + "\n".join(parts), "utf-8")
        return
    expected = [section for section in case.sections if section not in given]
    assert told == expected, case.title


def test_every_translated_operation_has_a_conversation() -> None:
    from tests.support.conversation import whole_catalogue

    assert set(whole_catalogue().translations) <= {_operation(path) for path in FILES}
