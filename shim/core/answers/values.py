"""Values as the old server wrote them: PHP's SoapServer, by the type that the schema gives an element.

It never judged a pattern or a length when it wrote, so neither does this: what v3 says of a name, a number or
an address reaches the caller as it is. It did write by type: booleans as words, whole numbers without leading
zeros, floats with fourteen digits at most. Dates it wrote as its program gave them; v3 gives some in the form
of SQL, which no toolkit reads as xs:dateTime: those are converted, and a finding says so.
"""

from __future__ import annotations

import re
from functools import cache
from math import isinf, isnan

from shim.core.schema.interface import Simple
from shim.core.schema.values import CheckValue, reader, writer

_DIGITS = 14
"""The default of PHP's `precision`."""
_WHOLE = re.compile(r"([+-]?)0*([0-9]+)(\.0*)?", re.ASCII)
_INTEGERS = {"integer", "positiveInteger", "nonNegativeInteger", "unsignedInt", "unsignedShort", "short", "int"}
_DAY = r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
_CLOCK = r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?"
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
_MOMENT = re.compile(rf"{_DAY}(?:[T ]\s*{_CLOCK})?\s*{_ZONE}", re.ASCII)
_TIME = re.compile(rf"(?:{_DAY}[T ]\s*)?{_CLOCK}\s*{_ZONE}", re.ASCII)


@cache
def answerer(simple: Simple) -> CheckValue | None:
    """How a value of the type is written in an answer; None when the type cannot hold it. None: any text."""
    read = reader(simple)
    if simple.enum or read is None:
        return read
    if simple.base == "boolean":
        return lambda text: _word(read(text))
    if simple.base in ("float", "double"):
        return lambda text: _float(read(text))
    if simple.base in _INTEGERS:
        return lambda text: read(_whole(text))
    return read


@cache
def converter(simple: Simple) -> CheckValue | None:
    """Makes a date or a time of the type from another form of one; None for all other types."""
    read = reader(simple)
    if read is None or simple.enum or simple.base not in ("date", "dateTime", "time"):
        return None
    form = _time if simple.base == "time" else _date if simple.base == "date" else _moment

    def convert(text: str) -> str | None:
        other = form(text.strip())
        return read(other) if other is not None else None

    return convert


@cache
def means_nothing(simple: Simple) -> bool:
    """True if an empty text says no more than an absent element: no value of the type, or none that fits."""
    check = writer(simple)
    return check is not None and check("") is None


def _word(value: str | None) -> str | None:
    return {"1": "true", "0": "false"}.get(value, value) if value is not None else None


def _whole(text: str) -> str:
    """A whole number as PHP writes one; anything else as it is."""
    if text.isdecimal() and text.isascii() and not text.startswith("0"):
        return text
    match = _WHOLE.fullmatch(text.strip())
    if match is None:
        return text
    sign = "-" if match[1] == "-" and match[2] != "0" else ""
    return sign + match[2]


def _float(text: str | None) -> str | None:
    """A float as PHP writes it, unless that would be another number."""
    if text is None:
        return None
    value = float(text.replace("INF", "inf"))
    if isinf(value) or isnan(value):
        return text
    written = _php(value)
    return written if float(written) == value else text


def _php(value: float) -> str:
    digits, _, power = f"{value:.{_DIGITS - 1}e}".partition("e")
    exponent = int(power)
    if -5 < exponent < _DIGITS:
        plain = f"{value:.{max(0, _DIGITS - 1 - exponent)}f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    mantissa = digits.rstrip("0")
    mantissa += "0" if mantissa.endswith(".") else ""
    return f"{mantissa}E{'-' if exponent < 0 else '+'}{abs(exponent)}"


def _moment(text: str) -> str | None:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    clock = f"{int(hour or 0):02}:{minute or '00'}:{second or '00'}"
    return f"{_padded(year, month, day)}T{clock}{_zoned(zone)}"


def _date(text: str) -> str | None:
    """The day of a moment: what a date can hold of it."""
    match = _MOMENT.fullmatch(text)
    return _padded(match[1], match[2], match[3]) if match else None


def _time(text: str) -> str | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second, zone = match.groups()[3:]
    return f"{int(hour):02}:{minute}:{second or '00'}{_zoned(zone)}"


def _padded(year: str, month: str, day: str) -> str:
    return f"{year}-{int(month):02}-{int(day):02}"


def _zoned(zone: str | None) -> str:
    if not zone or zone == "Z" or ":" in zone:
        return zone or ""
    return f"{zone[:3]}:{zone[3:]}"
