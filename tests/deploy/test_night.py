"""The commands of the upgrade night: what `deploy/night.sh` walks is there, and a shell can read it."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.deploy.test_alerts import ROOT

SECTION = (
    (ROOT / "docs" / "operating.md")
    .read_text("utf-8")
    .partition("\n## Upgrade night\n")[2]
    .partition("\n## ")[0]
)
BLOCKS = [
    textwrap.dedent(each) for each in re.findall(r"^ *```sh\n(.*?)^ *```$", SECTION, re.MULTILINE | re.DOTALL)
]


def test_a_shell_reads_all_of_it() -> None:
    done = subprocess.run(["bash", "-n"], input="\n".join(BLOCKS), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_goes_from_an_empty_machine_to_the_first_call_and_back() -> None:
    whole = "\n".join(BLOCKS)
    order = (
        *(
            "pip install",
            "shim check --offline",
            "shim integrations import",
            "shim check -c",
            "systemctl enable",
            "shim health",
        ),
        *("shim map verify", "curl -fsS", "shim journal list", "systemctl stop", "mv /var/lib/shim/shim.db"),
    )
    places = [whole.index(each) for each in order]
    assert places == sorted(places)


def test_every_variable_is_set_in_the_first_block() -> None:
    used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", "\n".join(BLOCKS[1:])))
    assert used == set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", BLOCKS[0]))


@pytest.mark.parametrize("script", ["deploy/night.sh", "deploy/container/chroot.sh", ".ci/machine", ".ci/run"])
def test_the_scripts_around_it_are_shell_scripts(script: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


def test_ci_walks_it() -> None:
    assert ".ci/machine" in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    walked = (ROOT / ".ci" / "machine").read_text("utf-8")
    assert "deploy/night.sh" in walked
    assert "deploy/container/chroot.sh" in walked


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"id": "echo 1000"}, "there is no root here"),
        ({"unshare": "exit 1"}, "root may not make namespaces here"),
        ({"unshare": "exit 0", "curl": "exit 6"}, "there is no way to deb.debian.org from here"),
    ],
)
def test_what_is_missing_for_it_is_told_loudly(tmp_path: Path, broken: dict[str, str], why: str) -> None:
    tools = {"id": "echo 0", "debootstrap": "exit 0", "ip": "exit 0", **broken}
    for name, does in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [str(ROOT / ".ci" / "machine")],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert f"UPGRADE NIGHT AND CONTAINER NOT RUN: {why}" in done.stderr
