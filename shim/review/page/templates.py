"""The surroundings of templates: their environment, addresses of pages, static files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shim.core.admit import ALL
from shim.core.findings import KINDS
from shim.review.output import labels
from shim.review.page import charts, trend_charts
from shim.review.reading.failures import ON_PURPOSE
from shim.review.reading.scorecard import is_nameless

PREFIX = "/review"
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Static:
    """A file of the page, with an address that changes when the file does."""

    body: bytes
    type: str
    address: str


def _static() -> Mapping[str, Static]:
    statics = {}
    for each in files("shim.review").joinpath("static").iterdir():
        kind = _TYPES.get(each.name.rpartition(".")[2])
        if kind:
            body = each.read_bytes()
            address = f"{PREFIX}/static/{each.name}?v={hashlib.sha256(body).hexdigest()[:12]}"
            statics[each.name] = Static(body, kind, address)
    return statics


STATIC = _static()


@cache
def environment() -> Environment:
    """Templates with autoescape, compiled once; a name that is not there is an error."""
    templates = Environment(
        loader=PackageLoader("shim.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        number=labels.number,
        day=labels.day,
        short_day=labels.short_day,
        moment=labels.moment,
        ago=labels.ago,
        span=labels.span,
        sentence=lambda text: text[:1].upper() + text[1:],
        soft=soft,
    )
    templates.tests["nameless"] = is_nameless
    templates.globals.update(
        link=link,
        static=lambda name: STATIC[name].address,
        several=labels.several,
        calls_chart=charts.calls,
        counts_chart=charts.counts,
        strip=charts.strip,
        trend_chart=trend_charts.chart,
        trend_sentence=trend_charts.sentence,
        share=labels.share,
        FAILING=labels.FAILING,
        REASONS=labels.REASONS,
        WHYS=labels.WHYS,
        ON_PURPOSE=ON_PURPOSE,
        ALL=ALL,
        FITS=labels.FITS,
        PARTS=labels.PARTS,
        SEVERITIES=labels.SEVERITIES,
        STATES=labels.STATES,
        EFFORTS=labels.EFFORTS,
        RUNGS=labels.RUNGS,
        KINDS=KINDS,
    )
    return templates


_BREAKS = re.compile(r"(?<=[./:_])(?=\w)|(?<=[a-z])(?=[A-Z])")


def soft(name: str) -> Markup:
    """A name that may go on in the next line after a dot, slash or colon, or before a capital."""
    return Markup("<wbr>").join(_BREAKS.split(name))


def link(*steps: str | int, **query: str | int | None) -> str:
    """The address of a page; steps and values are quoted, empty values left out."""
    path = "/".join(quote(str(each), safe="") for each in steps)
    query_text = urlencode({name: value for name, value in query.items() if value not in (None, "")})
    return f"{PREFIX}/{path}" + (f"?{query_text}" if query_text else "")
