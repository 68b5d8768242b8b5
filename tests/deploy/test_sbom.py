"""The list of what the shim is made of, as `make sbom` writes it: all that runs, in the versions that run."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.deploy.test_runtime_lock import ROOT, locked

SBOM = ROOT / "dist" / "sbom.cdx.json"


@pytest.fixture
def sbom() -> dict[str, Any]:
    if not SBOM.exists() and not os.environ.get("CI"):
        pytest.skip("there is no dist/sbom.cdx.json: make sbom")
    found: dict[str, Any] = json.loads(SBOM.read_text("utf-8"))
    return found


def test_all_that_runs_is_in_it_and_nothing_else(sbom: dict[str, Any]) -> None:
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    listed = {each["name"].lower(): each["version"] for each in sbom["components"]}
    assert listed == locked("requirements-runtime.lock")
    assert sbom["metadata"]["component"]["name"] == "systemapi-shim"


def test_each_part_has_an_address_and_hashes(sbom: dict[str, Any]) -> None:
    for each in sbom["components"]:
        assert each["purl"].startswith(f"pkg:pypi/{each['name']}@{each['version']}"), each["name"]
        found = [one for where in each["externalReferences"] for one in where.get("hashes", ())]
        assert any(one["alg"] == "SHA-256" for one in found), each["name"]
