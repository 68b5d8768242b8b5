"""Packages of a LinkedOp: each holds the message of one operation, completed from earlier answers.

Packed as base64, as XML text, or as plain elements; a whole envelope or the body element alone. What cannot be
unpacked or put together is the caller's error, of that one operation.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from itertools import islice

from shim.core.context import CallContext
from shim.core.errors import PARAMETER_MISSING, CallerError
from shim.core.message import Element, Envelope
from shim.core.parse import Limits, parse

_PACKED = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_LAYERS = 2
"""Clients pack what their SOAP library packs again."""
_STEP = re.compile(r"[\w.-]+")
MAPPING = "operation/appendOpResponse/responseMapping"


def unpacked(package: Element | None, limits: Limits) -> Envelope:
    """The message in a package. Raises CallerError for what is none."""
    if package is None:
        raise CallerError(
            "missing-parameter", "Parameter missing: operation/package; send it.", PARAMETER_MISSING
        )
    if package.children:
        return _of_elements(package.children)
    return parse(_document(package.text or ""), limits=limits, bare=True)


def _of_elements(elements: list[Element]) -> Envelope:
    body = elements[0]
    if body.name != "Envelope":
        return Envelope(body, "", [], tuple(each.name for each in elements[1:]))
    headers = [block for part in body.all("Header") for block in part.children]
    calls = [call for part in body.all("Body") for call in part.children]
    if not calls:
        raise CallerError("not-soap", "The SOAP envelope has no body element: there is no call in it.")
    return Envelope(calls[0], "", headers, tuple(each.name for each in calls[1:]))


def _document(text: str) -> bytes:
    data = text.encode()
    for _ in range(_LAYERS):
        packed = b"".join(data.split())
        if not _PACKED.fullmatch(packed):
            break
        try:
            data = base64.b64decode(packed.rstrip(b"=") + b"=" * (-len(packed.rstrip(b"=")) % 4))
        except binascii.Error:
            raise CallerError("bad-package", "The package is no base64: send the message packed so.") from None
    return data


class Answered:
    """The answer of an operation, as later ones take values from it."""

    def __init__(self, answer: Element) -> None:
        self._name = answer.name
        self._leaves: dict[str, list[tuple[str, str]]] = {}
        for path, text in answer.leaves():
            self._leaves.setdefault(path.rpartition("/")[2], []).append((path, text))

    def values(self, label: str, most: int) -> list[str]:
        """The first texts of a parameter, by name or by path; its name is that of the last step."""
        path = "/".join(_steps(label, self._name))
        known = self._leaves.get(path.rpartition("/")[2], ())
        texts = (text for at, text in known if at == path or at.endswith("/" + path))
        return list(islice(texts, most))


def complete(
    request: Element, appends: Iterable[Element], answers: Mapping[str, Answered], context: CallContext
) -> None:
    """Put values of earlier answers into a request, as its mappings say. Raises CallerError."""
    placed: dict[int, tuple[Element, list[Element]]] = {}
    count = 0
    for append in appends:
        earlier = answers.get((append.get("identifier") or "").strip())
        if earlier is None:
            raise CallerError(
                "no-earlier-answer",
                "appendOpResponse names an operation that was not answered before this one.",
            )
        for mapping in append.all("responseMapping"):
            parent, target = _placed(request, mapping, earlier, context)
            placed.setdefault(id(parent), (parent, []))[1].append(target)
            count += 1
            if count > context.limits.repeats:
                raise CallerError(
                    "over-limit", f"An operation has at most {context.limits.repeats} responseMappings."
                )
    for parent, elements in placed.values():
        names = {each.name for each in elements}
        there = [each for each in parent.children if each.name not in names or not _is_empty(each)]
        parent.children = [*elements, *there]


def _placed(
    request: Element, mapping: Element, earlier: Answered, context: CallContext
) -> tuple[Element, Element]:
    """The element that a mapping makes, and the one that it belongs into."""
    label = mapping.get("responseParam") or ""
    values = earlier.values(label, 2)
    if not values:
        raise CallerError(
            "no-earlier-answer", "responseParam names a parameter that the earlier operation did not answer."
        )
    if len(values) > 1:
        context.find(
            "repeated-element", f"{MAPPING}/responseParam", "The answer has several: the first was taken."
        )
    steps = _steps(mapping.get("node") or "", request.name)
    if len(steps) > context.limits.depth:
        raise CallerError("over-limit", f"A node is at most {context.limits.depth} elements deep.")
    name = (_steps(mapping.get("requestParam") or "", "") or steps or _steps(label, ""))[-1]
    if steps and steps[-1] == name:
        steps = steps[:-1]
    return _node(request, steps), Element(name, values[0])


def _node(request: Element, steps: list[str]) -> Element:
    """The element at a path of the request; what is missing of it is made."""
    at = request
    for step in steps:
        child = at.child(step)
        if child is None:
            child = Element(step)
            at.children.append(child)
        at = child
    return at


def _steps(path: str, root: str) -> list[str]:
    """The local names of a path such as //AddClientRequest/name, without the root. Raises CallerError."""
    steps = [step.rpartition(":")[2] for each in path.split("/") if (step := each.strip())]
    if not all(_STEP.fullmatch(each) for each in steps):
        raise CallerError("bad-mapping", "A responseMapping takes names and paths of names only: a/b/c.")
    if steps and root and steps[0] in (root, root.removesuffix("Request")):
        return steps[1:]
    return steps


def _is_empty(element: Element) -> bool:
    return not (element.text or "").strip() and not element.children
