"""Telling the caller in the answer itself what did not map cleanly, where configuration wants that.

An answer whose schema has notice elements gets one for each finding; where it has none, a SOAP header block of
a namespace of its own can say the same. Laws: an answer stays valid; the worst come first and what is over the
bound is counted; nothing of a message is told but paths, because findings hold nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shim.core.catalogue.translation import Translation
from shim.core.context import CallContext
from shim.core.findings import Finding, Findings, Severity
from shim.core.message import Element
from shim.core.serialise import attribute, escape

NAMESPACE = "urn:systemapi-shim:deprecation:1"
"""The namespace of the SOAP header block."""

CODES: Mapping[Severity, str] = {"notice": "9100", "warning": "9200", "loss": "9300", "refused": "9400"}
"""The code of a notice by severity. SystemAPI's own have three digits."""

_WORST_FIRST: tuple[Severity, ...] = ("refused", "loss", "warning", "notice")
_MOST = 10
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class DeprecationDates:
    """The end of 2.5 as callers are told of it: days as YYYY-MM-DD, and a page; None: nothing."""

    since: str | None = None
    sunset: str | None = None
    link: str | None = None


def add_notices(
    deprecation: DeprecationDates, context: CallContext, old: Element, body: str
) -> tuple[str, str]:
    """The body of an answer as text, with notices if it is to have them, and the header block, if any.

    `body` is what was written of `old` without notices.
    """
    tell = context.caller.tell
    listed = _listed(context.record.findings) if tell.notices or tell.header else []
    if not listed:
        return body, ""
    if not has_room(context.translation):
        return body, _block(deprecation, listed) if tell.header else ""
    if not tell.notices:
        return body, ""
    notices = [_notice(text, code) for text, code in _texts(listed, deprecation.link)]
    whole = Element(old.name, old.text, old.attributes, [*old.children, *notices])
    return context.translation.writer(context.schema_version).write(whole)[0], ""


def has_room(translation: Translation) -> bool:
    """True if answers of the operation have notice elements in their schema."""
    kind = translation.old.output.complex
    return kind is not None and "notice" in kind.slots


def _listed(findings: Findings) -> list[Finding]:
    listed = [each for each in findings if each.severity in CODES]
    return sorted(listed, key=lambda each: _WORST_FIRST.index(each.severity))


def _texts(findings: list[Finding], link: str | None) -> list[tuple[str, str]]:
    """Message and code of each notice."""
    more = f" See {link}" if link else ""
    texts = [
        (f"{each.code} {_short(each.path)}: {_short(each.because)}{more}", CODES[each.severity])
        for each in findings[:_MOST]
    ]
    if rest := findings[_MOST:]:
        texts.append((f"{len(rest)} more findings are not listed here.{more}", CODES[rest[0].severity]))
    return texts


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _notice(text: str, code: str) -> Element:
    return Element("notice", children=[Element("message", text), Element("code", code)])


def _block(deprecation: DeprecationDates, findings: list[Finding]) -> str:
    """The SOAP header block. It has no mustUnderstand: whoever does not know it passes over it."""
    facts = {"since": deprecation.since, "sunset": deprecation.sunset, "link": deprecation.link}
    attributes = "".join(attribute(name, value) for name, value in facts.items() if value)
    inner = "".join(
        f"<tell:finding{attribute('code', each.code)}{attribute('severity', each.severity)}"
        f"{attribute('path', _short(each.path))}>{escape(_short(each.because))}</tell:finding>"
        for each in findings[:_MOST]
    )
    more = f"<tell:more>{len(findings) - _MOST}</tell:more>" if len(findings) > _MOST else ""
    return f'<tell:deprecation xmlns:tell="{NAMESPACE}"{attributes}>{inner}{more}</tell:deprecation>'
