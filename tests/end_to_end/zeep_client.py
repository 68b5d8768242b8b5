"""Makes the calls of a scenario with zeep, in this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import requests
import zeep
from zeep.exceptions import Fault
from zeep.helpers import serialize_object
from zeep.transports import Transport

from tests.end_to_end.scenario import Step

Seen = dict[str, Any]


class ZeepClient:
    """Clients for the WSDL of each service; what they are given is kept as it came."""

    def __init__(self, wsdl: dict[str, str], authority: str | None, version: str) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = authority or True
        self._session.hooks["response"].append(self._keep)
        self._raw = b""
        self._header = f"{{http://4psa.com/HeaderData.xsd/{version}}}userCredentials"
        self._clients = {
            service: zeep.Client(url, transport=Transport(session=self._session))
            for service, url in wsdl.items()
        }
        self._saved: dict[str, Any] = {}

    def _keep(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._raw = response.content

    def run(self, steps: Iterable[Step]) -> dict[str, Seen]:
        try:
            return {step.name: self._made(step) for step in steps}
        finally:
            self._session.close()

    def _made(self, step: Step) -> Seen:
        service, operation = step.operation.split(".")
        client = self._clients[service]
        proxy = _bound(client, service)
        username, password = step.login
        header = client.get_element(self._header)(username=username, password=password)
        try:
            answer = proxy[operation](**self._value(step.fields), _soapheaders=[header])
        except Fault as fault:
            return {"faultcode": fault.code, "faultstring": fault.message, "raw": self._raw.decode()}
        plain = serialize_object(answer, dict)
        body = plain["body"] if set(plain) == {"header", "body"} else plain
        if step.save:
            name, _, path = step.save.partition("=")
            found = body
            for inner in (path or "ID").split("/"):
                found = found[inner][0] if isinstance(found[inner], list) else found[inner]
            self._saved[name] = found
        return {"answer": _without_none(body), "raw": self._raw.decode()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict) and "base64" in value:
            return value["base64"].encode()
        if isinstance(value, dict):
            return {_name(name): self._value(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, str) and value.startswith("$"):
            return self._saved[value[1:]]
        return value


def _bound(client: Any, service: str) -> Any:
    """The proxy of a service, at the address that the WSDL gives."""
    [name] = [each for each in client.wsdl.services if each.startswith(service)]
    return client.bind(name)


def _name(name: str) -> str:
    return "_value_1" if name == "#" else name.lstrip("@")


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(inner) for name, inner in value.items() if inner not in (None, [])}
    if isinstance(value, list):
        return [_without_none(each) for each in value]
    return value
