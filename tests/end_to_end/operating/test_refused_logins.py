"""A login that is refused, in the log: whose it would be, and nothing that could be used."""

from __future__ import annotations

from shim.edge.callers.refused import digest
from tests.end_to_end.messages import ACME, envelope, request
from tests.end_to_end.running import Shim
from tests.end_to_end.wire import post

BODY = request("GetClientsRequest")


def refuse(shim: Shim, login: str, password: str) -> str:
    """The log after the call."""
    since = shim.mark
    assert post(shim, envelope(BODY, login=(login, password))).status == 500
    shim.said("login refused", since)
    return shim.log[since:]


def test_the_log_says_whose_login_was_refused(shim: Shim) -> None:
    since = shim.mark
    refuse(shim, ACME[0], "not-the-password")
    said = shim.said("login refused", since, why="wrong-secret", integration=ACME[0], address="127.0.0.1")
    assert said["digest"] == digest(ACME[0])
    assert said["reason"] == "login-refused"
    assert said["reference"] == shim.said("call", since)["reference"]


def test_an_unknown_login_is_a_mask_and_a_digest(shim: Shim) -> None:
    since = shim.mark
    log = refuse(shim, "somebody-else", "not-the-password")
    said = shim.said("login refused", since, why="unknown", integration=None)
    assert (said["login"], said["digest"]) == ("s…e", digest("somebody-else"))
    assert "somebody-else" not in log
    assert "not-the-password" not in log
