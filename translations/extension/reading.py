"""How an extension of 2.5 is read: user and phone of v3 put together. For lists see `extension_listing`."""

from __future__ import annotations

from collections.abc import Callable

from shim.core.catalogue.translation import Translation
from shim.core.commands.extensions import Identity
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import PARAMETER_MISSING, CallerError, Fault
from shim.core.extensions.evidence import known_from
from shim.core.extensions.lookup import about, elsewhere, extensions_of, learn
from shim.core.forward import forward
from shim.core.message import Element
from translations.extension.templates import put_old


def finish(context: CallContext, *answers: Element) -> Element:
    """One old answer out of what the legs gave; of the same element the first counts."""
    target = Element(context.translation.old.output.name)
    for answer in answers:
        known = {each.name for each in target.children}
        target.children += [each for each in answer.children if each.name not in known]
    for produce in context.translation.on_answer:
        produce(target, context)
    return target


def details(context: CallContext) -> Steps[Element]:
    """Profile and phone of one extension; where none is named, of the caller's own."""
    translation = context.translation
    user, phone = translation.legs["user"], translation.legs["extension"]
    translation.to_new(context)
    profile = yield from _read_again(context, lambda: _profile(user, context))
    if context.extensions.main is None:
        yield from _own(context, profile)
    device = yield from _read_again(context, lambda: _device(phone, context))
    owner = known_from(device, _extension(context).number)
    if owner is not None and owner.user_id != _extension(context).user_id:
        [moved] = yield from learn(context, [owner])
        about(context, moved)
        profile = yield from _profile(user, context)
    finished = finish(context, user.to_old(profile, context), phone.to_old(device, context))
    put_old(finished, context, profile, device)
    return finished


def _read_again(context: CallContext, read: Callable[[], Steps[Element]]) -> Steps[Element]:
    """Read something; once more when the extension has another number or user by now."""
    try:
        return (yield from read())
    except Fault as fault:
        if not (yield from elsewhere(context, fault)):
            raise
        return (yield from read())


def _profile(user: Translation, context: CallContext) -> Steps[Element]:
    """The user; by ID once it is known whose the extension is."""
    request = user.to_new(context)
    if context.extensions.main is not None:
        request = Element(request.name, children=[Element("ID", context.extensions.main.user_id)])
    return (yield from forward(context, user.new, request, writes=False))


def _device(phone: Translation, context: CallContext) -> Steps[Element]:
    request = Element(phone.new.input.name, children=[Element("extendedNumber", _extension(context).number)])
    return (yield from forward(context, phone.new, request, writes=False))


def _own(context: CallContext, profile: Element) -> Steps[None]:
    """No extension was named: it is the caller's own, if it is one."""
    extensions = yield from extensions_of(context, profile.get("ID") or "", strict=True)
    if not extensions:
        raise CallerError(
            "missing-parameter", "Parameter missing: ID or identifier; send it.", PARAMETER_MISSING
        )
    about(context, extensions[0])


def _extension(context: CallContext) -> Identity:
    assert context.extensions.main is not None
    return context.extensions.main
