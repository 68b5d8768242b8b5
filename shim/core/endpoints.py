"""Paths of endpoints, as ordinary web servers read them before PHP saw a request."""

from __future__ import annotations

import re
from urllib.parse import unquote

_ESCAPED = re.compile(r"%(2[dDeE]|5[fF]|7[eE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])")
"""Escapes of characters that need none: letters, digits, `-`, `.`, `_`, `~`."""
_BEHIND = re.compile(r"(/soap2/[a-z0-9]{1,20}_agent\.php)/.*", re.DOTALL)


def normal_path(path: str) -> str:
    """A path with single slashes, without dots and needless escapes, and without what follows an endpoint.

    A path that leads out of the tree comes back as it is: it is nothing that is served.
    """
    unescaped = _ESCAPED.sub(lambda match: unquote(match[0]), path)
    parts: list[str] = []
    for part in unescaped.split("/"):
        if part == "..":
            if not parts:
                return path
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    tail = "/" if parts and unescaped.endswith(("/", "/.", "/..")) else ""
    normal = "/" + "/".join(parts) + tail
    match = _BEHIND.fullmatch(normal)
    return match[1] if match else normal
