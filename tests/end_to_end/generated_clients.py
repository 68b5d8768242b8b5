"""Clients whose bindings are generated from the WSDL of all nine services: built once, then run as programs.

Each leads the life of a phone line and prints a fact a line: `name=value`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).parent / "clients"
JARS = Path("/usr/share/java")
RUNTIME = (
    "FastInfoset", "gmbal", "istack-commons-runtime", "javax.activation", "jaxb-api", "jaxb-core", "jaxb-impl",
    "jaxb-runtime", "jaxws-api", "jaxws-rt", "jws-api", "metro-policy", "mimepull", "saaj-impl", "stax-ex",
    "stax2-api", "streambuffer", "txw2", "woodstox-core",
)  # fmt: skip
"""What JAX-WS needs at run time, as Debian names it."""


@dataclass(frozen=True, slots=True)
class Program:
    """A client that was built. It takes the login of the line that it is to add as its last argument."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def facts(self, tag: str) -> dict[str, str]:
        """What it made of the answers."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            [*self.command, tag], capture_output=True, text=True, env=environment, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(line.split("=", 1) for line in done.stdout.splitlines())


def jaxws(root: str, folder: Path) -> Program:
    """wsimport; headers become parameters of every method. `-extension`, for both headers share a part name."""
    sources, classes = folder / "src", folder / "classes"
    sources.mkdir()
    classes.mkdir()
    run(
        "wsimport",
        "-quiet",
        "-extension",
        "-XadditionalHeaders",
        "-Xnocompile",
        "-keep",
        "-s",
        str(sources),
        root,
    )
    jars = ":".join(str(JARS / f"{name}.jar") for name in RUNTIME)
    files = [str(each) for each in sources.rglob("*.java")]
    line = str(SOURCES / "java" / "Line.java")
    run("javac", "-nowarn", "-proc:none", "-cp", jars, "-d", str(classes), *files, line)
    return Program(["java", "-cp", f"{jars}:{classes}", "Line"])


def gsoap(root: str, folder: Path) -> Program:
    """wsdl2h and soapcpp2, then a strict program: what the schema does not allow is an error on both sides."""
    types = str(SOURCES / "gsoap" / "typemap.dat")
    run("wsdl2h", "-O4", "-P", "-c++11", "-t", types, "-Nat", "-o", "shim.h", root, cwd=folder)
    imports = "-I/usr/share/gsoap/import"
    run("soapcpp2", "-j", "-C", "-CL", "-w", "-x", imports, "-c++11", "shim.h", cwd=folder)
    files = [SOURCES / "gsoap" / "line.cpp", *sorted(folder.glob("soap*.cpp"), key=_size, reverse=True)]
    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(lambda each: _compiled(each, folder), files))
    run("g++", "-o", "line", *objects, "-lgsoap++", cwd=folder)
    return Program([str(folder / "line")])


def _size(file: Path) -> int:
    return file.stat().st_size


def _compiled(file: Path, folder: Path) -> str:
    made = str(folder / f"{file.stem}.o")
    run("g++", "-O0", "-w", "-std=c++17", "-I.", "-c", str(file), "-o", made, cwd=folder)
    return made


def node(wsdl: str, folder: Path, authority: Path | None = None) -> Program:
    """The `soap` package, which reads the WSDL of each service as it runs. `wsdl` has {service} in it."""
    for name in ("package.json", "package-lock.json", "line.js"):
        shutil.copy(SOURCES / "node" / name, folder)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=folder)
    trusted = {"NODE_EXTRA_CA_CERTS": str(authority)} if authority else {}
    return Program(["node", str(folder / "line.js"), wsdl], trusted)


def run(*command: str, cwd: Path | None = None) -> None:
    """A step of a build; fails with what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=600, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
