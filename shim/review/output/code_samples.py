"""A v3 call of a sample, ready to copy: its envelope, and programs that make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shim.review.output.snippets import LANGUAGES, SnippetLanguage, language_of, snippet
from shim.review.reading.model import CallerRow, SampleCall

_NAMES = {"xml": "XML", "php": "PHP", "python": "Python", "curl": "curl"}
_LONG_NAMES = {"xml": "the message", "php": "PHP SoapClient", "python": "Python zeep", "curl": "curl"}


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to write a call."""

    id: SnippetLanguage
    name: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Copied:
    """A call with all ways to write it; `shown` is the one that its callers read best."""

    operation: str
    endpoint: str
    tabs: tuple[Tab, ...]
    shown: SnippetLanguage


def copied(call: SampleCall, base: str, callers: Sequence[CallerRow]) -> Copied:
    """The call in every language. `base` is the address of the v3 system, without a path."""
    tabs = tuple(Tab(each, _NAMES[each], _LONG_NAMES[each], snippet(call, each, base)) for each in LANGUAGES)
    return Copied(call.operation, call.endpoint, tabs, _shown(callers))


def _shown(callers: Sequence[CallerRow]) -> SnippetLanguage:
    """Their own language; the message itself when that is not known."""
    language = language_of(callers)
    return "xml" if language == "curl" else language
