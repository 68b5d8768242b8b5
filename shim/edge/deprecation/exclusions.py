"""Who is served and not counted: tools and health checks, by user agent, address or integration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

from shim.edge.settings.deprecation import KeepOut
from shim.edge.settings.model import Integration


class KeptOut:
    """The calls that are kept out of the deprecation log. Cheap to ask: answers are remembered."""

    def __init__(self, settings: KeepOut, integrations: Iterable[Integration]) -> None:
        self._unwatched = frozenset(each.name for each in integrations if not each.watched)
        self._networks = settings.addresses
        self._agents = re.compile("|".join(translate(each) for each in settings.agents), re.IGNORECASE)
        self._by_agent = bool(settings.agents)
        self._address = lru_cache(maxsize=4096)(self._in_networks)

    def __call__(self, integration: str | None, agent: str, address: str) -> bool:
        if integration in self._unwatched:
            return True
        if self._by_agent and self._agents.match(agent) is not None:
            return True
        return bool(self._networks) and self._address(address)

    def _in_networks(self, address: str) -> bool:
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self._networks)
