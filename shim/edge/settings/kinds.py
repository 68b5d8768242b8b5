"""Kinds of value that settings have: each judges what is given and says what is wrong, never the value."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationInfo,
)

from shim.edge.settings.problems import WrongSettings


def _context(info: ValidationInfo) -> tuple[Path, Mapping[str, str]]:
    context = info.context or {}
    return context.get("base", Path()), context.get("environ", os.environ)


def _beside(value: Any, info: ValidationInfo) -> Any:
    """Paths are relative to the configuration file, whatever sets them."""
    return _context(info)[0] / value if isinstance(value, str | Path) else value


def secret_text(value: Any, info: ValidationInfo) -> Any:
    """The text of `plain`, `{env: NAME}` or `{file: path}`. Raises ValueError without any value in it."""
    base, environ = _context(info)
    if isinstance(value, Mapping) and len(value) == 1:
        [(kind, place)] = value.items()
        if kind == "env":
            value = environ.get(str(place))
            if value is None:
                fix = "Set it where the shim is started: the variables of your shell may not be there"
                raise WrongSettings(f"the environment variable {place} is not set", fix)
        elif kind == "file":
            try:
                value = (base / str(place)).read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "it is not UTF-8"
                fix = "Correct the path, which is relative to this file, or let the shim's user read it"
                raise WrongSettings(f"the file {place} cannot be read ({why})", fix) from None
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str):
        raise ValueError("a secret is a text, {env: NAME} or {file: path}")
    if not value:
        raise ValueError("the secret is empty")
    return value


def _store_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """A relative file of SQLite is beside the configuration file, like every path.

    Raises ValueError for hosts in libpq's form, with commas, which SQLAlchemy reads as a port that is none.
    """
    if "," in re.split("[/?]", value.get_secret_value().partition("://")[2])[0].rpartition("@")[2]:
        raise ValueError("several hosts stand behind the database's name: .../shim?host=a:5432&host=b:5432")
    match = re.fullmatch(r"(sqlite(?:\+[a-z]+)?:///)([^/?:][^?]*)(\?.*)?", value.get_secret_value())
    if match is None or match[2].startswith("file:"):
        return value
    return SecretStr(f"{match[1]}{(_context(info)[0] / match[2]).absolute()}{match[3] or ''}")


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address starts with http:// or https:// and names a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address has no user, password, query or fragment")
    if re.search(r"/(soap2|oauth)(/|$)", parts.path):
        raise ValueError("give the address without /soap2 or /oauth: the shim adds them")
    return value.rstrip("/")


def _argon2(value: str) -> str:
    try:
        extract_parameters(value)
    except InvalidHashError:
        fix = "Let `shim integrations add` or `shim admin password` make it"
        raise WrongSettings("this is no argon2 hash", fix) from None
    return value


def decimal(value: Any) -> Any:
    """YAML reads 1.2 as a number; a version is a text."""
    return str(value) if isinstance(value, float) else value


def digits(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Secret = Annotated[SecretStr, BeforeValidator(secret_text)]
StoreUrl = Annotated[SecretStr, BeforeValidator(secret_text), AfterValidator(_store_url)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PortNumber = Annotated[int, Field(ge=0, le=65535)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
BesideConfig = BeforeValidator(_beside)
Existing = Annotated[FilePath, BesideConfig]
Argon2Hash = Annotated[str, AfterValidator(_argon2)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Version = Annotated[str, Field(pattern=r"^2\.[0-9]+\.[0-9]+$")]
NewVersion = Annotated[str, Field(pattern=r"^(([3-9]|[1-9][0-9])\.[0-9]{1,4}(\.[0-9]{1,4})?|auto)$")]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def doc(text: str) -> Any:
    return Field(description=text)


def hidden(text: str) -> Any:
    return Field(description=text, repr=False)


def is_loopback(host: str) -> bool:
    """True if an address to listen on is for this machine alone; names other than localhost are not."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
