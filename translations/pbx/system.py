"""The system about itself, as old clients are to see it: its versions, the settings of old APIs."""

from __future__ import annotations

from dataclasses import dataclass

from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.rules.rule import Rule, Taken
from shim.core.rules.table import Direction

OLD_API = (
    "v3 has no such settings. The answer is what is configured at the shim for the integration (conduct), "
    "whatever account the call names."
)
OLD_VERSIONS = "Old clients ask for the schema versions that they may speak: the shim's, and not those of v3."
NO_ADVERTISING = "v3 has no advertising: there are no such templates, and the list is empty."
_VERSION = "Old clients see the version that the header of every answer has (setting server_info.version)."
_API = "Old clients see the version of SystemAPI that the shim speaks, not v3's."
_NO_PASSWORD = "none"  # noqa: S105  # 2.5 cannot answer without one of four characters or more


def _answer(context: CallContext, *children: Element) -> Element:
    return Element(context.translation.old.output.name, children=list(children))


def _access(context: CallContext, api: str) -> Element:
    settings = context.caller.settings
    auth, status = settings.get(f"{api}_legacy_auth", "false"), settings.get(f"{api}_status", "false")
    return Element("access", children=[Element("legacyAuth", auth), Element("status", status)])


def system_api(context: CallContext) -> Element:
    """SystemAPI on or off, with or without user name and password, as configured."""
    context.translation.to_new(context)
    return _answer(context, _access(context, "system_api"))


def call_api(context: CallContext) -> Element:
    """CallAPI on or off, and its login, as configured."""
    context.translation.to_new(context)
    settings = context.caller.settings
    login = {
        "username": settings.get("call_api_username", ""),
        "password": settings.get("call_api_password") or _NO_PASSWORD,
    }
    auth = Element("auth", children=[Element(name, text) for name, text in login.items()])
    return _answer(context, _access(context, "call_api"), auth)


def schema_versions(context: CallContext) -> Element:
    """The version of the interface that is served, and the one that the caller speaks."""
    context.translation.to_new(context)
    spoken = {context.translation.old_writer.interface.version, context.schema_version} - {""}
    return _answer(context, *(Element("versions", each) for each in sorted(spoken)))


def no_advertising(context: CallContext) -> Element:
    """A list without templates."""
    context.translation.to_new(context)
    return _answer(context)


@dataclass(frozen=True, slots=True)
class Shown(Rule):
    """In answers: the product version that old clients are to see."""

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            shown = child.text if context.shown_version is None else context.shown_version
            into.children.append(Element("version", shown))
            if shown != child.text:
                context.find("value-converted", "version", self.because, "version")

        return Taken("computed", self.old, act, "value-converted") if direction == "answer" else None


@dataclass(frozen=True, slots=True)
class Spoken(Rule):
    """In answers: an API that is offered; of SystemAPI the version that the shim speaks."""

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            row = Element("api", children=list(child.children))
            into.children.append(row)
            version = row.child("version")
            ours = any(word in (row.get("protocol") or "").lower() for word in ("systemapi", "soap"))
            if ours and version is not None and context.schema_version not in ("", version.text):
                row.children[row.children.index(version)] = Element("version", context.schema_version)
                context.find("value-converted", "api/version", self.because, "api/version")

        return Taken("carried", self.old, act, "value-converted") if direction == "answer" else None


PING = (Shown("version", "version", _VERSION, "answer"), Spoken("api", "api", _API, "answer"))
