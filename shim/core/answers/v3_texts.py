"""Words: what v3 says in faults and notices, said as 2.5 did.

v3 speaks of organizations, of users and of extendedNumber; whoever called knows clients, extensions and ID.
Which word is which comes from the declarations: see `shim.core.answers.renamed_words`. Laws: only what reads as
a word is touched, never a part of one, of an address or of a number; what stands in quotes is a value, unless
it is the name of an element.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from shim.core.message import Element

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|«[^»]*»|(?<!\w)\'[^\']*\'(?!\w)')
_AN = frozenset("aeioAEIO")
"""The letters before which the article is `an`; a userID has not."""


def pattern_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words by itself, with its article; no part of a longer one, of an address or of a path."""
    either = "|".join(re.escape(each) for each in sorted(words, key=len, reverse=True)) or "(?!)"
    before, after = r"(?<![\w@./\\*-])", r"(?![\w@/\\*-]|\.\w)"
    return re.compile(rf"{before}(?P<article>[Aa]n?\s+)?(?P<word>{either}){after}")


@dataclass(frozen=True)
class Words:
    """The words of v3 in 2.5, for one operation.

    `elements` has the old paths that one v3 element may stand for, the likeliest first; `names` everything that
    has one meaning: accounts, operations, elements that are renamed wherever they occur.
    """

    elements: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of them; compiled for the first text, since most operations never have one."""
        return pattern_of((*self.elements, *self.names))

    def in_old_words(self, text: str, request: Element) -> str:
        """A text of v3 in the words of 2.5; `request` is the old one that it is about."""
        parts: list[str] = []
        at = 0
        for quoted in _QUOTED.finditer(text):
            parts += self._plain(text[at : quoted.start()], request), self._quoted(quoted[0], request)
            at = quoted.end()
        return "".join([*parts, self._plain(text[at:], request)])

    def _quoted(self, quoted: str, request: Element) -> str:
        inner = quoted[1:-1]
        return quoted[0] + self._old(inner, request) + quoted[-1] if inner in self.elements else quoted

    def _plain(self, text: str, request: Element) -> str:
        def put(match: re.Match[str]) -> str:
            old = self._old(match["word"], request)
            return _article(match["article"] or "", old) + old

        return self.pattern.sub(put, text)

    def _old(self, word: str, request: Element) -> str:
        olds = self.elements.get(word)
        if olds is None:
            return self.names[word]
        return next((each for each in olds if request.get(each) is not None), olds[0]).rpartition("/")[2]


def _article(article: str, word: str) -> str:
    """The article, with the white space behind it, as another word needs it; empty where there is none."""
    if not article:
        return ""
    fitting = "an" if word[0] in _AN else "a"
    return (fitting.capitalize() if article[0].isupper() else fitting) + article[len(article.rstrip()) :]


def reworded(answer: Element, words: Words | None, request: Element) -> Element:
    """An old answer with its notices in the words of 2.5. It is changed in place."""
    for notice in answer.all("notice") if words is not None else ():
        message = notice.child("message")
        if message is not None and message.text and words is not None:
            message.text = words.in_old_words(message.text, request)
    return answer
