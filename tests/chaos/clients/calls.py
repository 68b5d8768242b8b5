"""Calls with zeep or suds, one for each line of stdin, in the form of tests/chaos/toolkits.py.

Arguments: toolkit, address.
"""

from __future__ import annotations

import os
import ssl
import sys
from functools import cache
from typing import Any
from urllib.request import HTTPSHandler

HEADER = "{http://4psa.com/HeaderData.xsd/2.5.1}userCredentials"
TIMEOUT = 100
toolkit, base = sys.argv[1:3]
authority = os.environ.get("SHIM_CA")


def wsdl(service: str) -> str:
    return f"{base}/soap2/schema/latest/{service}/{service}.wsdl"


def by_zeep() -> Any:
    import requests
    import zeep
    from zeep.transports import Transport

    session = requests.Session()
    session.trust_env = False
    session.verify = authority or True

    @cache
    def client(service: str) -> zeep.Client:
        transport = Transport(session=session, timeout=TIMEOUT, operation_timeout=TIMEOUT)
        return zeep.Client(wsdl(service), transport=transport)

    def made(service: str, name: str, user: str, fields: dict[str, str]) -> Any:
        login = client(service).get_element(HEADER)(username=user, password=f"{user}-secret")
        answer = client(service).service[name](**fields, _soapheaders=[login])
        return answer["body"] if "header" in answer else answer

    return client, made


def by_suds() -> Any:
    from suds.client import Client
    from suds.transport.https import HttpAuthenticated

    class Trusting(HttpAuthenticated):
        """Over TLS, with the authority that the server's certificate is from."""

        def u2handlers(self) -> list[Any]:
            context = ssl.create_default_context(cafile=authority)
            return [*super().u2handlers(), HTTPSHandler(context=context)]

    @cache
    def client(service: str) -> Client:
        return Client(wsdl(service), cache=None, transport=Trusting(timeout=TIMEOUT))

    def made(service: str, name: str, user: str, fields: dict[str, str]) -> Any:
        login = client(service).factory.create(HEADER)
        login.username, login.password = user, f"{user}-secret"
        client(service).set_options(soapheaders=login)
        return getattr(client(service).service, name)(**fields)

    return client, made


def line(text: str) -> None:
    print(" ".join(text.split()), flush=True)


def main() -> None:
    client, made = {"zeep": by_zeep, "suds": by_suds}[toolkit]()
    for service in ("Extension", "Client"):
        client(service)
    line("ready")
    for given in sys.stdin:
        user, operation, wanted, *pairs = given.rstrip("\n").split("\t")
        fields = dict(each.split("=", 1) for each in pairs)
        try:
            answer = made(*operation.split("."), user, fields)
            line(f"={getattr(answer, wanted, '') if wanted else ''}")
        except Exception as problem:  # noqa: BLE001  # whatever a toolkit raises is what its caller sees
            line(f"!{problem or type(problem).__name__}")


if __name__ == "__main__":
    main()
