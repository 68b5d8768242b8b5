"""Throttle: slows whoever guesses credentials.

Two counts. A login from an address: some failures are free, then each doubles a delay. An address, whatever
the login: so many failures in a window. An attempt is counted before it is checked and the count is taken
back on success, so that many guesses at once are no way around. An address from which somebody logged in within
that window does not wait as a whole, whatever strangers at the same address do: only its logins do, each by
itself. All tables are bounded; the oldest go first.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from shim.edge.settings.model import LoginSettings

_MOST_ENTRIES = 20_000

V = TypeVar("V")


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Throttle:
    """Keeps the counts. `clock` gives seconds that never go back."""

    settings: LoginSettings
    clock: Callable[[], float]
    _pairs: OrderedDict[Hashable, _Failures] = field(default_factory=OrderedDict)
    _addresses: OrderedDict[Hashable, deque[float]] = field(default_factory=OrderedDict)
    _good: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)

    def wait(self, login: str, address: str) -> float:
        """Seconds until the next attempt may be made; 0 when it may be made now."""
        now, network = self.clock(), _network(address)
        pair = self._pairs.get((login, network))
        delay = pair.until - now if pair else 0.0
        times = self._addresses.get(network)
        if times and len(times) == self.settings.address_failures and not self._is_good(network, now):
            delay = max(delay, times[0] + self.settings.address_window - now)
        return max(delay, 0.0)

    def attempt(self, login: str, address: str) -> None:
        """Count an attempt as a failure until it turns out otherwise."""
        now, network = self.clock(), _network(address)
        pair = _entry(self._pairs, (login, network), _Failures())
        if now - pair.until > self.settings.longest_delay and pair.until:
            pair.count = 0
        pair.count += 1
        pair.until = self._delayed(pair.count, now)
        times = _entry(self._addresses, network, deque[float](maxlen=self.settings.address_failures))
        times.append(now)

    def _delayed(self, count: int, now: float) -> float:
        over = count - self.settings.free_failures
        if over <= 0:
            return now
        delay = self.settings.first_delay * 2.0 ** min(over - 1, 60)
        return now + min(delay, self.settings.longest_delay)

    def succeeded(self, login: str, address: str) -> None:
        """Forget the failures of a login and of its address."""
        network = _network(address)
        self._pairs.pop((login, network), None)
        self._addresses.pop(network, None)
        self.vouch(address)

    def vouch(self, address: str) -> None:
        """Note that somebody was right at an address; failures of its logins stay counted."""
        network = _network(address)
        _entry(self._good, network, 0.0)
        self._good[network] = self.clock()

    def _is_good(self, network: str, now: float) -> bool:
        at = self._good.get(network)
        return at is not None and now - at < self.settings.address_window

    def undone(self, login: str, address: str) -> None:
        """Take back an attempt that was never checked."""
        network = _network(address)
        if pair := self._pairs.get((login, network)):
            pair.count -= 1
            pair.until = min(pair.until, self.clock())
        if times := self._addresses.get(network):
            times.pop()


def _entry(table: OrderedDict[Hashable, V], key: Hashable, fresh: V) -> V:
    """The entry of a key, made the youngest; the oldest goes when there are too many."""
    entry = table.setdefault(key, fresh)
    table.move_to_end(key)
    if len(table) > _MOST_ENTRIES:
        table.popitem(last=False)
    return entry


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """Who counts as one address: an IPv4 address, or an IPv6 /64, which is what one host is given."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
