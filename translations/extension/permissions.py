"""Permissions and limits: in v3 they are the user's, with all its extensions."""

from __future__ import annotations

from shim.core.rules.extensions import own_id
from shim.core.rules.kept import keep
from shim.core.rules.rule import Rule
from shim.core.rules.vocabulary import added, compute, rename, unused, within
from translations.shared import one_storage
from translations.shared.accounts import MESSAGES

_MY_VOIPNOW = "v3 has no MyVoipNow; the shim keeps the choice and gives it back."
_NEW = "v3 bounds and allows users more than 2.5 did extensions: it is left as it is."
_GROUPS = (
    "2.5 shared with groups and with users, v3 shares with groups only: a number is passed on as the ID of a "
    "group, whatever else is dropped"
)
_DEFAULTS = {
    "level": "none",
    "advertising": "false",
    "browserChat": "false",
    "activeCalls": "own",
    "callOperations": "own",
    "recordCalls": "own",
    "whisperOnCall": "own",
    "unparkCalls": "parked_by_me",
    "pickupCalls": "own",
}
"""The rights of an extension in MyVoipNow, with those that 2.5 took for granted."""
_ALLOWED = ("extensionManag", "extFeatureManag", "sipTrunkingManag", "numberManag")
_BOUNDED = (
    "phoneExtMax", "queueExtMax", "ivrExtMax", "voicemailExtMax", "queuecenterExtMax", "confExtMax",
    "callbackExtMax", "callCardExtMax", "intercomExtMax", "mailboxMax",
)  # fmt: skip
_STORED = ("mailboxSize", "recordStorage", "faxStorage")
_SHARED = ("shareVoicemail", "shareFaxes", "shareRecordings", "shareCallHistory")

_PERMISSIONS: tuple[Rule, ...] = (
    rename("ProvisionManag", "provisionManag", "v3 writes it with a small letter."),
    *(keep(name, _MY_VOIPNOW, default=default) for name, default in _DEFAULTS.items()),
    *(added(name, _NEW) for name in (*_ALLOWED, *_BOUNDED)),
    *(added(name, _NEW, where=name) for name in _STORED),
    *one_storage.OF_EXTENSION,
    MESSAGES,
)


def _group(text: str) -> str | None:
    """The ID of a group; None for what can be none."""
    digits = text.strip().removeprefix("+").lstrip("0")
    return digits if digits.isascii() and digits.isdecimal() else None


SET: tuple[Rule, ...] = (
    *_PERMISSIONS,
    *(
        compute(f"{name}/ID", _group, str, _GROUPS, new=f"{name}/groupID", always=True, unfit="drop")
        for name in _SHARED
    ),
)
READ: tuple[Rule, ...] = (
    *within("extensionPL", _PERMISSIONS),
    own_id("extensionPL/ID"),
    unused("extensionPL/identifier", "2.5 answers with the ID or the identifier: the ID is given."),
)
