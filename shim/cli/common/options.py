"""Flags that stand for settings, shared by the commands that read a configuration.

Their environment twins are the settings' own variables, which the configuration reads itself: so a bad value
is told with its place, together with all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def _flag(flag: str, key: str, text: str) -> Any:
    variable = "SHIM_" + key.upper().replace(".", "__")
    return typer.Option(flag, help=f"{text}  [env var: {variable}; setting: {key}]", show_default=False)


ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="SHIM_CONFIG", help="Configuration, a YAML file.", metavar="FILE"),
]

SchemaVersion = Annotated[
    str | None,
    typer.Option(
        "--schema-version",
        envvar="SHIM_SCHEMA_VERSION",
        help="Version of v3 to speak of, instead of the one configured, or 3.0.0.",
        metavar="X.Y.Z",
        show_default=False,
    ),
]

Host = Annotated[str | None, _flag("--host", "listen.host", "Address to listen on.")]
PortOption = Annotated[str | None, _flag("--port", "listen.port", "Port for HTTP; 0 takes a free one.")]
TlsPort = Annotated[str | None, _flag("--tls-port", "listen.tls_port", "Port for HTTPS.")]
TlsCert = Annotated[Path | None, _flag("--tls-cert", "listen.tls_cert", "Certificate chain, PEM.")]
TlsKey = Annotated[Path | None, _flag("--tls-key", "listen.tls_key", "Its private key, PEM.")]
PublicUrl = Annotated[str | None, _flag("--public-url", "listen.public_url", "Address that the WSDL gives.")]
AdminHost = Annotated[str | None, _flag("--admin-host", "admin.host", "Address of the admin port.")]
AdminPort = Annotated[str | None, _flag("--admin-port", "admin.port", "The admin port; 0 takes a free one.")]
BackendUrl = Annotated[str | None, _flag("--backend-url", "backend.url", "Address of the v3 system.")]
IntegrationsFile = Annotated[
    Path | None, _flag("--integrations-file", "integrations_file", "YAML list of integrations.")
]
Workers = Annotated[str | None, _flag("--workers", "listen.workers", "Processes that serve, on PostgreSQL.")]
LogLevel = Annotated[str | None, _flag("--log-level", "log.level", "debug, info, warning or error.")]
LogFormatOption = Annotated[str | None, _flag("--log-format", "log.format", "auto, json or console.")]

FLAGS = {
    "host": "listen.host",
    "port": "listen.port",
    "tls_port": "listen.tls_port",
    "tls_cert": "listen.tls_cert",
    "tls_key": "listen.tls_key",
    "public_url": "listen.public_url",
    "admin_host": "admin.host",
    "admin_port": "admin.port",
    "backend_url": "backend.url",
    "integrations_file": "integrations_file",
    "workers": "listen.workers",
    "log_level": "log.level",
    "log_format": "log.format",
}
"""The setting that each flag stands for."""


def overrides(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the flags, by setting. Paths on the command line are relative to the working directory."""
    return {
        key: value.absolute() if isinstance(value, Path) else value
        for name, key in FLAGS.items()
        if (value := flags.get(name)) is not None
    }
