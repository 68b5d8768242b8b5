"""Programs of the client matrix that have to be built, or installed, before they run: once a session each."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.end_to_end.generated_clients import JARS, SOURCES, run
from tests.end_to_end.generated_clients import RUNTIME as JAXWS_JARS
from tests.end_to_end.toolkits.flat import (
    SERVICES,
    flat_copy,
    for_emacs,
    for_kdsoap,
    for_soap_wsdl,
    for_tclws,
    typed,
)
from tests.end_to_end.toolkits.row import CLIENTS, Place

NODE_MODULES = CLIENTS / "node"
OF_NODE = {
    name: [
        "node",
        "-p",
        f"require({str(NODE_MODULES / 'package-lock.json')!r}).packages['node_modules/{name}'].version",
    ]
    for name in ("soap", "strong-soap")
}


AXIS_JARS = (
    *("axis", "axis-jaxrpc", "axis-saaj", "jaxrpc", "saaj", "wsdl4j"),
    *("commons-discovery", "commons-logging", "javax.mail", "javax.activation"),
)
"""What Axis 1.4 needs, as Debian names it."""


def of_node(name: str) -> Callable[[Place], list[str]]:
    """A program on the packages of `node/`, which npm installs once."""

    def command(place: Place) -> list[str]:
        modules = once(place, "node", installed_by_npm)
        return ["env", f"--chdir={modules}", "node", str(CLIENTS / name)]

    return command


def installed_by_npm(place: Place, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_MODULES / name, folder)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=folder)


def once(place: Place, name: str, build: Callable[[Place, Path], None]) -> Path:
    """The folder of that name, built when it is asked for first."""
    folder = place.folder / name
    if not (folder / ".built").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build(place, folder)
        (folder / ".built").touch()
    return folder


def jaxws(place: Place) -> list[str]:
    """wsimport; the headers become parameters of every method."""
    jars = classpath(*JAXWS_JARS)

    def build(place: Place, folder: Path) -> None:
        sources, classes = folder / "src", folder / "classes"
        sources.mkdir()
        classes.mkdir()
        options = ["-quiet", "-extension", "-XadditionalHeaders", "-Xnocompile", "-keep"]
        run("wsimport", *options, "-s", str(sources), root(place))
        files = [*map(str, sources.rglob("*.java")), str(CLIENTS / "java" / "Jaxws.java")]
        run("javac", "-nowarn", "-proc:none", "-cp", jars, "-d", str(classes), *files)

    classes = once(place, "jaxws", build) / "classes"
    return [*java(place), "-cp", f"{jars}:{classes}", "Jaxws"]


def axis(place: Place) -> list[str]:
    """WSDL2Java of Axis 1.4; its stubs do not know of the header."""
    jars = classpath(*AXIS_JARS)

    def build(place: Place, folder: Path) -> None:
        sources, classes = folder / "src", folder / "classes"
        sources.mkdir()
        classes.mkdir()
        run("java", "-cp", jars, "org.apache.axis.wsdl.WSDL2Java", "-o", str(sources), root(place))
        files = [*map(str, sources.rglob("*.java")), str(CLIENTS / "java" / "AxisLife.java")]
        run("javac", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-cp", jars, "-d", str(classes), *files)

    classes = once(place, "axis", build) / "classes"
    return [*java(place), "-cp", f"{jars}:{classes}", "AxisLife"]


def mono(place: Place) -> list[str]:
    """Proxies that wsdl.exe makes."""

    def build(place: Place, folder: Path) -> None:
        run("wsdl", "-nologo", "-out:Proxies.cs", root(place), cwd=folder)
        sources = ["Proxies.cs", str(CLIENTS / "csharp" / "Life.cs")]
        run("mcs", "-out:life.exe", "-r:System.Web.Services", *sources, cwd=folder)

    return ["mono", str(once(place, "mono", build) / "life.exe")]


def wcf(place: Place) -> list[str]:
    """WCF's channels and messages; there is nothing to generate, for Mono's svcutil writes an empty file."""

    def build(place: Place, folder: Path) -> None:
        parts = [f"-r:System.{each}" for each in ("ServiceModel", "Runtime.Serialization", "Xml.Linq")]
        run("mcs", "-out:life.exe", *parts, str(CLIENTS / "csharp" / "WcfLife.cs"), cwd=folder)

    return ["mono", str(once(place, "wcf", build) / "life.exe")]


def emacs(place: Place) -> list[str]:
    """soap-client.el on a flat copy of the tree."""

    def build(place: Place, folder: Path) -> None:
        flat_copy(place.wsdl, folder, typed, for_emacs)

    copy = once(place, "emacs", build)
    return ["emacs", "-Q", "--batch", "-l", str(CLIENTS / "life.el"), "--", str(copy)]


def soap_wsdl(place: Place) -> list[str]:
    """Classes that wsdl2perl makes of an edited copy; its map lacks the class of the answer's header."""
    server_info = {"serverInfo": "MyElements::serverInfo"}
    for each in ("edition", "version", "infrastructureID"):
        server_info[f"serverInfo/{each}"] = "SOAP::WSDL::XSD::Typelib::Builtin::string"

    def build(place: Place, folder: Path) -> None:
        flat_copy(place.wsdl, folder, typed, for_soap_wsdl)
        pairs = ", ".join(f"'{path}' => '{name}'" for path, name in server_info.items())
        (folder / "more.pl").write_text(f"%typemap = ({pairs});\n")
        for service in SERVICES:
            copy = (folder / f"{service}.wsdl").as_uri()
            run("wsdl2perl", "-b", str(folder), "--typemap_include", str(folder / "more.pl"), copy)

    return ["perl", str(CLIENTS / "soap_wsdl.pl"), str(once(place, "soap-wsdl", build))]


def nusoap(place: Place) -> list[str]:
    """NuSOAP on a flat copy of the tree, which needs no change of its own."""

    def build(place: Place, folder: Path) -> None:
        flat_copy(place.wsdl, folder)

    return ["php", str(CLIENTS / "nusoap.php"), str(once(place, "nusoap", build))]


def tclws(place: Place) -> list[str]:
    """tclws on a flat copy of the tree."""

    def build(place: Place, folder: Path) -> None:
        flat_copy(place.wsdl, folder, typed, for_tclws)

    return ["tclsh", str(CLIENTS / "tclws.tcl"), str(once(place, "tclws", build))]


def gsoap(place: Place) -> list[str]:
    """wsdl2h and soapcpp2 on the WSDL of three services: all nine take a minute to compile."""

    def build(place: Place, folder: Path) -> None:
        tree = f"{place.wsdl}/soap2/schema/latest"
        wsdls = [f"{tree}/{service}/{service}.wsdl" for service in SERVICES]
        types = str(SOURCES / "gsoap" / "typemap.dat")
        run("wsdl2h", "-O4", "-P", "-c++11", "-t", types, "-Nat", "-o", "shim.h", *wsdls, cwd=folder)
        imports = "-I/usr/share/gsoap/import"
        run("soapcpp2", "-j", "-C", "-CL", "-w", "-x", imports, "-c++11", "shim.h", cwd=folder)
        flags = ["-O0", "-w", "-std=c++17", "-I.", "-DWITH_OPENSSL", "-DWITH_GZIP", "-DWITH_COOKIES"]
        proxies = [f"soap{service}Proxy.cpp" for service in SERVICES]
        with ThreadPoolExecutor(2) as pool:
            parts = [["soapC.cpp"], [str(CLIENTS / "cpp" / "gsoap.cpp"), *proxies]]
            for done in [pool.submit(run, "g++", *flags, "-c", *files, cwd=folder) for files in parts]:
                done.result()
        objects = ["soapC.o", "gsoap.o", *(name.replace(".cpp", ".o") for name in proxies)]
        run("g++", "-o", "life", *objects, "-lgsoapssl++", "-lssl", "-lcrypto", "-lz", cwd=folder)

    return [str(once(place, "gsoap", build) / "life")]


def kdsoap(place: Place) -> list[str]:
    """kdwsdl2cpp, Qt's moc and the compiler, on an edited copy of three services."""

    def build(place: Place, folder: Path) -> None:
        flat_copy(place.wsdl, folder, for_kdsoap)
        for service in SERVICES:
            options = ["-namespace", f"{service}NS", f"{service}.wsdl"]
            run("kdwsdl2cpp", "-o", f"wsdl_{service}.h", *options, cwd=folder)
            run("kdwsdl2cpp", "-impl", f"wsdl_{service}.h", "-o", f"wsdl_{service}.cpp", *options, cwd=folder)
            run("moc", f"wsdl_{service}.h", "-o", f"moc_{service}.cpp", cwd=folder)
        qt = ["pkg-config", "--cflags", "--libs", "Qt5Core", "Qt5Network", "Qt5Xml"]
        words = subprocess.run(qt, capture_output=True, text=True, check=True).stdout.split()
        flags = ["-O0", "-w", "-fPIC", "-std=c++17", "-I/usr/include/KDSoapClient", "-I."]
        flags += [word for word in words if not word.startswith("-l")]
        files = [f"{made}_{service}.cpp" for service in reversed(SERVICES) for made in ("wsdl", "moc")]
        halves = [files[:2], [*files[2:], str(CLIENTS / "cpp" / "kdsoap.cpp")]]
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(run, "g++", *flags, "-c", *half, cwd=folder) for half in halves]:
                done.result()
        objects = [str(each) for each in folder.glob("*.o")]
        libraries = ["-lkdsoap", *(word for word in words if word.startswith("-l"))]
        run("g++", "-o", "life", *objects, *libraries, cwd=folder)

    return [str(once(place, "kdsoap", build) / "life")]


def root(place: Place) -> str:
    """The WSDL of all services in one file."""
    return f"{place.wsdl}/soap2/schema/latest/voipnowservice-all.wsdl"


def classpath(*names: str) -> str:
    return ":".join(str(JARS / f"{name}.jar") for name in names)


def java(place: Place) -> list[str]:
    """The JVM, trusting the authority of the test's certificates."""
    if place.authority is None:
        return ["java"]
    store = place.folder / "trusted.p12"
    if not store.exists():
        made = ["-file", str(place.authority), "-keystore", str(store), "-storetype", "PKCS12"]
        run("keytool", "-importcert", "-noprompt", "-alias", "tests", *made, "-storepass", "changeit")
    return ["java", f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
