"""Passwords: argon2id hashes, made and checked, off the event loop.

Hashing is the cheapest way to starve the shim. So at most as many checks run at once as there are cores,
the rest queue, and the queue has an end. Who proved itself before has a lane of its own, with threads of its
own: however many strangers guess, those that are known wait for each other alone. A check without a hash costs
as much as one with a hash, so that nobody learns from the clock which logins exist.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from shim.core.errors import LoginsBusy
from shim.edge.settings.model import Argon2

_MOST_KNOWN = 4096
"""As many as are remembered: each waits once at most."""
_BUSY_SECONDS = 3


class Passwords:
    """Makes and checks hashes. `queue`: checks that may wait for a core."""

    def __init__(self, settings: Argon2 | None = None, queue: int = 256) -> None:
        settings = settings or Argon2()
        cores = os.cpu_count() or 1
        self._hasher = PasswordHasher(settings.iterations, settings.memory, settings.parallelism)
        self._nobody = _of_nobody(self._hasher)
        self._strangers = _Lane(ThreadPoolExecutor(max(1, cores - 1), "argon2"), cores + queue)
        self._known = _Lane(ThreadPoolExecutor(max(1, cores // 2), "argon2-known"), _MOST_KNOWN)

    def hash(self, password: str) -> str:
        """The argon2id hash to store. Blocks for about 30 ms with the default parameters."""
        return self._hasher.hash(_bytes(password))

    async def verify(self, hash: str | None, password: str, *, known: bool = False) -> bool:
        """True if the hash is the password's; without a hash the same work, and False.

        `known`: these very credentials were right before. Raises LoginsBusy when too many
        checks wait.
        """
        lane = self._known if known else self._strangers
        return await lane.run(self._same, hash or self._nobody, password) and hash is not None

    def _same(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """Drop the checks that wait; those that run end by themselves."""
        for lane in (self._strangers, self._known):
            lane.threads.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class _Lane:
    """Threads that check, and how many checks may wait for one."""

    threads: ThreadPoolExecutor
    most: int
    checks: int = 0

    async def run(self, check: Callable[[str, str], bool], hash: str, password: str) -> bool:
        if self.checks >= self.most:
            busy = LoginsBusy(
                "login-busy", "Too many logins are being checked: try again in a few seconds.", side="Server"
            )
            busy.retry_after = _BUSY_SECONDS
            raise busy
        self.checks += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, check, hash, password)
        finally:
            self.checks -= 1


def _of_nobody(hasher: PasswordHasher) -> str:
    """A hash that is no password's, in the form that `hasher` makes: checked at the same cost, made at none."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (_base64(secrets.token_bytes(length)) for length in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _base64(data: bytes) -> str:
    """As argon2 writes it: without padding."""
    return b64encode(data).decode().rstrip("=")


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
