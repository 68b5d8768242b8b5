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


def _answer(work: CallContext, *children: Element) -> Element:
    return Element(work.translation.old.output.name, children=list(children))


def _access(work: CallContext, api: str) -> Element:
    said = work.caller.settings
    auth, status = said.get(f"{api}_legacy_auth", "false"), said.get(f"{api}_status", "false")
    return Element("access", children=[Element("legacyAuth", auth), Element("status", status)])


def system_api(work: CallContext) -> Element:
    """SystemAPI on or off, with or without user name and password, as configured."""
    work.translation.to_new(work)
    return _answer(work, _access(work, "system_api"))


def call_api(work: CallContext) -> Element:
    """CallAPI on or off, and its login, as configured."""
    work.translation.to_new(work)
    said = work.caller.settings
    login = {
        "username": said.get("call_api_username", ""),
        "password": said.get("call_api_password") or _NO_PASSWORD,
    }
    auth = Element("auth", children=[Element(name, text) for name, text in login.items()])
    return _answer(work, _access(work, "call_api"), auth)


def schema_versions(work: CallContext) -> Element:
    """The version of the interface that is served, and the one that the caller speaks."""
    work.translation.to_new(work)
    spoken = {work.translation.old_writer.interface.version, work.schema_version} - {""}
    return _answer(work, *(Element("versions", each) for each in sorted(spoken)))


def no_advertising(work: CallContext) -> Element:
    """A list without templates."""
    work.translation.to_new(work)
    return _answer(work)


@dataclass(frozen=True, slots=True)
class Shown(Rule):
    """In answers: the product version that old clients are to see."""

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, work: CallContext) -> None:
            shown = child.text if work.shown_version is None else work.shown_version
            into.children.append(Element("version", shown))
            if shown != child.text:
                work.find("value-converted", "version", self.because, "version")

        return Taken("computed", self.old, act, "value-converted") if direction == "answer" else None


@dataclass(frozen=True, slots=True)
class Spoken(Rule):
    """In answers: an API that is offered; of SystemAPI the version that the shim speaks."""

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, work: CallContext) -> None:
            row = Element("api", children=list(child.children))
            into.children.append(row)
            version = row.child("version")
            ours = any(word in (row.get("protocol") or "").lower() for word in ("systemapi", "soap"))
            if ours and version is not None and work.schema_version not in ("", version.text):
                row.children[row.children.index(version)] = Element("version", work.schema_version)
                work.find("value-converted", "api/version", self.because, "api/version")

        return Taken("carried", self.old, act, "value-converted") if direction == "answer" else None


PING = (Shown("version", "version", _VERSION, "answer"), Spoken("api", "api", _API, "answer"))
