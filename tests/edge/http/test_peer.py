"""Who calls is told by the last hop that no trusted proxy is, over all header lines."""

from __future__ import annotations

import ipaddress

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from shim.edge.http.peer import Peers


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


PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        (["for=198.51.100.7"], "198.51.100.7"),
        (["for=203.0.113.9, for=198.51.100.7;proto=https;by=10.0.0.1"], "198.51.100.7"),
        (["for=203.0.113.9", "For=198.51.100.7", "for=10.0.0.2"], "198.51.100.7"),
        (['for="198.51.100.7:4711"'], "198.51.100.7"),
        (['for="[2001:db8::7]:4711";proto=https'], "2001:db8::7"),
        (["for=203.0.113.9, for=_hidden"], "10.0.0.1"),
        (["for=203.0.113.9, for=unknown"], "10.0.0.1"),
        (["for=203.0.113.9, proto=https"], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_forwarded_is_read_from_the_right_where_the_proxies_write_it(lines: list[str], client: str) -> None:
    headers = CIMultiDict([*(("Forwarded", line) for line in lines), ("X-Forwarded-For", "192.0.2.66")])
    request = make_mocked_request("POST", "/", headers=headers, transport=_Transport())
    assert Peers(None, PROXIES, forwarded=True).client(request) == client


def test_the_header_that_the_proxies_do_not_write_is_not_read() -> None:
    headers = CIMultiDict({"Forwarded": "for=192.0.2.66;host=evil.example", "X-Forwarded-For": "198.51.100.7"})
    request = make_mocked_request("POST", "/", headers=headers, transport=_Transport())
    assert Peers(None, PROXIES).client(request) == "198.51.100.7"
    assert "evil" not in Peers(None, PROXIES).base_url(request)


@pytest.mark.parametrize(
    "line",
    [
        "for=198.51.100.7;proto=https;host=voip.example",
        "for=198.51.100.7;proto=https;host=voip.example, for=10.0.0.2;proto=http;host=inner",
        "for=192.0.2.66;proto=http;host=evil.example, for=198.51.100.7;proto=https;host=voip.example",
        "host=evil.example;proto=http, for=_hidden;proto=https;host=voip.example, for=10.0.0.2",
        "for=10.0.0.3;proto=https;host=voip.example, for=10.0.0.2;proto=http;host=inner",
    ],
)
def test_the_address_for_callers_is_that_of_forwarded(line: str) -> None:
    headers = CIMultiDict({"Forwarded": line})
    request = make_mocked_request("POST", "/", headers=headers, transport=_Transport())
    assert Peers(None, PROXIES, forwarded=True).base_url(request) == "https://voip.example"
    assert Peers(None, (), forwarded=True).base_url(request) == "http://localhost"
