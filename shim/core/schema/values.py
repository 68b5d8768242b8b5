"""Values: what a simple type takes, how it is written, and what is allowed, in words.

Reading is liberal as the old server was (white space around numbers, `TRUE`, `+7`); writing is strict.
Both come from one checker per type, compiled once. Patterns and lengths of texts are judged only where a value
is written for an old client: what a v3 backend thinks of a name or an e-mail address it says itself, with the
code that old clients know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import regex

from shim.core.schema.interface import Simple

CheckValue = Callable[[str], str | None]
"""Takes a text and gives the canonical one, or None when it cannot be one of the type."""

_BOOLEANS = {"1": "1", "0": "0", "true": "true", "false": "false", "t": "true", "f": "false"}
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|-?INF|NaN", re.ASCII)
_ZONE = r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_CLOCK = r"(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|24:00:00(\.0+)?)"
_DAY = r"-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_DATE = re.compile(_DAY + _ZONE, re.ASCII)
_DATE_TIME = re.compile(_DAY + "T" + _CLOCK + _ZONE, re.ASCII)
_TIME = re.compile(_CLOCK + _ZONE, re.ASCII)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_SPACE = re.compile(r"[ \t\r\n]+")
_LONGEST = 40
"""Characters of a number or a date beyond which it means nothing, and Python refuses to reckon with it."""

_RANGES: dict[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "positiveInteger": (1, None),
    "nonNegativeInteger": (0, None),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
}
_TEXTUAL = {"string", "anyType", "anySimpleType"}


def is_text(simple: Simple) -> bool:
    """True if an empty text is a value of the type's base, so that it means something."""
    return simple.base in _TEXTUAL and not simple.enum


def clears(simple: Simple) -> bool:
    """True if the old server handed an empty text on to its program, though it is no value of the type."""
    return simple.base in ("decimal", "date", "dateTime", "time") or (
        bool(simple.enum) and simple.base in _TEXTUAL
    )


def boolean(text: str) -> str | None:
    """The text as xs:boolean, keeping 1 and 0; None when it is none."""
    return _BOOLEANS.get(text.strip().lower())


def _integer(low: int | None, high: int | None) -> CheckValue:
    def check(text: str) -> str | None:
        if not (text.isdecimal() and text.isascii()):  # most have nothing but digits
            text = text.strip()
            if not _INTEGER.fullmatch(text):
                return None
        if len(text) > _LONGEST:
            return None
        number = int(text)
        fits = (low is None or number >= low) and (high is None or number <= high)
        return text if fits else None

    return check


def _matching(pattern: re.Pattern[str]) -> CheckValue:
    def check(text: str) -> str | None:
        text = text.strip()
        return text if pattern.fullmatch(text) else None

    return check


def _days_exist(pattern: re.Pattern[str]) -> CheckValue:
    matches = _matching(pattern)

    def check(text: str) -> str | None:
        match = matches(text)
        if match is None or len(match) > _LONGEST:
            return None
        year, month, day = match.lstrip("-").split("-", 2)
        return match if int(day[:2]) <= _days(int(year), int(month)) and int(year) else None

    return check


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _base64(text: str) -> str | None:
    packed = _SPACE.sub("", text)
    return packed if _BASE64.fullmatch(packed) else None


def _as_is(text: str) -> str | None:
    return text


_CHECKS: dict[str, CheckValue] = {
    "boolean": boolean,
    "decimal": _matching(_DECIMAL),
    "float": _matching(_FLOAT),
    "double": _matching(_FLOAT),
    "date": _days_exist(_DATE),
    "dateTime": _days_exist(_DATE_TIME),
    "time": _matching(_TIME),
    "base64Binary": _base64,
    **{name: _integer(low, high) for name, (low, high) in _RANGES.items()},
    **dict.fromkeys(_TEXTUAL, _as_is),
}


@cache
def reader(simple: Simple) -> CheckValue | None:
    """The reader of a sender's value: lexical form and enumeration. None for types that take any text."""
    base = _CHECKS[simple.base]
    if simple.enum:
        return _enumerated(simple, base)
    return None if base is _as_is else base


def _enumerated(simple: Simple, base: CheckValue) -> CheckValue:
    allowed = frozenset(simple.enum)

    def check(text: str) -> str | None:
        text = text.strip()
        if text in allowed:
            return text
        canonical = base(text)
        return canonical if canonical in allowed else None

    return check


@cache
def writer(simple: Simple) -> CheckValue | None:
    """The judge of a value before it is written: as `reader`, and all facets. None: anything goes."""
    read = reader(simple)
    patterns = [regex.compile(each) for each in simple.patterns]
    low, high = simple.min_length, simple.max_length
    if not patterns and not low and high is None:
        return read
    collapse = simple.white_space == "collapse"
    bounded = high is not None and high <= 255
    only_longest = not patterns and not low and high is not None

    def check(text: str) -> str | None:
        value = text if read is None else read(text)
        if value is None or (only_longest and len(value) <= (high or 0)):
            return value
        judged = _SPACE.sub(" ", value).strip(" ") if collapse else value
        if len(judged) < low or (high is not None and len(judged) > high):
            return None
        return value if all(_fits(pattern, judged, bounded) for pattern in patterns) else None

    return check


def _fits(pattern: regex.Pattern[str], text: str, bounded: bool) -> bool:
    """A published pattern may backtrack without end (`Common:domain` does): then the value does not fit."""
    if bounded:
        return pattern.fullmatch(text) is not None
    try:
        return pattern.fullmatch(text, timeout=0.05) is not None
    except TimeoutError:
        return False


def either(reads: CheckValue, read: CheckValue | None) -> CheckValue:
    """Reads what one of two checkers can read; None for the second: it takes any text."""

    def check(text: str) -> str | None:
        more = reads(text.strip())
        return more if more is not None or read is None else read(text)

    return check


def describe(simple: Simple) -> str:
    """The type and what it allows, for a fault text: `one of 1, 16, 32, 64`, `a boolean: ...`."""
    if simple.enum:
        return f"one of {', '.join(simple.enum)} (xs:{simple.base})"
    if simple.base in _RANGES:
        low, high = _RANGES[simple.base]
        bounds = {
            (True, True): f"from {low} to {high}",
            (True, False): f"of {low} or more",
            (False, False): "",
        }[low is not None, high is not None]
        return f"a whole number {bounds} (xs:{simple.base})".replace("  ", " ")
    return _WORDS.get(simple.base, f"a value of type xs:{simple.base}")


_WORDS = {
    "boolean": "true, false, 1 or 0 (xs:boolean)",
    "decimal": "a decimal number, such as 12.5 (xs:decimal)",
    "float": "a number, such as 12.5 (xs:float)",
    "double": "a number, such as 12.5 (xs:double)",
    "date": "a date, such as 2011-03-31 (xs:date)",
    "dateTime": "a date and time, such as 2011-03-31T23:59:00 (xs:dateTime)",
    "time": "a time of day, such as 23:59:00 (xs:time)",
    "base64Binary": "base64 (xs:base64Binary)",
}
