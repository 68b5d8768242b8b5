"""Who counts as one caller when connections are counted, and for whom the bound of an address does not hold."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from shim.edge.guard import Connections, owner_of


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("::1", "::1"),
        ("", ""),
        ("no address", ""),
    ],
)
def test_by_what_connections_are_counted(address: str, owner: str) -> None:
    assert owner_of(address) == owner


def test_addresses_of_one_network_of_ipv6_share_the_bound() -> None:
    connections = Connections(most=100, most_each=2, headers=1)
    for number in range(2):
        owner = owner_of(f"2001:db8::{number}")
        assert not connections.too_many(owner)
        connections.open[owner] += 1
    assert connections.too_many(owner_of("2001:db8::ffff"))
    assert not connections.too_many(owner_of("2001:db8:0:1::1"))


@pytest.mark.parametrize("address", ["10.0.0.9", "2001:db8:9::5", "2001:db8:8::1"])
def test_callers_behind_a_trusted_proxy_do_not_share_the_bound_for_an_address(address: str) -> None:
    proxies = (ip_network("10.0.0.0/24"), ip_network("2001:db8:9::/48"), ip_network("2001:db8:8::1/128"))
    connections = Connections(most=100, most_each=2, headers=1, proxies=proxies)
    owner = owner_of(address)
    connections.open[owner] += 50
    assert not connections.too_many(owner)
    stranger = owner_of("192.0.2.7")
    connections.open[stranger] += 2
    assert connections.too_many(stranger)


def test_the_bound_for_all_holds_for_proxies_as_well() -> None:
    connections = Connections(most=0, most_each=2, headers=1, proxies=(ip_network("10.0.0.0/24"),))
    assert connections.too_many(owner_of("10.0.0.9"))
