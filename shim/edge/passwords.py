"""Passwords: argon2id hashes, made and checked, off the event loop.

Hashing is the cheapest way to starve the shim. So at most as many checks run at once as there are cores,
the rest queue, and the queue has an end. A check without a hash costs as much as one with a hash, so that
nobody learns from the clock which logins exist.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shim.core.errors import CallerError
from shim.edge.settings import Argon2


class Passwords:
    """Makes and checks hashes. `queue`: checks that may wait for a core."""

    def __init__(self, settings: Argon2 | None = None, queue: int = 256) -> None:
        settings = settings or Argon2()
        cores = os.cpu_count() or 1
        self._hasher = PasswordHasher(settings.iterations, settings.memory, settings.parallelism)
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        self._threads = ThreadPoolExecutor(cores, "argon2")
        self._most = cores + queue
        self._checks = 0

    def hash(self, password: str) -> str:
        """The argon2id hash to store. Blocks for about 30 ms with the default parameters."""
        return self._hasher.hash(_bytes(password))

    async def verify(self, hash: str | None, password: str) -> bool:
        """Whether the hash is the password's; without a hash the same work, and False.

        Raises CallerError (`login-busy`) when too many checks wait.
        """
        if self._checks >= self._most:
            raise CallerError(
                "login-busy", "Too many logins are being checked: try again in a few seconds.", side="Server"
            )
        self._checks += 1
        try:
            loop = asyncio.get_running_loop()
            same = await loop.run_in_executor(self._threads, self._same, hash or self._nobody, password)
        finally:
            self._checks -= 1
        return same and hash is not None

    def _same(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """Drop the checks that wait; those that run end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
