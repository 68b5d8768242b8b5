"""Compiles the hot modules of the core with mypyc, when the program is installed or its wheel is built.

A hook of hatchling. Where it cannot be done (no C compiler, no headers of Python), or is switched off with
SHIM_COMPILED=0, the program is installed all the same and runs from its sources; `shim --version` says which,
and why. A wheel without compiled modules fits every machine. Which modules: shim/compiled.py.

    python hatch_build.py      compiles them in place, for a working tree
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
LIBRARY = "shim_core"
"""All compiled modules are one library, `shim_core__mypyc`, so that they call each other directly."""
_LONGEST = 1_200
"""Seconds that compiling may take; half a minute of one core as a rule."""

_COMPILE = """
import sys
from mypyc.build import mypycify
from setuptools import setup
library, temporary, *files = sys.argv[1:]
options = ["--config-file=", "--ignore-missing-imports", f"--cache-dir={temporary}/types", *files]
modules = mypycify(options, opt_level="2", debug_level="0", group_name=library, target_dir=f"{temporary}/c")
setup(name=library, packages=[], py_modules=[], ext_modules=modules, script_args=[
    "--quiet", "build_ext", f"--build-lib={temporary}/made", f"--build-temp={temporary}/objects"])
"""


class NotCompiled(Exception):
    """Why it could not be compiled, in a few words."""


def _about(root: Path) -> ModuleType:
    """shim/compiled.py, without importing the program."""
    spec = importlib.util.spec_from_file_location("_compiled", root / "shim/compiled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _require_tools() -> None:
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        raise NotCompiled(f"no C compiler ({compiler}) when it was installed")
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        raise NotCompiled("no headers of Python when it was installed")
    for needed in ("mypyc", "setuptools"):
        if importlib.util.find_spec(needed) is None:
            raise NotCompiled(f"no {needed} when it was installed")


def compile_core(root: Path, temporary: Path) -> dict[str, Path]:
    """Compile into a temporary folder: made files, by their place below `root`. Raises NotCompiled."""
    about = _about(root)
    if os.environ.get(about.SWITCH) == "0":
        raise NotCompiled(f"it was installed with {about.SWITCH}=0")
    _require_tools()
    (temporary / "source/shim").mkdir(parents=True)
    for name in ("__init__.py", "compiled.py"):
        shutil.copy(root / "shim" / name, temporary / "source/shim")
    shutil.copytree(root / "shim/core", temporary / "source/shim/core", ignore=shutil.ignore_patterns("*.so"))
    files = [f"{name.replace('.', '/')}.py" for name in about.MODULES]
    command = [sys.executable, "-c", _COMPILE, LIBRARY, str(temporary), *files]
    environment = {**os.environ, about.SWITCH: "0"}
    try:
        ran = subprocess.run(  # noqa: S603  # all of it is ours
            command,
            cwd=temporary / "source",
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompiled(f"compiling did not end: {error}") from None
    if ran.returncode != 0:
        print(ran.stdout, ran.stderr, file=sys.stderr)
        raise NotCompiled("compiling failed when it was installed")
    made = temporary / "made"
    return {path.relative_to(made).as_posix(): path for path in made.rglob(f"*{about.suffix()}")}


def _stamp(root: Path, problem: str) -> str:
    about = _about(root)
    made = {"digest": about.digest(root / "shim"), "suffix": about.suffix()}
    return json.dumps({"problem": problem} if problem else made) + "\n"


def compile_in_place(root: Path) -> str:
    """Compile a working tree. What was compiled before goes. Why it could not be; empty if it was."""
    about = _about(root)
    stamp = root / "shim" / about.STAMP
    stamp.unlink(missing_ok=True)
    problem = ""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            made = compile_core(root, Path(temporary))
        except NotCompiled as why:
            made, problem = {}, str(why)
        for old in [*(root / "shim/core").rglob("*.so"), *root.glob(f"{LIBRARY}__mypyc*.so")]:
            old.unlink()  # a process that runs keeps what it has loaded
        for place, path in made.items():
            shutil.copy(path, root / place)
    stamp.write_text(_stamp(root, problem))
    return problem


class CompileHook(BuildHookInterface[Any]):
    """Compiles in place for an editable install, into the wheel for any other."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        in_place = version == "editable"
        problem = compile_in_place(root) if in_place else self._into_wheel(root, build_data)
        if problem:
            self.app.display_warning(f"The core is not compiled and will run slower: {problem}")

    def _into_wheel(self, root: Path, build_data: dict[str, Any]) -> str:
        self._temporary = tempfile.TemporaryDirectory()
        folder = Path(self._temporary.name)
        problem = ""
        try:
            made = compile_core(root, folder)
        except NotCompiled as why:
            made, problem = {}, str(why)
        else:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
        stamp = folder / _about(root).STAMP
        stamp.write_text(_stamp(root, problem))
        included = {str(path): place for place, path in made.items()}
        build_data["force_include"].update({**included, str(stamp): f"shim/{stamp.name}"})
        return problem

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        temporary = getattr(self, "_temporary", None)
        if temporary is not None:
            temporary.cleanup()


if __name__ == "__main__":
    print(compile_in_place(ROOT) or "The core is compiled.")
