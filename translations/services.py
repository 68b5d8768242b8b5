"""All services that are declared."""

from __future__ import annotations

from dataclasses import replace

from translations import account, billing, channel, client, report, reseller
from translations.extension import account as extension_account
from translations.extension import service as extension
from translations.globalop import service as globalop
from translations.pbx import service as pbx

_EXTENSION = replace(extension.SERVICE, operations=(*extension.SERVICE.operations, *extension_account.PLANS))

SERVICES = (
    reseller.SERVICE,
    client.SERVICE,
    account.SERVICE,
    billing.SERVICE,
    channel.SERVICE,
    _EXTENSION,
    pbx.SERVICE,
    report.SERVICE,
    globalop.SERVICE,
)
