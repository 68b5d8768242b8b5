"""The published tree of 2.5 against the form of the vendor's own files, as kept in `vendor-tree-2.5.1.json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from shim.core.schema.wsdl import ONE_FILE, ROOT, Publication
from shim.interfaces.load import load

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("vendor-tree-2.5.1.json").read_text("utf-8"))
SERVICES = sorted(load("2.5.1").services)
WSDL = {"w": "http://schemas.xmlsoap.org/wsdl/", "s": "http://schemas.xmlsoap.org/wsdl/soap/"}
XS = "{http://www.w3.org/2001/XMLSchema}"
Node = etree._Element


@cache
def text(name: str) -> bytes:
    found = Publication(load("2.5.1")).document(name, "2.5.1", "https://old.example:443")
    assert found is not None, name
    return found


def tree(name: str) -> Node:
    return etree.fromstring(text(name))


def wsdl(service: str) -> Node:
    return tree(f"{service}/{service}.wsdl")


def schema(key: str) -> Node:
    """A schema document by the key of its namespace."""
    [name] = [each for each in Publication(load("2.5.1")).names() if each.rpartition("/")[2] == f"{key}.xsd"]
    return tree(name)


def names(node: Node, path: str) -> list[str]:
    return [str(each.get("name")) for each in node.iterfind(path, WSDL)]


def stem(operation: str) -> str:
    return operation[0].lower() + operation[1:]


# ---- WSDL ----


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_in_its_own_namespace_with_the_vendors_names(service: str) -> None:
    root = wsdl(service)
    own = f"http://4psa.com/{service}/2.5.1"
    assert (root.get("name"), root.get("targetNamespace"), root.nsmap["tns"]) == (service, own, own)
    assert root.nsmap["import0"] == f"http://4psa.com/{service}Messages.xsd/2.5.1"
    assert root.nsmap["import7"] == "http://4psa.com/HeaderData.xsd/2.5.1"
    assert names(root, "w:portType") == [f"{service}Interface"]
    assert names(root, "w:binding") == [service]
    assert names(root, "w:service") == names(root, "w:service/w:port") == [f"{service}Port"]
    assert [dict(each.attrib)["schemaLocation"] for each in root.iter(XS + "import")] == [
        f"{service}Messages.xsd",
        "../HeaderData.xsd",
    ]
    assert text(f"{service}/{service}.wsdl").startswith(b'<?xml version="1.0"?>')


@pytest.mark.parametrize("service", SERVICES)
def test_each_operation_has_four_messages_and_their_parts(service: str) -> None:
    root = wsdl(service)
    parts = {
        str(message.get("name")): [(part.get("name"), part.get("element")) for part in message]
        for message in root.iterfind("w:message", WSDL)
    }
    wanted: dict[str, list[tuple[str, str]]] = {}
    for name in load("2.5.1").services[service].operations:
        wanted |= {
            f"{stem(name)}In": [("messagePart", f"import0:{name}Request")],
            f"{stem(name)}Out": [("messagePart", f"import0:{name}Response")],
            f"{stem(name)}InHeader1": [("headerPart", "import7:userCredentials")],
            f"{stem(name)}OutHeader1": [("headerPart", "import7:serverInfo")],
        }
    assert parts == wanted


@pytest.mark.parametrize("service", SERVICES)
def test_the_body_stands_before_the_header(service: str) -> None:
    found = 0
    for operation in wsdl(service).iterfind("w:binding/w:operation", WSDL):
        name = stem(str(operation.get("name")))
        for direction, suffix in (("input", "In"), ("output", "Out")):
            [body, header] = operation.find(f"w:{direction}", WSDL)  # type: ignore[misc]
            assert (etree.QName(body).localname, dict(body.attrib)) == ("body", {"use": "literal"})
            assert etree.QName(header).localname == "header"
            message = f"tns:{name}{suffix}Header1"
            assert dict(header.attrib) == {"message": message, "part": "headerPart", "use": "literal"}
            found += 1
    assert found == 2 * len(load("2.5.1").services[service].operations)


def test_odd_actions_and_a_missing_style_are_the_vendors() -> None:
    for fact in FACTS["exceptions"]:
        if fact.get("what") == "soapAction":
            path = f"w:binding/w:operation[@name='{fact['op']}']/s:operation"
            [found] = wsdl(fact["where"]).findall(path, WSDL)
            assert found.get("soapAction") == fact["is"]
    without = [
        operation.getparent().get("name")  # type: ignore[union-attr]
        for service in SERVICES
        for operation in wsdl(service).iterfind("w:binding/w:operation/s:operation", WSDL)
        if operation.get("style") is None
    ]
    assert without == ["GetTemplates"]


def test_operations_stand_in_the_vendors_order() -> None:
    order = {fact["where"]: fact for fact in FACTS["exceptions"] if fact.get("what") == "order"}
    account = wsdl("Account")
    assert names(account, "w:portType/w:operation") == order["Account"]["portType"]
    assert names(account, "w:binding/w:operation") == order["Account"]["binding_and_messages"]
    assert names(wsdl("Channel"), "w:binding/w:operation") == order["Channel"]["binding"]
    binding, messages = names(wsdl("PBX"), "w:binding/w:operation"), names(wsdl("PBX"), "w:message")
    assert binding.index("DelTimeIntervalBlock") + 1 == binding.index("GetTimeIntervalBlocks")
    assert messages.index("setCustomButtonStatusIn") < messages.index("editCustomAlertIn")
    billing, extension = names(wsdl("Billing"), "w:message"), names(wsdl("Extension"), "w:message")
    assert billing.index("addChargingPackageIn") > billing.index("editChargingPackageIn")
    places = [
        extension.index(f"{each}In")
        for each in (
            "getQueueMembership",
            "getExtensionGroups",
            "assignQueueRemoteAgent",
            "setQueueRemoteAgent",
        )
    ]
    assert places == sorted(places)


def test_the_root_imports_the_nine_services_and_the_one_file_holds_them() -> None:
    root = tree(ROOT)
    imported = {str(each.get("location")): str(each.get("namespace")) for each in root}
    assert imported == {f"{name}/{name}.wsdl": f"http://4psa.com/{name}/2.5.1" for name in SERVICES}
    assert {str(each.nsmap[name.lower()]) for each in [root] for name in SERVICES} == set(imported.values())
    assert list(root.nsmap)[3:] == FACTS["pattern"]["root"]["prefixes_2_5_1_inferred"]
    whole = tree(ONE_FILE)
    assert sorted(names(whole, "w:service")) == [f"{name}Port" for name in SERVICES]
    messages = names(whole, "w:message")
    assert len(messages) == len(set(messages)) == 4 * 161


# ---- XSD ----


@pytest.mark.parametrize("key", sorted(key for key in FACTS["imports"] if not key.startswith("_")))
def test_imports_are_the_vendors_in_their_order(key: str) -> None:
    listed = [tuple(each.split()) for each in FACTS["imports"][key]]
    found = [
        (str(each.get("namespace")).split("/")[3].removesuffix(".xsd"), each.get("schemaLocation"))
        for each in schema(key).iter(XS + "import")
    ]
    assert found == listed


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_wsdl_that_was_not_read_imports_by_pattern(service: str) -> None:
    own = {"Messages": ["Data", "MessagesInfo"], "MessagesInfo": ["Data"], "Data": []}
    for suffix, expected in own.items():
        found = [each.get("schemaLocation") for each in schema(service + suffix).iter(XS + "import")]
        assert found[: len(expected) + 1] == [*(f"{service}{each}.xsd" for each in expected), "../Common.xsd"]


def holder(name: str) -> Node:
    """The complexType of a type, a global element, or an element inside one."""
    path, _, inner = name.partition("/")
    key, _, local = path.partition(":")
    [node] = [each for each in schema(key) if each.get("name") == local]
    if inner:
        [node] = [each for each in node.iter(XS + "element") if each.get("name") == inner]
    return node if node.tag == XS + "complexType" else next(node.iterchildren(XS + "complexType"))


@pytest.mark.parametrize("name", FACTS["shapes"])
def test_choices_stand_where_the_vendor_has_them(name: str) -> None:
    steps: list[str] = []
    node = holder(name)
    while "choice" not in steps:
        node = next(each for each in node if each.tag != XS + "attribute")
        if node.tag != XS + "complexContent":
            steps.append(etree.QName(node).localname)
    assert ">".join(steps) == FACTS["shapes"][name]["shape"]


def test_what_the_vendor_left_untyped_has_no_type() -> None:
    untyped = {
        (str(root.get("id")), str(element.get("name")))
        for key in load("2.5.1").namespaces
        for root in [schema(key)]
        for element in root.iter(XS + "element")
        if element.get("type") is None and element.get("ref") is None and not len(element)
    }
    wanted = {
        (path.split(":")[0].split(" ")[0], path.replace(" ", "/").rpartition("/")[2])
        for path in FACTS["untyped_elements"]
    }
    assert untyped == wanted


def test_schemas_have_the_vendors_frame() -> None:
    for key in load("2.5.1").namespaces:
        root = schema(key)
        assert (root.get("id"), root.get("elementFormDefault")) == (key, "qualified")
        assert root.get("attributeFormDefault") is None
        assert root.nsmap[None] == root.get("targetNamespace")
        assert not list(root.iter(XS + "include", XS + "redefine", XS + "group"))
        assert not [each for each in root.iter(XS + "element") if each.get("ref")]
