"""What pages show, read from their HTML; and numbers and times as pages write them."""

from __future__ import annotations

from datetime import date, datetime
from html import unescape

from lxml import html


def words(element: html.HtmlElement) -> str:
    return " ".join(unescape(" ".join(element.itertext())).split())


def shown(value: float) -> str:
    """A number as the page writes it: whole, or with one decimal below ten."""
    if 0 < value < 0.05:
        return "< 0.1"
    if value < 10 and value != int(value):
        return f"{value:.1f}".removesuffix(".0")
    return f"{round(value):,}"


def several(count: int, one: str) -> str:
    return f"{count:,} {one if count == 1 else one + 's'}"


def table(element: html.HtmlElement) -> list[list[str]]:
    return [[words(cell) for cell in row.xpath("./th|./td")] for row in element.xpath(".//tbody/tr")]


def the_day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def moment(value: datetime) -> str:
    return f"{the_day(value.date())}, {value:%H:%M} UTC"


def chart(page: html.HtmlElement, id: str) -> list[list[str]]:
    [figure] = page.xpath(f"//figure[.//title[@id='{id}-title']]")
    return table(figure)


def numbers(counts: list[tuple[date, int, int]]) -> list[list[str]]:
    """A chart's table: the last day first."""
    return [[the_day(day), f"{old:,}", f"{new:,}"] for day, old, new in reversed(counts)]
