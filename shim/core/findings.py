"""Findings: what did not map cleanly, said in words that an integrator can act on. Never a value.

One table holds every code. A finding names a code of it, the path of the element in the old message, and
why (`because`), which comes from the rule that made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

Severity = Literal["info", "notice", "warning", "loss", "refused"]


@dataclass(frozen=True, slots=True)
class FindingKind:
    """The meaning of a code. `do` is what the integrator does about it."""

    severity: Severity
    title: str
    meaning: str
    do: str


Code = Literal[
    "nil-as-absent",
    "empty-as-absent",
    "zero-as-absent",
    "empty-as-default",
    "empty-clears",
    "soap-12",
    "undeclared-prefix",
    "unusual-path",
    "call-told-otherwise",
    "unlimited-without-number",
    "unknown-header",
    "unknown-answer-element",
    "number-changed",
    "read-first",
    "unknown-element",
    "unknown-attribute",
    "stray-text",
    "wrong-endpoint",
    "unlimited-not-said",
    "value-converted",
    "default-added",
    "phone-password-stays",
    "grant-unchecked",
    "answer-field-unavailable",
    "grant-lowered",
    "user-kept",
    "partly-done",
    "package-failed",
    "package-undone",
    "package-not-undone",
    "siblings-touched",
    "siblings-included",
    "repeated-element",
    "choice-conflict",
    "field-kept",
    "field-emulated",
    "operation-emulated",
    "effect-may-differ",
    "answer-differs",
    "came-back",
    "field-dropped",
    "no-value",
    "answer-value-omitted",
    "kept-value-lost",
    "more-findings",
    "not-translated",
    "old-login",
    "old-login-refused",
    "operation-locked",
    "browned-out",
    "field-refused",
]
"""Every code. A declaration that names another is an error of types, and a problem when the catalogue loads."""

KINDS: dict[Code, FindingKind] = {
    "nil-as-absent": FindingKind(
        "info",
        "Null read as not sent",
        "An element came as xsi:nil where the schema does not allow it; it was read as not sent.",
        "Nothing now. In v3, leave the element out.",
    ),
    "empty-as-absent": FindingKind(
        "info",
        "Empty element read as not sent",
        "An empty element stands where a number, date, choice or the like is due; it was read as not sent.",
        "Leave the element out when there is nothing to say.",
    ),
    "zero-as-absent": FindingKind(
        "info",
        "0 read as not given",
        "IDs begin at 1: a 0 where one is due, which PHP writes of an empty number, was read as not given.",
        "Leave the element out when there is nothing to say.",
    ),
    "empty-as-default": FindingKind(
        "info",
        "Empty element read as the default",
        "The schema of 2.5 has a default for the element, and says that an empty one stands for it.",
        "Send the value, or leave the element out, which is no default in v3.",
    ),
    "empty-clears": FindingKind(
        "info",
        "Empty element clears",
        "An empty element where a decimal number, a date, a time or one of several words is due: as in 2.5 it "
        "says that there is to be none.",
        "Nothing now. Leave the element out where nothing is to change.",
    ),
    "soap-12": FindingKind(
        "info",
        "SOAP 1.2",
        "The message came in an envelope of SOAP 1.2, and was answered in one.",
        "Send SOAP 1.1, as the WSDL says, when the call is ported.",
    ),
    "undeclared-prefix": FindingKind(
        "notice",
        "Undeclared namespace prefix",
        "The message uses a prefix that it does not declare; the names were read without it, as the old server "
        "did. Other servers refuse such a message whole.",
        "Declare the prefix (xmlns:prefix), or leave it out.",
    ),
    "unusual-path": FindingKind(
        "notice",
        "Path of the endpoint written in another way",
        "The path was read as web servers read it: doubled or dotted parts, escaped dots, something behind the "
        "name of the endpoint.",
        "Post to the path that the WSDL names.",
    ),
    "call-told-otherwise": FindingKind(
        "notice",
        "The body element does not name the call",
        "The body is empty, or its element is not the one of the call; SOAPAction or the rest of the name says "
        "which call is meant.",
        "Send the body element that the WSDL names: the name of the operation and Request.",
    ),
    "unlimited-without-number": FindingKind(
        "info",
        "Unlimited without a number",
        "A limit said unlimited and had no number; the schema wants one, so one was written.",
        'Write a number all the same: <limit unlimited="true">0</limit>.',
    ),
    "unknown-header": FindingKind(
        "info",
        "Unknown SOAP header",
        "A SOAP header other than userCredentials came; 2.5 never read it.",
        "Stop sending it.",
    ),
    "unknown-answer-element": FindingKind(
        "info",
        "v3 said more than is known",
        "The v3 backend answered with an element that its published interface does not have.",
        "Nothing: old clients could not read it. Tell the operator which version the backend has.",
    ),
    "number-changed": FindingKind(
        "info",
        "The extension's number changed in v3",
        "v3 had another number for the extension than the shim remembered; it was looked up and remembered.",
        "Nothing.",
    ),
    "read-first": FindingKind(
        "info",
        "Read from v3 before it was changed",
        "v3 demands an element that 2.5 may leave out: it was read from v3 and sent as it is.",
        "In v3, send it yourself.",
    ),
    "unknown-element": FindingKind(
        "notice",
        "Unknown element ignored",
        "The request has an element that 2.5 never knew; it was ignored, as the old server did.",
        "Correct its name or remove it: whatever it was meant to do is not done.",
    ),
    "unknown-attribute": FindingKind(
        "notice",
        "Unknown attribute ignored",
        "The request has an attribute that 2.5 never knew; it was ignored.",
        "Correct its name or remove it.",
    ),
    "stray-text": FindingKind(
        "notice",
        "Text between elements ignored",
        "There is text where only elements belong; it was ignored.",
        "Remove the text, or put it into the element it belongs to.",
    ),
    "wrong-endpoint": FindingKind(
        "notice",
        "Call on another service's endpoint",
        "The call came on the endpoint of another service; it was served all the same.",
        "Post to the endpoint that the WSDL of the service names; v3 is strict about it.",
    ),
    "unlimited-not-said": FindingKind(
        "notice",
        "Limit without the unlimited attribute",
        "The schemas of 2.5 and of v3 read a limit without the attribute as unlimited, whatever number it has.",
        'Where the number is meant, say unlimited="false" with it (.NET: set the property unlimited to false); '
        'where no limit is meant, nothing: generated .NET code cannot write unlimited="true".',
    ),
    "value-converted": FindingKind(
        "notice",
        "Value converted",
        "The value is written differently in v3 and was converted.",
        "Send the v3 form once this call is ported.",
    ),
    "default-added": FindingKind(
        "notice",
        "Default for something that 2.5 never knew",
        "v3 has a setting that 2.5 did not have; the shim sent a default, so that the call works as before.",
        "Choose the value yourself once this call is ported.",
    ),
    "phone-password-stays": FindingKind(
        "notice",
        "The phone keeps its password",
        "The account got another password and its phone did not: they have one each in v3.",
        "Set the phone's with SetProvision if both are to be the same.",
    ),
    "grant-unchecked": FindingKind(
        "notice",
        "What the organization has could not be read",
        "A new user is to get no more than its organization has, and v3 does not tell what that is: the user "
        "gets what is configured.",
        "Let the integration's v3 app read its organization, or set new_user to configured.",
    ),
    "answer-field-unavailable": FindingKind(
        "notice",
        "Not in the answer any more",
        "2.5 could answer with this element, v3 does not have it, so it stays away.",
        "Do not rely on it.",
    ),
    "grant-lowered": FindingKind(
        "warning",
        "The new user may do less than in 2.5",
        "The organization has less than an extension of 2.5 had at once; its new user gets what there is.",
        "Give the organization more, or set what new users get (setting new_user_values).",
    ),
    "user-kept": FindingKind(
        "notice",
        "The v3 user stays",
        "An extension was deleted; its v3 user has other extensions, or was not made for it, and stays.",
        "Delete the user through v3 when nothing needs it any more.",
    ),
    "partly-done": FindingKind(
        "warning",
        "Done in part",
        "A call about several things did some of them: v3 refused one, or has it not. The answer says partial.",
        "Look what is left, then repeat the call for it.",
    ),
    "package-failed": FindingKind(
        "notice",
        "An operation of a LinkedOp failed",
        "The answer of the LinkedOp says failure for it, with the fault that it would have had alone.",
        "Look at the output of the operation, and mind what a later one took from its answer.",
    ),
    "package-undone": FindingKind(
        "notice",
        "An operation of a LinkedOp was undone",
        "A later operation failed and was final: what this one had added was deleted again.",
        "Correct the one that failed, then send the whole LinkedOp again.",
    ),
    "package-not-undone": FindingKind(
        "warning",
        "An operation of a LinkedOp stays done",
        "A later operation failed and was final; what this one did could not be taken back.",
        "Look what it did before the LinkedOp is sent again.",
    ),
    "siblings-touched": FindingKind(
        "warning",
        "Other extensions of the user changed as well",
        "In v3 it is the user's, and the user has more extensions than the one that the call names.",
        "Mind the others, or change the user through v3 when that is what is meant.",
    ),
    "siblings-included": FindingKind(
        "notice",
        "The figures are those of all extensions of the user",
        "v3 counts by user, and the user has more extensions than the one that the call names.",
        "Read the answer as the user's, or give each extension a user of its own.",
    ),
    "repeated-element": FindingKind(
        "warning",
        "Repeated element: only the first counts",
        "An element that may come once came more often; only the first was used, as the old server did.",
        "Send it once.",
    ),
    "choice-conflict": FindingKind(
        "warning",
        "Alternatives sent together",
        "Elements that exclude each other came together; only the first was used.",
        "Send one of them.",
    ),
    "field-kept": FindingKind(
        "warning",
        "Kept by the shim",
        "v3 has no place for it: the shim stores it and gives it back on reading. v3 does not act on it.",
        "Move it to where it belongs, your own database perhaps, before this call is ported.",
    ),
    "field-emulated": FindingKind(
        "warning",
        "Answered by the shim",
        "v3 does not have it: the shim answered from what it keeps, or with the default of 2.5.",
        "Do not rely on it: it is gone with the shim.",
    ),
    "operation-emulated": FindingKind(
        "warning",
        "Served by the shim alone",
        "v3 has no such call, or answers it for another interface: the shim served it, without a v3 call.",
        "Do without it: what the shim keeps and says here is gone with the shim.",
    ),
    "effect-may-differ": FindingKind(
        "notice",
        "v3 acts on it in its own way",
        "v3 has the setting, but what it does with it may not be what 2.5 did.",
        "Look at the effect in v3, and adapt what relied on the old one.",
    ),
    "answer-differs": FindingKind(
        "warning",
        "The old server answers differently",
        "The same read was made on an old 2.5 server beside the shim, and the answers do not mean the same.",
        "Look whether your program reads this element, and tell the shim's operator if it matters.",
    ),
    "came-back": FindingKind(
        "warning",
        "An old call of a ported operation",
        "The integration has ported this operation to v3, and still made the old call; it was served.",
        "Find what still makes the old call, and port it; then the operation can be locked.",
    ),
    "field-dropped": FindingKind(
        "loss",
        "Dropped",
        "v3 has no place for it and nothing acts on it any more.",
        "Find out what relied on it, then stop sending it.",
    ),
    "no-value": FindingKind(
        "loss",
        "No value where one belongs",
        "Elements, a list or a reference to nothing came where a single value belongs: it was read as not "
        "sent, and what is there stays as it is.",
        "Send the value as the text of the element.",
    ),
    "answer-value-omitted": FindingKind(
        "loss",
        "Answer value left out",
        "v3 answered with something that the schema of 2.5 does not allow; it was left out of the answer.",
        "Read it through v3.",
    ),
    "kept-value-lost": FindingKind(
        "loss",
        "Could not be kept",
        "The call took effect, but what the shim should keep of it could not be stored.",
        "Send the same values again, with an Edit or Set call.",
    ),
    "more-findings": FindingKind(
        "loss",
        "More findings than are listed",
        "The call had more findings than are kept for one call; the rest is only counted.",
        "Correct those that are listed, then look again.",
    ),
    "not-translated": FindingKind(
        "refused",
        "Not translated",
        "The operation is known in 2.5, but this version of the shim does not translate it.",
        "Port this call to v3.",
    ),
    "old-login": FindingKind(
        "warning",
        "A login that is going to end",
        "The call came with a form of login that the operator retires for this integration; it was served.",
        "Log in another way, an app key and secret rather than a password, or port the call to v3.",
    ),
    "old-login-refused": FindingKind(
        "refused",
        "A login that has ended",
        "The call came with a form of login that has ended for this integration: it was refused.",
        "Log in another way, an app key and secret rather than a password, or port the call to v3.",
    ),
    "operation-locked": FindingKind(
        "refused",
        "Locked",
        "The operation is ported and locked for this integration: the old call was refused.",
        "Make the v3 call instead, or let the operator move the operation back on the porting ladder.",
    ),
    "browned-out": FindingKind(
        "refused",
        "Refused in a brownout",
        "The call came in a planned window in which it is refused, so that it is seen who still makes it.",
        "Port this call to v3. Afterwards it works again, until it ends for good.",
    ),
    "field-refused": FindingKind(
        "refused",
        "Refused",
        "v3 cannot do what this element asks for, and doing it without would be wrong, or is not wanted.",
        "Send the call without it, or port it.",
    ),
}


def kind_of(code: str) -> FindingKind | None:
    """The kind of a code that comes from a store, where an earlier or later release may have written it."""
    return KINDS.get(cast(Code, code))


@dataclass(slots=True)
class Finding:
    """One thing found in one call, `count` times. `v3_path` is where the matter lives in v3, if anywhere.

    `inner`: it is that of a call inside, which counts it (see `shim.core.inner`).
    """

    code: Code
    path: str
    because: str
    v3_path: str | None = None
    severity: Severity = "info"
    count: int = 1
    inner: bool = False


class Findings:
    """The findings of one call: one entry for each code and path, and never more than `MOST` of them.

    A hostile message could make thousands; what is over the bound is counted in one last finding.
    """

    MOST: ClassVar[int] = 200

    def __init__(self) -> None:
        self._by_key: dict[tuple[Code, str], Finding] = {}

    def add(
        self, code: Code, path: str, because: str = "", v3_path: str | None = None, *, inner: bool = False
    ) -> None:
        """Add a finding of a known code; `because` defaults to the code's meaning."""
        known = self._by_key.get((code, path))
        if known is None and len(self._by_key) >= self.MOST:
            code, path, because, v3_path, inner = "more-findings", "", "", None, False
            known = self._by_key.get((code, path))
        if known is not None:
            known.count += 1
        else:
            kind = KINDS[code]
            self._by_key[code, path] = Finding(
                code, path, because or kind.meaning, v3_path, kind.severity, inner=inner
            )

    @property
    def own(self) -> Iterator[Finding]:
        """Without those of calls inside."""
        return (each for each in self if not each.inner)

    def __iter__(self) -> Iterator[Finding]:
        """Those that there are now: a step in another thread, which nobody waits for, may still add some."""
        return iter(tuple(self._by_key.values()))

    def __len__(self) -> int:
        return len(self._by_key)
