"""Whose the v3 access tokens are that were given through this host, so that native calls can be counted.

Laws: of a token only its SHA-256 is kept, and only until the token ends; counting never delays a call and never
fails one. A token that was fetched elsewhere is nobody's.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from shim.core.errors import Fault
from shim.edge.deprecation.tables import V3_TOKENS
from shim.edge.store.database import Store, utc

log = structlog.get_logger()

UNKNOWN = "(unknown)"
_MOST = 10_000
_LONGEST = 7 * 86_400.0
_LOOK_AGAIN = timedelta(seconds=30)
"""How long a token that nobody knows is not looked up again."""
_PATIENCE = 2.0
"""Seconds that giving out a token may wait for the store."""


class TokenOwners:
    """Names of integrations by token, in memory and in the store, where other replicas find them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    async def remember(self, token: str, integration: str, seconds: float) -> None:
        """A token was given to an integration, for so many seconds."""
        now = self._store.now()
        digest, until = _digest(token), now + timedelta(seconds=min(max(seconds, 0.0), _LONGEST))
        self._keep(digest, integration, until)
        row = {"digest": digest, "integration": integration, "expires_at": until}
        over = sa.or_(V3_TOKENS.c.expires_at < now, V3_TOKENS.c.digest == digest)
        try:
            async with asyncio.timeout(_PATIENCE), self._store.writing() as connection:
                await connection.execute(sa.delete(V3_TOKENS).where(over))
                await connection.execute(sa.insert(V3_TOKENS).values(row))
        except (Fault, TimeoutError) as error:
            log.warning("v3 token's owner not stored", problem=getattr(error, "reason", "store-slow"))

    def known(self, token: str) -> str | None:
        """Whose a token is, by memory alone; None: only the store may know."""
        owner = self._known.get(_digest(token))
        return owner[0] if owner and owner[1] > self._store.now() else None

    async def owner(self, token: str) -> str:
        """Whose a token is, `(unknown)` if nobody's. Never raises."""
        known = self.known(token)
        if known is not None:
            return known
        digest, now = _digest(token), self._store.now()
        query = sa.select(V3_TOKENS).where(V3_TOKENS.c.digest == digest, V3_TOKENS.c.expires_at > now)
        try:
            async with self._store.reading() as connection:
                row = (await connection.execute(query)).one_or_none()
        except Fault as fault:
            log.warning("v3 token's owner not found", problem=fault.reason)
            return UNKNOWN
        if row is None:
            self._keep(digest, UNKNOWN, now + _LOOK_AGAIN)
            return UNKNOWN
        self._keep(digest, row.integration, utc(row.expires_at))
        return str(row.integration)

    def _keep(self, digest: str, integration: str, until: datetime) -> None:
        self._known[digest] = integration, until
        self._known.move_to_end(digest)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
