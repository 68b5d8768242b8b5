"""The lines of a YAML file on which its keys stand, for messages; read only when somebody asks."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import yaml

KeyPath = tuple[str | int, ...]
"""Names of mappings and numbers of list items, from the top: `("integrations", 2, "name")`."""


class Lines:
    """The lines of one file; of one that is gone or no YAML, none is known."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, key: KeyPath) -> int | None:
        """The line of a key, or of the deepest part of it that is there, from 1 on; None when there is none."""
        node, line = self._tree, None
        for step in key:
            below = _below(node, step)
            if below is None:
                break
            line, node = below
        return line

    @cached_property
    def _tree(self) -> yaml.Node | None:
        try:
            tree: yaml.Node | None = yaml.compose(self._path.read_text("utf-8"), yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return None
        return tree


def _below(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """(line, node) of a key of a mapping or of an item of a list."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None
