"""The rows of the client matrix, and the page that is made of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.end_to_end.generated_clients import JARS
from tests.end_to_end.toolkits.built import (
    OF_NODE,
    axis,
    emacs,
    gsoap,
    jaxws,
    kdsoap,
    mono,
    nusoap,
    of_node,
    soap_wsdl,
    tclws,
    wcf,
)
from tests.end_to_end.toolkits.life import QUESTIONS
from tests.end_to_end.toolkits.row import NO_WSDL, PHP, Toolkit, of_perl, of_python, script

LEFT_OUT = (
    "`conduct: {unlimited_absent: unlimited}`, the default, for it leaves out `unlimited` where it is true"
)
KDSOAP_VERSION = "grep -h '^set.PACKAGE_VERSION ' /usr/lib/*/cmake/KDSoap/KDSoapConfigVersion.cmake"
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
        "lists and attributes by `soapval`",
        not_asked=NO_WSDL,
    ),
    Toolkit(
        key="nusoap-wsdl",
        title="PHP NuSOAP with the WSDL",
        version="0.9.5",
        packages="php-cli php-xml libnusoap-php",
        present=[
            "php",
            "-r",
            "print(strstr(file_get_contents('nusoap/nusoap.php', true), '0.9.5') ? '0.9.5' : '');",
        ],
        command=nusoap,
        page="PHP NuSOAP",
        tls="wants the curl extension of PHP",
        adapt="on PHP 8 its constructors, as without a WSDL, and one line that notes imports; a copy in one "
        "flat folder, for imports are looked for beside the first file; arguments below `messagePart`; "
        "`&` and `<` of texts are escaped by hand",
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
        key="soap-wsdl",
        title="Perl SOAP::WSDL",
        version="3.004",
        packages="libsoap-wsdl-perl libio-socket-ssl-perl",
        present=of_perl("SOAP::WSDL", *TLS_OF_PERL),
        command=soap_wsdl,
        page="Perl SOAP::WSDL",
        adapt="a copy in one flat folder: sequences in place of choices, untyped elements are texts, every "
        "name of a type has a prefix; a typemap entry for serverInfo; `attr` for a text with an attribute",
        setting="none; with `faults: {detail: true}` its faults are lost, unless `layout` is `number`",
        hidden_by_detail="text",
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
        setting=LEFT_OUT,
        tls="trusts the machine's authorities alone",
    ),
    Toolkit(
        key="wcf",
        title="Mono WCF, messages and channels",
        version="6.8",
        packages="mono-devel",
        present=["mono", "--version"],
        command=wcf,
        page=".NET WCF",
        adapt="bodies by hand, since Mono's svcutil writes an empty file",
        setting="none; with `faults: {detail: true}` its faults are lost",
        not_asked=NO_WSDL,
        tls="trusts the machine's authorities alone, whatever SSL_CERT_FILE and cert-sync --user say",
        hidden_by_detail="always",
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
        key="gsoap",
        title="C++ gSOAP",
        version="2.8",
        packages="gsoap libgsoap-dev g++ libssl-dev zlib1g-dev",
        present=["soapcpp2", "-V"],
        command=gsoap,
        page="C gSOAP",
        setting=LEFT_OUT,
    ),
    Toolkit(
        key="kdsoap",
        title="C++ KDSoap",
        version="1.9",
        packages="libkdsoap-dev libkdsoap-bin qtbase5-dev g++ pkg-config",
        present=["sh", "-c", f"command -v kdwsdl2cpp moc pkg-config >/dev/null && {KDSOAP_VERSION}"],
        command=kdsoap,
        page="C++ KDSoap",
        adapt="a copy in one flat folder, without -1 in enumerations that have 1: both are `_1` to it",
        misses={"deletes": "one account a call, for a list within a choice is one value to it"},
    ),
    Toolkit(
        key="emacs",
        title="Emacs soap-client.el",
        version="28.2",
        packages="emacs-nox",
        present=["emacs", "-Q", "--batch", "--eval", "(princ emacs-version)"],
        command=emacs,
        page="Emacs soap-client",
        adapt="a copy in one flat folder, for imports are resolved against the last file that was read; in it, "
        "untyped elements are texts, positiveInteger is integer, and enumerations are taken out; the header's "
        "values stand among those of the body; `xsi` is put among the known prefixes, for answers need not "
        "declare it; texts come as bytes",
    ),
    Toolkit(
        key="tclws",
        title="Tcl tclws",
        version="3.0",
        packages="tclws tdom tcl-tls",
        present=["sh", "-c", "echo 'puts [package require WS::Client]; package require tls' | tclsh"],
        command=tclws,
        page="Tcl tclws",
        adapt="a copy in one flat folder, its schemas by `file:`, untyped elements are texts; "
        "`skipLevelOnReply`, and no header in answers; answers of extended types are read as XML "
        "(`DoRawCall`); header and body share one dictionary, so that a new account has `passwordAuto` in "
        "place of a password",
        setting="`conduct: {unlimited_absent: number}`, for it writes no attribute",
        changes={"conduct.unlimited_absent": "number"},
        bare_limits=True,
        misses={"limits": "sets numbers; `unlimited` cannot be said or read, for a text has no attributes"},
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
