"""Generators of client code over the tree in the vendor's form: what they make is what old programs look up."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import zeep

from shim.core.schema.wsdl import ONE_FILE, ROOT
from shim.interfaces.load import old
from tests.end_to_end.real_clients.test_real_clients import needed
from tests.support.schemas import write_tree

pytestmark = [pytest.mark.clients]

SERVICES = sorted(old().services)
JARS = Path("/usr/share/java")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    write_tree(old(), folder)
    return folder


def run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=600, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"


def test_jax_ws_makes_services_in_the_namespaces_that_old_java_looks_up(tree: Path, tmp_path: Path) -> None:
    needed("JAX-WS", ["wsimport", "-version"], "jaxws default-jdk-headless")
    for service in ("Client", "Extension"):
        wsdl = str(tree / service / f"{service}.wsdl")
        run("wsimport", "-quiet", "-Xnocompile", "-keep", "-s", str(tmp_path), wsdl)
        made = tmp_path / "com" / "_4psa" / service.lower() / "_2_5"
        text = (made / f"{service}Port.java").read_text()
        assert f'new QName("http://4psa.com/{service}/2.5.1", "{service}Port")' in text
        interface = (made / f"{service}Interface.java").read_text()
        assert 'partName = "messagePart")' in interface
        assert interface.count("@WebMethod") == len(old().services[service].operations)


def test_gsoap_makes_a_proxy_of_each_service_from_the_root_and_one_from_the_one_file(
    tree: Path, tmp_path: Path
) -> None:
    needed("gSOAP", ["soapcpp2", "-V"], "gsoap libgsoap-dev g++")
    for root, proxies in ((ROOT, len(SERVICES)), (ONE_FILE, 1)):
        folder = tmp_path / root
        folder.mkdir()
        run("wsdl2h", "-O4", "-P", "-c++11", "-o", "tree.h", str(tree / root), cwd=folder)
        header = (folder / "tree.h").read_text()
        assert header.count("//gsoap") > 161
        imports = "-I/usr/share/gsoap/import"
        run("soapcpp2", "-j", "-C", "-CL", "-w", "-x", imports, "-c++11", "tree.h", cwd=folder)
        made = sorted(each.name for each in folder.glob("soap*Proxy.h"))
        assert len(made) == proxies, made


def test_axis_makes_a_locator_of_each_service_from_the_root(tree: Path, tmp_path: Path) -> None:
    jars = [JARS / name for name in ("axis.jar", "axis-jaxrpc.jar", "axis-saaj.jar", "wsdl4j.jar")]
    jars += [JARS / name for name in ("commons-discovery.jar", "commons-logging.jar")]
    missing = [each.name for each in jars if not each.exists()]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"Axis is not installed: apt install libaxis-java ({', '.join(missing)})")
    assert not missing
    path = ":".join(str(each) for each in jars)
    # -a: without it Axis makes nothing of what a root imports
    command = [
        "java",
        "-cp",
        path,
        "org.apache.axis.wsdl.WSDL2Java",
        "-a",
        "-o",
        str(tmp_path),
        str(tree / ROOT),
    ]
    run(*command)
    locators = {each.name for each in tmp_path.rglob("*Locator.java")}
    assert locators == {f"{name}PortLocator.java" for name in SERVICES}
    [stub] = [each for each in tmp_path.rglob("*Stub.java") if "Client" in each.parts]
    assert (
        "DelObject delClient(com._4psa.ClientMessages_xsd._2_5_1.DelClientRequest messagePart)"
        in stub.read_text()
    )


def test_zeep_sees_nothing_in_a_root_that_only_imports(tree: Path) -> None:
    """Why the one file stands beside it. When this fails, zeep has learned it and the page may say so."""
    assert not zeep.Client(str(tree / ROOT)).wsdl.services
    assert len(zeep.Client(str(tree / ONE_FILE)).wsdl.services) == len(SERVICES)
