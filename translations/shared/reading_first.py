"""Elements that v3 demands and 2.5 may leave out, read of v3 before the call, and sent as they are."""

from __future__ import annotations

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import PARAMETER_MISSING, BackendError, CallerError
from shim.core.extensions.lookup import elsewhere
from shim.core.extensions.messages import of_answer
from shim.core.forward import forward, read_v3
from shim.core.message import Element
from shim.core.pipeline import one_call
from shim.core.rules.declare import call
from shim.core.rules.required import apart, read_first
from shim.core.rules.rule import Rule

Reads = Steps[None]

_LABEL = (
    "v3 changes an extension only with its label beside: where the call has no name, the label stays as it is."
)
LABEL_READ = call("Extension.GetExtensionDetails", "The label as it is, where the call has no name.")
LABEL = read_first("label", LABEL_READ.operation, _LABEL)


def label(context: CallContext, phone: Element) -> Steps[Element]:
    """The request to change an extension, with the label that it has. Raises BackendError."""
    if phone.get("label"):
        return phone
    details, number = yield from _details_of(context, LABEL_READ.operation, phone.get("extendedNumber") or "")
    context.find("read-first", "name", _LABEL, "label")
    text = details.get("label") or details.get("name") or number
    others = [each for each in phone.children if each.name not in ("label", "extendedNumber")]
    return Element(phone.name, children=[Element("extendedNumber", number), Element("label", text), *others])


def _details_of(context: CallContext, operation: str, number: str) -> Steps[tuple[Element, str]]:
    """The details of an extension in v3, and the number that it has by now. Raises BackendError."""
    try:
        return (yield from read_v3(context, operation, Element("extendedNumber", number))), number
    except BackendError as fault:
        if not (yield from elsewhere(context, fault)) or context.extensions.main is None:
            raise
    number = context.extensions.main.number
    return (yield from read_v3(context, operation, Element("extendedNumber", number))), number


# ---- call rules ----

_ACTIONS = ("busy", "congestion", "hangup", "transfer", "cascade", "authenticate", "setCallPriority")
_RULE = (
    "v3 changes a call rule only with what it does beside: where the call does not say it, it stays as it is."
)
RULES_READ = call("Extension.GetCallRulesIn", "What a rule does, when the call does not say it.")
RULES: tuple[Rule, ...] = tuple(
    read_first(f"rule/{name}", RULES_READ.operation, _RULE)
    for name in (*_ACTIONS, "cascade/ring", "cascade/toNumbers")
)


def edit_rules(context: CallContext) -> Steps[Element]:
    """Change call rules; what a rule does and the call does not say is read before. Raises Fault."""
    translation = context.translation
    new = translation.to_new(context)
    unsaid = [rule for rule in new.all("rule") if not _whole(rule)]
    if not unsaid:
        return (yield from one_call(context))
    yield from _fill(context, new, unsaid)
    answer = yield from forward(context, translation.new, new, writes=True)
    yield from of_answer(context, answer)
    return translation.to_old(answer, context)


def _action(rule: Element) -> Element | None:
    return next((each for each in rule.children if each.name in _ACTIONS), None)


def _whole(rule: Element) -> bool:
    action = _action(rule)
    if action is None or action.name != "cascade":
        return action is not None
    return bool(action.child("ring") and action.child("toNumbers"))


def _fill(context: CallContext, new: Element, unsaid: list[Element]) -> Reads:
    named = new.child("extendedNumber")
    if named is None:
        raise CallerError(
            "missing-parameter", "Parameter missing: userID or userIdentifier; send it.", PARAMETER_MISSING
        )
    rules, named.text = yield from _details_of(context, RULES_READ.operation, named.text or "")
    context.find("read-first", "rule", _RULE, "rule")
    known = {(row.get("ruleID") or "").strip(): _action(row) for row in rules.all("rules")}
    for rule in unsaid:
        was = known.get((rule.get("ruleID") or "").strip())
        if was is None:
            raise CallerError(
                "bad-value", "Bad value at rule/ruleID: send the ID of a call rule of this extension.", "100"
            )
        _complete(rule, was)


def _complete(rule: Element, was: Element) -> None:
    """Give a rule the action that it has, or the action of the call what it does not say itself."""
    action = _action(rule)
    if action is None:
        rule.children.append(was)
    elif was.name == action.name:
        names = {each.name for each in action.children}
        action.children += [each for each in was.children if each.name in {"ring", "toNumbers"} - names]


# ---- lists that v3 narrows in one way at a time ----

_CODES = (
    "v3 lists the codes of one extension, or those that a filter matches: the shim looks for the filter itself."
)
CODES = apart("filter", "userID", "userIdentifier", because=_CODES)


def card_codes(context: CallContext) -> Steps[Element]:
    """The card codes of an extension; those that the filter does not match are taken out of v3's answer."""
    translation = context.translation
    new = translation.to_new(context)
    sought = new.get("filter") or ""
    if not (new.child("filter") and new.child("extendedNumber")):
        return (yield from one_call(context))
    context.find("value-converted", "filter", _CODES)
    number = new.get("extendedNumber") or ""
    answer, _ = yield from _details_of(context, translation.new.full_name, number)
    answer.children = [each for each in answer.children if _matches(each, sought)]
    yield from of_answer(context, answer)
    return translation.to_old(answer, context)


def _matches(row: Element, sought: str) -> bool:
    return row.name != "code" or sought.strip().casefold() in (row.get("code") or "").casefold()


# ---- channel groups ----

_GROUP = (
    "v3 changes a channel group only with its name beside: where the call has none, the name stays as it is."
)
GROUPS_READ = call("Channel.GetChannelGroups", "The name of the group, when the call does not change it.")
GROUP = read_first("name", GROUPS_READ.operation, _GROUP)


def edit_group(context: CallContext) -> Steps[Element]:
    """Change a channel group; its name is read before when the call changes something else. Raises Fault."""
    translation = context.translation
    new = translation.to_new(context)
    if not new.get("name") and (new.child("notes") or new.child("channelID")):
        name = yield from _name_of_group(context, (new.get("ID") or "").strip())
        new.children = [Element("name", name), *(each for each in new.children if each.name != "name")]
    answer = yield from forward(context, translation.new, new, writes=True)
    return translation.to_old(answer, context)


def _name_of_group(context: CallContext, this: str) -> Steps[str]:
    groups = yield from read_v3(context, GROUPS_READ.operation)
    context.find("read-first", "name", _GROUP, "name")
    for row in groups.all("group"):
        if (row.get("ID") or "").strip() == this and (name := row.get("name")):
            return name
    raise CallerError("bad-value", "Bad value at ID: send the ID of a channel group that there is.", "100")
