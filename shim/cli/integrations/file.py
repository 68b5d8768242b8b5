"""Takes an integration out of an integrations file; adding is `shim.edge.callers.integrations`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

from shim.cli.common.console import ExitCode, fail


def remove(path: Path, name: str) -> bool:
    """True if the file had the integration. What else stands there stays as it was, comments included."""
    try:
        text = path.read_text("utf-8")
        there = yaml.safe_load(text)
        tree = yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        fail(ExitCode.USAGE, f"{path}: this is no YAML file that can be read ({type(error).__name__}).")
    if not isinstance(there, list) or not isinstance(tree, yaml.SequenceNode):
        return False
    left = [each for each in there if not _is(each, name)]
    if len(left) == len(there):
        return False
    gone = [node for node, each in zip(tree.value, there, strict=True) if _is(each, name)]
    shorter = _without(text, gone)
    _replace(path, shorter if _reads_as(shorter, left) else yaml.safe_dump(left, sort_keys=False))
    return True


def _is(entry: Any, name: str) -> bool:
    return isinstance(entry, dict) and entry.get("name") == name


def _without(text: str, nodes: list[yaml.Node]) -> str:
    """The text without the lines of some items of a block list."""
    lines = text.splitlines(keepends=True)
    for node in reversed(nodes):
        last = node.end_mark.line + (1 if node.end_mark.column else 0)
        del lines[node.start_mark.line : last]
    return "".join(lines) if "".join(lines).strip() else "[]\n"


def _reads_as(text: str, value: list[Any]) -> bool:
    try:
        return (yaml.safe_load(text) or []) == value
    except yaml.YAMLError:
        return False


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all, for its owner's eyes only."""
    path = path.resolve()
    handle, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(fresh).replace(path)
