"""The checks behind `shim check`: each tries one thing that `serve` needs, and tells every problem it meets."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any

from cryptography import x509

from shim.cli.check.backend import check_backend
from shim.cli.check.ports import refused, wanted_ports
from shim.cli.check.warnings import cautions
from shim.cli.common.console import ExitCode
from shim.cli.common.store_trouble import trouble
from shim.core.catalogue.build import compile_catalogue, judge_each
from shim.core.errors import DeclarationError, Fault
from shim.edge.backend.dialect import assumed
from shim.edge.deprecation.log import spool_folder
from shim.edge.settings.check_policies import judge_policies
from shim.edge.settings.load import ConfigError, SettingProblem, load_partly
from shim.edge.settings.model import Config
from shim.edge.settings.secret_files import exposed
from shim.edge.store.database import Store
from shim.edge.store.place import StoreMark, mark_path
from shim.edge.telemetry.tracing import judge_telemetry
from shim.edge.workers.place import count_of
from shim.interfaces.load import dialects, new, old
from shim.review.page.auth import PageLoginRefused
from shim.review.page.oidc import Oidc
from translations.services import SERVICES

_SOON = timedelta(days=30)


@dataclass(slots=True)
class CheckResult:
    """The result of a check. `code` is what problems of this kind end the command with."""

    name: str
    detail: str = ""
    problems: list[SettingProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    code: ExitCode = ExitCode.USAGE
    left_out: str = ""
    """Why it was not tried."""


NEEDS = {
    "policies": {"conduct"},
    "TLS files": {"listen", "admin"},
    "traces": {"telemetry"},
    "store": {"store", "deprecation"},
    "ports": {"listen", "admin"},
    "logins of the page": {"admin"},
    "backend": {"backend"},
}
"""The sections of the configuration that a check rests on."""


async def checks(
    path: Path | None, overrides: Mapping[str, Any], *, offline: bool
) -> AsyncIterator[CheckResult]:
    """All checks in turn. One whose sections of the configuration cannot be used is left out, and says so."""
    config, result, wrong = check_configuration(path, overrides)
    yield result
    yield check_translations()
    where = str(path or "settings")
    for name, needs in NEEDS.items():
        if name in ("backend", "logins of the page") and offline:
            continue
        if name == "logins of the page" and (config is None or config.admin.oidc is None):
            continue
        if name == "traces" and (config is None or config.telemetry.otlp_endpoint is None):
            continue
        if config is None or wrong & needs:
            why = "its settings are wrong" if config is not None else "without a configuration"
            yield CheckResult(name, left_out=f"not checked: {why}")
        elif name == "backend":
            async for sentence, code, detail, problems in check_backend(config, where):
                yield CheckResult(sentence, detail, problems, code=code)
        elif name == "store":
            yield await check_store(config, where)
        elif name == "logins of the page":
            yield await check_page_logins(config, where)
        else:
            yield _BY_CONFIG[name](config, where)


def check_configuration(
    path: Path | None, overrides: Mapping[str, Any]
) -> tuple[Config | None, CheckResult, frozenset[str]]:
    """(what can be used of it, what came of it, the sections in which something is wrong)"""
    config, problems, wrong = load_partly(path, overrides)
    if config is None or problems:
        return config, CheckResult("configuration", problems=problems), wrong
    try:
        count_of(config)
    except ConfigError as error:
        return config, CheckResult("configuration", problems=list(error.problems)), wrong
    enabled = sum(each.enabled for each in config.integrations)
    result = CheckResult("configuration", f"{enabled} integrations may call, of {len(config.integrations)}")
    if not enabled:
        result.warnings.append("Nobody may call: add one with `shim integrations add`.")
    result.warnings += [*cautions(config), *exposed(config, path)]
    return config, result, wrong


def check_translations() -> CheckResult:
    try:
        judge_each(old(), [new(each) for each in dialects()], SERVICES)
        compiled = compile_catalogue(old(), new(), SERVICES)
    except DeclarationError as error:
        fix = "This is a defect of the shim, not of the configuration: correct the declaration"
        return CheckResult(
            "translations",
            problems=[SettingProblem("translations", each, None, fix) for each in error.problems],
        )
    return CheckResult(
        "translations", f"{len(compiled.translations)} of {len(compiled.old.operations)} operations"
    )


def check_policies(config: Config, where: str) -> CheckResult:
    """The check that every policy can act somewhere; without usable translations that cannot be told."""
    count = len(config.conduct.policies)
    own = sum(len(each.conduct.policies) - count for each in config.integrations)
    result = CheckResult("policies", f"{count} of all, {own} of single integrations")
    with suppress(DeclarationError):  # check_translations tells of it
        result.problems = judge_policies(
            config, compile_catalogue(old(), new(assumed(config)), SERVICES), where
        )
    return result


def check_tls(config: Config, where: str) -> CheckResult:
    listen = config.listen
    result = CheckResult("TLS files", "none are configured: HTTP only")
    admin = config.admin
    if admin.tls_cert and admin.tls_key and (problem := _pair_problem(admin.tls_cert, admin.tls_key, where)):
        about = problem._replace(where=problem.where.replace("listen.", "admin."))
        result.problems.append(about._replace(fix=about.fix.replace("listen.", "admin.")))
    if listen.tls_cert is None or listen.tls_key is None:
        return result
    if problem := _pair_problem(listen.tls_cert, listen.tls_key, where):
        result.problems.append(problem)
        return result
    ends = x509.load_pem_x509_certificate(listen.tls_cert.read_bytes()).not_valid_after_utc
    now = datetime.now(UTC)
    result.detail = f"certificate and key match, valid until {ends:%Y-%m-%d}"
    if ends < now:
        what = f"the certificate ended on {ends:%Y-%m-%d}"
        fix = "Put a renewed certificate there; clients refuse this one"
        result.problems.append(SettingProblem(f"{where}: listen.tls_cert", what, None, fix))
    elif ends < now + _SOON:
        result.warnings.append(f"The certificate in listen.tls_cert ends on {ends:%Y-%m-%d}: renew it.")
    return result


def _pair_problem(cert: Path, key: Path, where: str) -> SettingProblem | None:
    if problem := _unreadable(cert, key, where):
        return problem
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            what = "this is the key of another certificate"
            hint = "Certificate and key may be from different renewals."
            return SettingProblem(
                f"{where}: listen.tls_key", what, hint, "Set the key that belongs to listen.tls_cert"
            )
        what = "certificate or key is no PEM file that can be read"
        hint = "The two may be swapped, or in DER form."
        return SettingProblem(f"{where}: listen.tls_cert, listen.tls_key", what, hint, "Set two PEM files")
    except (OSError, ValueError) as error:
        what = f"certificate or key cannot be used ({getattr(error, 'strerror', None) or error})"
        fix = "Set two PEM files that the shim may read, the key without a password"
        return SettingProblem(f"{where}: listen.tls_cert, listen.tls_key", what, None, fix)
    return None


def _unreadable(cert: Path, key: Path, where: str) -> SettingProblem | None:
    """The one of the two files that this user may not read."""
    for name, path in (("listen.tls_cert", cert), ("listen.tls_key", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            whose = "the private key" if name.endswith("key") else "the certificate"
            what = f"{whose} in {path} cannot be read ({(error.strerror or 'no access').lower()})"
            hint = "The shim may run as another user than the one who put it there."
            fix = f"Let the user that the shim runs as read it ({getuser()} is who asks now)"
            return SettingProblem(f"{where}: {name}", what, hint, fix)
    return None


def _no_password() -> str:
    raise ValueError("the key has a password")


async def check_store(config: Config, where: str) -> CheckResult:
    result = CheckResult("store", "opens, and is up to date")
    try:
        store = await Store.open(config.store.url, config.store.journal_mode, config.store.busy_timeout)
    except Fault as fault:
        result.problems.append(SettingProblem(f"{where}: store.url", *trouble(fault)))
        return result
    try:
        result.warnings += await store.check()
        mark = StoreMark.read(mark_path(config, store))
        if mark is not None and mark.store != await store.identity():
            what = "this is another store than the one that was served here before"
            hint = "It was deleted or replaced, and would issue IDs again that old clients have."
            fix = "Put the old one, or its backup, back; or start once with `shim serve --new-store`"
            result.problems.append(SettingProblem(f"{where}: store.url", what, hint, fix))
    finally:
        await store.close()
    if not _may_be_made(spool_folder(config)):
        result.warnings.append(
            "The folder for the deprecation log's spool cannot be made or written: set deprecation.spool."
        )
    return result


def _may_be_made(folder: Path) -> bool:
    nearest = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def check_ports(config: Config, where: str) -> CheckResult:
    result = CheckResult("ports", "free")
    for each in wanted_ports(config):
        if why := refused(each):
            hint = "A shim may run here already: then this is no problem (--running)."
            setting = each.setting.partition(" ")[0]
            result.problems.append(
                SettingProblem(f"{where}: {setting}", why, hint, f"Set another {each.setting}")
            )
    return result


def check_traces(config: Config, where: str) -> CheckResult:
    """The check that traces that are wanted can be made; whether a collector takes them is seen in the log."""
    sample = f"of {config.telemetry.sample:.0%} of the calls"
    return CheckResult("traces", f"made {sample}", problems=judge_telemetry(config, where))


async def check_page_logins(config: Config, where: str) -> CheckResult:
    """The check that the provider of admin.oidc answers with metadata and keys that can be used."""
    oidc = Oidc(lambda: config.admin.oidc)
    issuer = config.admin.oidc.issuer if config.admin.oidc else ""
    try:
        await oidc.reach()
    except PageLoginRefused as refused:
        fix = "Look whether the address is the provider's issuer, letter for letter, and whether it answers"
        problem = SettingProblem(f"{where}: admin.oidc.issuer", f"{issuer} cannot be used", refused.why, fix)
        return CheckResult("logins of the page", problems=[problem])
    return CheckResult("logins of the page", f"{issuer} answers")


_BY_CONFIG = {
    "policies": check_policies,
    "TLS files": check_tls,
    "traces": check_traces,
    "ports": check_ports,
}
