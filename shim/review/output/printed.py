"""A text in Markdown as HTML, to read and to print. No HTML of the text passes, and no address but http(s)."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

_READER = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False})


def printed(text: str) -> Markup:
    """HTML that may stand in a page as it is."""
    return Markup(_READER.render(text))  # noqa: S704  # escaped by the reader
