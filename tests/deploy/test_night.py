"""The commands of the upgrade night: what `deploy/night.sh` walks is there, and a shell can read it."""

from __future__ import annotations

import re
import subprocess
import textwrap

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
        *("pip install", "shim check --offline", "shim check -c", "systemctl enable", "shim health"),
        *("shim map verify", "curl -fsS", "shim journal list", "systemctl stop", "mv /var/lib/shim/shim.db"),
    )
    places = [whole.index(each) for each in order]
    assert places == sorted(places)


def test_every_variable_is_set_in_the_first_block() -> None:
    used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", "\n".join(BLOCKS[1:])))
    assert used == set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", BLOCKS[0]))


def test_the_walker_is_a_shell_script() -> None:
    subprocess.run(["bash", "-n", str(ROOT / "deploy" / "night.sh")], check=True)
