"""A text in Markdown as HTML, to read and to print. No HTML of the text passes, and no address but http(s)."""

from __future__ import annotations

import re
from itertools import count

from markdown_it import MarkdownIt
from markupsafe import Markup

_READER = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False})
_WIDE = re.compile("<pre>|<table>|</table>")


def printed(text: str) -> Markup:
    """HTML that may stand in a page as it is. What may be wider than the page is reached by the keyboard."""
    numbers = count(1)

    def reached(match: re.Match[str]) -> str:
        if match[0] == "</table>":
            return "</table></div>"
        name = "Code" if match[0] == "<pre>" else "Table"
        region = f'tabindex="0" role="region" aria-label="{name} {next(numbers)}"'
        return f"<pre {region}>" if name == "Code" else f'<div class="wide-table" {region}><table>'

    return Markup(_WIDE.sub(reached, _READER.render(text)))  # noqa: S704  # escaped by the reader
