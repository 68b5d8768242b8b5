"""Call rules of 2.0.x: flat, with an action and numbers in one text, where 2.5 has an element for each action.

A rule of 2.0.x has `action`, `transferTo` (numbers with blanks between them), `event`, `transferType` and
`callPriority` beside what 2.5 has too. That is known from a client that was generated from the files of 2.0.4;
of the actions only `followme` was seen in use, the others are named as in 2.5. That client fills `event`,
`transferType` and `callPriority` with placeholders, so that they are no reason to refuse a rule: what has no
place is found to be dropped. An action that is not known is refused with those that are; so is a transfer to
nowhere, which would swallow calls.
"""

from __future__ import annotations

from shim.core.context import CallContext, Problem
from shim.core.errors import CallerError
from shim.core.message import Element
from shim.core.translate import refusal

_SAME = ("busy", "congestion", "hangup", "transfer", "setCallPriority")
ACTIONS = ("followme", "voicemail", *_SAME)
"""The actions of a rule of 2.0.x."""
_COMMON = ("match", "number", "intervalID", "position", "key")
_OF_RULE = ("ruleID", "status")
_BECAUSE = "Rules of 2.0.x name an action and numbers in one text; v3 has an element for each action."
_NO_PLACE = "Neither 2.5 nor v3 has it for a rule with this action."
_EVENT = (
    "Clients of 2.0.x fill it for every rule, so that it may say nothing. If the rule was only to hold on this "
    "event, it holds for all calls now: send callStatus, as 2.5 has it."
)


def is_earlier(version: str) -> bool:
    """True if a schema version is one whose call rules are flat."""
    return version.startswith("2.0.")


def rules_from_earlier(request: Element, context: CallContext) -> None:
    """Bring the rules of a request of 2.0.x into the form of 2.5, in place. Raises CallerError."""
    for number, rule in enumerate(request.children):
        if rule.name == "rule" and rule.child("action") is not None:
            request.children[number] = _rule(rule, context)


def _rule(rule: Element, context: CallContext) -> Element:
    action = _action((rule.get("action") or "").strip())
    rule_element = Element("rule", children=[each for each in rule.children if each.name in _OF_RULE])
    branch = Element("transfer" if action in ("followme", "voicemail") else action)
    rule_element.children.append(branch)
    taken = {"action"}
    for child in rule.children:
        if child.name in _COMMON and child.name not in taken:
            branch.children.append(child)
            taken.add(child.name)
    taken |= _target(rule, action, branch)
    for child in rule.children:
        if child.name not in (*taken, *_OF_RULE) and (child.text or child.children):
            because = _EVENT if child.name == "event" and action == "transfer" else _NO_PLACE
            context.find("field-dropped", f"rule/{child.name[:64]}", because)
    context.find("value-converted", "rule/action", _BECAUSE)
    return rule_element


def _action(name: str) -> str:
    """The action as it is written here. Raises CallerError."""
    action = next((each for each in ACTIONS if each.lower() == name.lower()), None)
    if action is None:
        raise _unknown()
    return action


def _unknown() -> CallerError:
    allowed = f"one of {', '.join(ACTIONS)}, or a rule as 2.5 has it (cascade, authenticate)"
    return refusal([Problem("bad-value", "rule/action", allowed, None)])


def _target(rule: Element, action: str, branch: Element) -> set[str]:
    """Add where the calls go, and what else belongs to the action; the names that were used up.

    Raises CallerError for a transfer to nowhere.
    """
    if action == "voicemail":
        branch.children.append(Element("toVoicemail", "true"))
        return set()
    if action == "setCallPriority":
        branch.children.append(Element("priority", rule.get("callPriority") or ""))
        return {"callPriority"}
    if action not in ("followme", "transfer"):
        return set()
    to = [Element("transferNumber", each) for each in (rule.get("transferTo") or "").replace(",", " ").split()]
    if not to:
        raise refusal([Problem("missing-parameter", "rule/transferTo", "", None)])
    if action == "followme":
        to.append(Element("call", "true"))
    branch.children.append(Element("toNumbers", children=to))
    return {"transferTo"}


def rules_to_earlier(answer: Element, context: CallContext) -> Element:
    """An answer with rules in the form of 2.0.x. What that has no place for is a finding."""
    children = [_row(each, context) if each.name == "rules" else each for each in answer.children]
    return Element(answer.name, answer.text, answer.attributes, children, answer.nil)


def _row(row: Element, context: CallContext) -> Element:
    rules = Element("rules", children=[each for each in row.children if each.name in _OF_RULE])
    for branch in row.children:
        if branch.name in _OF_RULE:
            continue
        rules.children += [each for each in branch.children if each.name in _COMMON]
        action, numbers = branch.name, _numbers(branch)
        to = branch.child("toNumbers")
        if branch.name == "transfer" and to is None:
            action = "voicemail"
        elif branch.name == "transfer" and to is not None and to.is_on("call"):
            action = "followme"
        rules.children.insert(0, Element("action", action))
        if numbers:
            rules.children.append(Element("transferTo", " ".join(numbers)))
        if (priority := branch.get("priority")) is not None:
            rules.children.append(Element("callPriority", priority))
        for each in branch.children:
            if each.name not in (*_COMMON, "toNumbers", "toVoicemail", "priority"):
                context.find(
                    "answer-value-omitted", f"rules/{branch.name}/{each.name}", "2.0.x has no such setting."
                )
    return rules


def _numbers(branch: Element) -> list[str]:
    to = [each for each in branch.children if each.name == "toNumbers"]
    numbers = [child for each in to for child in each.children if child.name in ("transferNumber", "number")]
    return [each.text for each in numbers if each.text]
