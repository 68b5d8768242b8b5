"""What the core asks the edge to do. Each command names the reply that it wants sent back into the generator.

A command that cannot be carried out is answered by raising a `Fault` into the generator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from shim.core.message import Credentials, Element
from shim.core.policies import NO_POLICIES, Policies

Rung = Literal["translate", "compare", "v3", "locked"]
RUNGS: tuple[Rung, ...] = get_args(Rung)
"""The porting ladder, from the lowest rung to the highest: see `shim.core.admit`."""


@dataclass(frozen=True, slots=True)
class Brownout:
    """A planned refusal that holds now.

    `operation` is a full name of the old interface, `Service.*` or `*`; `until` is a time as people read it;
    `text` and `link` are the operator's, for the caller.
    """

    id: str
    operation: str
    until: str
    text: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """How one integration is told: HTTP headers, notice elements, a SOAP header where there are none."""

    http: bool = True
    notices: bool = False
    header: bool = False


@dataclass(frozen=True, slots=True)
class FaultForm:
    """How faults are laid out for a caller.

    `layout` says where the three-digit code stands: `text`, in faultstring; `code`, as the last part of
    faultcode as well (`SOAP-ENV:Client.117`); `number`, as the whole faultcode (`117`), as a PHP program
    writes it that throws `new SoapFault('117', ...)`. `detail` adds an entry for programs to read.
    """

    layout: Literal["text", "code", "number"] = "text"
    detail: bool = False


PLAIN_FAULTS = FaultForm()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the core may know: the integration's name and its rules of conduct.

    `rungs` says how far its operations are ported, by full name, `Service.*` or `*`; `brownouts` are those
    that hold for it now; `wait` the seconds until it may call again, when it called more often than it may.
    """

    name: str
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    policies: Policies = NO_POLICIES
    tell: Tell = field(default_factory=Tell)
    rungs: Mapping[str, Rung] = field(default_factory=dict)
    brownouts: tuple[Brownout, ...] = ()
    faults: FaultForm = PLAIN_FAULTS
    wait: int | None = None


@dataclass(frozen=True, slots=True)
class Identify:
    """Find the integration behind the credentials. Reply: `Caller`. Raises CallerError (code 100)."""

    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Call:
    """Make one v3 call in the caller's name. Reply: `Answer`. Raises BackendError.

    `envelope` takes the access token and gives the whole message. `writes` says whether the call changes
    anything, which decides whether it may be repeated.
    """

    service: str
    operation: str
    endpoint: str
    soap_action: str
    envelope: Callable[[str], bytes] = field(repr=False)
    writes: bool

    @property
    def full_name(self) -> str:
        return f"{self.service}.{self.operation}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the backend answered: HTTP status, content type, body."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recall:
    """What the shim keeps for an account, or for all under a key that no account has.

    Reply: the kept elements by field, empty when there are none.
    """

    account: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep elements for an account, each replacing what was kept under its field. Reply: None."""

    account: str
    fields: Mapping[str, Element] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop what is kept for accounts that are gone. Reply: None."""

    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """Take the next number of a counter. Reply: an int, from 1 on.

    No number is given twice, also when two shims share one database, and when what it was for is gone.
    """

    counter: str


@dataclass(frozen=True, slots=True)
class Identity:
    """One extension under its names of both sides.

    `old_id` is what 2.5 calls ID (the extension account), `extension_id` what it calls extensionID; both are
    what old clients know, for ever. `user_id` and `number` (the extended number) are v3's. `identifier` is
    that of the v3 user, None while it is not known. `doubt` is why it is unconfirmed: a list that should have
    had it had it not (`unseen`), or v3 said of just this number that it does not exist (`denied`).
    """

    old_id: str
    extension_id: str
    user_id: str
    number: str
    identifier: str | None = None
    doubt: Literal["", "unseen", "denied"] = ""


@dataclass(frozen=True, slots=True)
class Known:
    """An extension as v3 was seen to have it; `origin` says how it came to be known."""

    user_id: str
    number: str
    identifier: str | None = None
    origin: Literal["upgraded", "created", "discovered", "imported"] = "discovered"


@dataclass(frozen=True, slots=True)
class FindIdentities:
    """Look extensions up by one of their names. Reply: for each value that is known, the identities.

    By `user_id` and `identifier` there can be several, the one whose old ID is the user's ID first. An old ID
    in whose place an imported one has come finds the extension all the same, under the imported ID.
    """

    by: Literal["old_id", "extension_id", "user_id", "identifier", "number"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindEnded:
    """Look up extensions whose identity has ended. Reply: for each value that is known, the identities."""

    by: Literal["old_id", "extension_id", "number"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LearnIdentities:
    """Remember extensions that v3 has. Reply: their identities in the same order.

    What is known already keeps its IDs, and is not in doubt any more; a number that is another user's by now
    is repaired and recorded. An extension that had ended and is there again, with the number and the user or
    the identifier that it had, gets its IDs back. The first extension of a user gets the user's ID as old ID
    (policy `preserved`) if no extension ever had it, every other one an issued ID that no v3 account can have.
    Two shims on one database never issue the same.
    """

    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class DoubtIdentities:
    """Lists that should have had these numbers had them not: they are unconfirmed. Reply: None."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DenyIdentities:
    """v3 was asked for just these numbers, each by itself, and said that they do not exist. Reply: None.

    They are unconfirmed, and end when it says so again a good while later (`identity.confirm_after`).
    """

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgetIdentities:
    """The shim deleted the extensions with these numbers. Their IDs are never issued again. Reply: None."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenumberIdentities:
    """The extensions with these numbers have other ones by now (old to new). Reply: None.

    A new number that another extension has is not given: that one stays, and so does the old number.
    """

    numbers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Together:
    """Run exchanges-in-part side by side, with bounded concurrency. Reply: their results, in order.

    The first Fault of any of them is raised once all have ended.
    """

    parts: tuple[Generator[Command, Any, Any], ...]


# ---- the journal of calls that become several writes ----

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
    in `before` were there already. With `numbered` the backend may have put digits behind the texts of `match`,
    so that they were unique.

    `answers` says under which name the answer to the write has what the row has: didID is the ID of the answer.
    `enough` is false where the answer needs more than the row says.

    That a list has not the row is no proof: where there is `by_itself`, that decides then. `beside` are other
    things that a list of just one row may have left out.
    """

    ask: Ask
    rows: str
    key: str
    match: Mapping[str, str] = field(default_factory=dict, repr=False)
    before: tuple[str, ...] = ()
    numbered: bool = False
    by_itself: Ask | None = None
    beside: tuple[Ask, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    enough: bool = True

    @property
    def answer_key(self) -> str:
        """What the answer to the write calls the key."""
        return self.answers.get(self.key, self.key)


@dataclass(frozen=True, slots=True)
class Undo:
    """The v3 call that takes a write back: its request is the key that the answer or the probe gave.

    `bare` is a list that takes the key as its parent: what has rows there that we did not make is not ours.
    `beside` are further texts of the request: (element, text), such as the charging plan of a package.
    """

    operation: str
    key: str
    bare: str | None = None
    beside: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Step:
    """One write of a journalled call.

    `instead` is made in place of `ask` when the probe finds more than the one row. A step that `falls` goes
    when an earlier one is undone, also if it takes effect late. `gone` says that the extension with the number
    `found` does not exist after the step is undone, or was done where nothing is undone. `settled` says that
    the backend's own time-out has passed, so that what a probe does not find will not come any more.
    """

    name: str
    ask: Ask
    probe: Probe | None = None
    undo: Undo | None = None
    instead: Ask | None = None
    falls: bool = False
    gone: bool = False
    state: StepState = "planned"
    found: str | None = None
    settled: bool = False


Policy = Literal["undo", "redo"]
Left = Literal["running", "undoing"]


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a journal entry, or find the one of an equal call that has not ended well. Reply: `Opened`.

    `key` is the digest of the request; `subject` what no two calls may change at once. `promise` is the answer
    to give when recovery ends what a crash cut off. Waits for an equal call under way, and for one on the same
    subject. Raises BackendError (`still-running`, `half-done`). A reply of None: there is no journal.
    """

    operation: str
    key: str
    policy: Policy
    subject: str | None = field(default=None, repr=False)
    steps: tuple[Step, ...] = ()
    promise: Element | None = field(default=None, repr=False)


def subject_of(number: str) -> str:
    """The subject of calls that change the extension with a number."""
    return f"extension {number}"


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry that is ours; `answer` is what the equal call was answered that nobody received."""

    entry: str
    epoch: int
    answer: Element | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """Write down where steps, given with their position, stand. Reply: None.

    Raises BackendError (`journal-lost`) when the entry is not ours any more.
    """

    opened: Opened
    state: Left
    steps: tuple[tuple[int, Step], ...]


@dataclass(frozen=True, slots=True)
class Close:
    """The end of an entry, for now at least; `running` and `undoing` leave it for later. Reply: None.

    In the same transaction the extensions that are `known` are learned, and those with the numbers in `gone`
    forgotten; see `LearnIdentities` and `ForgetIdentities`. `answering` makes the answer from the identities
    that were learned; it is kept until it is known that the caller has it. `why` is a word for the operator,
    `settling` says that it is left until what may still take effect has done so. Raises BackendError like
    `Mark`.
    """

    opened: Opened
    state: Literal["done", "undone", "paused"] | Left
    answering: Callable[[tuple[Identity, ...]], Element] | None = field(default=None, repr=False)
    known: tuple[Known, ...] = ()
    gone: tuple[str, ...] = ()
    steps: tuple[tuple[int, Step], ...] = ()
    why: str = ""
    settling: bool = False


@dataclass(frozen=True, slots=True)
class Revoke:
    """What these entries did was taken back: their answers are never given again. Reply: None."""

    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """Do pure work that may take long without keeping others waiting. Reply: what it returns.

    Raises the Fault that the work raises. Nothing else touches what it works on until then.
    """

    work: Callable[[], Any] = field(repr=False)


Command = (
    Aside
    | Identify
    | Call
    | Recall
    | Remember
    | Forget
    | Issue
    | FindIdentities
    | FindEnded
    | LearnIdentities
    | DoubtIdentities
    | DenyIdentities
    | ForgetIdentities
    | RenumberIdentities
    | Together
    | Begin
    | Mark
    | Close
    | Revoke
)
