"""When two texts of an answer are one value."""

from __future__ import annotations


def same(told: str, given: str) -> bool:
    """Whether two texts are one value: the old server wrote booleans as words, numbers without zeros around."""
    if told == given or {told, given} in ({"true", "1"}, {"false", "0"}):
        return True
    try:
        return float(told) == float(given)
    except ValueError:
        return False
