"""All services that are declared."""

from __future__ import annotations

from dataclasses import replace

from shim.core.compiled import DeclaredService
from shim.core.interface import Interface
from translations import (
    account,
    billing,
    channel,
    client,
    extension,
    extension_account,
    globalop,
    pbx,
    report,
    reseller,
)
from translations.one_storage import with_one_storage
from translations.person_names import with_person_names

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
