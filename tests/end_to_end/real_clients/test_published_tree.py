"""The WSDL tree as clients get it: whole, usable offline, and with the address under which it was asked for."""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from shim.interfaces.load import old
from tests.end_to_end.messages import CLIENT
from tests.end_to_end.running import HOST, Shim, StartShim
from tests.end_to_end.wire import Reply, connected, get, http_get

XS = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
ADDRESS = "{http://schemas.xmlsoap.org/wsdl/soap/}address"
ROOT = "voipnowservice.wsdl"
ONE_FILE = "voipnowservice-all.wsdl"
SERVICES = sorted(old().services)


def test_every_old_endpoint_has_its_service() -> None:
    agents = ("reseller", "client", "extension", "account", "billing", "channel", "globalop", "pbx", "report")
    expected = {f"/soap2/{agent}_agent.php" for agent in agents}
    assert {service.endpoint for service in old().services.values()} == expected


def known_files() -> set[str]:
    """The list that a client keeps which downloads the tree file by file, without reading imports."""
    suffixes = (".wsdl", "Data.xsd", "Messages.xsd", "MessagesInfo.xsd")
    each = {f"{service}/{service}{suffix}" for service in SERVICES for suffix in suffixes}
    return {ROOT, ONE_FILE, "Common.xsd", "HeaderData.xsd", *each}


def downloaded(shim: Shim, version: str, folder: Path) -> set[str]:
    """Fetch the known files and follow their imports; what was fetched lies in the folder."""
    to_fetch = list(known_files())
    fetched: set[str] = set()
    with connected(shim.http) as wire:
        while to_fetch:
            name = to_fetch.pop()
            if name in fetched:
                continue
            fetched.add(name)
            reply = wire.exchange(http_get(f"/soap2/schema/{version}/{name}"))
            assert reply.status == 200, name
            assert reply.headers["content-type"].startswith("text/xml")
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(reply.body)
            here = posixpath.dirname(name)
            to_fetch += [posixpath.normpath(posixpath.join(here, each)) for each in imports(reply.body)]
    return fetched


def imports(document: bytes) -> list[str]:
    found = etree.fromstring(document).iter(f"{XS}import", f"{XS}include", f"{WSDL}import")
    return [where for each in found if (where := each.get("schemaLocation") or each.get("location"))]


def whole_schema(folder: Path) -> Path:
    """A schema that imports all others of the folder."""
    whole = etree.Element(f"{XS}schema")
    for path in sorted(folder.rglob("*.xsd")):
        space = str(etree.parse(path).getroot().get("targetNamespace"))
        location = str(path.relative_to(folder))
        etree.SubElement(whole, f"{XS}import", {"namespace": space, "schemaLocation": location})
    path = folder / "all.xsd"
    path.write_bytes(etree.tostring(whole))
    return path


@pytest.mark.parametrize("version", ["2.5.0", "2.5.1", "2.5.3", "2.5.5", "latest"])
def test_the_tree_can_be_downloaded_whole_and_used_offline(shim: Shim, version: str, tmp_path: Path) -> None:
    assert downloaded(shim, version, tmp_path) == known_files()
    spoken = "2.5.1" if version == "latest" else version
    spaces = {etree.parse(path).getroot().get("targetNamespace") for path in tmp_path.rglob("*.*")}
    assert {str(space).rpartition("/")[2] for space in spaces} == {spoken}
    schema = etree.XMLSchema(file=str(whole_schema(tmp_path)))
    call = f'<c:GetClientsRequest xmlns:c="http://4psa.com/ClientMessages.xsd/{spoken}"/>'
    schema.assertValid(etree.fromstring(call))


def test_xmllint_takes_the_downloaded_tree(shim: Shim, tmp_path: Path) -> None:
    xmllint = shutil.which("xmllint")
    if xmllint is None:
        pytest.skip("xmllint is not installed: apt install libxml2-utils")
    downloaded(shim, "latest", tmp_path)
    message = tmp_path / "call.xml"
    message.write_text('<c:GetClientsRequest xmlns:c="http://4psa.com/ClientMessages.xsd/2.5.1"/>')
    schema = whole_schema(tmp_path)
    done = subprocess.run(
        [xmllint, "--nonet", "--noout", "--schema", str(schema), str(message)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (0, f"{message} validates")


def test_the_root_imports_every_service_and_the_one_file_has_every_operation(shim: Shim) -> None:
    root = etree.fromstring(get(shim, f"/soap2/schema/latest/{ROOT}").body)
    assert {each.get("location") for each in root} == {f"{name}/{name}.wsdl" for name in SERVICES}
    whole = etree.fromstring(get(shim, f"/soap2/schema/latest/{ONE_FILE}").body)
    bound = {each.get("name") for each in whole.iterfind(f"{WSDL}binding/{WSDL}operation")}
    assert bound == {operation.name for operation in old().operations.values()}
    assert len(whole.findall(f"{WSDL}service")) == len(SERVICES)


def test_the_root_of_2_0_has_its_former_name_too(shim: Shim) -> None:
    assert get(shim, "/soap2/schema/2.0.6/voipnowcoreservice.wsdl").status == 200


@pytest.mark.parametrize("target", ["?wsdl", "?WSDL", "?wsdl=1", "?singleWsdl=0&wsdl"])
def test_an_endpoint_gives_its_wsdl_with_imports_that_can_be_followed(shim: Shim, target: str) -> None:
    reply = get(shim, CLIENT + target, f"Host: {HOST}:{shim.http}")
    assert reply.headers["content-type"].startswith("text/xml")
    root = etree.fromstring(reply.body)
    base = f"http://{HOST}:{shim.http}"
    assert [each.get("location") for each in root.iter(ADDRESS)] == [base + CLIENT]
    for url in imports(reply.body):
        assert url.startswith(f"{base}/soap2/schema/"), url
        assert get(shim, url.removeprefix(base)).status == 200


@pytest.mark.parametrize("service", SERVICES)
def test_a_browser_on_an_endpoint_sees_what_it_is_and_where_the_wsdl_is(shim: Shim, service: str) -> None:
    endpoint = old().services[service].endpoint
    reply = get(shim, endpoint, "Host: old.example")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/html")
    assert f'href="{endpoint}?wsdl"' in reply.text
    assert "http://old.example/soap2/schema/latest/voipnowservice.wsdl" in reply.text
    assert "http://old.example/soap2/schema/latest/voipnowservice-all.wsdl" in reply.text
    assert next(iter(old().services[service].operations)) in reply.text


@pytest.mark.parametrize(
    "target",
    [
        "/soap2/schema/latest/nothing.xsd",
        "/soap2/schema/1.2/voipnowservice.wsdl",
        "/soap2/schema/2.5.1/../../etc/passwd",
        "/soap2/schema/2.5.1/%2e%2e/%2e%2e/etc/passwd",
        "/soap2/schema/2.5.1'%3Cscript%3E/voipnowservice.wsdl",
        "/soap2/%3Cscript%3Ealert(1)%3C/script%3E",
        "/soap/",
        "/",
    ],
)
def test_anything_else_is_not_found_on_a_page_that_repeats_nothing(shim: Shim, target: str) -> None:
    reply = get(shim, target)
    assert reply.status == 404
    assert "voipnowservice.wsdl" in reply.text
    assert "script>" not in reply.text
    assert "passwd" not in reply.text


# ---- the address ----


def address_of(reply: Reply) -> str:
    """What the WSDL of a service says where it is, without the endpoint's path."""
    [address] = etree.fromstring(reply.body).iter(ADDRESS)
    location = str(address.get("location"))
    assert location.endswith(CLIENT)
    return location.removesuffix(CLIENT)


SERVICE_WSDL = "/soap2/schema/latest/Client/Client.wsdl"
FORWARDED = ("X-Forwarded-Proto: https", "X-Forwarded-Host: old.example", "X-Forwarded-Port: 8443")


def test_the_address_is_the_host_that_the_caller_asked(shim: Shim) -> None:
    assert address_of(get(shim, SERVICE_WSDL, "Host: old.example:81")) == "http://old.example:81"
    assert address_of(get(shim, SERVICE_WSDL, "Host: [2001:db8::1]:81")) == "http://[2001:db8::1]:81"


def test_the_address_is_https_where_the_caller_came_over_tls(shim: Shim) -> None:
    with connected(shim.https, shim.tls.authority) as wire:
        reply = wire.exchange(http_get(SERVICE_WSDL, "Host: old.example"))
    assert address_of(reply) == "https://old.example"


def test_a_host_that_is_none_is_not_repeated(shim: Shim) -> None:
    for host in ('"><script>', "a b", "user@host", "old.example/path", ""):
        assert address_of(get(shim, SERVICE_WSDL, f"Host: {host}")) == f"http://{HOST}:{shim.http}"


def test_a_stranger_cannot_forward(shim: Shim) -> None:
    assert address_of(get(shim, SERVICE_WSDL, "Host: here.example", *FORWARDED)) == "http://here.example"


def test_a_trusted_proxy_says_what_the_caller_asked(start_shim: StartShim) -> None:
    shim = start_shim({"listen.trusted_proxies": ["127.0.0.0/8"]})

    def seen(*lines: str) -> str:
        return address_of(get(shim, SERVICE_WSDL, "Host: inner.example:8080", *lines))

    assert seen() == "http://inner.example:8080"
    assert seen(*FORWARDED) == "https://old.example:8443"
    assert seen("X-Forwarded-Proto: https", "X-Forwarded-Host: old.example, inner.example") == (
        "https://old.example"
    )
    assert seen("X-Forwarded-Proto: https", "X-Forwarded-Host: old.example", "X-Forwarded-Port: 443") == (
        "https://old.example"
    )
    assert seen("X-Forwarded-Host: <script>") == f"http://{HOST}:{shim.http}"


def test_a_configured_public_url_goes_before_everything(start_shim: StartShim) -> None:
    public = "https://soap.example.com:4443"
    shim = start_shim({"listen.public_url": public, "listen.trusted_proxies": ["127.0.0.0/8"]})
    assert address_of(get(shim, SERVICE_WSDL, "Host: here.example", *FORWARDED)) == public
    assert f"{public}/soap2/schema/latest/voipnowservice.wsdl" in get(shim, CLIENT).text
