"""Templates: 2.5 knows levels by number, v3 by word; and what 2.5 calls an extension template, v3 has as two.

A user template holds permissions, limits and charging plan, an extension template the settings of a phone. To
old clients both are of level 100: both are listed there, and both may be named when an extension is added.
"""

from __future__ import annotations

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.errors import BackendError
from shim.core.extensions.messages import of_answer
from shim.core.forward import forward
from shim.core.message import Element
from shim.core.rules.extensions import account
from shim.core.rules.vocabulary import compute, values

_WORDS = {10: "serviceProvider", 50: "organization", 100: "extension"}
_NUMBERS = {"serviceProvider": "10", "organization": "50", "user": "100", "extension": "100"}
_LEVELS = (
    "10 for resellers, 50 for clients, 100 for extensions; v3 has words for levels, and two for the last, "
    "since there are user templates and extension templates"
)
_BOTH = "v3 has user templates and extension templates: to 2.5 both are extension templates, of level 100."
_QUEUES = {"queue": "phoneQueue"}
_PHONE_QUEUE = "Queues are called phone queues in v3."
_NO_RECORDS = "030"


def _word(text: str) -> str | None:
    return _WORDS.get(int(text))


RULES = (
    compute("userLevel", _word, str, _LEVELS),
    compute("template/userLevel", str, _NUMBERS.get, _BOTH, finding=None),
    values("extensionType", _QUEUES, _PHONE_QUEUE),
    values("template/extensionType", _QUEUES, _PHONE_QUEUE),
    account(only="request"),
    account("template/userID"),
)


def read(context: CallContext) -> Steps[Element]:
    """For level 100 v3 is asked twice: for extension templates, and for user templates, which fit any type."""
    translation = context.translation
    requests = [translation.to_new(context)]
    if requests[0].get("userLevel") == "extension":
        requests.append(_for_users(requests[0]))
    answers, refused = [], []
    for new in requests:
        try:
            answers.append((yield from forward(context, translation.new, new, writes=False)))
        except BackendError as fault:
            if fault.code != _NO_RECORDS:
                raise
            refused.append(fault)
    if not answers:
        raise refused[0]
    rows = [child for each in answers for child in each.children]
    answer = Element(translation.new.output.name, children=rows)
    yield from of_answer(context, answer)
    return translation.to_old(answer, context)


def _for_users(request: Element) -> Element:
    kept = [each for each in request.children if each.name not in ("userLevel", "extensionType")]
    return Element(request.name, children=[*kept, Element("userLevel", "user")])
