"""The published tree, judged by those who read it: libxml2, zeep and PHP."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
import zeep
from lxml import etree

from shim.core.schema.description import build
from shim.core.schema.interface import Attribute, ElementDecl, Interface, paths
from shim.core.schema.wsdl import FORMER_ROOT, ONE_FILE, ROOT, Publication
from shim.interfaces.load import load
from tests.support.schemas import ADDRESS, Published, assert_valid, schema, write_tree

VERSIONS = ("2.5.1", "3.0.0")
COUNTS = {"2.5.1": 161, "3.0.0": 160}

Operations = set[tuple[str, str, str]]
"""Name, soapAction and address."""


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {version: tmp_path_factory.mktemp(f"tree-{version}") for version in VERSIONS}
    for version, folder in folders.items():
        write_tree(load(version), folder)
    return folders


def expected(interface: Interface, *names: str) -> Operations:
    services = [interface.services[name] for name in names] or list(interface.services.values())
    return {
        (operation.name, operation.soap_action, ADDRESS + service.endpoint)
        for service in services
        for operation in service.operations.values()
    }


def document(name: str, version: str = "2.5.1", **more: str) -> str:
    found = Publication(load("2.5.1")).document(name, version, ADDRESS, **more)
    assert found is not None
    return found.decode()


def locations(text: str) -> list[str]:
    return re.findall(r' (?:schemaL|l)ocation="([^"]*)"', re.sub(r"<soap:address[^>]*>", "", text))


# what is in the tree


def test_every_service_has_its_folder_and_all_its_schemas() -> None:
    names = Publication(load("2.5.1")).names()
    assert len(names) == len(set(names)) == 4 + 9 * 4
    assert names[:2] == (ROOT, ONE_FILE)
    assert {"Common.xsd", "HeaderData.xsd", "Reseller/Reseller.wsdl", "Reseller/ResellerData.xsd"} <= set(names)
    assert {"Account/AccountData.xsd", "GlobalOp/GlobalOpMessagesInfo.xsd"} <= set(names)


def test_a_file_that_is_not_in_the_tree_is_none() -> None:
    publication = Publication(load("2.5.1"))
    for name in ("", "Reseller", "Reseller/Common.xsd", "../voipnowservice.wsdl", "reseller/Reseller.wsdl"):
        assert publication.document(name, "2.5.1", ADDRESS) is None


def test_the_former_root_is_answered_like_the_root() -> None:
    assert document(FORMER_ROOT) == document(ROOT)
    assert FORMER_ROOT not in Publication(load("2.5.1")).names()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_location_leads_into_the_tree(version: str, trees: dict[str, Path]) -> None:
    names = Publication(load(version)).names()
    for name in names:
        folder = (trees[version] / name).parent
        for location in locations((trees[version] / name).read_text()):
            target = (folder / location).resolve().relative_to(trees[version].resolve())
            assert str(PurePosixPath(target)) in names


def test_imports_are_absolute_when_the_wsdl_is_fetched_from_elsewhere() -> None:
    base = "https://old.example/soap2/schema/2.5.1"
    found = locations(document("Reseller/Reseller.wsdl", base=base))
    assert sorted(found) == [f"{base}/HeaderData.xsd", f"{base}/Reseller/ResellerMessages.xsd"]
    assert locations(document("Reseller/Reseller.wsdl", base=base + "/")) == found


def test_the_text_keeps_a_form_that_scripts_can_edit() -> None:
    assert document(ROOT).splitlines()[-1] == "</definitions>"
    lines = document(ONE_FILE).splitlines()
    assert lines[-1] == "</definitions>"
    addresses = [line.strip() for line in lines if "soap:address" in line]
    assert len(addresses) == 9
    for address in addresses:
        assert re.fullmatch(r'<soap:address location="https://old\.example:443/soap2/\w+\.php"/>', address)


# versions


def test_another_version_replaces_the_own_one_everywhere() -> None:
    publication = Publication(load("2.5.1"))
    for name in publication.names():
        own = document(name)
        other = document(name, "2.5.3")
        assert "2.5.1" not in other
        assert other == own.replace("2.5.1", "2.5.3")


def test_an_odd_soap_action_keeps_its_version() -> None:
    odd = {
        operation.soap_action
        for operation in load("2.5.1").operations.values()
        if "2.5.1" not in operation.soap_action
    }
    assert odd
    for action in odd:
        assert f'soapAction="{action}"' in document(ONE_FILE, "2.5.3")


# libxml2


@pytest.mark.parametrize(("version", "written"), [("2.5.1", None), ("2.5.1", "2.0.3"), ("3.0.0", None)])
def test_the_schemas_compile(version: str, written: str | None) -> None:
    assert isinstance(schema(load(version), written), etree.XMLSchema)


@pytest.mark.clients
@pytest.mark.skipif(not shutil.which("xmllint"), reason="xmllint is not installed")
@pytest.mark.parametrize("version", VERSIONS)
def test_xmllint_compiles_every_schema(version: str, trees: dict[str, Path], tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.xml"
    stranger.write_text("<stranger/>")
    for path in sorted(trees[version].rglob("*.xsd")):
        command = ["xmllint", "--nonet", "--noout", "--schema", str(path), str(stranger)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 3, f"{path.name}: {done.stderr}"
        assert "No matching global declaration" in done.stderr


VALUES = [
    ("<c:ID>123456</c:ID><c:identifier/>", False),
    ("<c:ID>123456</c:ID>", True),
    ("<c:ID>0</c:ID>", False),
    ("<c:identifier>x</c:identifier>", True),
    ("<c:ID/>", False),
    ("<ID>1</ID>", False),
]


@pytest.mark.parametrize(("inner", "valid"), VALUES)
def test_the_judge_tells_valid_from_invalid(inner: str, valid: bool) -> None:
    message = envelope(f'<c:DelClientRequest xmlns:c="{uri("ClientMessages")}">{inner}</c:DelClientRequest>')
    if valid:
        assert_valid(message, load("2.5.1"))
    else:
        with pytest.raises(AssertionError, match=r"not valid in 2\.5\.1"):
            assert_valid(message, load("2.5.1"))


def test_the_judge_looks_at_header_blocks_too() -> None:
    body = f'<c:PingRequest xmlns:c="{uri("PBXMessages")}"/>'
    login = '<h:userCredentials xmlns:h="{}"><h:username>u</h:username>{}</h:userCredentials>'
    password = "<h:password>secret</h:password>"
    assert_valid(envelope(body, login.format(uri("HeaderData"), password)), load("2.5.1"))
    with pytest.raises(AssertionError, match="Missing child"):
        assert_valid(envelope(body, login.format(uri("HeaderData"), "")), load("2.5.1"))


def test_the_judge_knows_other_versions() -> None:
    message = envelope(f'<c:PingRequest xmlns:c="{uri("PBXMessages", "2.5.3")}"/>')
    assert_valid(message, load("2.5.1"), "2.5.3")
    with pytest.raises(AssertionError, match="No matching global declaration"):
        assert_valid(message, load("2.5.1"))


def uri(key: str, version: str | None = None) -> str:
    return load("2.5.1").namespace(key, version)


def envelope(body: str, header: str = "") -> bytes:
    text = f"<e:Header>{header}</e:Header><e:Body>{body}</e:Body>"
    return f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{text}</e:Envelope>'.encode()


# the content: the interface and the published schema, walked apart and compared


def described(interface: Interface, decl: ElementDecl) -> Iterator[str]:
    never: list[str] = []
    for path, found in paths(decl):
        if isinstance(found, Attribute):
            yield f"{path} {found.default}"
        elif found.max == 0:
            never.append(path)
        elif not any(path.startswith(dead + "/") for dead in never):
            most = "unbounded" if found.max is None else str(found.max)
            namespace = interface.namespace(found.namespace)
            yield f"{path} {namespace} {found.min}..{most} {str(found.nillable).lower()}"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_path_of_the_interface_is_published_and_no_other(version: str, trees: dict[str, Path]) -> None:
    interface = load(version)
    published = Published(trees[version])
    count = 0
    for name, decl in interface.elements.items():
        root = published.named["element", f"{{{interface.namespace(decl.namespace)}}}{decl.name}"]
        there = sorted(published.paths(root))
        assert there == sorted(described(interface, decl)), name
        count += len(there)
    assert count > 3500


NEVER_SENT = """
<m:AddChannelRequest xmlns:m="{m}" xmlns:d="{d}"><m:type>sip</m:type><m:Dahdi>x</m:Dahdi></m:AddChannelRequest>
"""


def test_what_can_never_be_sent_is_not_published() -> None:
    body = NEVER_SENT.strip().format(m=uri("ChannelMessages"), d=uri("ChannelData"))
    with pytest.raises(AssertionError, match="This element is not expected"):
        assert_valid(envelope(body), load("2.5.1"))


def visiting(**types: dict[str, object]) -> Interface:
    """An interface whose types, all of them in `A`, hold an element of `B`."""
    headers = {name: {"type": "xs:string"} for name in ("HeaderData:userCredentials", "HeaderData:serverInfo")}
    held = {
        f"A:{name}": {"content": [{"name": "value", "ns": "B", **particle}]} for name, particle in types.items()
    }
    empty: dict[str, object] = {"services": {}, "simple": {}}
    return build({"version": "1", "namespace": "urn:{name}.xsd:1", "elements": headers, "types": held, **empty})


def test_an_element_used_abroad_is_declared_once() -> None:
    interface = visiting(One={"type": "xs:string", "default": "a"}, Other={"type": "xs:string", "min": 0})
    found = Publication(interface).document("B.xsd", "1", "")
    assert found is not None
    assert found.count(b"<xs:element") == 1
    assert b'<xs:element name="value" type="xs:string"/>' in found


@pytest.mark.parametrize("other", ["xs:integer", {"simple": {"base": "xs:string", "enum": ["a"]}}])
def test_an_element_used_abroad_has_one_type(other: object) -> None:
    with pytest.raises(ValueError, match="B:value is used outside its namespace with 2 different types"):
        Publication(visiting(One={"type": "xs:string"}, Other={"type": other}))


# zeep


def seen_by_zeep(path: Path) -> list[tuple[str, str, str]]:
    return [
        (operation.name, operation.soapaction, port.binding_options["address"])
        for service in zeep.Client(str(path)).wsdl.services.values()
        for port in service.ports.values()
        for operation in port.binding.all().values()
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_zeep_sees_every_operation_in_the_one_file(version: str, trees: dict[str, Path]) -> None:
    seen = seen_by_zeep(trees[version] / ONE_FILE)
    assert len(seen) == COUNTS[version]
    assert set(seen) == expected(load(version))


@pytest.mark.parametrize("service", load("2.5.1").services)
def test_zeep_sees_the_operations_of_each_service(service: str, trees: dict[str, Path]) -> None:
    seen = seen_by_zeep(trees["2.5.1"] / service / f"{service}.wsdl")
    assert len(seen) == len(set(seen))
    assert set(seen) == expected(load("2.5.1"), service)


def test_what_zeep_writes_is_valid(trees: dict[str, Path]) -> None:
    client = zeep.Client(str(trees["2.5.1"] / ONE_FILE))
    login = {"headerPart": {"username": "u", "password": "secret"}}
    message = client.create_message(
        client.bind("ExtensionPort"), "AddExtension", _soapheaders=login, **ADD_EXTENSION
    )
    assert_valid(etree.tostring(message), load("2.5.1"))


ADD_EXTENSION = {"name": "n", "company": "company", "login": "l", "password": "secret", "parentID": "7"}


# PHP

PHP = """
class Client extends SoapClient {
    public array $sent = [];
    function __doRequest($request, $location, $action, $version, $oneWay = false): ?string {
        $this->sent = [$request, $location, $action];
        return '';
    }
}
$functions = [];
foreach (array_slice($argv, 2) as $wsdl) {
    $client = new Client($wsdl, ['cache_wsdl' => WSDL_CACHE_NONE]);
    foreach ($client->__getFunctions() as $function) {
        preg_match('/ (\\w+)\\(/', $function, $found);
        $functions[$wsdl][] = $found[1];
    }
}
$client = new Client($argv[2], ['cache_wsdl' => WSDL_CACHE_NONE]);
$client->AddExtension(json_decode($argv[1], true));
echo json_encode([$functions, $client->sent]);
"""


@pytest.mark.clients
@pytest.mark.skipif(not shutil.which("php"), reason="PHP is not installed")
def test_php_sees_every_operation_and_writes_valid_messages(trees: dict[str, Path]) -> None:
    interface = load("2.5.1")
    wsdl = {name: str(trees["2.5.1"] / name / f"{name}.wsdl") for name in interface.services}
    root, one_file = str(trees["2.5.1"] / ROOT), str(trees["2.5.1"] / ONE_FILE)
    command = ["php", "-r", PHP, "--", json.dumps(ADD_EXTENSION), root, one_file, *wsdl.values()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    functions, (message, location, action) = json.loads(done.stdout)
    for each in (root, one_file):
        assert sorted(functions[each]) == sorted(name for name, _, _ in expected(interface))
    for service, path in wsdl.items():
        assert sorted(functions[path]) == sorted(interface.services[service].operations)
    assert (location, action) == (
        f"{ADDRESS}/soap2/extension_agent.php",
        "http://4psa.com/Extension/2.5.1:addExtensionIn",
    )
    assert_valid(message.encode(), interface)
