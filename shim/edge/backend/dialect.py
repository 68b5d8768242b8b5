"""Which version of v3 the backend speaks, as configured or as it says itself.

It is asked once, at start, with the first integration that can log in. Where it does not say, it is spoken to
in the oldest version that is known, with a warning: servers look loosely at namespaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import structlog

from shim.core.aside import finish
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.backend import Call
from shim.core.commands.caller import Caller
from shim.core.errors import BackendError, BackendLoginRefused, BackendRefused
from shim.core.forward import forward
from shim.core.message import Element
from shim.core.rules.work import Work
from shim.edge.backend.client import Backend
from shim.edge.settings.model import Config, Integration
from shim.interfaces.load import NEW_VERSION, Dialect, PersonNames, new, old

log = structlog.get_logger()

_VERSION = re.compile(r"3\.[0-9]{1,4}(\.[0-9]{1,4})?")
_NAMES_SINCE = (3, 5)
"""From this version on, vendor samples send first and last name beside `name`."""


async def find_dialect(config: Config, backend: Backend) -> Dialect:
    """How to speak to the backend, which is told it. Never fails: what cannot be found out is assumed, and
    logged."""
    version: str | None = config.backend.schema_version
    if version == "auto":
        version = await ask_version(backend, config.integrations)
        if version is None:
            log.warning("backend version unknown", assumed=NEW_VERSION, setting="backend.schema_version")
        else:
            log.info("backend version", version=version)
    version = version or NEW_VERSION
    dialect = Dialect(version, person_names(config, version), config.backend.storage_limits)
    backend.control = _naming_nothing(dialect)
    return dialect


def _naming_nothing(dialect: Dialect) -> Call:
    """A small read whose answer depends on the caller alone."""
    interface = new(dialect)
    operation = interface.operations["PBX.GetInterfaceLang"]
    request = Element(operation.input.name)
    asked = forward(Catalogue(old(), interface), Work(request, Caller("")), operation, request, writes=False)
    command = next(asked)
    assert isinstance(command, Call)
    return command


def person_names(config: Config, version: str) -> PersonNames:
    """How the backend has names, as configured, or as its version lets one expect."""
    wanted = config.backend.person_names
    if wanted != "auto":
        return wanted
    return "both" if _numbers(version) >= _NAMES_SINCE else "name"


async def ask_version(backend: Backend, integrations: Iterable[Integration]) -> str | None:
    """The highest 3.x that the backend lists; None when nobody can ask it, or it lists none."""
    for integration in integrations:
        try:
            if integration.enabled:
                return highest(await _versions(backend, integration))
        except (BackendLoginRefused, BackendRefused):
            continue
        except BackendError:
            return None  # it is away: the next one would wait as long
    return None


def highest(versions: Iterable[str]) -> str | None:
    """The highest 3.x among versions."""
    known = [each for each in versions if _VERSION.fullmatch(each)]
    return max(known, key=_numbers, default=None)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split("."))


async def _versions(backend: Backend, integration: Integration) -> list[str]:
    operation = new().operations["PBX.GetSchemaVersions"]
    request = Element(operation.input.name)
    work = Work(request, Caller(integration.name))
    asked = forward(Catalogue(old(), new()), work, operation, request, writes=False)
    command = next(asked)
    assert isinstance(command, Call)
    answer = await backend.forward(command, integration)
    return [(each.text or "").strip() for each in finish(asked, answer).all("versions")]
