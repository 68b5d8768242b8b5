"""A TLS client's offer: its first message read, for the log line of a handshake that failed.

Pure: bytes in, facts out. Nothing of it decides anything. RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_VERSIONS = {0x0200: "SSL 2", 0x0300: "SSL 3", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2",
             0x0304: "TLS 1.3"}  # fmt: skip
_SUPPORTED_VERSIONS = 43
_SIGNALS = {0x00FF, 0x5600}
"""Values in the list of cipher suites that are none: renegotiation and fallback."""
_MOST = 12


@dataclass(frozen=True, slots=True)
class Offer:
    """The protocol versions and cipher suites that a client offers, by name, in its order."""

    versions: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    problem: str | None = None
    """The kind of the bytes, where it is no such message."""


def offered(sent: bytes) -> Offer:
    """The offer of the first bytes of a connection. Never raises: whatever is cut off or odd is a problem."""
    if not sent:
        return Offer(problem="nothing was sent")
    if sent[:1].isalpha():
        return Offer(problem="plain text, probably HTTP on the TLS port")
    try:
        if sent[0] & 0x80 and sent[2] == 1:
            return _of_ssl2(sent)
        if sent[0] != 0x16 or sent[5] != 1:
            return Offer(problem="no TLS client hello")
        return _of_tls(_handshake(sent))
    except IndexError:
        return Offer(problem="a client hello that is cut off")


def _handshake(sent: bytes) -> bytes:
    """The message out of its records, without its head of four bytes."""
    message, at = b"", 0
    while at + 5 <= len(sent) and sent[at] == 0x16:
        length = int.from_bytes(sent[at + 3 : at + 5])
        message += sent[at + 5 : at + 5 + length]
        at += 5 + length
    return message[4:]


def _of_tls(hello: bytes) -> Offer:
    legacy = int.from_bytes(hello[0:2])
    at = 35 + hello[34]
    length = int.from_bytes(hello[at : at + 2])
    suites = hello[at + 2 : at + 2 + length]
    at += 2 + length
    at += 1 + hello[at]
    versions = _supported(hello[at + 2 :]) or [legacy]
    codes = [int.from_bytes(suites[place : place + 2]) for place in range(0, len(suites) - 1, 2)]
    return Offer(tuple(map(_version, versions)), _names(codes))


def _supported(extensions: bytes) -> list[int]:
    """The extension supported_versions, which replaced the one version of the message."""
    at = 0
    while at + 4 <= len(extensions):
        kind, length = int.from_bytes(extensions[at : at + 2]), int.from_bytes(extensions[at + 2 : at + 4])
        if kind == _SUPPORTED_VERSIONS:
            listed = extensions[at + 5 : at + 4 + length]
            versions = [int.from_bytes(listed[place : place + 2]) for place in range(0, len(listed) - 1, 2)]
            return [each for each in versions if each in _VERSIONS]
        at += 4 + length
    return []


def _of_ssl2(sent: bytes) -> Offer:
    """The form of SSL 2, in which old clients offered newer versions as well."""
    version, length = int.from_bytes(sent[3:5]), int.from_bytes(sent[5:7])
    suites = sent[11 : 11 + length]
    codes = [int.from_bytes(suites[place : place + 3]) for place in range(0, len(suites) - 2, 3)]
    return Offer(
        (f"{_version(version)} in the form of SSL 2",), _names([each for each in codes if each < 0x10000])
    )


def _version(code: int) -> str:
    return _VERSIONS.get(code, f"0x{code:04x}")


def _names(codes: list[int]) -> tuple[str, ...]:
    known = [each for each in codes if each not in _SIGNALS and each & 0x0F0F != 0x0A0A]
    names = tuple(_known().get(each, f"0x{each:04x}") for each in known[:_MOST])
    return (*names, f"and {len(known) - _MOST} more") if len(known) > _MOST else names


@cache
def _known() -> Mapping[int, str]:
    """The cipher suites that OpenSSL knows, whatever their strength, by their code."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return {int(each["id"]) & 0xFFFF: str(each["name"]) for each in context.get_ciphers()}
