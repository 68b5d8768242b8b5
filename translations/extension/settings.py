"""Rules of extension settings: what SetupExtension and its kin send and read."""

from __future__ import annotations

from shim.core.rules.extensions import extension, own_id
from shim.core.rules.kept import keep
from shim.core.rules.rule import Rule
from shim.core.rules.vocabulary import added, drop, handed_on, rename, unread, unused, values

_QUEUES = "Queues are called phone queues in v3."
_RECONNECT = "Reconnecting callers is new in v3: left as it is."
_NEVER = "2.5 has no settings for this type of extension; the rest of the call is done."
_ONE_NAME = "2.5 answers with the ID or the identifier: the ID is given."

QUEUE_TYPE = values("extensionType", {"queue": "phoneQueue"}, _QUEUES)
NUMBER_AGAIN = unread("extendedNumber", "v3 repeats the number of the extension that was asked for.")
OWN = (own_id(), NUMBER_AGAIN)
"""Answers about the one extension that was asked for."""
OWN_OF_TWO = (*OWN, unused("identifier", _ONE_NAME))


def storage(field: str) -> Rule:
    """The bound on the storage of one function; the functions have one name for it in 2.5."""
    return keep(
        "storage",
        "v3 bounds storage on the user, for all its extensions together: the shim keeps the extension's own "
        "bound and gives it back, and nothing enforces it. Set the user's (mailboxSize, recordStorage, "
        "faxStorage) through v3.",
        field=field,
    )


def _targets(*names: str) -> tuple[Rule, ...]:
    """Elements of a queue that name other extensions, by account ID in 2.5."""
    return tuple(rule for name in names for rule in extension(f"queue/{name}", None, f"phoneQueue/{name}"))


_COMMON: tuple[Rule, ...] = (
    rename("queue", "phoneQueue", _QUEUES),
    *_targets("exitToExtension", "timeout", "emptyTransfer", "unavailableTransfer"),
    added("phoneQueue/reconnect", _RECONNECT),
    added("phoneQueue/reconnectTime", _RECONNECT),
    *extension("IVR/transferExtension", None, "IVR/transferExtension"),
    rename("conference/announceUserCount", "conference/announceExtensionCount"),
    rename("conference/announceUser", "conference/announceExtension"),
    added("phoneTerminal/virtualizationCode", "Virtualization is new in v3: left as it is."),
)
_UNSENDABLE = ("callback", "callingCard", "intercomPaging")
"""Blocks that the schema of 2.5 names and forbids; v3 has none of them."""

SETUP: tuple[Rule, ...] = (
    *_COMMON,
    *extension("IVR/cloneID", None, "IVR/cloneID"),
    handed_on(
        "voicemailCenter", "The schema of 2.5 forbids it and v3 takes it: what is sent goes to v3 as it is."
    ),
    *(drop(name, _NEVER) for name in _UNSENDABLE),
)
READ: tuple[Rule, ...] = (
    *_COMMON,
    QUEUE_TYPE,
    unused("IVR/cloneID", "It asks for a copy and is no setting: there is nothing to answer."),
    *(unused(name, "The schema of 2.5 forbids it in answers.") for name in _UNSENDABLE),
)
