"""The life with suds and the WSDL of each service. Arguments: address, tag."""

from __future__ import annotations

import os
import ssl
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler

from suds.client import Client
from suds.transport.https import HttpAuthenticated

sys.path.insert(0, str(Path(__file__).parent))
from life import live, said

base, tag = sys.argv[1:3]


class Trusting(HttpAuthenticated):
    """Over TLS, with the authority that the server's certificate is from."""

    def u2handlers(self) -> list[Any]:
        context = ssl.create_default_context(cafile=os.environ.get("SHIM_CA"))
        return [*super().u2handlers(), HTTPSHandler(context=context)]


@cache
def client(service: str) -> Client:
    return Client(f"{base}/soap2/schema/latest/{service}/{service}.wsdl", cache=None, transport=Trusting())


def call(user: str, operation: str, fields: dict[str, Any], password: str | None = None) -> Any:
    service, name = operation.split(".")
    login = client(service).factory.create("{http://4psa.com/HeaderData.xsd/2.5.1}userCredentials")
    login.username, login.password = user, password or f"{user}-secret"
    client(service).set_options(soapheaders=login)
    made = {key: value(client(service)) if callable(value) else value for key, value in fields.items()}
    return getattr(client(service).service, name)(**made)


def limit(text: Any, flag: bool) -> Any:
    def made(of: Client) -> Any:
        value = of.factory.create("{http://4psa.com/Common.xsd/2.5.1}unlimitedUInt")
        value.value, value._unlimited = text, flag
        return value

    return made


said("loads", lambda: "yes" if "AddExtension" in str(client("Extension")) else "no")
live(tag, call, limit, lambda each: (each.value, each._unlimited))
