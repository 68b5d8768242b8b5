"""LinkedOp over the wire: a client's set-up in one call, and one that fails in the middle and is undone."""

from __future__ import annotations

import base64
from xml.sax.saxutils import escape

from shim.core.message import Element
from shim.core.parse import parse
from shim.interfaces.load import old
from tests.end_to_end.messages import ADMIN, envelope, namespace
from tests.end_to_end.running import Backend, Shim
from tests.end_to_end.wire import answered, post
from tests.support.schemas import assert_valid

PATH = "/soap2/globalop_agent.php"
CHANNEL = "/soap2/channel_agent.php"
EXTENSION = "/soap2/extension_agent.php"
CLIENT = (
    "<AddClientRequest><name>Harbour</name><company>Harbour Ltd</company><login>harbour</login>"
    "<password>Pass-2025</password><country>us</country><parentID>10</parentID></AddClientRequest>"
)
ALLOWED = (
    "<SetClientPLRequest><extensionManag>1</extensionManag>"
    '<phoneExtMax unlimited="0">5</phoneExtMax></SetClientPLRequest>'
)
PHONE = (
    "<AddExtensionRequest><name>Front desk</name><company>Harbour Ltd</company><login>harbour-desk</login>"
    "<password>Pass-2025</password><country>us</country></AddExtensionRequest>"
)


def operation(name: str, package: str, *mapped: tuple[str, str, str], final: bool = True) -> str:
    """One operation; `mapped`: the earlier operation, the parameter of its answer, and the node it becomes."""
    maps = "".join(
        f"<appendOpResponse><identifier>{earlier}</identifier><responseMapping><responseParam>{param}"
        f"</responseParam><requestParam>{node.rpartition('/')[2]}</requestParam><node>{node}</node>"
        "</responseMapping></appendOpResponse>"
        for earlier, param, node in mapped
    )
    return (
        f"<operation><identifier>{name}</identifier><package>{package}</package>"
        f"<finalOnFailure>{int(final)}</finalOnFailure>{maps}</operation>"
    )


def packed(package: str) -> str:
    return base64.b64encode(package.encode()).decode()


def linked(*operations: str, version: str = "2.5.1") -> bytes:
    space = namespace("GlobalOpMessages", version)
    body = f'<m:LinkedOpRequest xmlns:m="{space}">{"".join(operations)}</m:LinkedOpRequest>'
    return envelope(body, login=ADMIN)


def outputs(answer: Element, version: str = "2.5.1") -> dict[str, tuple[str, Element]]:
    """Result and old answer, or fault, by identifier."""
    found = {}
    for each in answer.all("operation"):
        whole = base64.b64decode(each.get("output") or "")
        body = parse(whole).body
        if body.name != "Fault":
            assert_valid(whole, old(), version)
        found[each.get("identifier") or ""] = (each.get("result") or "", body)
    return found


def call(shim: Shim, body: str, path: str) -> Element:
    return answered(post(shim, envelope(body, login=ADMIN), path))


def logins(shim: Shim) -> set[str | None]:
    clients = call(
        shim, "<GetClientsRequest><parentID>10</parentID></GetClientsRequest>", "/soap2/client_agent.php"
    )
    return {each.get("login") for each in clients.all("client")}


def test_a_client_with_a_phone_and_a_number_in_one_call(backend: Backend, shim: Shim) -> None:
    backend.world.kept("PublicNo")[7].owner = ("account", 10)
    message = linked(
        operation("client", packed(CLIENT)),
        operation("allow", packed(ALLOWED), ("client", "ID", "//SetClientPLRequest/ID")),
        operation("pool", "<AssignPublicNoRequest><didID>7</didID></AssignPublicNoRequest>",
                  ("client", "ID", "//AssignPublicNoRequest/userID")),
        operation("phone", escape(PHONE), ("client", "ID", "//AddExtensionRequest/parentID")),
        operation("number", packed("<AssignPublicNoRequest><didID>7</didID></AssignPublicNoRequest>"),
                  ("phone", "ID", "//AssignPublicNoRequest/userID")),
        version="2.0.3",
    )  # fmt: skip
    since = shim.mark
    answer = answered(post(shim, message, PATH), "2.0.3")
    assert answer.get("processedOp") == "5"
    said = outputs(answer, "2.0.3")
    assert {name: result for name, (result, _) in said.items()} == dict.fromkeys(
        ("client", "allow", "pool", "phone", "number"), "success"
    )
    phone = said["phone"][1].get("ID")
    numbers = call(shim, f"<GetPublicNoPollRequest><userID>{phone}</userID></GetPublicNoPollRequest>", CHANNEL)
    assert [each.get("externalNo") for each in numbers.child("publicNo").all("assigned")] == ["2125550106"]  # type: ignore[union-attr]
    parent = said["client"][1].get("ID")
    listed = call(
        shim, f"<GetExtensionsRequest><parentID>{parent}</parentID></GetExtensionsRequest>", EXTENSION
    )
    assert [(each.get("ID"), each.get("login")) for each in listed.all("extension")] == [
        (phone, "harbour-desk")
    ]
    assert ("default-added", "extensionType") in shim.found(since)
    shim.said(
        "inner calls", since, operation="Channel.AssignPublicNo", within="GlobalOp.LinkedOp", calls=2, faults=0
    )
    call(shim, f"<DelClientRequest><ID>{parent}</ID></DelClientRequest>", "/soap2/client_agent.php")


def test_one_that_fails_in_the_middle_is_undone(backend: Backend, shim: Shim) -> None:
    before = logins(shim)
    wrong = PHONE.replace("harbour-desk", "northwind")
    message = linked(
        operation("client", packed(CLIENT)),
        operation("allow", packed(ALLOWED), ("client", "ID", "//SetClientPLRequest/ID")),
        operation("phone", packed(PHONE), ("client", "ID", "//AddExtensionRequest/parentID")),
        operation("taken", packed(wrong), ("client", "ID", "//AddExtensionRequest/parentID")),
        operation("never", packed("<GetClientsRequest/>")),
    )
    accounts, extensions = set(backend.world.accounts), set(backend.world.extensions)
    since = shim.mark
    answer = answered(post(shim, message, PATH))
    assert answer.get("processedOp") == "4"
    said = outputs(answer)
    assert {name: result for name, (result, _) in said.items()} == {
        "client": "failure",
        "allow": "success",
        "phone": "failure",
        "taken": "failure",
    }
    assert "(code 200)" in (said["taken"][1].get("faultstring") or "")
    assert "undone again" in (said["client"][1].get("faultstring") or "")
    assert logins(shim) == before
    assert (set(backend.world.accounts), set(backend.world.extensions)) == (accounts, extensions)
    found = shim.found(since)
    assert {each for each in found if each[0].startswith("package-")} == {
        ("package-failed", "package[4]/AddExtensionRequest"),
        ("package-undone", "package[3]/AddExtensionRequest"),
        ("package-not-undone", "package[2]/SetClientPLRequest"),
        ("package-undone", "package[1]/AddClientRequest"),
    }
    again = operation("client", packed(CLIENT))
    answer = answered(post(shim, linked(again), PATH))
    made = outputs(answer)["client"][1].get("ID")
    assert made not in (None, said["client"][1].get("ID"))
    call(shim, f"<DelClientRequest><ID>{made}</ID></DelClientRequest>", "/soap2/client_agent.php")
