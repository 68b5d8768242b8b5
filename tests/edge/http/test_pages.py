"""The published tree is made once, whatever callers say who and which version they are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from shim.core.schema.wsdl import Publication
from shim.edge.http.pages import filled_in
from shim.interfaces.load import new, old

ADDRESSES = ("http://h", "https://2.5.1.example:8443", "http://0.version.0", "http://[::1]:8025")


@pytest.mark.parametrize(("interface", "versions"), [(old(), ("2.5.1", "2.1.0")), (new(), ("3.0.0",))])
def test_a_file_that_was_filled_in_is_what_would_have_been_made(interface: Any, versions: Any) -> None:
    tree = Publication(interface)
    filled = filled_in(tree.document)
    for name in (*tree.names(), "nothing.xsd", ""):
        for address in ADDRESSES:
            for version in versions:
                for base in ("", f"{address}/soap2/schema/{version}"):
                    expected = tree.document(name, version, address, base=base)
                    assert filled(name, version, address, base=base) == expected, (name, address, version, base)


def test_callers_have_no_file_made_for_themselves() -> None:
    made: Counter[str] = Counter()

    def make(name: str, version: str, address: str, *, base: str = "") -> bytes:
        made[name] += 1
        return f"{version} {address} {base}".encode()

    filled = filled_in(make)
    for number in range(2_000):
        host, version = f"http://h{number}.example", f"2.{number % 100}.{number // 100}"
        assert filled("a", version, host) == f"{version} {host} ".encode()
        assert filled("b", version, host, base=f"{host}/x/{version}") == (
            f"{version} {host} {host}/x/{version}".encode()
        )
    assert made == {"a": 1, "b": 1}
