"""Which version of v3 the backend is spoken to in, as configured or as it says itself.

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
from shim.core.context import CallContext
from shim.core.errors import BackendError, BackendLoginRefused, BackendRefused
from shim.core.forward import forward
from shim.core.message import Element
from shim.edge.backend.client import Backend
from shim.edge.settings.model import Config, Integration
from shim.interfaces.dialects import OLDEST, known, numbers
from shim.interfaces.load import Dialect, new, old

log = structlog.get_logger()

_VERSION = re.compile(r"([3-9]|[1-9][0-9])\.[0-9]{1,4}(\.[0-9]{1,4})?")


async def find_dialect(config: Config, backend: Backend) -> Dialect:
    """How to speak to the backend, which is told it. Never fails: what is not said is assumed, and logged."""
    version: str | None = config.backend.schema_version
    if version == "auto":
        version = await ask_version(backend, config.integrations)
        if version is None:
            log.warning("backend version unknown", assumed=OLDEST, setting="backend.schema_version")
        else:
            log.info("backend version", version=version)
    dialect = spoken(config, version or OLDEST)
    if caution := not_described(dialect):
        log.warning("backend version not described", version=dialect.version, spoken_as=dialect.described)
        log.info("backend version not described", meaning=caution)
    backend.dialect, backend.control = dialect, _naming_nothing(dialect)
    return dialect


def _naming_nothing(dialect: Dialect) -> Call:
    """A small read whose answer depends on the caller alone."""
    interface = new(dialect)
    operation = interface.operations["PBX.GetInterfaceLang"]
    request = Element(operation.input.name)
    context = CallContext(Catalogue(old(), interface), request, Caller(""))
    message = forward(context, operation, request, writes=False)
    command = next(message)
    assert isinstance(command, Call)
    return command


def spoken(config: Config, version: str) -> Dialect:
    """How a version is spoken with what is configured beside it."""
    backend = config.backend
    header = f"{backend.url}/soap2/schema/latest/HeaderData.xsd" if backend.header_namespace == "latest" else ""
    return Dialect(version, backend.person_names, backend.storage_limits, header)


def assumed(config: Config) -> Dialect:
    """How the backend is spoken to as far as the configuration tells, without asking it."""
    version = config.backend.schema_version
    return spoken(config, OLDEST if version == "auto" else version)


def not_described(dialect: Dialect) -> str:
    """A caution about a version that no description is for, in a sentence; empty where there is one."""
    if numbers(dialect.version) == numbers(dialect.described):
        return ""
    return (
        f"Schema {dialect.version} is not described: it is spoken as {dialect.described}, the nearest below "
        f"({', '.join(known())} are). Try reading a user's permissions before writing any."
    )


async def ask_version(backend: Backend, integrations: Iterable[Integration]) -> str | None:
    """The version to speak by what the backend lists; None when nobody can ask it, or it lists none of v3."""
    return chosen(await listed_versions(backend, integrations) or ())


async def listed_versions(backend: Backend, integrations: Iterable[Integration]) -> list[str] | None:
    """The versions that the backend lists, in its order; None when nobody can ask it.

    It is asked in the oldest version that is known, and in the others where it refuses that without a code.
    """
    for integration in integrations:
        for version in known() if integration.enabled else ():
            try:
                return await _versions(backend, integration, Dialect(version))
            except BackendLoginRefused:
                break
            except BackendRefused as refused:
                if refused.code is not None:
                    break
            except BackendError:
                return None  # it is away: the next one would wait as long
    return None


def chosen(listed: Iterable[str]) -> str | None:
    """The highest version listed that is described; where none is, the highest of v3 at all."""
    there = [each for each in listed if _VERSION.fullmatch(each)]
    described = [each for each in there if each in known()]
    return max(described or there, key=numbers, default=None)


async def _versions(backend: Backend, integration: Integration, dialect: Dialect) -> list[str]:
    operation = new(dialect).operations["PBX.GetSchemaVersions"]
    request = Element(operation.input.name)
    context = CallContext(Catalogue(old(), new(dialect)), request, Caller(integration.name))
    message = forward(context, operation, request, writes=False)
    command = next(message)
    assert isinstance(command, Call)
    answer = await backend.forward(command, integration)
    return [(each.text or "").strip() for each in finish(message, answer).all("versions")]
