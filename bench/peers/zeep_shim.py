"""What one writes with zeep in a day: a server for GetResellerDetails in front of a zeep client of v3.

It reads and writes the old messages with zeep's types of the 2.5 WSDL, checks the password, and writes a line
of log for each call. Calls run in four threads, as zeep waits for the network.

    python -m bench.peers.zeep_shim PORT BACKEND_PORT FOLDER
"""

from __future__ import annotations

import asyncio
import hmac
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

from aiohttp import web
from lxml import etree
from zeep import Client, Settings
from zeep.helpers import serialize_object

LOGINS = {"bench": "bench-pw"}
_SETTINGS = Settings(strict=False, xml_huge_tree=False)
_FIELDS = ("ID", "identifier", "status", "phoneStatus", "cpAccess", "parentIdentifier", "chargingPlan")


class Shim:
    """`handle` answers one old envelope; each thread has a client of its own."""

    def __init__(self, backend: int, folder: Path) -> None:
        self._backend = backend
        self._folder = folder
        self._own = local()
        self._old = Client(str(folder / "old" / "Reseller" / "Reseller.wsdl"), settings=_SETTINGS)
        binding = next(iter(self._old.wsdl.bindings.values()))
        self._operation = binding.get("GetResellerDetails")
        self._log = open(folder / "zeep.log", "a", encoding="utf-8")  # noqa: SIM115  # stays open

    def _client(self) -> Any:
        if not hasattr(self._own, "service"):
            client = Client(
                str(self._folder / "new" / "ServiceProvider" / "ServiceProvider.wsdl"), settings=_SETTINGS
            )
            header = client.get_element(
                next(
                    f"{{{each}}}userCredentials" for each in client.namespaces.values() if "HeaderData" in each
                )
            )
            client.set_default_soapheaders([header(accessToken="0123456789abcdef")])
            name = str(next(iter(client.wsdl.bindings)))
            self._own.service = client.create_service(
                name, f"http://127.0.0.1:{self._backend}/soap2/sp_agent.php"
            )
        return self._own.service

    def handle(self, body: bytes) -> bytes:
        envelope = etree.fromstring(body)
        login = {etree.QName(each).localname: each.text for each in envelope[0][0]}
        if not hmac.compare_digest(LOGINS.get(login["username"] or "", ""), login["password"] or ""):
            raise PermissionError
        request = self._operation.input.deserialize(envelope)
        sent = serialize_object(getattr(request, "body", request))
        answer = self._client().GetServiceProviderDetails(ID=sent["ID"]).body
        fields = {name: getattr(answer, name, None) for name in _FIELDS}
        made = self._operation.output.serialize(
            **{name: value for name, value in fields.items() if value is not None}
        )
        print(json.dumps({"operation": "GetResellerDetails", "caller": login["username"]}), file=self._log)
        return etree.tostring(made.content, xml_declaration=True, encoding="UTF-8")


async def serve(port: int, shim: Shim) -> None:
    pool, loop = ThreadPoolExecutor(4), asyncio.get_running_loop()

    async def call(request: web.Request) -> web.Response:
        answer = await loop.run_in_executor(pool, shim.handle, await request.read())
        return web.Response(body=answer, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/soap2/reseller_agent.php", call)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Shim(int(sys.argv[2]), Path(sys.argv[3]))))
