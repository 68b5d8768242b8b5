"""What becomes of an operation, element by element: what page and letter say of requests and answers."""

from __future__ import annotations

from shim.review.reading.mapping import OperationMap, mapping_of
from tests.support.conversation import catalogue


def of(operation: str) -> OperationMap:
    found = mapping_of(catalogue(), operation)
    assert found is not None
    return found


def test_every_operation_that_is_translated_has_one_and_names_its_calls() -> None:
    for name, translation in catalogue().translations.items():
        found = of(name)
        assert bool(found.calls) != bool(found.alone), name
        assert all(each.operation in catalogue().new.operations for each in found.calls)
        told = {each.old for each in (*found.request, *found.answer)}
        told |= {*found.same_request, *found.same_answer}
        tops = {each.path.partition("/")[0] for each in translation.fates}
        assert tops <= {each.partition("/")[0] for each in told}, f"{name}: nothing is left out"
    assert mapping_of(catalogue(), "Client.Nothing") is None


def test_answers_have_their_renamings() -> None:
    [change] = of("Client.GetClients").answer
    assert (change.old, change.new, change.happens) == ("client", "organization", "renamed")


def test_what_is_lost_is_named_once() -> None:
    lost = [each.old for each in of("Client.AddClient").lost]
    assert lost == ["industry", "advertisingTemplate"]


def test_calls_in_their_order_and_what_goes_into_several() -> None:
    found = of("Extension.AddExtension")
    assert [each.operation for each in found.calls] == ["User.AddUser", "Extension.AddExtension"]
    assert found.calls[0].endpoint == "/soap2/user_agent.php"
    password = [each for each in found.request if each.old == "password"]
    assert [(each.new, each.happens) for each in password] == [
        ("Extension.AddExtension:password", "goes into this call as well")
    ]
    assert "label" in [each.path for each in found.only_new]


def test_what_the_shim_serves_alone_says_why() -> None:
    assert "the shim keeps them" in of("PBX.GetIndustries").alone
    assert "It holds other calls" in of("GlobalOp.LinkedOp").alone
