"""All services that are declared."""

from __future__ import annotations

from dataclasses import replace

from shim.core.catalogue.translation import DeclaredService
from shim.core.schema.interface import Interface
from translations import account, billing, channel, client, report, reseller
from translations.extension import account as extension_account
from translations.extension import service as extension
from translations.globalop import service as globalop
from translations.pbx import service as pbx
from translations.shared.one_storage import with_one_storage
from translations.shared.person_names import with_person_names

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


def services(new: Interface) -> tuple[DeclaredService, ...]:
    """All services, as they are declared for a backend with this interface."""
    return tuple(with_one_storage(with_person_names(each, new), new) for each in SERVICES)
