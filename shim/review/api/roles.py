"""Who may do what: a viewer reads, an editor works on findings and notes, an admin decides over calls.

Laws: what a role may not do is refused by the server, whatever a page shows; what is not known needs an admin.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from shim.edge.settings.admin import ROLES, AdminToken, Role

_EDITORS = re.compile(r"/(findings(/[0-9]+)?|integrations/.+/notes)$")
"""Forms of the page that an editor may send; all others change what becomes of calls."""


def may(role: Role, needed: Role) -> bool:
    """True if a role is enough."""
    return ROLES.index(role) >= ROLES.index(needed)


def highest(roles: Iterable[Role]) -> Role | None:
    """The one that may most; None of none."""
    return max(roles, key=ROLES.index, default=None)


def needed_for(path: str) -> Role:
    """The role that a form of the review page needs, by the path that it is sent to."""
    if path.endswith("/logout") or path == "/review/impact":  # the latter changes nothing
        return "viewer"
    return "editor" if _EDITORS.search(path) else "admin"


def refusal(role: Role, needed: Role) -> str:
    """The sentence for somebody who may not do something."""
    return (
        f"Your role is {role}, and this needs {needed}: nothing was changed. Roles are set in admin.users and "
        "admin.tokens of the configuration."
    )


def token_of(header: str | None, tokens: Iterable[AdminToken]) -> AdminToken | None:
    """Whose token an Authorization header has; all are compared, so that time tells nothing."""
    scheme, _, given = (header or "").partition(" ")
    digest = hashlib.sha256(given.strip().encode("utf-8", "replace")).hexdigest()
    matching = None
    for each in tokens:
        if hmac.compare_digest(each.sha256, digest) and scheme.lower() == "bearer":
            matching = each
    return matching
