"""Conversions: texts that are no values of their type by the book, and that the old server read as one.

It handed numbers to its program as PHP reads them (`5.0`, `1e3` and `02` are 5, 1000 and 2), every text for a
boolean that is not plainly false as true, and dates as the text they are, which its program then read as MySQL
and PHP do. What is not converted here comes through as it is, and is judged as ever
(`shim.core.schema.values`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from shim.core.schema.interface import Simple
from shim.core.schema.values import boolean

Convert = Callable[[str], str]
"""Takes a text and gives what the old server read; the same text where there is nothing to convert."""

_PLAIN = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_WHOLE = re.compile(r"([+-]?)0*([0-9]+)(\.0*)?", re.ASCII)
_EXPONENT = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?[eE][+-]?[0-9]{1,2}", re.ASCII)
_LARGEST = 10**20
"""Beyond, the old server read a float that names nothing."""
_ZERO = re.compile(r"[+-]?[0.]+", re.ASCII)
_FLOATS = {"inf": "INF", "-inf": "-INF", "infinity": "INF", "nan": "NaN"}
NO = frozenset(
    {
        *("no", "n", "off", "none", "never", "null", "nil", "nan", "undefined", "disabled", "inactive"),
        *("non", "nein", "nu", "nee", "nej", "falsch", "faux", "falso"),
    }
)
"""Words that say no to whoever sends them, and were true to the old server: neither is a safe guess."""

_DAY = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]+)?)?"
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
_MOMENT = re.compile(rf"{_DAY}(?:(?:T|[ \t]+){_CLOCK})?[ \t]*{_ZONE}", re.ASCII | re.IGNORECASE)
_TIME = re.compile(rf"(?:{_DAY}(?:T|[ \t]+))?{_CLOCK}[ \t]*{_ZONE}", re.ASCII | re.IGNORECASE)


def whole(text: str) -> str:
    """A whole number: `5.0`, `1e3`, `02` and `+2` are read; blanks alone say nothing."""
    stripped = text.strip()
    if _PLAIN.fullmatch(stripped) or not stripped:
        return stripped
    if match := _WHOLE.fullmatch(stripped):
        return f"-{match[2]}" if match[1] == "-" and match[2] != "0" else match[2]
    if _EXPONENT.fullmatch(stripped):
        number = Decimal(stripped)
        if abs(number) < _LARGEST and number == number.to_integral_value():
            return str(int(number))
    return text


def truth(text: str) -> str:
    """A boolean: any text is true, but for what is plainly false and for what says no in words or as a zero."""
    stripped = text.strip()
    if not stripped or boolean(stripped) is not None or stripped.lower() in NO or _ZERO.fullmatch(stripped):
        return stripped
    return "true"


def number(text: str) -> str:
    """A floating-point number, with infinity in any spelling; blanks alone say nothing."""
    stripped = text.strip()
    return _FLOATS.get(stripped.lower(), text) if stripped else stripped


def day(text: str) -> str:
    """A date: one with a time is cut to its day, one without zeros is padded."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return text
    written = _day(match)
    return written if match["hour"] or not match["zone"] else written + _zone(match)


def moment(text: str) -> str:
    """A date and time: as SQL writes it, without seconds, or without a time, which is midnight."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return text
    return f"{_day(match)}T{_clock(match) if match['hour'] else '00:00:00'}{_zone(match)}"


def time_of_day(text: str) -> str:
    """A time: one without seconds or without a leading zero is filled up, one with a date is cut."""
    match = _TIME.fullmatch(text.strip())
    return text if match is None else _clock(match) + _zone(match)


def _day(match: re.Match[str]) -> str:
    return f"{match['year']}-{match['month']:0>2}-{match['day']:0>2}"


def _clock(match: re.Match[str]) -> str:
    return f"{match['hour']:0>2}:{match['minute']}:{match['second'] or '00'}{match['fraction'] or ''}"


def _zone(match: re.Match[str]) -> str:
    zone = (match["zone"] or "").upper()
    return f"{zone[:3]}:{zone[3:]}" if len(zone) == 5 else zone


_BY_BASE: dict[str, Convert] = {
    "boolean": truth,
    "float": number,
    "double": number,
    "date": day,
    "dateTime": moment,
    "time": time_of_day,
    **dict.fromkeys(
        (
            *("integer", "positiveInteger", "nonNegativeInteger", "unsignedInt", "unsignedShort"),
            *("short", "int", "long", "unsignedLong", "unsignedByte", "byte"),
        ),
        whole,
    ),
}


def conversion(simple: Simple) -> Convert | None:
    """The reader of the texts of a type, as the old server did; None where it took them as they were."""
    if simple.base in _BY_BASE:
        return _BY_BASE[simple.base]
    return _numbered(simple.enum) if simple.enum and all(map(_PLAIN.fullmatch, simple.enum)) else None


def _numbered(allowed: tuple[str, ...]) -> Convert:
    """Numbers that are declared as texts: compared as PHP does, by their value."""

    def convert(text: str) -> str:
        digits = whole(text)
        return digits if digits in allowed else text

    return convert
