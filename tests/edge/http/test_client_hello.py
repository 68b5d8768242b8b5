"""Client hellos as bytes, of Python's own TLS and made by hand."""

from __future__ import annotations

import ssl
import warnings

import pytest

from shim.edge.http.client_hello import Offer, offered


def hello(newest: ssl.TLSVersion, oldest: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = oldest, newest
    context.set_ciphers(ciphers)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="old.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


OLD, NEW = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3


def test_versions_of_python_itself() -> None:
    found = offered(hello(NEW, ssl.TLSVersion.TLSv1_2))
    assert found.versions == ("TLS 1.3", "TLS 1.2")
    assert found.ciphers[0] == "TLS_AES_256_GCM_SHA384"
    assert found.ciphers[-1].endswith(" more")
    assert offered(hello(OLD, OLD)).versions == ("TLS 1.0",)


def test_ciphers_in_the_clients_order_without_signals() -> None:
    found = offered(hello(ssl.TLSVersion.TLSv1_2, OLD, "AES256-SHA:AES128-SHA:@SECLEVEL=0"))
    assert found == Offer(("TLS 1.2",), ("AES256-SHA", "AES128-SHA"))


def test_the_form_of_ssl_2() -> None:
    suites = bytes.fromhex("00002f0000350700c0")
    body = b"\x01\x03\x01" + (9).to_bytes(2) + b"\0\0" + b"\0\x10" + suites + bytes(16)
    found = offered(bytes([0x80, len(body)]) + body)
    assert found == Offer(("TLS 1.0 in the form of SSL 2",), ("AES128-SHA", "AES256-SHA"))


@pytest.mark.parametrize("size", range(0, 300, 7))
def test_nothing_that_is_cut_off_or_odd_raises(size: int) -> None:
    whole = hello(NEW, OLD)
    offered(whole[:size])
    offered(bytes((each * 7 + size) % 256 for each in range(size)))
    offered(whole[:size] + bytes(50))


def test_what_is_no_hello_is_said() -> None:
    assert "HTTP" in (offered(b"POST / HTTP/1.0\r\n").problem or "")
    assert offered(b"").problem == "nothing was sent"
    assert offered(b"\x00\x01\x02\x03\x04\x05").problem == "no TLS client hello"
