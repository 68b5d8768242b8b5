"""Industries: v3 has none, so the shim keeps them. They are the system's, as in 2.5: one list for everybody.

Whoever may call reads them; adding, changing and deleting them is for integrations whose conduct says so. IDs
are issued from 1001 on, so that none is one that a client remembers from the server that was upgraded, and none
is issued twice: of a deleted industry a mark stays, and clients that were in it are in none from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shim.core.commands.kept import Issue, Recall, Remember, Shared
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import CallerError
from shim.core.message import Element
from shim.core.rules.vocabulary import compute

INDUSTRIES = Shared("industries")
"""The owner of the element with all industries, each by its ID."""
KEPT = "v3 has no industries: the shim keeps them, for all integrations. v3 shows no advertising by them."
_BEFORE_FIRST = 1000
_UNKNOWN = "There is no industry with this ID: list them anew."


def _up_to(most: int) -> Any:
    return lambda text: text if int(text) <= most else None


HEIGHTS = tuple(
    compute(name, _up_to(most), str, f"a height of 1 to {most} pixels", finding=None)
    for name, most in (("standardZoneHeight", 200), ("extendedZoneHeight", 800))
)
"""The schema does not say how high a zone may be; the old server did."""


def add(context: CallContext) -> Steps[Element]:
    """Keep an industry under a new ID; heights that are not said are those of 2.5."""
    request = context.translation.to_new(context)
    _may_write(context)
    there = yield from ask(Recall(INDUSTRIES))
    _is_free(there, request.get("name") or "", but=None)
    kind = context.translation.old.input.complex
    for name, slot in kind.slots.items() if kind is not None else ():
        if slot.decl.default is not None and request.child(name) is None:
            request.children.append(Element(name, slot.decl.default))
    number = str(_BEFORE_FIRST + (yield from ask(Issue("industry"))))
    yield from ask(Remember(INDUSTRIES, {number: Element("industry", children=request.children)}))
    return _answer(context, Element("ID", number), Element("result", "success"))


def edit(context: CallContext) -> Steps[Element]:
    """Change what the request says of an industry, and nothing else."""
    request = context.translation.to_new(context)
    _may_write(context)
    there = yield from ask(Recall(INDUSTRIES))
    number = _key(request.get("ID") or "")
    before = there.get(number)
    if before is None or before.nil:
        raise CallerError("unknown-industry", _UNKNOWN, "100")
    changes = [each for each in request.children if each.name != "ID"]
    _is_free(there, request.get("name") or "", but=number)
    names = {each.name for each in changes}
    kept = [each for each in before.children if each.name not in names]
    yield from ask(Remember(INDUSTRIES, {number: Element("industry", children=[*kept, *changes])}))
    return _answer(context, Element("ID", number), Element("result", "success"))


def read(context: CallContext) -> Steps[Element]:
    """All industries, by ID; or the one with an ID, or those with a text in their name."""
    request = context.translation.to_new(context)
    there = yield from ask(Recall(INDUSTRIES))
    number, part = _key(request.get("ID") or ""), (request.get("filter") or "").strip().casefold()
    rows = [
        Element("industry", children=[Element("ID", key), *each.children])
        for key, each in sorted(_live(there).items(), key=lambda item: int(item[0]))
        if number in ("", key) and part in (each.get("name") or "").casefold()
    ]
    return _answer(context, *rows)


def delete(context: CallContext) -> Steps[Element]:
    """Delete industries; a failure says that some of those that are named were not there."""
    request = context.translation.to_new(context)
    _may_write(context)
    live = _live((yield from ask(Recall(INDUSTRIES))))
    named = dict.fromkeys(_key(each.text or "") for each in request.all("ID"))
    gone = [each for each in named if each in live]
    if not gone:
        raise CallerError("unknown-industry", _UNKNOWN, "100")
    yield from ask(Remember(INDUSTRIES, {each: Element("industry", nil=True) for each in gone}))
    result = "success" if len(gone) == len(named) else "failure"
    if result == "failure":
        context.find("partly-done", "ID", "Some of the industries were not there; the others are deleted.")
    return _answer(context, Element("items", str(len(gone))), Element("result", result))


def _answer(context: CallContext, *children: Element) -> Element:
    return Element(context.translation.old.output.name, children=list(children))


def _may_write(context: CallContext) -> None:
    if context.caller.settings.get("industries", "write") != "write":
        raise CallerError(
            "no-permission",
            "Industries are everybody's, and this login may not change them: its operator can allow it.",
            "520",
        )


def _live(there: Mapping[str, Element]) -> dict[str, Element]:
    return {key: each for key, each in there.items() if not each.nil}


def _key(text: str) -> str:
    """An ID as it is kept: without sign and leading zeros."""
    return text.strip().lstrip("+0")


def _is_free(there: Mapping[str, Element], name: str, *, but: str | None) -> None:
    """Clients name an industry by its name, too: so no two have the same."""
    folded = name.strip().casefold()
    for key, each in _live(there).items():
        if folded and key != but and (each.get("name") or "").strip().casefold() == folded:
            raise CallerError("duplicate", "There is an industry of this name already.", "200")
