"""One life that every toolkit leads, question by question, and the judge of what became of it.

A client prints a fact a line: `question=what it saw`, or `question!what went wrong`. The judge believes it only
as far as the calls that v3 got and the bytes on the wire agree.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shim.core.message import Element
from shim.emulator.world.world import SeenRequest
from tests.end_to_end.recorder import Recorded

NAME, COMPANY, NEW_NAME = "Zoë Łukasz", "Söhne & Co <1>", "Žofie Ångström"
CLIENTS = {"contoso", "northwind"}
"""The clients of the reseller acme, in the demo world."""

QUESTIONS = {
    "loads": "loads the tree",
    "lists": "lists",
    "empty": "empty body",
    "adds": "adds with accents",
    "edits": "edits",
    "number": "extension life with number",
    "limits": "limits with `unlimited`",
    "deletes": "deletes two",
    "fault": "fault text",
    "password": "wrong password",
}
"""The questions, and how the page heads their columns."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What a client printed, what v3 was asked meanwhile, and the wire between client and shim."""

    facts: dict[str, str]
    calls: Sequence[SeenRequest]
    wire: Sequence[Recorded]

    def said(self, question: str) -> str:
        """What the client saw; raises Missed when it saw trouble."""
        if question not in self.facts:
            raise Missed(self.facts.get(f"{question}!") or "the client said nothing")
        return self.facts[question]

    def done(self, *operations: str) -> list[Element]:
        """The requests of v3 operations that were carried out."""
        return [
            each.request
            for each in self.calls
            if each.outcome == "ok" and each.operation.partition(".")[2] in operations
        ]


class Missed(Exception):
    """A question that a toolkit does not answer as it should."""


def read_facts(printed: str) -> dict[str, str]:
    """Facts by question; trouble stands under `question!`."""
    facts = {}
    for line in printed.splitlines():
        if found := re.match(r"(\w+)([=!])(.*)", line):
            facts[found[1] + found[2].replace("=", "")] = found[3].strip()
    return facts


def verdicts(lived: Lived, questions: Iterable[str]) -> dict[str, str]:
    """The questions that were missed, each with what was seen instead."""
    missed = {}
    for question in questions:
        try:
            _JUDGES[question](lived)
        except Missed as problem:
            missed[question] = str(problem)
    return missed


def _expect(seen: object, wanted: object, what: str) -> None:
    if seen != wanted:
        raise Missed(f"{what} {seen!r}, not {wanted!r}")


def _loads(lived: Lived) -> None:
    _expect(lived.said("loads"), "yes", "said")


def _lists(lived: Lived) -> None:
    _sees_clients(lived.said("lists"))


def _empty(lived: Lived) -> None:
    _sees_clients(lived.said("empty"))


def _sees_clients(said: str) -> None:
    if not set(said.split(",")) >= CLIENTS:
        raise Missed(f"saw {said!r}")


def _adds(lived: Lived) -> None:
    said = lived.said("adds")
    names = {(each.get("name"), each.get("company")) for each in lived.done("AddUser")}
    if (NAME, COMPANY) not in names:
        raise Missed(f"v3 got {sorted(map(str, names))}")
    _expect(said, "success", "said")


def _edits(lived: Lived) -> None:
    said = lived.said("edits")
    names = {each.get("name") for each in lived.done("EditUser")}
    if NEW_NAME not in names:
        raise Missed(f"v3 got {sorted(map(str, names))}")
    _expect(said, f"{NEW_NAME}|{COMPANY}", "read")


def _number(lived: Lived) -> None:
    said = lived.said("number")
    assigned = [each for each in lived.done("AssignPublicNo") if each.get("didID")]
    _expect(len(assigned), 1, "numbers assigned:")
    if len(lived.done("DelUser")) != 1 or not re.fullmatch(r"21255501\d\d 1", said):
        raise Missed(f"saw {said}, with {len(lived.done('DelUser'))} deletions")


def _limits(lived: Lived) -> None:
    given = [each for each in lived.done("SetOrganizationPL") if each.child("phoneExtMax") is not None]
    _expect(len(given), 1, "calls that set limits:")
    phone, queue = given[0].child("phoneExtMax"), given[0].child("queueExtMax")
    assert phone is not None
    _expect(phone.attributes.get("unlimited") in ("true", "1"), True, "sent unlimited:")
    if queue is None or queue.text != "3" or queue.attributes.get("unlimited") not in ("false", "0"):
        raise Missed(f"sent {queue and (queue.text, queue.attributes)} for 3")
    _expect(lived.said("limits").lower().replace("1 3", "true 3"), "true 3", "read")


def _deletes(lived: Lived) -> None:
    said = lived.said("deletes")
    gone = [found.text for each in lived.done("DelOrganization") for found in each.all("ID")]
    _expect(len(set(gone)), 2, "accounts deleted:")
    _expect(said, "2", "said")


def _fault(lived: Lived) -> None:
    _faulted(lived, "fault", "200")


def _password(lived: Lived) -> None:
    _faulted(lived, "password", "100")


def _faulted(lived: Lived, question: str, code: str) -> None:
    """The text that the client has is the whole text of a fault on the wire."""
    said = lived.said(question)
    texts = [_text_of(each.answer) for each in lived.wire if f"(code {code}".encode() in each.answer]
    if not any(text in said for text in texts):
        raise Missed(f"saw {said!r}")


def fault_texts(wire: Sequence[Recorded]) -> list[str]:
    """The texts of all faults on the wire."""
    return [_text_of(each.answer) for each in wire if b"<faultstring" in each.answer]


def _text_of(answer: bytes) -> str:
    found = re.search(rb"<faultstring[^>]*>(.*?)</faultstring>", answer, re.DOTALL)
    assert found, answer
    return " ".join(html.unescape(found[1].decode()).split())


_JUDGES: dict[str, Callable[[Lived], None]] = {
    "loads": _loads,
    "lists": _lists,
    "empty": _empty,
    "adds": _adds,
    "edits": _edits,
    "number": _number,
    "limits": _limits,
    "deletes": _deletes,
    "fault": _fault,
    "password": _password,
}
