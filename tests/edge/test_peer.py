"""Who calls is told by the last hop that no trusted proxy is, over all header lines."""

from __future__ import annotations

import ipaddress

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from shim.edge.peer import Peers


class _Transport:
    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("10.0.0.1", 5) if name == "peername" else default


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["203.0.113.9", "nonsense"], "10.0.0.1"),
    ],
)
def test_the_last_hop_that_is_no_proxy_calls(lines: list[str], client: str) -> None:
    headers = CIMultiDict(("X-Forwarded-For", line) for line in lines)
    request = make_mocked_request("POST", "/", headers=headers, transport=_Transport())
    assert Peers(None, (ipaddress.ip_network("10.0.0.0/8"),)).client(request) == client
