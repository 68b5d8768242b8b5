"""The life with zeep and the WSDL of each service. Arguments: address, tag."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import requests
import zeep
from zeep.transports import Transport

sys.path.insert(0, str(Path(__file__).parent))
from life import live, said

base, tag = sys.argv[1:3]
session = requests.Session()
session.trust_env = False
session.verify = os.environ.get("SHIM_CA") or True


@cache
def client(service: str) -> zeep.Client:
    return zeep.Client(
        f"{base}/soap2/schema/latest/{service}/{service}.wsdl", transport=Transport(session=session)
    )


def call(user: str, operation: str, fields: dict[str, Any], password: str | None = None) -> Any:
    service, name = operation.split(".")
    header = client(service).get_element("{http://4psa.com/HeaderData.xsd/2.5.1}userCredentials")
    login = header(username=user, password=password or f"{user}-secret")
    answer = client(service).service[name](**fields, _soapheaders=[login])
    return answer["body"] if "header" in answer else answer


said("loads", lambda: "yes" if hasattr(client("Extension").service, "AddExtension") else "no")
live(
    tag,
    call,
    lambda text, flag: {"_value_1": text, "unlimited": flag},
    lambda each: (each["_value_1"], each["unlimited"]),
)
session.close()
