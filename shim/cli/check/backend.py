"""Questions of `shim check` to the v3 backend: is it there, its version, a token for each integration."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx

from shim.cli.check.assumptions import check_assumptions
from shim.cli.common.console import ExitCode
from shim.cli.common.store_trouble import causes_of
from shim.core.errors import BackendError, BackendLoginRefused
from shim.edge.backend.client import Backend, open_session
from shim.edge.backend.dialect import chosen, listed_versions, not_described, spoken
from shim.edge.backend.tokens import Tokens, open_http
from shim.edge.settings.load import SettingProblem
from shim.edge.settings.model import Config, Integration
from shim.interfaces.load import NEW_VERSION

_AT_ONCE = 8

BackendCheck = tuple[str, ExitCode, str, list[SettingProblem]]
"""(name of the check, exit code of its problems, what was found, problems)"""


async def check_backend(config: Config, where: str) -> AsyncIterator[BackendCheck]:
    """Reachability first; tokens only from a backend that is there."""
    try:
        http = open_http(config.backend)
    except OSError:  # also what SSL raises
        what = "this holds no certificates that can be read"
        problem = SettingProblem(
            f"{where}: backend.ca_file", what, None, "Set a PEM file with your authority's certificate"
        )
        yield "backend", ExitCode.USAGE, "", [problem]
        return
    async with http:
        problem_at_all = await _reach(config, where, http)
        yield (
            "backend",
            ExitCode.BACKEND,
            f"{config.backend.url} answers",
            [problem_at_all] if problem_at_all else [],
        )
        if problem_at_all is None:
            for result in await _logins(config, where, http):
                yield result
            yield await _version(config, where, http)
            async for result in _assumptions(config, where, http):
                yield result


async def _reach(config: Config, where: str, http: httpx.AsyncClient) -> SettingProblem | None:
    """Any answer counts but that of a proxy which finds nobody behind it."""
    place, url = f"{where}: backend.url", config.backend.url
    try:
        answer = await http.get(url + config.backend.token_path)
    except httpx.ConnectTimeout:
        hint = "A firewall may drop the connection, or the host may be another one."
        return SettingProblem(
            place, f"{url} does not take connections in time", hint, "Correct it, or open the way"
        )
    except httpx.ConnectError as error:
        return _not_connected(place, url, error)
    except httpx.TimeoutException:
        return SettingProblem(
            place, f"{url} takes connections and does not answer in time", None, "Look at the backend"
        )
    except httpx.HTTPError as error:
        hint = "The port may speak another protocol: HTTPS for http://, or the reverse."
        what = f"{url} does not speak HTTP ({type(error).__name__})"
        return SettingProblem(place, what, hint, "Correct scheme and port")
    if answer.status_code in (502, 503, 504):
        what = f"{url} answers HTTP {answer.status_code}: what stands before the backend does not reach it"
        return SettingProblem(place, what, None, "Start the backend, or correct the address")
    return None


def _not_connected(place: str, url: str, error: httpx.ConnectError) -> SettingProblem:
    why, causes = str(error), list(causes_of(error))
    if any(isinstance(each, socket.gaierror) for each in causes):
        hint = "It may be misspelt, or this machine asks another name server than you think."
        return SettingProblem(
            place, f"nobody knows the host of {url}", hint, "Correct the host, or the name server"
        )
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        what = f"{url} refuses the connection: the host is there, and nothing listens on that port"
        hint = "The backend may not run, or listen on another port."
        return SettingProblem(place, what, hint, "Start it, or correct the port")
    if "CERTIFICATE_VERIFY_FAILED" in why.upper().replace(" ", "_"):
        hint = "It may be self-signed, or from an authority of your own."
        fix = "Set backend.ca_file to that authority's certificate"
        return SettingProblem(place, f"the certificate of {url} is not trusted", hint, fix)
    if "SSL" in why.upper():
        hint = "The port may speak plain HTTP."
        return SettingProblem(place, f"TLS with {url} fails", hint, "Correct scheme and port")
    hint = "The backend may not run, or the host or port may be another."
    return SettingProblem(place, f"{url} cannot be reached", hint, "Start it, or correct the address")


async def _logins(config: Config, where: str, http: httpx.AsyncClient) -> list[BackendCheck]:
    """A token for every integration that may call; all problems, in order, by whose they are."""
    tokens = Tokens(http, config.backend.url + config.backend.token_path)
    slots = asyncio.Semaphore(_AT_ONCE)
    enabled = [each for each in config.integrations if each.enabled]

    async def one(integration: Integration) -> BackendError | None:
        async with slots:
            try:
                await tokens.token(integration)
            except BackendError as error:
                return error
        return None

    outcomes = await asyncio.gather(*(one(each) for each in enabled))
    await tokens.close()
    failed = [(each, error) for each, error in zip(enabled, outcomes, strict=True) if error]
    refused = [_refused(each, where) for each, error in failed if isinstance(error, BackendLoginRefused)]
    others = [
        SettingProblem(
            f"{where}: backend.token_path", f"for {each.name}: {error.text.rstrip('.')}", None, "See there"
        )
        for each, error in failed
        if not isinstance(error, BackendLoginRefused)
    ]
    sentence = f"{len(enabled) - len(failed)} of {len(enabled)} integrations get one"
    return [
        ("tokens", ExitCode.BACKEND, sentence, others),
        ("logins", ExitCode.LOGIN, "none is refused", refused),
    ]


async def _version(config: Config, where: str, http: httpx.AsyncClient) -> BackendCheck:
    """The version that the backend is spoken to in, and those that it lists.

    Where no version is set and it lists none, 3.0.0 is spoken, which is told. That it does not list the version
    that is set is a problem.
    """
    place = f"{where}: backend.schema_version"
    tokens = Tokens(http, config.backend.url + config.backend.token_path)
    async with open_session(config.backend) as session:
        listed = await listed_versions(Backend(session, tokens, config.backend), config.integrations)
    await tokens.close()
    choice = chosen(listed or ())
    version = config.backend.schema_version
    problems: list[SettingProblem] = []
    if version != "auto":
        if listed and choice is not None and version not in listed:
            what = f"{version} is spoken, and the backend does not list it: it lists {', '.join(listed)}"
            hint = "A server may refuse messages of a version that it does not list."
            problems.append(SettingProblem(place, what, hint, f"Set {choice}, or auto"))
    elif choice is None:
        what = f"the backend does not say which version it speaks: {NEW_VERSION} is assumed"
        hint = "No integration may be able to ask it."
        problems.append(SettingProblem(place, what, hint, "Set the version that it speaks"))
    dialect = spoken(config, (choice or NEW_VERSION) if version == "auto" else version)
    sentence = f"{dialect.version} is spoken"
    if listed:
        sentence += f"; the backend lists {', '.join(listed)}"
    if not_described(dialect):
        sentence += f". It is not described, and has the form of {dialect.described}; see docs/backends.md"
    return "version", ExitCode.BACKEND, sentence, problems


async def _assumptions(config: Config, where: str, http: httpx.AsyncClient) -> AsyncIterator[BackendCheck]:
    """The behaviour of v3 where no source tells, asked with the first integration that gets a token."""
    tokens = Tokens(http, config.backend.url + config.backend.token_path)
    try:
        for integration in config.integrations:
            if not integration.enabled:
                continue
            try:
                await tokens.token(integration)
            except BackendError:
                continue
            async with open_session(config.backend) as session:
                backend = Backend(session, tokens, config.backend)
                async for result in check_assumptions(config, where, backend, integration):
                    yield result
            return
    finally:
        await tokens.close()


def _refused(integration: Integration, where: str) -> SettingProblem:
    what = "the v3 backend refuses this app key or its secret"
    hint = "The secret may have been regenerated, or the app disabled."
    fix = "Set the key and secret that v3 shows for the app, and see that it is enabled"
    return SettingProblem(
        f"{where}: integration {integration.name}: new.app_key, new.app_secret", what, hint, fix
    )
