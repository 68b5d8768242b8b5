"""Values that patterns of 2.5 dislike, in and out of a shim that runs; `reports/` has the calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.messages import envelope
from tests.end_to_end.running import Shim
from tests.end_to_end.wire import post

REPORTS = Path(__file__).parent / "reports"
EXTENSION, PBX = "/soap2/extension_agent.php", "/soap2/pbx_agent.php"


@pytest.fixture(scope="module", name="read")
def _read(shim: Shim) -> str:
    """The call rules of an extension, after one with an international number was added."""
    assert post(shim, (REPORTS / "E1-add-forward-e164.xml").read_bytes(), EXTENSION).status == 200
    reply = post(shim, (REPORTS / "E2-read-forward.xml").read_bytes(), EXTENSION)
    assert reply.status == 200, reply.text
    return reply.text


def test_an_international_number_comes_back(read: str) -> None:
    assert ":transferNumber>+12125550100</" in read


def test_the_url_of_a_button_comes_back(shim: Shim) -> None:
    added = post(shim, (REPORTS / "E3-add-button-url.xml").read_bytes(), PBX)
    assert added.status == 200, added.text
    asked = "<GetCustomButtonsRequest><userID>20</userID></GetCustomButtonsRequest>"
    reply = post(shim, envelope(asked, login=("admin", "admin-secret")), PBX)
    assert ":URL>https://crm.example.com/find?n=1</" in reply.text
