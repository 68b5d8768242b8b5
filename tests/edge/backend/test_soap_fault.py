"""Faults of v3 are seen in its answers, and nobody looks through a long list for one."""

from __future__ import annotations

import pytest

from shim.core.commands.backend import Answer
from shim.edge.backend.soap_fault import carries_fault, is_plain, says_authentication

FAULT = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>100</faultcode>'
    b"<faultstring>Authentication failed</faultstring></e:Fault></e:Body></e:Envelope>"
)


@pytest.mark.parametrize(
    ("status", "body", "plain"),
    [
        (200, b"<a/>", True),
        (200, FAULT, False),
        (200, FAULT.decode().encode("utf-16"), False),
        (401, b"<a/>", False),
        (500, FAULT, False),
        (200, FAULT + b" " * 65_536, True),
    ],
)
def test_what_is_plain_carries_neither_a_fault_nor_a_refused_token(
    status: int, body: bytes, plain: bool
) -> None:
    answer = Answer(status, "text/xml", body)
    assert is_plain(answer) == plain
    assert not (plain and (carries_fault(answer) or says_authentication(answer)))


def test_a_fault_says_that_the_token_may_be_dead_whatever_the_status() -> None:
    assert carries_fault(Answer(200, "text/xml", FAULT))
    assert says_authentication(Answer(200, "text/xml", FAULT))
    assert says_authentication(Answer(401, "text/html", b""))
