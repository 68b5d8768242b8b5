"""The settings as a table: every key with its default and its sentence, in the order of the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

REQUIRED = "(required)"


class Setting(NamedTuple):
    """A row of the settings table; `default` is `(required)` where there is none."""

    key: str
    default: Any
    doc: str


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """The settings of a model and of its sections; keys of a list's items as `integrations[].name`."""
    for name, info in model.model_fields.items():
        section = _section(info)
        if section is None or (name == "conduct" and prefix):
            yield Setting(prefix + name, _default(info), info.description or "")
        elif get_origin(info.annotation) is tuple:
            yield Setting(prefix + name, [], info.description or "")
            yield from settings_of(section, f"{prefix}{name}[].")
        else:
            yield from settings_of(section, f"{prefix}{name}.")


def _section(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    kind = get_args(kind)[0] if get_args(kind) else kind
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _default(info: FieldInfo) -> Any:
    if info.is_required():
        return REQUIRED
    value = info.default
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {}
    return list(value) if isinstance(value, tuple) else value
