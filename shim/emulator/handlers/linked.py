"""LinkedOp: several calls in one, each a base64 package, results of earlier ones put into later ones."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from shim.core.errors import CallerError
from shim.core.message import Element
from shim.core.parse import SOAP, parse
from shim.core.serialise import escape
from shim.emulator.call import EmulatedRequest
from shim.emulator.world.refusal import Refusal, missing

Perform = Callable[[Element, EmulatedRequest], tuple[Element, str]]
"""Carries out one request on behalf of a call: the answer, and the answer as it is written."""


def linked(call: EmulatedRequest, perform: Perform) -> Element:
    operations = call.request.all("operation")
    if not operations:
        raise missing("operation")
    done: dict[str, Element] = {}
    results: list[dict[str, str]] = []
    for operation in operations:
        name = (operation.get("identifier") or "").strip()
        result, output = _one(call, operation, done, name, perform)
        results.append({"identifier": name, "output": _packed(output), "result": result})
        if result == "failure" and operation.is_on("finalOnFailure"):
            break
    return call.answer({"processedOp": len(results), "operation": results})


def _one(
    call: EmulatedRequest, operation: Element, done: dict[str, Element], name: str, perform: Perform
) -> tuple[str, str]:
    try:
        request = _unpacked(operation)
        for append in operation.all("appendOpResponse"):
            _append(request, append, done)
        answer, written = perform(request, call)
    except Refusal as refusal:
        code = f"<code>{refusal.code}</code>" if refusal.code else ""
        return "failure", f"<fault>{code}<message>{escape(refusal.text)}</message></fault>"
    done[name] = answer
    return "success", written


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _unpacked(operation: Element) -> Element:
    """The request in a package: a whole envelope, or the body element alone."""
    try:
        document = base64.b64decode((operation.get("package") or "").strip(), validate=True)
        if b"Envelope" not in document[:400]:
            document = _enveloped(document)
        return parse(document).body
    except (binascii.Error, CallerError):
        raise Refusal(None, "The package of an operation is no request.") from None


def _enveloped(body: bytes) -> bytes:
    start = body.find(b"?>") + 2 if body.lstrip().startswith(b"<?xml") else 0
    wrap = f'<e:Envelope xmlns:e="{SOAP}"><e:Body>'.encode(), b"</e:Body></e:Envelope>"
    return wrap[0] + body[start:] + wrap[1]


def _append(request: Element, append: Element, done: dict[str, Element]) -> None:
    """Puts parameters of an earlier answer into the request, below the node that the mapping names."""
    earlier = done.get((append.get("identifier") or "").strip())
    for mapping in append.all("responseMapping"):
        value = _first(earlier, mapping.get("responseParam") or "") if earlier else None
        if value is None:
            raise Refusal(None, "An operation refers to something that no earlier operation answered.")
        at = _node(request, mapping.get("node") or "")
        at.children.append(Element((mapping.get("requestParam") or "").strip(), value))


def _first(element: Element, name: str) -> str | None:
    return next((text for path, text in element.leaves() if path.rpartition("/")[2] == name), None)


def _node(request: Element, path: str) -> Element:
    """The element at a path such as //AddUser/share, counted from the request itself."""
    at = request
    for step in [each for each in path.split("/") if each][1:]:
        child = at.child(step)
        if child is None:
            child = Element(step)
            at.children.append(child)
        at = child
    return at
