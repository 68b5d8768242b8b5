"""A caller of the emulator over real HTTP, who has every answer judged by the published schemas."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application

from shim.core.message import Element
from shim.core.parse import fault_of, parse_answer
from shim.core.serialise import MessageWriter
from shim.emulator.world.refusal import DOCUMENTED
from shim.emulator.world.shape import elements
from shim.emulator.world.world import World
from shim.interfaces.load import new
from tests.support.schemas import assert_valid

Client = TestClient[Any, Application]


class Refused(Exception):
    """The emulator answered with a fault."""

    def __init__(self, code: str | None, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Backend:
    """The emulator as one who calls it sees it, with its world in reach."""

    def __init__(self, world: World, client: Client) -> None:
        self.world = world
        self.http = client
        self.interface = new()

    def token(self, login: str) -> str:
        return self.world.issue_token(f"{login}-key", 3600)

    def envelope(self, name: str, login: str | None, parameters: dict[str, Any]) -> bytes:
        operation = self.interface.by_input[name]
        request = next(elements(name, parameters)) if parameters else Element(name)
        kind = operation.input.complex
        for child in request.children:  # numbers are meant as such: without the attribute they would not count
            inner = kind.slots[child.name].decl.complex if kind else None
            if inner is not None and inner.text is not None and not child.attributes:
                child.attributes = {"unlimited": "false"}
        writer = MessageWriter(self.interface, operation.input, v3=True)
        body, lost = writer.write(request)
        assert not [each for each in lost if each.why != "missing"], lost
        credentials = Element("userCredentials")
        if login is not None:
            credentials.children.append(Element("accessToken", self.token(login)))
        return writer.envelope(body, credentials)

    async def post(self, path: str, data: bytes) -> tuple[int, bytes]:
        async with self.http.post(path, data=data, headers={"Content-Type": "text/xml"}) as response:
            return response.status, await response.read()

    async def call(self, _name: str, _login: str | None = "admin", **parameters: Any) -> Element:
        """The answer's body element. Raises Refused for a fault, which must have a documented code."""
        operation = self.interface.by_input[_name]
        path = self.interface.services[operation.service].endpoint
        status, data = await self.post(path, self.envelope(_name, _login, parameters))
        return self.answer(status, data)

    def answer(self, status: int, data: bytes) -> Element:
        body = parse_answer(data).body
        fault = fault_of(body)
        if fault is not None:
            assert status == 500
            assert body.get("faultcode") in ("SOAP-ENV:Client", "SOAP-ENV:Server")
            code = body.get("detail/code")
            assert code is None or code in DOCUMENTED
            raise Refused(code, fault.text)
        assert status == 200
        assert_valid(data, self.interface, texts_as_sent=True)
        return body

    async def refused(
        self, _code: str | None, _name: str, _login: str | None = "admin", **parameters: Any
    ) -> str:
        """The text of the fault that the call must end with."""
        with pytest.raises(Refused) as caught:
            await self.call(_name, _login, **parameters)
        assert caught.value.code == _code, caught.value.text
        return caught.value.text
