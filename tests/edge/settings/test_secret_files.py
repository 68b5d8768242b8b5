"""Files with secrets that others may read or change."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.edge.settings.load import load_config
from shim.edge.settings.secret_files import exposed

WITH_SECRETS = """
backend: {url: https://v3.example.com}
store: {url: sqlite:///shim.db}
integrations:
  - name: billing
    old: {username: northwind, password: canary}
    new: {app_key: key, app_secret: {file: app-secret}}
"""
WITHOUT = "backend: {url: https://v3.example.com}\nintegrations_file: integrations.yaml\n"


def write(path: Path, text: str, mode: int) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def told(path: Path) -> list[str]:
    found = exposed(load_config(path, environ={}), path)
    assert "canary" not in "".join(found)
    return [each.partition(":")[0].replace(f"{path.parent}/", "") for each in found]


@pytest.mark.parametrize(
    ("mode", "may"), [(0o644, "read"), (0o604, "read"), (0o620, "changed"), (0o602, "changed")]
)
def test_open_files_are_named_with_their_mode(tmp_path: Path, mode: int, may: str) -> None:
    write(tmp_path / "app-secret", "s", mode)
    write(tmp_path / "shim.db", "", mode)
    path = write(tmp_path / "shim.yaml", WITH_SECRETS, mode)
    assert told(path) == [
        f"app-secret, a secret, may be {may} by others (mode {mode:04o})",
        f"shim.yaml, the configuration, which holds secrets, may be {may} by others (mode {mode:04o})",
        f"shim.db, the store, may be {may} by others (mode {mode:04o})",
    ]


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_files_for_the_owner_and_a_group_that_reads_are_fine(tmp_path: Path, mode: int) -> None:
    write(tmp_path / "app-secret", "s", mode)
    assert told(write(tmp_path / "shim.yaml", WITH_SECRETS, mode)) == []


def test_a_configuration_without_secrets_may_be_read_by_all(tmp_path: Path) -> None:
    entries = (
        "- name: billing\n  old: {username: n, password: canary}\n  new: {app_key: k, app_secret: {env: X}}\n"
    )
    write(tmp_path / "integrations.yaml", entries.replace("{env: X}", "s"), 0o644)
    assert told(write(tmp_path / "shim.yaml", WITHOUT, 0o644)) == [
        "integrations.yaml, the integrations file, which holds secrets, may be read by others (mode 0644)"
    ]
