"""Requests that are no POST: the shim's answer beside SoapServer's, decided in the same table."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from contextlib import closing

import pytest
from lxml import etree

from tests.end_to_end.running import Backend, Shim, make_tls, running_shim
from tests.old_server.asking import HERE, Oracle, has_soap, oracle
from tests.old_server.table import differences, undecided

CASES = [case for case in json.loads((HERE / "cases.json").read_text("utf-8")) if case["method"] != "POST"]
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
needs_php = pytest.mark.skipif(
    not has_soap() and not os.environ.get("CI"), reason="there is no php with its SOAP extension"
)


@pytest.fixture(scope="module")
def php(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    with oracle(tmp_path_factory.mktemp("tree")) as running:
        yield running


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    backend = Backend()
    with running_shim(backend.url, make_tls(tmp_path_factory.mktemp("tls"))) as running:
        yield running
    backend.close()


def answered(port: int, case: dict[str, str], headers: dict[str, str]) -> str:
    """What an answer is: nothing, a WSDL with its operations, or a status with a page."""
    message = (HERE / "messages" / case["file"]).read_bytes()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as wire:
        wire.request(case["method"], case["path"], message or None, headers)
        answer = wire.getresponse()
        body = answer.read()
    if not body:
        return f"{answer.status} with nothing"
    if b"<definitions" in body[:300]:
        names = sorted(each.get("name", "") for each in etree.fromstring(body).iter(f"{WSDL}operation"))
        return f"{answer.status} with a WSDL of {' '.join(dict.fromkeys(names))}"
    return f"{answer.status} with a page"


@needs_php
@pytest.mark.slow
def test_no_other_method_is_answered_otherwise_unless_it_is_decided(php: Oracle, shim: Shim) -> None:
    found = []
    for case in CASES:
        sent = {**case["headers"], "X-Service": case["service"]}
        theirs, ours = answered(php.port, case, sent), answered(shim.http, case, case["headers"])
        if theirs != ours:
            found.append((case["id"], "lenient" if ours.startswith("200") else "stricter", f"{theirs}: {ours}"))
    assert undecided(found) == []
    assert {name for name, _, _ in found} == {name for row in differences() for name in row.methods}


@needs_php
@pytest.mark.slow
def test_the_wsdl_is_the_one_of_the_service(php: Oracle, shim: Shim) -> None:
    case = next(each for each in CASES if each["id"] == "http-wsdl")
    told = answered(shim.http, case, {})
    assert "AddClient" in told
    assert told == answered(php.port, case, {"X-Service": "Client"})
