"""Clients with an old TLS: refused in the log's own words by default, served where that is chosen."""

from __future__ import annotations

import socket
import ssl
import warnings

import pytest

from tests.end_to_end.messages import CLIENT, envelope, request
from tests.end_to_end.running import HOST, Shim, StartShim
from tests.end_to_end.wire import http_post


def context(shim: Shim, newest: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(shim.tls.authority))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = newest
    made.set_ciphers(ciphers)
    return made


def answered(shim: Shim, how: ssl.SSLContext) -> tuple[str | None, bytes]:
    """The version that was agreed on, and the first line of an answer."""
    with (
        socket.create_connection((HOST, shim.https), 10) as plain,
        how.wrap_socket(plain, server_hostname=HOST) as wire,
    ):
        wire.sendall(http_post(envelope(request("GetClientsRequest")), CLIENT, "Connection: close"))
        return wire.version(), wire.recv(65536).partition(b"\r\n")[0]


def test_an_old_version_is_refused_and_the_log_says_who_and_what(shim: Shim) -> None:
    since = shim.mark
    with pytest.raises(ssl.SSLError):
        answered(shim, context(shim, ssl.TLSVersion.TLSv1))
    said = shim.said("tls handshake failed", since=since)
    assert (said["peer"], said["versions"]) == (HOST, ["TLS 1.0"])
    assert said["reason"] == "UNSUPPORTED_PROTOCOL"
    assert "listen.tls_minimum" in said["meaning"]
    assert "DHE-RSA-AES128-SHA" in said["ciphers"]


def test_a_cipher_that_is_not_taken_is_named(shim: Shim) -> None:
    since = shim.mark
    with pytest.raises(ssl.SSLError):
        answered(shim, context(shim, ssl.TLSVersion.TLSv1_2, "NULL-SHA256:@SECLEVEL=0"))
    said = shim.said("tls handshake failed", since=since, reason="NO_SHARED_CIPHER")
    assert (said["versions"], said["ciphers"]) == (["TLS 1.2"], ["NULL-SHA256"])
    assert "listen.tls_ciphers" in said["meaning"]


def test_plain_http_on_the_tls_port_is_called_that(shim: Shim) -> None:
    since = shim.mark
    with socket.create_connection((HOST, shim.https), 10) as wire:
        wire.sendall(b"GET / HTTP/1.0\r\n\r\n")
        wire.recv(100)
    said = shim.said("tls handshake failed", since=since)
    assert "plain HTTP" in said["meaning"]


def test_a_client_that_does_not_trust_the_certificate_is_told_apart(shim: Shim) -> None:
    since = shim.mark
    with pytest.raises(ssl.SSLError), socket.create_connection((HOST, shim.https), 10) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname=HOST)
    # TLS 1.3 ends on the server's side before the client has judged: only TLS 1.2 can tell
    strict = ssl.create_default_context()
    strict.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError), socket.create_connection((HOST, shim.https), 10) as plain:
        strict.wrap_socket(plain, server_hostname=HOST)
    assert "does not trust" in shim.said("tls handshake failed", since=since)["meaning"]


@pytest.mark.parametrize(
    ("minimum", "newest", "agreed"),
    [
        ("1.0", ssl.TLSVersion.TLSv1, "TLSv1"),
        ("1.0", ssl.TLSVersion.TLSv1_1, "TLSv1.1"),
        ("1.1", ssl.TLSVersion.TLSv1_1, "TLSv1.1"),
        ("1.1", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
    ],
)
def test_old_versions_are_served_where_that_is_chosen(
    start_shim: StartShim, minimum: str, newest: ssl.TLSVersion, agreed: str
) -> None:
    shim = start_shim({"listen.tls_minimum": minimum})
    assert answered(shim, context(shim, newest)) == (agreed, b"HTTP/1.1 200 OK")


def test_1_1_as_the_oldest_refuses_1_0(start_shim: StartShim) -> None:
    shim = start_shim({"listen.tls_minimum": "1.1"})
    with pytest.raises(ssl.SSLError):
        answered(shim, context(shim, ssl.TLSVersion.TLSv1))
    assert shim.said("tls handshake failed")["versions"] == ["TLS 1.0"]
