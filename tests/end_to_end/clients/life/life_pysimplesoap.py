"""The life with pysimplesoap, without a WSDL (with one it drops the header). Arguments: address, tag.

Attributes and repeated elements are more than its own marshalling can say: such requests are given as XML.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from pysimplesoap.client import SoapClient, SoapFault
from pysimplesoap.simplexml import SimpleXMLElement

sys.path.insert(0, str(Path(__file__).parent))
from life import live

base, tag = sys.argv[1:3]
LISTS = {"client", "available", "assigned"}


def limit(text: Any, flag: bool) -> str:
    return f' unlimited="{str(flag).lower()}">{text}'


def by_hand(name: str, space: str, fields: dict[str, Any]) -> SimpleXMLElement:
    """The body element as XML."""
    children = []
    for key, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            inner = each if str(each).startswith(" unlimited") else f">{escape(str(each))}"
            children.append(f"<m:{key}{inner}</m:{key}>")
    return SimpleXMLElement(f'<m:{name} xmlns:m="{space}">{"".join(children)}</m:{name}>')


def tree(found: SimpleXMLElement) -> Any:
    """Elements with children as dictionaries, those that repeat as lists."""
    inner = found.children()
    if not inner:
        return found
    made: dict[str, Any] = {}
    for each in inner:
        name = each.get_local_name()
        if name in LISTS:
            made.setdefault(name, []).append(tree(each))
        else:
            made[name] = tree(each)
    return made


def call(user: str, operation: str, fields: dict[str, Any], password: str | None = None) -> Any:
    service, name = operation.split(".")
    space = f"http://4psa.com/{service}Messages.xsd/2.5.1"
    client = SoapClient(
        location=f"{base}/soap2/{service.lower()}_agent.php",
        action="",
        namespace=space,
        ns="m",
        soap_ns="soapenv",
    )
    client["userCredentials"] = {"username": user, "password": password or f"{user}-secret"}
    plain = not any(isinstance(each, list) or str(each).startswith(" unlimited") for each in fields.values())
    try:
        if plain and fields:
            answer = client.call(f"{name}Request", **fields)
        elif plain:
            answer = client.call(f"{name}Request")
        else:
            answer = client.call(f"{name}Request", by_hand(f"{name}Request", space, fields))
    except SoapFault as fault:
        raise RuntimeError(fault.faultstring) from None
    [body] = [each for each in answer.children() if each.get_local_name() == "Body"]
    return tree(body)[f"{name}Response"]


live(tag, call, limit, lambda each: (str(each), each["unlimited"]))
