"""The page of backends: what each later version of v3 has differently, how that is known, what to try first."""

from __future__ import annotations

from collections.abc import Iterator

from shim.interfaces.dialects import Described, Row, described, known

BEGIN = "<!-- made of shim/interfaces: see `make docs` -->"
END = "<!-- end of what is made -->"
_CERTAIN = {
    "schema": "by the vendor's schema",
    "client": "by what a client sends or reads",
    "sample": "by a vendor's sample",
    "inference": "concluded",
}


def refreshed(page: str) -> str:
    """The page with what is between its two marks made anew. Raises ValueError for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks to make anything between")
    return "\n".join((before + BEGIN, "", *_sections(), END + after))


def _sections() -> Iterator[str]:
    for version in known():
        description = described(version)
        if description.rows:
            yield from _section(description)


def _section(description: Described) -> Iterator[str]:
    yield f"## Schema {description.version}\n"
    yield "Sources: " + "; ".join(f"*{name}*, {what}" for name, what in description.sources.items()) + ".\n"
    yield "| where | what differs from 3.0.0 | why | source | known |"
    yield "|---|---|---|---|---|"
    for row in description.rows:
        where = "<br>".join(f"`{each}`" for each in row.places)
        sources = ", ".join(row.data["source"])
        yield f"| {where} | {_what(row)} | {row.because} | {sources} | {_CERTAIN[row.certainty]} |"
    yield "\nAssumed, and listed since no source tells:\n"
    yield from (f"- {each}" for each in description.assumed)
    yield "\nTo try first on a live system:\n"
    yield from (f"{number}. {each}" for number, each in enumerate(description.first, 1))
    yield ""


def _what(row: Row) -> str:
    names = ", ".join(f"`{each}`" for each in row.elements)
    if row.action == "add":
        return f"{names} after `{row.data['after']}`"
    if row.action == "rename":
        return f"{names} is `{row.becomes}`"
    if row.action == "merge":
        return f"{names} are one `{row.becomes}`"
    return f"{names} may be demanded" if row.action == "require" else f"{names} gone"
