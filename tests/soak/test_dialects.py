"""Backends of later versions: no call is refused for its form, and what is set is read back or told of.

The emulator speaks each version that is described; it refuses elements that the version does not have, or
ignores them, as PHP's SoapServer does, which loses them in silence.
"""

from __future__ import annotations

import re

import pytest

from shim.interfaces.dialects import known
from shim.interfaces.load import old
from tests.soak.fixture import fixture
from tests.soak.run import as_text, messages
from tests.soak.test_read_change_write import PAIRS, SERVICES, results

EACH = 25
LATER = known()[1:]
FORM = re.compile(
    r"is not known here|only once|excludes another|There is no operation|is not served|not in version"
)
"""What the emulator says of a message that its version does not allow."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("service", sorted(old().services))
@pytest.mark.parametrize("version", LATER)
async def test_no_call_of_any_operation_is_refused_for_its_form(version: str, service: str) -> None:
    async with fixture(version=version) as at:
        for name in [each for each in at.catalogue.translations if each.startswith(f"{service}.")]:
            async for number, sent, problem in messages(at, name, range(EACH)):
                assert problem is None, f"{name}, message {number}: {problem}\n{as_text(sent)}"
                fault = sent.outcome.fault
                assert fault is None or not (fault.carried and FORM.search(fault.text)), (
                    f"{name}, message {number}: {fault.text}\n{as_text(sent)}"
                )


@pytest.mark.parametrize("whole", [True, False], ids=["all that was read", "the field alone"])
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("version", LATER)
async def test_exactly_the_field_that_was_changed_differs(version: str, service: str, whole: bool) -> None:
    wrong = []
    async with fixture(version=version, surplus="ignore") as at:
        for pair in [each for each in PAIRS.values() if each.write.service == service]:
            changed, found = await results(at, pair, whole=whole)
            assert changed, f"{pair.write.full_name}: no field was changed"
            wrong += found
    assert not wrong


PARENTS = {"Client.AddClient": "<parentID>10</parentID>", "Extension.AddExtension": "<parentID>20</parentID>"}
ADDS = {
    "Reseller.AddReseller": "ServiceProvider.AddServiceProvider",
    "Client.AddClient": "Organization.AddOrganization",
    "Extension.AddExtension": "User.AddUser",
}
LEAST = "<login>{login}</login><password>Pass-2025</password>{name}<country>us</country>"
"""What 2.5 needs of a new account; an extension of v3 needs a name or a login as its label as well."""


@pytest.mark.parametrize("name", ["", "<name>Only One</name>"], ids=["without a name", "with a name"])
@pytest.mark.parametrize("operation", ADDS)
@pytest.mark.parametrize("version", LATER)
async def test_what_a_server_may_demand_is_completed(version: str, operation: str, name: str) -> None:
    pattern = "{login}@noreply.example.com"
    async with fixture(version=version, demands="strict", complete_email=pattern) as at:
        message = LEAST.format(login="newcomer", name=name) + PARENTS.get(operation, "")
        sent = await at.call(operation, message)
        [made] = [request for called, request in sent.calls if called == ADDS[operation]]
        demanded = at.catalogue.new.may_require[ADDS[operation]]
        assert [each for each in demanded if not (made.get(each) or "").strip()] == []
        assert made.get("email") == "newcomer@noreply.example.com"
        added = {each.path for each in sent.outcome.findings.own if each.code == "default-added"}
        assert "email" in added
