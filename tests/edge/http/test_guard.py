"""Who counts as one caller when connections are counted, and for whom the bound of an address does not hold."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

import pytest

from shim.edge.http import guard
from shim.edge.http.guard import IDLE, LEAST_READ, Connections, Guard, owner_of


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


# ---- who goes when there is no room ----


class NoSocket:
    """What a transport tells of its socket."""

    def fileno(self) -> int:
        return 0


class Transport(asyncio.Transport):
    """A connection from an address; `unread` is what its client has not read."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 4711), "socket": NoSocket()})
        self.unread = 0
        self.ended = ""

    def get_write_buffer_size(self) -> int:
        return self.unread

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class Wire:
    """A connection to a listener, which makes requests."""

    def __init__(self, connections: Connections, address: str) -> None:
        self.transport = Transport(address)
        self.guard = Guard(asyncio.Protocol(), connections)
        self.guard.connection_made(self.transport)

    def call(self) -> Wire:
        """A request, and its answer."""
        self.guard.data_received(b"POST")
        self.guard.request_started()
        self.guard.request_done()
        return self

    def idle(self, connections: Connections) -> Wire:
        """The same, long ago."""
        self.call()
        connections.idle[self.guard] -= IDLE
        return self


async def test_the_connection_that_is_idle_longest_makes_room_for_a_new_one() -> None:
    connections = Connections(most=3, most_each=3, headers=60)
    busy = Wire(connections, "192.0.2.1")
    oldest = Wire(connections, "192.0.2.2").idle(connections)
    other = Wire(connections, "192.0.2.3").idle(connections)
    new = Wire(connections, "192.0.2.4")
    assert (oldest.transport.ended, other.transport.ended, new.transport.ended) == ("closed", "", "")
    assert connections.count == 3
    oldest.guard.connection_lost(None)
    assert connections.count == 3, "it is counted out once"
    busy.guard.request_started()
    new.guard.request_started()
    Wire(connections, "192.0.2.5")
    assert other.transport.ended == "closed"
    refused = Wire(connections, "192.0.2.6")
    assert refused.transport.ended == "aborted", "none is idle any more"


async def test_an_address_at_its_bound_gives_up_an_idle_connection_of_its_own_and_nobody_elses() -> None:
    connections = Connections(most=100, most_each=1, headers=60)
    other = Wire(connections, "192.0.2.1").idle(connections)
    own = Wire(connections, "192.0.2.2").idle(connections)
    new = Wire(connections, "192.0.2.2")
    assert (other.transport.ended, own.transport.ended, new.transport.ended) == ("", "closed", "")
    assert Wire(connections, "192.0.2.2").transport.ended == "aborted"


async def test_idle_connections_go_for_their_descriptors_the_oldest_first_and_busy_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connections = Connections(most=100, most_each=100, headers=60)
    busy = Wire(connections, "192.0.2.1")
    busy.guard.request_started()
    old, older = (Wire(connections, f"192.0.2.{n}").idle(connections) for n in (3, 2))
    connections.idle[older.guard] -= 60
    connections.idle.move_to_end(older.guard, last=False)
    monkeypatch.setattr(guard, "is_among_the_last", lambda descriptor, part=1: part <= lacking[0])
    lacking = [1]
    last = Wire(connections, "192.0.2.4")
    assert [each.transport.ended for each in (busy, old, older, last)] == ["", "", "closed", ""]
    last.guard.request_started()
    assert connections.shed(5) == 1, "there is one more"
    assert old.transport.ended == "closed"
    assert Wire(connections, "192.0.2.5").transport.ended == "", "none is idle, but half of the last are free"
    lacking[0] = 2
    assert Wire(connections, "192.0.2.6").transport.ended == "aborted"
    lacking[0] = 0
    assert Wire(connections, "192.0.2.7").transport.ended == ""
    assert busy.transport.ended == ""


async def test_a_connection_that_still_writes_is_not_idle() -> None:
    connections = Connections(most=1, most_each=1, headers=60)
    writing = Wire(connections, "192.0.2.1").idle(connections)
    writing.transport.unread = 1
    assert Wire(connections, "192.0.2.2").transport.ended == "aborted"
    writing.transport.unread = 0
    writing.call()
    assert Wire(connections, "192.0.2.2").transport.ended == "aborted", "its answer may be still to come"
    assert writing.transport.ended == ""


async def test_a_long_answer_that_is_filled_up_as_it_is_read_is_not_one_that_nobody_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = [1_000_000]
    monkeypatch.setattr(guard, "acknowledged", lambda transport: taken[0])
    connections = Connections(most=9, most_each=9, headers=60)
    reading = Wire(connections, "192.0.2.1").call()
    reading.transport.unread = 70_000
    for _ in range(3):
        connections.unread()
        taken[0] += LEAST_READ
    connections.unread()
    assert reading.transport.ended == ""
    connections.unread()
    assert reading.transport.ended == "aborted", "nothing more was taken"


async def test_who_does_not_read_his_answer_is_cut_off_and_who_reads_slowly_is_not() -> None:
    connections = Connections(most=9, most_each=9, headers=60)
    stuck, slow, done = (Wire(connections, f"192.0.2.{n}").call() for n in range(3))
    stuck.transport.unread = slow.transport.unread = done.transport.unread = 1_000_000
    connections.unread()
    assert [each.transport.ended for each in (stuck, slow, done)] == ["", "", ""]
    stuck.transport.unread -= 1000
    slow.transport.unread -= LEAST_READ
    done.transport.unread = 0
    connections.unread()
    assert [each.transport.ended for each in (stuck, slow, done)] == ["aborted", "", ""]
