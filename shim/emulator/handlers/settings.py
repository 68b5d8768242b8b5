"""Settings of one extension, set and read again: voicemail, fax, recording, its setup, provisioning."""

from __future__ import annotations

from functools import partial

from shim.core.message import Element
from shim.core.schema.interface import ComplexType
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.world.refusal import NOT_READ, NOT_UPDATED, Refusal, missing
from shim.emulator.world.shape import Fact, defaults, grouped, merge
from shim.emulator.world.world import EmulatedExtension

_SETTINGS = {
    "SetVoicemail": "GetVoicemailSettings",
    "SetConference": "GetConferenceSettings",
    "SetCallRecording": "GetCallRecordingSettings",
    "SetFaxCenter": "GetFaxCenterSettings",
}
_BRANCHES = {
    "term": "phoneTerminal",
    "phoneQueue": "phoneQueue",
    "ivr": "IVR",
    "voicecenter": "voicemailCenter",
    "conference": "conference",
    "callback": "callback",
    "callcard": "callingCard",
    "intercom": "intercomPaging",
    "queuecenter": "queueCenter",
}
_LOCATION = "http://provisioning.invalid/{number}.cfg"


def _addressed(call: EmulatedRequest, extension: EmulatedExtension) -> dict[str, Fact]:
    """How an answer names the extension; updateObject answers name its user instead."""
    user = call.world.accounts[extension.user]
    return {"extendedNumber": extension.number, "ID": user.id, "identifier": user.identifier}


def _keep(call: EmulatedRequest, what: str, extension: EmulatedExtension) -> None:
    kind = call.operation.input.complex
    assert kind is not None
    sent = [each for each in call.request.children if each.name != "extendedNumber"]
    key = (what, extension.number)
    call.world.settings[key] = merge(call.world.settings.get(key, []), sent, kind)


def set_settings(what: str, call: EmulatedRequest) -> Element:
    extension = call.extension()
    _keep(call, what, extension)
    return call.done(**_addressed(call, extension))


def get_settings(what: str, call: EmulatedRequest) -> Element:
    extension = call.extension()
    kind = call.operation.output.complex
    assert kind is not None
    kept = call.world.settings.get((what, extension.number), [])
    return call.answer({**defaults(kind), **grouped(kept), "extendedNumber": extension.number})


def setup(call: EmulatedRequest) -> Element:
    extension = call.extension()
    branch = _branch(call, extension)
    if branch is None:
        raise Refusal(NOT_UPDATED, "There is nothing to set up for extensions of this type.")
    sent = [each.name for each in call.request.children if each.name != "extendedNumber"]
    if not sent:
        raise missing(branch)
    if sent[0] != branch:
        raise Refusal(NOT_UPDATED, f"The extension is set up by {branch}, not by {sent[0]}.")
    _keep(call, "SetupExtension", extension)
    return call.done(**_addressed(call, extension))


def get_setup(call: EmulatedRequest) -> Element:
    extension = call.extension()
    branch = _branch(call, extension)
    known = {"extendedNumber": extension.number, "extensionType": extension.type}
    if branch is None:
        return call.answer(known)
    kept = call.world.settings.get(("SetupExtension", extension.number), [])
    children = grouped(kept[0].children) if kept else {}
    facts: dict[str, Fact] = {**_branch_defaults(call, branch), **children}
    return call.answer({**known, branch: facts or Element(branch)})


def _branch(call: EmulatedRequest, extension: EmulatedExtension) -> str | None:
    """The element that sets up an extension of this type; None for types that have none in the interface."""
    kind = call.interface.operations["Extension.SetupExtension"].input.complex
    branch = _BRANCHES[extension.type]
    return branch if kind is not None and branch in kind.slots else None


def _branch_defaults(call: EmulatedRequest, branch: str) -> dict[str, Fact]:
    outer = call.operation.output.complex
    assert outer is not None
    kind: ComplexType | None = outer.slots[branch].decl.complex
    return defaults(kind) if kind else {}


def set_provision(call: EmulatedRequest) -> Element:
    extension = call.extension()
    _keep(call, "SetProvision", extension)
    return call.done(location=_LOCATION.format(number=extension.number.replace("*", "-")))


def get_provision_file(call: EmulatedRequest) -> Element:
    extension = call.extension()
    if ("SetProvision", extension.number) not in call.world.settings:
        raise Refusal(NOT_READ, "The extension is not provisioned: there is no file.")
    return call.done(location=_LOCATION.format(number=extension.number.replace("*", "-")))


HANDLERS: dict[str, OperationHandler] = {
    **{f"Extension.{name}": partial(set_settings, name) for name in _SETTINGS},
    **{f"Extension.{read}": partial(get_settings, name) for name, read in _SETTINGS.items()},
    "Extension.SetupExtension": setup,
    "Extension.GetExtensionSettings": get_setup,
    "Extension.SetProvision": set_provision,
    "Extension.GetProvisionFile": get_provision_file,
}
