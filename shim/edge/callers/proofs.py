"""Proofs: which credentials were right before, kept over a restart.

They open nothing: whoever shows such credentials is checked all the same, but in the lane of those who are
known, and whatever strangers failed at from the same address. What is kept is a digest with a key that is not
in the store, made of the secret of the integration's v3 app. So a thief of the store alone can try no passwords
on it, and whoever has the configuration has more than the password opens.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Container
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from shim.core.errors import StoreError
from shim.edge.settings.model import Integration
from shim.edge.store.columns import METADATA, WHEN
from shim.edge.store.database import Store, utc

log = structlog.get_logger()

PROOFS = sa.Table(
    "login_proofs",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("integration", sa.Text, nullable=False),
    sa.Column("at", WHEN, nullable=False),
)
MOST = 4096
_DAYS = 30
"""How long a proof is kept; one that is shown again after half of that is kept anew."""
_EVERY = 5.0
"""Seconds between two looks at what other replicas have kept."""
_OVERLAP = timedelta(minutes=5)
"""How far clocks of replicas may be apart without one missing what another keeps."""


def digest_of(integration: Integration, way: str, login: str, secret: str, expected: str) -> str:
    """The digest that stands for credentials of an integration, as hexadecimal digits.

    It is another one as soon as `expected`, the hash in the configuration, is another.
    """
    key = hashlib.sha512(integration.new.app_secret.get_secret_value().encode()).digest()
    digest = hashlib.blake2b(key=key, digest_size=32)
    for part in (integration.name, way, login, secret, expected):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()


class Proofs:
    """The proofs of a store, all in memory. What cannot be written is told and goes without."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, str] = {}
        self._fresh: set[str] = set()
        """Those that need not be kept anew."""
        self._writing: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._seen = datetime.min.replace(tzinfo=UTC) + _OVERLAP
        """When the last proof was kept that a look has found."""

    async def start(self) -> None:
        """Read what is kept, and drop what is too old; where others write too, go on reading what they keep.

        Raises StoreError when the store cannot be read.
        """
        await self.look()
        await self._drop_old()
        if self._store.shared:
            self._looking = asyncio.create_task(self._look_again())

    async def look(self) -> None:
        """Learn what was kept since the last look. Raises StoreError."""
        now = self._store.now()
        since = max(now - timedelta(days=_DAYS), self._seen - _OVERLAP)
        query = sa.select(PROOFS).where(PROOFS.c.at >= since).order_by(PROOFS.c.at.desc()).limit(MOST)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        for row in rows:
            self._known[row.digest] = row.integration
            if utc(row.at) >= now - timedelta(days=_DAYS / 2):
                self._fresh.add(row.digest)
        self._seen = max((utc(row.at) for row in rows), default=self._seen)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.look()
            except StoreError:
                continue  # readiness tells that the store is away

    async def _drop_old(self) -> None:
        old = sa.delete(PROOFS).where(PROOFS.c.at < self._store.now() - timedelta(days=_DAYS))
        try:
            await self._store.write(lambda connection: connection.execute(old))
        except StoreError as error:
            log.warning("old login proofs not dropped", reason=error.reason)

    def knows(self, digest: str) -> bool:
        return digest in self._known

    def right(self, integration: str, digest: str) -> None:
        """These credentials were right; it is written down beside the call."""
        self._known[digest] = integration
        if digest not in self._fresh and len(self._fresh) < MOST:
            self._fresh.add(digest)
            self._begin(self._keep(integration, digest))

    def wrong(self, digest: str) -> None:
        """These credentials are right no more."""
        if digest in self._known:
            del self._known[digest]
            self._fresh.discard(digest)
            self._begin(self._drop(digest))

    def only(self, integrations: Container[str]) -> None:
        """Forget proofs of all other integrations."""
        for digest in [each for each, whose in self._known.items() if whose not in integrations]:
            self.wrong(digest)

    async def close(self) -> None:
        """Wait for what is being written, and look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._writing:
            await asyncio.gather(*self._writing, return_exceptions=True)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _keep(self, integration: str, digest: str) -> None:
        row = {"digest": digest, "integration": integration, "at": self._store.now()}

        def keep(connection: sa.Connection) -> None:
            connection.execute(sa.delete(PROOFS).where(PROOFS.c.digest == digest))
            connection.execute(sa.insert(PROOFS).values(**row))

        try:
            await self._store.write(keep)
        except StoreError as error:
            self._fresh.discard(digest)
            log.warning("login proof not kept", integration=integration, reason=error.reason)

    async def _drop(self, digest: str) -> None:
        try:
            await self._store.write(
                lambda connection: connection.execute(sa.delete(PROOFS).where(PROOFS.c.digest == digest))
            )
        except StoreError as error:
            log.warning("login proof not dropped", reason=error.reason)
