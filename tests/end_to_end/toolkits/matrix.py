"""Rows of the client matrix: how each toolkit is run, and what is known of it.

`misses` names the questions that a toolkit does not answer, with the reason. A run has to miss exactly those.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.generated_clients import JARS, run
from tests.end_to_end.generated_clients import RUNTIME as JAXWS_JARS
from tests.end_to_end.toolkits.life import QUESTIONS

CLIENTS = Path(__file__).parents[1] / "clients" / "life"
NO_WSDL = frozenset({"loads"})
"""Not asked of who writes messages without a WSDL."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client is built and runs: where the published tree is, a folder that lasts for the session, and
    the authority of the certificates (None without TLS)."""

    wsdl: str
    folder: Path
    authority: Path | None = None

    @property
    def trusted(self) -> dict[str, str]:
        """How the environment tells a client whom to trust."""
        if self.authority is None:
            return {}
        authority = str(self.authority)
        return dict.fromkeys(("SHIM_CA", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), authority)


@dataclass(frozen=True, slots=True)
class Toolkit:
    """A row. `command` gives the program that takes address and tag; `present` is a command that works, and
    prints the version, where the toolkit is installed; `page` is what the review page calls it."""

    key: str
    title: str
    version: str
    packages: str
    present: list[str]
    command: Callable[[Place], list[str]]
    page: str
    adapt: str = "nothing"
    setting: str = "none"
    not_asked: frozenset[str] = frozenset()
    misses: Mapping[str, str] = field(default_factory=dict)
    tls: str = ""
    """Why it is not run over TLS; by default it is, with the authority in SHIM_CA."""

    @property
    def ends(self) -> str:
        """How the row says whether TLS works."""
        return "yes" if not self.tls else f"not run: {self.tls}"

    @property
    def asked(self) -> list[str]:
        return [each for each in QUESTIONS if each not in self.not_asked]


def script(*command: str) -> Callable[[Place], list[str]]:
    """A program that needs no building; words that name a file of `clients/life` become its path."""
    return lambda _: [str(CLIENTS / word) if (CLIENTS / word).is_file() else word for word in command]


def of_python(package: str) -> list[str]:
    """Prints the version of a package of this environment."""
    show = f"from importlib.metadata import version; print(version({package!r}))"
    return [sys.executable, "-c", show]


PHP = ["php", "-r", "class_exists('SoapClient') ? print(PHP_VERSION) : exit(1);"]


def of_perl(module: str, *more: str) -> list[str]:
    """Prints the version of a module of Perl."""
    return ["perl", f"-M{module}", *(f"-M{each}" for each in more), "-e", f"print ${module}::VERSION"]


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


TLS_OF_PERL = ("IO::Socket::SSL", "LWP::Protocol::https")

TOOLKITS = [
    Toolkit(
        key="php",
        title="PHP SoapClient with the WSDL",
        version="8.2",
        packages="php-cli php-soap",
        present=PHP,
        command=script("php", "soapclient.php", "wsdl"),
        page="PHP SoapClient",
    ),
    Toolkit(
        key="php-plain",
        title="PHP SoapClient without a WSDL",
        version="8.2",
        packages="php-cli php-soap",
        present=PHP,
        command=script("php", "soapclient.php", "plain"),
        page="PHP SoapClient without WSDL",
        adapt="attributes are written as raw XML (`XSD_ANYXML`)",
        not_asked=NO_WSDL,
        misses={"limits": "sets them; the attributes of an answer are out of its reach"},
    ),
    Toolkit(
        key="nusoap",
        title="PHP NuSOAP without a WSDL",
        version="0.9.5",
        packages="php-cli php-xml libnusoap-php",
        present=[
            "php",
            "-r",
            "print(strstr(file_get_contents('nusoap/nusoap.php', true), '0.9.5') ? '0.9.5' : '');",
        ],
        command=script("php", "nusoap.php"),
        page="PHP NuSOAP",
        tls="wants the curl extension of PHP",
        adapt="on PHP 8 its constructors, named as in PHP 4, get the name `__construct`; `rpc` and `literal`; "
        "lists and attributes by `soapval`; with the WSDL more of it fails on PHP 8",
        not_asked=NO_WSDL,
    ),
    Toolkit(
        key="lwp",
        title="Perl LWP by hand",
        version="6",
        packages="libwww-perl",
        present=of_perl("LWP", *TLS_OF_PERL),
        command=script("perl", "lwp.pl"),
        page="hand-written",
        not_asked=NO_WSDL,
    ),
    Toolkit(
        key="soap-lite",
        title="Perl SOAP::Lite",
        version="1.27",
        packages="libsoap-lite-perl libio-socket-ssl-perl",
        present=of_perl("SOAP::Lite", *TLS_OF_PERL),
        command=script("perl", "soap_lite.pl"),
        page="Perl SOAP::Lite",
    ),
    Toolkit(
        key="zeep",
        title="Python zeep",
        version="4.3",
        packages="",
        present=of_python("zeep"),
        command=script(sys.executable, "life_zeep.py"),
        page="Python zeep",
    ),
    Toolkit(
        key="suds",
        title="Python suds-community",
        version="1.2",
        packages="",
        present=of_python("suds-community"),
        command=script(sys.executable, "life_suds.py"),
        page="Python suds",
    ),
    Toolkit(
        key="pysimplesoap",
        title="Python pysimplesoap",
        version="1.16",
        packages="python3-pysimplesoap",
        present=["/usr/bin/python3", "-c", "import pysimplesoap; print(pysimplesoap.__version__)"],
        command=script("/usr/bin/python3", "life_pysimplesoap.py"),
        page="Python pysimplesoap",
        adapt="no WSDL (with one it drops the header); the request's name ends with `Request`; XML by hand for "
        "attributes and lists",
        not_asked=NO_WSDL,
    ),
    Toolkit(
        key="node-soap",
        title="JavaScript node-soap",
        version="1.13.0",
        packages="nodejs npm",
        present=OF_NODE["soap"],
        command=of_node("node_soap.js"),
        page="JavaScript node-soap",
    ),
    Toolkit(
        key="strong-soap",
        title="JavaScript strong-soap",
        version="5.0.10",
        packages="nodejs npm",
        present=OF_NODE["strong-soap"],
        command=of_node("strong_soap.js"),
        page="JavaScript strong-soap",
        adapt="the header is given with its QName, not as `{userCredentials: ...}`",
    ),
    Toolkit(
        key="jax-ws",
        title="Java JAX-WS RI (wsimport)",
        version="2.3",
        packages="jaxws default-jdk-headless",
        present=["wsimport", "-version"],
        command=jaxws,
        page="Java JAX-WS",
        adapt="`-extension` beside `-XadditionalHeaders`, for both headers have parts of one name",
    ),
    Toolkit(
        key="axis",
        title="Java Axis 1.4",
        version="1.4",
        packages="libaxis-java default-jdk-headless",
        present=["sh", "-c", f"test -e {JARS}/axis-jaxrpc.jar && readlink -f {JARS}/axis.jar"],
        command=axis,
        page="Java Axis",
        tls="wants the server's name as CN of its certificate",
        adapt="the header by `setHeader`, with the members of the choice that stay empty as empty texts",
        misses={
            "limits": "sets them; an answer with `accountExpire` is a ParseException, since a date with an "
            "attribute is to Axis a text of its locale"
        },
    ),
    Toolkit(
        key="mono-wsdl",
        title="Mono wsdl.exe",
        version="6.8",
        packages="mono-devel",
        present=["mono", "--version"],
        command=mono,
        page=".NET Framework",
        adapt="choices are arrays of items beside arrays of names",
        tls="trusts the machine's authorities alone",
    ),
    Toolkit(
        key="soap4r",
        title="Ruby soap4r",
        version="2.0.5",
        packages="ruby-soap4r",
        present=["ruby", "-e", "gem 'soap4r-ruby1.9'; print Gem.loaded_specs['soap4r-ruby1.9'].version"],
        command=script("ruby", "soap4r.rb"),
        page="Ruby soap4r",
        tls="without the gem httpclient it knows no TLS",
        adapt="one method, so that patterns of the schema are not made a Regexp (`\\p{Nd}` is none to it); "
        "text with an attribute is given as a `SOAPElement`",
    ),
    Toolkit(
        key="lua-soap",
        title="Lua lua-soap",
        version="3.0",
        packages="lua5.1 lua-soap",
        present=["lua5.1", "-e", "io.write(require('soap.client')._VERSION)"],
        command=script("lua5.1", "life.lua"),
        page="Lua lua-soap",
        adapt="prefixes of the answer are cut off; the text of a fault is taken from the raw XML of an error",
        not_asked=NO_WSDL,
        tls="by LuaSec, to which it hands no options: nothing would be verified",
    ),
    Toolkit(
        key="curl",
        title="curl, messages by hand",
        version="7.",
        packages="curl",
        present=["curl", "--version"],
        command=script("sh", "curl.sh"),
        page="hand-written",
        not_asked=NO_WSDL,
    ),
]


def page_of(toolkits: Sequence[Toolkit]) -> str:
    """The table of docs/clients.md, and below it why something is missed."""
    head = ["toolkit", "version", *QUESTIONS.values(), "TLS", "what its integrator has to adapt", "setting"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    notes: list[str] = []
    for each in toolkits:
        cells = [each.title, f"`{each.version.strip()}`"]
        for question in QUESTIONS:
            if question in each.misses:
                notes.append(f"{each.title}, {QUESTIONS[question]}: {each.misses[question]}.")
                cells.append(f"no ({len(notes)})")
            else:
                cells.append("yes" if question in each.asked else "-")
        lines.append("| " + " | ".join([*cells, each.ends, each.adapt, each.setting]) + " |")
    numbered = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*lines, "", *numbered]) + "\n"
