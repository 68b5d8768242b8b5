"""Templates of 2.5 extensions. v3 has templates for users and templates for extensions: an old one has up to
two successors.

The setting `templates` says which, by old ID. An ID that it does not have is v3's own: v3 is asked once in
each call what it is a template for, and it goes to the user or to the extension.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import CallerError
from shim.core.forward import look
from shim.core.message import Element
from shim.core.rules.vocabulary import compute

BECAUSE = (
    "v3 has templates for users and templates for extensions: the setting templates says which of them an old "
    "one became; an ID that it does not have is looked up in v3."
)
TEMPLATE = compute("templateID", str.strip, str, BECAUSE, finding=None)


@dataclass(frozen=True, slots=True)
class Templates:
    """The successors of one old template, by v3 ID; None where it has none.

    `kind` is the extension type that the extensions of the template have, in v3's words.
    """

    user: str | None = None
    extension: str | None = None
    kind: str | None = None


def successors(context: CallContext) -> Steps[Templates]:
    """The successors of the template that a request names. Raises CallerError (252) when it has none."""
    template_id = (context.request.get("templateID") or "").strip().removeprefix("+").lstrip("0")
    if not template_id:
        return Templates()
    mapped = _mapped(context.caller.settings).get(template_id)
    if mapped is not None:
        return mapped
    template = yield from _template(context, template_id)
    level = template.get("userLevel") if template is not None else None
    if template is not None and level == "extension":
        return Templates(extension=template_id, kind=template.get("extensionType"))
    if level == "user":
        return Templates(user=template_id)
    raise CallerError(
        "unknown-template",
        "The template ID is invalid: neither the shim's setting templates nor v3 has such a template for users "
        "or extensions.",
        "252",
    )


def put(request: Element, template: str | None) -> None:
    """Let a v3 request name this template, or none."""
    request.children = [each for each in request.children if each.name != "templateID"]
    if template is not None:
        request.children.append(Element("templateID", template))


def put_old(answer: Element, context: CallContext, user: Element, extension: Element) -> None:
    """Let an old answer name the template that the two in v3 came from, if the setting knows it."""
    templates = Templates(user.get("templateID"), extension.get("templateID"))
    old = _came_from(_mapped(context.caller.settings), templates)
    if old is not None and answer.child("templateID") is not None:
        put(answer, old)


def _mapped(settings: Mapping[str, str]) -> dict[str, Templates]:
    """The setting `templates`, by old ID."""
    by_account: dict[str, dict[str, str]] = {}
    for key, value in settings.items():
        section, _, rest = key.partition(".")
        if section == "templates":
            old, _, side = rest.partition(".")
            by_account.setdefault(old, {})[side] = value
    return {old: Templates(sides.get("user"), sides.get("extension")) for old, sides in by_account.items()}


def _came_from(mapped: Mapping[str, Templates], templates: Templates) -> str | None:
    """The old template with just these successors, else the first that has one of them."""
    exact = (old for old, each in mapped.items() if each == templates)
    either = (
        old
        for old, each in mapped.items()
        if (each.user and each.user == templates.user)
        or (each.extension and each.extension == templates.extension)
    )
    return next(exact, None) or next(either, None)


def kind_of(context: CallContext, templates: Templates) -> Steps[str]:
    """The type of a new extension: as the request says, else as its template says, else a phone terminal."""
    kind = (context.request.get("extensionType") or "").strip() or templates.kind
    if not kind and templates.extension is not None:
        template = yield from _template(context, templates.extension)
        kind = template.get("extensionType") if template is not None else None
    return kind or "term"


def _template(context: CallContext, template: str) -> Steps[Element | None]:
    """A template of v3; None when v3 does not have it, or does not show it."""
    answer = yield from look(context, "PBX.GetTemplates", Element("ID", template))
    rows = answer.all("template") if answer is not None else []
    return next((row for row in rows if len(rows) == 1 or row.get("ID") == template), None)
