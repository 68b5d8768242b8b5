"""Blanks around CDATA: the old server dropped text of nothing but white space, also beside a CDATA section.

So a name with its CDATA section on a line of its own is what stands in the section. A parser joins both before
anyone can tell them apart, which is why it is done on the document.
"""

from __future__ import annotations

import re

_PARTS = re.compile(
    rb"(?P<cdata><!\[CDATA\[(?>[^\]]++|\](?!\]>))*+(?:\]\]>)?+)"
    rb"|<!--(?>[^-]++|-(?!->))*+(?:-->)?+"
    rb"|<\?(?>[^?]++|\?(?!>))*+(?:\?>)?+"
    rb"|<(?>[^<>\"']++|\"[^\"]*\"|'[^']*')*+>?+"
    rb"|(?P<blank>(?<=>)[ \t\r\n]++(?=<))"
    rb"|[^<]++"
)
"""Every alternative takes what it can get to the end, so that each byte is looked at once or twice."""


def without_blanks_at_cdata(document: bytes) -> bytes:
    """A document (in UTF-8) without text that is blank and stands right beside a CDATA section."""
    if b"<![CDATA[" not in document:
        return document
    out: list[bytes] = []
    after_cdata = False
    blank: bytes | None = None
    for part in _PARTS.finditer(document):
        kind = part.lastgroup
        if blank is not None and kind != "cdata":
            out.append(blank)
        blank = None
        if kind == "blank" and not after_cdata:
            blank = part[0]  # what follows decides
        elif kind != "blank":
            out.append(part[0])
        after_cdata = kind == "cdata"
    return b"".join(out)
