"""Blanks beside CDATA, and before comments: the old server dropped text of nothing but white space there too.

So a name with its CDATA section on a line of its own is what stands in the section, and one with a comment on
a line before it is what follows the comment. A parser joins the texts before anyone can tell them apart, which
is why it is done on the document.
"""

from __future__ import annotations

import re

from shim.core.reading.pieces import has

_PARTS = re.compile(
    rb"(?P<cdata><!\[CDATA\[(?>[^\]]++|\](?!\]>))*+(?:\]\]>)?+)"
    rb"|(?P<aside><!--(?>[^-]++|-(?!->))*+(?:-->)?+|<\?(?>[^?]++|\?(?!>))*+(?:\?>)?+)"
    rb"|(?P<tag><(?>[^<>\"']++|\"[^\"]*\"|'[^']*')*+>?+)"
    rb"|(?P<blank>(?<=>)[ \t\r\n]++(?=<))"
    rb"|[^<]++"
)
"""Every alternative takes what it can get to the end, so that each byte is looked at once or twice."""


def without_blanks(document: bytes) -> bytes:
    """A document (in UTF-8) without the blank texts that the old server did not see.

    They stand beside a CDATA section, or before a comment or a processing instruction with no text before it.
    """
    if not has(document, b"<!") and not has(document, b"<?", 2):
        return document
    out: list[bytes] = []
    blank: bytes | None = None
    before: str | None = None
    has_text = False
    for part in _PARTS.finditer(document):
        kind = part.lastgroup
        if kind == "blank":
            blank = part[0]
            continue
        if blank is not None:
            if not ("cdata" in (before, kind) or (kind == "aside" and not has_text)):
                out.append(blank)
            blank = None
        out.append(part[0])
        before = kind
        has_text = kind != "tag" and (has_text or kind != "aside")
    return b"".join(out)
