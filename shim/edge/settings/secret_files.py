"""Files with secrets, and whether others than their owner may read or change them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import make_url

from shim.edge.settings.model import Config

_SECRETS = frozenset(
    ("password", "password_hash", "app_secret", "app_secret_hash", "crypted_auth", "client_secret")
)


def exposed(config: Config, path: Path | None) -> list[str]:
    """A sentence for each file that holds secrets and is open to others; `path` is the configuration file.

    Its group may read: that is how a key is shared with a service. A file that is gone is told elsewhere.
    """
    sentences = []
    for file, what in dict(_files(config, path)).items():
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
        except OSError:
            continue
        if mode & 0o027:
            may = "changed" if mode & 0o022 else "read"
            sentences.append(f"{file}, {what}, may be {may} by others (mode {mode:04o}): chmod 600 {file}")
    return sentences


def _files(config: Config, path: Path | None) -> Iterator[tuple[Path, str]]:
    for file, what in ((path, "the configuration"), (config.integrations_file, "the integrations file")):
        if file is not None:
            base = path.parent if path is not None else Path()
            secrets = list(_secrets(_read(file)))
            yield from ((base / each, "a secret") for each in secrets if each is not None)
            if None in secrets:
                yield file, f"{what}, which holds secrets"
    for key in (config.listen.tls_key, config.admin.tls_key):
        if key is not None:
            yield key, "a private key"
    url = make_url(config.store.url.get_secret_value())
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        yield Path(url.database), "the store"


def _read(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _secrets(data: Any, name: str = "") -> Iterator[str | None]:
    """For each secret in a configuration: the file that it is in, or None when it stands there itself."""
    if isinstance(data, dict):
        if list(data) == ["file"] and isinstance(data["file"], str) and name:
            yield data["file"]
            return
        for key, value in data.items():
            yield from _secrets(value, str(key))
    elif isinstance(data, list):
        for each in data:
            yield from _secrets(each, name)
    elif isinstance(data, str) and (name in _SECRETS or (name == "url" and "@" in data and ":" in data[9:])):
        yield None
