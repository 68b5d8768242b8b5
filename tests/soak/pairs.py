"""Pairs of old operations that write and read the same thing, and the fields that both have.

Which operations pair, and which fields they share, follows from the names in the interface. By hand are only:
how the thing is named that is written and read, names that differ, and what is not compared, with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shim.core.schema.interface import Attribute, ComplexType, ElementDecl, Interface, Operation, paths


@dataclass(frozen=True, slots=True)
class Pair:
    """`item` is the element of the request that holds the fields, `row` that of the answer; empty: the root.

    `fields` are pairs of paths, below item and row.
    """

    write: Operation
    read: Operation
    item: str
    row: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """How to write and to read one thing, and which row it is. `{name}` is the ID of a thing of the fixture."""

    write: str
    read: str
    key: str = ""
    beside: str = ""
    """What the item of a request needs besides, though nothing reads it."""
    below: str = ""
    """Only fields below this one: the thing has no others."""

    @property
    def names(self) -> set[str]:
        """What requests name things and their owners by, and so is no field."""
        said = set(re.findall(r"<(\w+)>", self.write))
        return said | ({"identifier", "userIdentifier"} if "ID" in said else set())


def pairs(old: Interface) -> Iterator[Pair]:
    """Every pair that the names tell."""
    for write in old.operations.values():
        verb = next((each for each in ("Edit", "Setup", "Set") if write.name.startswith(each)), None)
        if verb is None:
            continue
        noun = write.name.removeprefix(verb)
        for name in _readers(verb, noun):
            read = old.operations.get(f"{write.service}.{name}")
            if read is not None:
                yield _pair(write, read)
                break


def _readers(verb: str, noun: str) -> Iterator[str]:
    for ending in ("Status", "CpAccess"):
        if noun.endswith(ending):
            thing = noun.removesuffix(ending)
            yield from (f"Get{thing}Details", f"Get{thing}s")
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    if verb != "Edit":
        yield f"Get{noun}Settings"
    yield from (f"Get{noun}Details", f"Get{noun}", f"Get{plural}")


def _pair(write: Operation, read: Operation) -> Pair:
    """The levels of both messages that have most leaves in common."""
    found = [
        Pair(write, read, item, row, _shared(write, theirs, ours))
        for item, theirs in _levels(write.input)
        for row, ours in _levels(read.output)
    ]
    return max(found, key=lambda each: len(each.fields))


def _levels(decl: ElementDecl) -> Iterator[tuple[str, ElementDecl]]:
    yield "", decl
    if decl.complex is not None:
        for name, slot in decl.complex.slots.items():
            if slot.decl.complex is not None and slot.decl.complex.text is None:
                yield name, slot.decl


def _shared(write: Operation, ours: ElementDecl, theirs: ElementDecl) -> tuple[tuple[str, str], ...]:
    renamed = RENAMED.get(write.full_name, {})
    there = dict(_leaves(theirs))
    return tuple(
        (path, renamed.get(path, path)) for path, _ in _leaves(ours) if renamed.get(path, path) in there
    )


def _leaves(decl: ElementDecl) -> Iterator[tuple[str, ElementDecl | Attribute]]:
    for path, each in paths(decl):
        if isinstance(each, Attribute) or (each.simple is not None and each.max != 0):
            yield path, each


def slot_of(decl: ElementDecl, path: str) -> ElementDecl:
    """What is declared at a path of elements."""
    for name in path.split("/") if path else ():
        kind: ComplexType | None = decl.complex
        assert kind is not None
        decl = kind.slots[name].decl
    return decl


RENAMED: dict[str, dict[str, str]] = {
    "PBX.EditDevice": {"phoneMAC": "mac", "phoneModel": "model"},
    "Billing.EditDestinationException": {
        f"charge/{name}": name for name in ("initialAmount", "initialInterval", "amount", "interval")
    },
}
"""Names of requests that answers have otherwise."""

E30 = "<ID>30</ID>"
NAMED: dict[str, Named | tuple[Named, ...]] = {
    "Reseller.EditReseller": Named("<ID>10</ID>", "<ID>10</ID>"),
    "Reseller.SetResellerPL": Named("<ID>10</ID>", "<ID>10</ID>"),
    "Reseller.SetResellerStatus": Named("<ID>10</ID>", "<ID>10</ID>"),
    "Reseller.SetResellerCpAccess": Named("<ID>10</ID>", "<ID>10</ID>"),
    "Client.EditClient": Named("<ID>20</ID>", "<ID>20</ID>"),
    "Client.SetClientPL": Named("<ID>20</ID>", "<ID>20</ID>"),
    "Client.SetClientStatus": Named("<ID>20</ID>", "<ID>20</ID>"),
    "Client.SetClientCpAccess": Named("<ID>20</ID>", "<ID>20</ID>"),
    "Extension.EditExtension": Named(E30, E30),
    "Extension.SetExtensionPL": Named(E30, E30),
    "Extension.SetExtensionStatus": Named(E30, E30),
    "Extension.SetExtensionCpAccess": Named(E30, E30),
    "Extension.SetVoicemail": Named(E30, E30),
    "Extension.SetConference": Named("<ID>34</ID>", "<ID>34</ID>"),
    "Extension.SetCallRecording": Named(E30, E30),
    "Extension.SetFaxCenter": Named(E30, E30),
    "Extension.SetupExtension": (
        Named(E30, E30, below="phoneTerminal/"),
        Named("<ID>32</ID>", "<ID>32</ID>", below="queue/"),
        Named("<ID>33</ID>", "<ID>33</ID>", below="IVR/"),
        Named("<ID>34</ID>", "<ID>34</ID>", below="conference/"),
        Named("<ID>{queuecenter}</ID>", "<ID>{queuecenter}</ID>", below="queueCenter/"),
    ),
    "Extension.SetQueueAgent": Named(
        "<ID>30</ID><queueID>32</queueID>", "<ID>32</ID>", "ID=30"),
    "Extension.EditCallRulesIn": Named("<userID>30</userID>", "<userID>30</userID>", "ruleID={ruleIn}"),
    "Extension.EditCardCode": Named("<ID>{card}</ID>", "<userID>30</userID>", "ID={card}"),
    "Extension.EditAuthCallerID": Named("<ID>{callerID}</ID>", "<userID>30</userID>", "ID={callerID}"),
    "Billing.EditChargingPlan": Named("<ID>{plan}</ID>", "<ID>{plan}</ID>"),
    "Billing.EditChargingPackage": Named(
        "<chargingPackageID>{package}</chargingPackageID><chargingPlanID>{plan}</chargingPlanID>",
        "<chargingPlanID>{plan}</chargingPlanID>", "ID={package}"),
    "Billing.EditDestinationException": Named(
        "<exceptionID>{exception}</exceptionID><chargingPlanID>{plan}</chargingPlanID>",
        "<chargingPlanID>{plan}</chargingPlanID>", "ID={exception}"),
    "PBX.EditCustomAlert": Named("<code>{alert}</code>", "<userID>20</userID>", "code={alert}"),
    "PBX.EditCustomButton": Named("<code>{button}</code>", "<userID>20</userID>", "code={button}"),
    "PBX.SetCustomAlertStatus": Named("<code>{alert}</code>", "<userID>20</userID>", "code={alert}"),
    "PBX.SetCustomButtonStatus": Named("<code>{button}</code>", "<userID>20</userID>", "code={button}"),
    "PBX.EditTimeIntervalBlock": Named("<ID>{block}</ID>", "<userID>20</userID>", "ID={block}"),
    "PBX.EditTimeInterval": Named(
        "<ID>{block}</ID><intervalID>{interval}</intervalID>", "<ID>{block}</ID>", "intervalID={interval}"),
    "PBX.EditDevice": Named("<deviceID>1</deviceID>", "", "deviceID=1"),
    "PBX.EditIndustry": Named("<ID>{industry}</ID>", "", "ID={industry}"),
    "Channel.EditChannel": Named(
        "<ID>{channel}</ID>", "", "ID={channel}", "<hostname>192.0.2.7</hostname><codecs>1</codecs>"),
    "Channel.EditChannelGroup": Named("<ID>{channelGroup}</ID>", "", "ID={channelGroup}"),
    "Channel.EditPublicNo": Named("<didID>5</didID>", "<channelID>1</channelID>", "didID=5"),
    "Channel.EditCallRulesOutGroup": Named("<ID>{group}</ID>", "<userID>10</userID>", "ID={group}"),
}  # fmt: skip

_INSTRUCTION = "It says how to carry out this one call, and is no field of the account."
_SECRET = "No server gives passwords back."
_SCOPE = "It names an enrolment server for the call; nothing keeps it."
SKIPPED: dict[str, dict[str, str]] = {
    "*": {
        "passwordAuto": _INSTRUCTION,
        "passwordStrength": _INSTRUCTION,
        "forceUpdate": _INSTRUCTION,
        "scope": _SCOPE,
    },
    "Reseller.EditReseller": {"password": _SECRET},
    "Client.EditClient": {"password": _SECRET},
    "Extension.EditExtension": {"password": _SECRET},
    "Extension.SetupExtension": {"IVR/cloneID": "It asks for a copy of another menu and is no setting."},
    "Extension.EditCallRulesIn": {"ruleID": "It names the rule."},
}
"""What is not compared, by the operation that writes, each with its reason."""

_PLAN = tuple(
    f"{name} {kind}"
    for name in ("chargingPlan", "chargingPlanID", "chargingPlanIdentifier")
    for kind in ("differs", "surplus")
)
_DAYS = ("userPL/accountExpire surplus", "userPL/accountExpire differs", "userPL/accountExpireDays missing",
         "userPL/accountExpire/@unlimited differs")  # fmt: skip
_OF_EXTENSION = tuple(each.replace("userPL", "extensionPL") for each in _DAYS)
FOLLOWING: dict[tuple[str, str], tuple[str, ...]] = {
    **{
        (f"{service}.Edit{service}", name): _PLAN
        for service in ("Reseller", "Client", "Extension")
        for name in ("chargingPlanID", "chargingPlanIdentifier")
    },
    ("Reseller.SetResellerPL", "accountExpireDays"): _DAYS,
    ("Client.SetClientPL", "accountExpireDays"): _DAYS,
    ("Extension.SetExtensionPL", "accountExpireDays"): _OF_EXTENSION,
}
"""What else changes with a field: a plan has an ID, an identifier and a name; days are answered as the date."""

CODED: dict[tuple[str, str], dict[str, str]] = {("Extension.EditAuthCallerID", "status"): {"1": "1", "0": "2"}}
"""Values that are written otherwise than read: here 1 is active, and 0 is none that can be written."""


def _plans(*names: str) -> dict[str, tuple[str, ...]]:
    return {
        "chargingPlanID": tuple(f"{{{each}}}" for each in names),
        "chargingPlanIdentifier": tuple(f"{{{each}Key}}" for each in names),
    }


_EXTENSIONS = ("exitToExtension", "timeout", "emptyTransfer", "unavailableTransfer", "transferExtension")
VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    "*": {
        "country": ("us", "de"),
        "interfaceLang": ("en", "de"),
        "phoneLang": ("en", "de"),
        "region": ("1", "2"),
        "timezone": ("1", "2"),
        "login": ("changed.one", "changed.two"),
        "email": ("one@changed.example", "two@changed.example"),
        "address": ("1 Changed Street", "2 Changed Street"),
        "channelID": ("1", "{channel}"),
        "industry": ("{industry}", "{industry2}"),
        "ownerID": ("20", "21"),
        "assignedClientID": ("20", "21"),
    },
    "PBX.EditIndustry": {"standardZoneHeight": ("20", "30"), "extendedZoneHeight": ("450", "460")},
    "Reseller.EditReseller": _plans("adminPlan", "adminPlan2"),
    "Client.EditClient": _plans("plan", "plan2"),
    "Extension.EditExtension": _plans("clientPlan", "clientPlan2"),
    "Extension.SetupExtension": dict.fromkeys(_EXTENSIONS, ("30", "31")),
}
"""Values by name, where the type says too little of what is possible."""
