"""All services that are declared."""

from __future__ import annotations

from translations import client, reseller

SERVICES = (reseller.SERVICE, client.SERVICE)
