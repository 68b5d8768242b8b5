"""The plans of AddExtension, EditExtension and DelExtension as conversations, without a store or a backend."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from shim.core.commands.backend import Answer, Call
from shim.core.commands.caller import Caller
from shim.core.commands.extensions import FindIdentities, Identity, Known
from shim.core.commands.journal import Ask, Begin, Close, MarkSteps, Opened, Step, Undo
from shim.core.context import CallContext
from shim.core.errors import BackendError, BackendRefused, Fault
from shim.core.journal.recovery import recover, repairs, shown, without_secrets
from shim.core.journal.writes import JournalRun
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.serialise import MessageWriter
from tests.journal.fixture import catalogue

OPENED = Opened("e1", 1)
ADD = {"name": "Desk", "login": "desk", "password": "secret", "parentID": "20"}
Talk = Generator[Any, Any, Any]


def answer(call: Call, *children: Element) -> Answer:
    operation = catalogue().new.operations[call.full_name]
    writer = MessageWriter(catalogue().new, operation.output)
    body, lost = writer.write(Element(operation.output.name, children=list(children)))
    assert not lost, lost
    return Answer(200, "text/xml", writer.envelope(body, Element("serverInfo")))


def row(element: str, **texts: str) -> Element:
    return Element(element, children=[Element(each, text) for each, text in texts.items()])


def asked(call: Any, name: str) -> dict[str, str]:
    assert isinstance(call, Call), call
    assert call.full_name == name
    return dict(parse(call.envelope("t")).body.leaves())


def said(**texts: str) -> list[Element]:
    return [Element(name, text) for name, text in texts.items()]


def plan(operation: str, fields: dict[str, str], identity: Identity | None = None) -> tuple[Talk, CallContext]:
    translation = catalogue().translations[f"Extension.{operation}"]
    context = CallContext(
        catalogue(), Element(operation, children=said(**fields)), Caller("tester"), translation=translation
    )
    if identity is not None:
        context.extensions.identities["old_id", identity.old_id] = identity
        context.extensions.main = identity
    assert translation.declared.plan is not None
    return translation.declared.plan(context), context


def expect_mark(talk: Talk, command: Any, state: str, **steps: str) -> Any:
    """A mark with steps in these states; gives what comes next."""
    assert isinstance(command, MarkSteps), command
    assert command.state == state
    assert {step.name.replace("-", "_"): step.state for _, step in command.steps} == steps
    return talk.send(None)


def test_adding_marks_before_and_after_each_write() -> None:
    talk, _ = plan("AddExtension", ADD)
    begin = next(talk)
    assert isinstance(begin, Begin)
    assert (begin.operation, begin.policy, begin.lock) == ("Extension.AddExtension", "undo", "login desk")
    look = talk.send(OPENED)
    assert asked(look, "User.GetUsers")["filter"] == "desk"
    command = talk.send(answer(look, row("user", ID="7", login="desk2", name="x")))
    call = expect_mark(talk, command, "running", add_user="started")
    assert asked(call, "User.AddUser")["login"] == "desk"
    command = talk.send(answer(call, *said(ID="40", identifier="i", result="success")))
    command = expect_mark(talk, command, "running", add_user="done")
    call = expect_mark(talk, command, "running", allow_user="started")
    assert asked(call, "User.SetUserPL")["phoneExtMax"] == "1"
    command = talk.send(answer(call, *said(result="success")))
    command = expect_mark(talk, command, "running", allow_user="done")
    call = expect_mark(talk, command, "running", add_extension="started")
    assert asked(call, "Extension.AddExtension")["parentID"] == "40"
    command = talk.send(answer(call, *said(extendedNumber="0020*001", result="success")))
    close = expect_mark(talk, command, "running", add_extension="done")
    assert isinstance(close, Close)
    assert (close.state, close.known) == ("done", (Known("40", "0020*001", "i", "created"),))
    assert close.answering is not None
    assert close.answering((Identity("40", "900", "40", "0020*001", "i"),)).get("extensionID") == "900"
    with pytest.raises(StopIteration) as stop:
        talk.send(None)
    assert (stop.value.value.get("ID"), stop.value.value.get("extensionID")) == ("40", "900")


def test_an_answer_that_nobody_received_is_given_without_a_call() -> None:
    talk, _ = plan("AddExtension", ADD)
    next(talk)
    kept = Element("AddExtensionResponse", children=said(ID="40", result="success"))
    with pytest.raises(StopIteration) as stop:
        talk.send(Opened("e1", 2, kept))
    assert stop.value.value is kept


def test_without_a_journal_the_calls_are_the_same_and_failing_undoes() -> None:
    talk, context = plan("AddExtension", ADD)
    next(talk)
    call = talk.send(None)
    call = talk.send(answer(call))
    call = talk.send(answer(call, *said(ID="40", result="success")))
    call = talk.throw(BackendRefused("backend-fault", "No.", "520"))
    assert asked(call, "Organization.GetOrganizationPL") == {"ID": "20"}
    call = talk.send(answer(call))  # it lacks nothing: that was not why
    assert asked(call, "User.DelUser") == {"ID": "40"}
    with pytest.raises(Fault, match="undone") as caught:
        talk.send(answer(call, *said(items="1", result="success")))
    assert caught.value.code == "520"
    assert context.record.calls[-1] == "User.DelUser"


def test_a_write_that_was_never_sent_changed_nothing() -> None:
    talk, _ = plan("AddExtension", ADD)
    next(talk)
    call = talk.send(OPENED)
    expect_mark(talk, talk.send(answer(call)), "running", add_user="started")
    close = talk.throw(BackendError("backend-unreachable", "Away: nothing was changed."))
    assert (close.state, close.why) == ("undone", "nothing")
    with pytest.raises(Fault, match=r"^Away: nothing was changed\.$"):
        talk.send(None)


def test_editing_what_is_on_the_user_alone_is_one_plain_call() -> None:
    identity = Identity("31", "900", "31", "0020*002")
    talk, _ = plan("EditExtension", {"ID": "31", "company": "Other"}, identity)
    call = next(talk)
    assert asked(call, "User.EditUser") == {"ID": "31", "company": "Other"}


def test_deleting_many_leaves_the_one_that_its_user_was_made_for_to_the_end() -> None:
    first, second = Identity("31", "900", "31", "0020*002"), Identity("77", "901", "31", "0020*100")
    talk, context = plan("DelExtension", {"ID": "31"}, first)
    talk.close()
    translation = catalogue().translations["Extension.DelExtension"]
    context.request = Element("DelExtension", children=[Element("ID", "31"), Element("ID", "77")])
    context.extensions.identities["old_id", "77"] = second
    assert translation.declared.plan is not None
    planned = translation.declared.plan(context)
    assert next(planned) == FindIdentities("user_id", ("31",)), "what the user is known to have besides"
    begin = planned.send({"31": (first, second)})
    assert [each.row_key for each in begin.steps] == ["0020*100", "0020*002"]
    assert begin.planned_answer.get("items") == "2"


# ---- recovery ----


def left(policy: Any, *steps: Step) -> JournalRun:
    return JournalRun(CallContext(catalogue(), Element("x"), Caller("tester")), policy, OPENED, list(steps))


def test_undoing_goes_backwards_and_forgets_what_is_gone() -> None:
    made = Step("add-user", Ask("User.AddUser"), None, Undo("User.DelUser", "ID"), state="started")
    phone = Step(
        "phone",
        Ask("Extension.AddExtension"),
        cascades=True,
        deletes_extension=True,
        state="done",
        row_key="0020*1",
        owner="31",
    )
    talk = recover(left("undo", made, phone), "undoing")
    close = next(talk)
    assert isinstance(close, Close)
    assert close.gone == {"0020*1": "31"}
    assert [(step.name, step.state) for _, step in close.steps] == [("add-user", "undone"), ("phone", "undone")]


def test_what_an_operator_sees_has_no_secrets() -> None:
    request = Element("EditUser", children=said(ID="31", password="s", passwordAuto="0"))
    assert shown(request) == {"ID": "31", "password": "(secret)", "passwordAuto": "0"}
    assert without_secrets(request).get("password") is None
    steps = [Step("a", Ask("User.EditUser", request), state="done"), Step("b", Ask("User.EditUser", request))]
    assert repairs(steps, "redo") == [("User.EditUser", shown(request))]
