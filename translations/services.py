"""All services that are declared."""

from __future__ import annotations

from dataclasses import replace

from translations import (
    account,
    billing,
    channel,
    client,
    extension,
    extension_account,
    globalop,
    report,
    reseller,
)

_EXTENSION = replace(extension.SERVICE, operations=(*extension.SERVICE.operations, *extension_account.PLANS))

SERVICES = (
    reseller.SERVICE,
    client.SERVICE,
    account.SERVICE,
    billing.SERVICE,
    channel.SERVICE,
    _EXTENSION,
    report.SERVICE,
    globalop.SERVICE,
)
