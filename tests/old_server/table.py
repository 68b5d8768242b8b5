"""The table of differences: which are decided how, and the page that is made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

FILE = Path(__file__).parent / "differences.toml"
Decision = Literal["same", "stricter", "lenient", "other"]
HEADINGS: dict[Decision, tuple[str, str]] = {
    "same": ("The same", "Looks different, means the same."),
    "stricter": ("Stricter on purpose", "The old server took it; the shim refuses it with a fault."),
    "lenient": ("More lenient", "The old server refused it; the shim takes it."),
    "other": ("Other meaning on purpose", "Both take it, and read it differently."),
}
INTRO = """# Reading as the old server did

The old endpoints were PHP, almost surely PHP's SoapServer in WSDL mode. It runs in the tests beside the shim,
over the tree that the shim publishes, and both get the same messages:

- {recorded} recorded ones, for which the verdicts of four PHP versions (5.2 to 8.5) are kept as well;
- about a thousand that are made from the interface: every simple type in every kind of place with every oddity;
- five hundred with elements of elements as references, arrays and maps (`group-...`);
- twelve hundred that mix odd forms of an element (references within arrays, nulls with a text, CDATA beside
  text) with odd envelopes (SOAP 1.2, 2.0.4, logins by reference; `mixed-...`);
- four hundred in encodings that are declared rightly, wrongly or not at all (`encoded-...`).

Where the shim understands a message in another way it is decided here. A difference that is not decided fails
the tests, and so does a decision without a difference.

"""


EARLIER = """## Call rules of 2.0.x

Rules were flat: an action and numbers in one text, where 2.5 has an element for each action. No file of 2.0.x
is known; this comes from one client that was generated from those of 2.0.4. It sends `followme` alone, and
fills `event` (BUSY), `transferType` (internal) and `callPriority` (1) because its classes want them.

| action | becomes | known from |
|---|---|---|
| followme | transfer to the numbers of transferTo, and `call`: the extension rings too | seen in use |
| transfer | transfer to the numbers of transferTo | the name in 2.5 |
| voicemail | transfer to the voicemail | assumed |
| busy, congestion, hangup | the same | the names in 2.5 |
| setCallPriority | the same, with callPriority | the names in 2.5, and the element of 2.0.4 |
| cascade, authenticate, any other | refused: 2.0.x has no place for what they need | |

A transfer without numbers is refused. `event` and `transferType` have no successor, nor has callPriority with
another action; each is a finding of severity loss. Rules are answered to callers of 2.0.x in the same form.
"""


@dataclass(frozen=True)
class Difference:
    """One decision. `recorded` are IDs of recorded messages, `made` patterns of names of made ones.

    `methods` are IDs of recorded requests that are no POST.
    """

    verdict: Decision
    title: str
    because: str
    recorded: tuple[str, ...]
    made: tuple[str, ...]
    methods: tuple[str, ...]

    def decides(self, name: str, verdict: str) -> bool:
        """Whether it is about a message that differs so; what is the same may look like anything."""
        if name not in self.recorded + self.methods and not any(
            fnmatchcase(name, pattern) for pattern in self.made
        ):
            return False
        return self.verdict in ("same", verdict)


def differences() -> tuple[Difference, ...]:
    """The decisions, in the order of the file."""
    entries = tomllib.loads(FILE.read_text("utf-8"))["difference"]
    return tuple(
        Difference(
            each["verdict"],
            each["title"],
            each["because"],
            tuple(each.get("recorded", ())),
            tuple(each.get("made", ())),
            tuple(each.get("methods", ())),
        )
        for each in entries
    )


def page(recorded: int) -> str:
    """docs/old-server.md."""
    parts = [INTRO.format(recorded=recorded)]
    for verdict, (heading, meaning) in HEADINGS.items():
        rows = [each for each in differences() if each.verdict == verdict]
        parts.append(f"## {heading}\n\n{meaning}\n\n| what | why | messages |\n|---|---|---|\n")
        parts += [f"| {each.title} | {each.because} | {_examples(each)} |\n" for each in rows]
        parts.append("\n")
    return "".join(parts) + EARLIER


def _examples(difference: Difference) -> str:
    return ", ".join(f"`{name}`" for name in (*difference.recorded, *difference.made, *difference.methods))


def undecided(found: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Those of (name, verdict, how) that no decision is about."""
    table = differences()
    return [each for each in found if not any(row.decides(each[0], each[1]) for row in table)]
