"""The journal of calls that become several writes: entries, steps, and how each is probed and undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shim.core.commands.command import Command
from shim.core.commands.extensions import Identity, Known
from shim.core.message import Element

StepState = Literal["planned", "started", "done", "refused", "undone"]
"""`started` without a result means unknown; `refused` is known not to have run, or to have changed nothing."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A v3 call as data. `request` is None where it is never made again, so that no secret is kept."""

    operation: str
    request: Element | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """How to see whether a write took effect: a row of a list that has all texts of `match`.

    Without `rows` it is the answer as a whole. `key` names the row and is what undoing needs; rows whose key is
    in `known_keys` were there already. With `may_be_suffixed` the backend may have put digits behind the texts
    of `match`, so that they were unique.

    `answers` says under which name the answer to the write has what the row has: didID is the ID of the answer.
    `enough` is false where the answer needs more than the row says.

    That a list has not the row is no proof: where there is `by_itself`, that decides then. `beside` are other
    things that a list of just one row may have left out.
    """

    ask: Ask
    rows: str
    key: str
    match: Mapping[str, str] = field(default_factory=dict, repr=False)
    known_keys: tuple[str, ...] = ()
    may_be_suffixed: bool = False
    by_itself: Ask | None = None
    beside: tuple[Ask, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    enough: bool = True

    @property
    def answer_key(self) -> str:
        """The name of the key in the answer to the write."""
        return self.answers.get(self.key, self.key)


@dataclass(frozen=True, slots=True)
class Undo:
    """The v3 call that takes a write back: its request is the key that the answer or the probe gave.

    `only_if_empty` is a list that takes the key as its parent: what has rows there that we did not make is not
    ours. `beside` are further texts of the request: (element, text), such as the charging plan of a package.
    """

    operation: str
    key: str
    only_if_empty: str | None = None
    beside: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Step:
    """One write of a journalled call.

    `alternative` is made in place of `ask` when the probe finds more than the one row. A step that `cascades`
    goes when an earlier one is undone, also if it takes effect late. `deletes_extension` says that the
    extension with the number `row_key` does not exist after the step is undone, or was done where nothing is
    undone. `past_backend_timeout` says that what a probe does not find will not come any more. `owner` is the
    user whose extension it is: v3 gives the number of a deleted one to the next, maybe another user's.
    """

    name: str
    ask: Ask
    probe: Probe | None = None
    undo: Undo | None = None
    alternative: Ask | None = None
    cascades: bool = False
    deletes_extension: bool = False
    state: StepState = "planned"
    row_key: str | None = None
    past_backend_timeout: bool = False
    owner: str = ""


OnCrash = Literal["undo", "redo"]


UnderWay = Literal["running", "undoing"]
EntryState = Literal["done", "undone", "paused", "running", "undoing"]
"""How an entry of the journal stands; `running` and `undoing` are left for later."""


@dataclass(frozen=True, slots=True)
class Begin(Command["Opened | None"]):
    """Open a journal entry, or find the one of an equal call that has not ended well. Reply: `Opened`.

    `key` is the digest of the request; `lock` what no two calls may change at once. `planned_answer` is the
    answer to give when recovery ends what a crash cut off. Waits for an equal call under way, and for one on
    the same lock. Raises ShimError (`still-running`, `half-done`, `client-left`). A reply of None: there is
    no journal.
    """

    operation: str
    key: str
    policy: OnCrash
    lock: str | None = field(default=None, repr=False)
    steps: tuple[Step, ...] = ()
    planned_answer: Element | None = field(default=None, repr=False)


def lock_of(number: str) -> str:
    """The lock of calls that change the extension with a number."""
    return f"extension {number}"


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry that is ours; `answer` is what the equal call was answered that nobody received."""

    entry: str
    epoch: int
    answer: Element | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MarkSteps(Command[None]):
    """Write down where steps, given with their position, stand. Reply: None.

    With `soon` it is what came of a write that is over: it is committed with what is written next of the entry,
    at the latest before the next v3 call. Raises EntryLost when the entry is not ours any more.
    """

    opened: Opened
    state: UnderWay
    steps: tuple[tuple[int, Step], ...]
    soon: bool = False


@dataclass(frozen=True, slots=True)
class Close(Command[None]):
    """The end of an entry, for now at least; `running` and `undoing` leave it for later. Reply: None.

    In the same transaction the extensions that are `known` are learned, and those with the numbers in `gone`
    forgotten, as far as they are of the user that each is given with ('' is any); see `LearnIdentities` and
    `ForgetIdentities`. `answering` makes the answer from the identities that were learned; it is kept until it
    is known that the caller has it. `why` is a word for the operator, `settling` says that it is left until
    what may still take effect has done so. Raises EntryLost like `MarkSteps`.
    """

    opened: Opened
    state: EntryState
    answering: Callable[[tuple[Identity, ...]], Element] | None = field(default=None, repr=False)
    known: tuple[Known, ...] = ()
    gone: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[tuple[int, Step], ...] = ()
    why: str = ""
    settling: bool = False


@dataclass(frozen=True, slots=True)
class Revoke(Command[None]):
    """Note that the writes of these entries were taken back: their answers are never given again. Reply:
    None."""

    entries: tuple[str, ...]
