"""Faults of the journal, in words for the program that called and its operator."""

from __future__ import annotations

from shim.core.errors import EntryLost, ShimError


def lost() -> EntryLost:
    """Another shim has the entry by now."""
    return EntryLost(
        "journal-lost", "The shim was away for too long, and another one took over this call: it ends it."
    )


def client_left() -> ShimError:
    """The client gave up waiting before its call was begun."""
    return ShimError(
        "client-left", "The client closed its connection before this call was begun: nothing was changed."
    )


def still_running(entry: str) -> ShimError:
    """An equal call is not over, or one with the same lock."""
    return ShimError(
        "still-running",
        "An equal call, or one on the same extension, is still under way or being undone "
        f"(reference {entry or 'none'}): nothing was changed by this one; try again in a minute.",
    )


def still_paused(entry: str) -> ShimError:
    """An equal call waits for its operator."""
    return ShimError(
        "half-done",
        "An equal call is half done, and the shim can neither finish nor undo it: nothing was changed by this "
        f"one; its operator has to look, reference {entry}.",
    )
