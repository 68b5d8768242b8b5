"""The admin listener of a running shim, asked by commands on the same machine."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.edge.settings.admin import Admin


def place(admin: Admin) -> tuple[str, int]:
    """Host and port to ask; where it listens on every address, this machine's own."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(admin.host, admin.host), admin.port  # noqa: S104


def trust(admin: Admin) -> ssl.SSLContext | None:
    """A context that trusts the certificate that is configured, whoever signed it; None without TLS."""
    if admin.tls_cert is None:
        return None
    context = ssl.create_default_context(cafile=str(admin.tls_cert))
    context.check_hostname = False  # it is asked at its address, and must have the one certificate
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
