"""One integration, one app key, half of it ported: what either half does, the other sees."""

from __future__ import annotations

from shim.core.message import Element
from tests.end_to_end.messages import NORTHWIND, VERSION, envelope, namespace
from tests.end_to_end.native import EXTENSION, USER, call, fetch_token
from tests.end_to_end.running import Shim
from tests.end_to_end.wire import answered, faulted, post

PROFILE = (
    "<name>Half Half</name><login>half</login><password>Half-2025-pw</password><country>us</country>"
    "<templateID>3</templateID><parentID>20</parentID>"
)


def old(name: str, fields: str) -> bytes:
    space = namespace("ExtensionMessages", VERSION)
    return envelope(f'<m:{name} xmlns:m="{space}">{fields}</m:{name}>', login=NORTHWIND)


def extensions(shim: Shim) -> dict[str | None, Element]:
    """The rows of 2.5, by login."""
    rows = answered(post(shim, old("GetExtensionsRequest", "<parentID>20</parentID>"), EXTENSION))
    return {each.get("login"): each for each in rows.all("extension")}


def test_both_halves_see_the_same_world(shim: Shim) -> None:
    token = fetch_token(shim, "northwind")
    before = extensions(shim)
    assert "half" not in before

    user = call(shim, USER, token, f"<AddUser>{PROFILE}</AddUser>").get("ID")
    phone = f"<label>Half</label><extensionNo>077</extensionNo><parentID>{user}</parentID>"
    number = call(shim, EXTENSION, token, f"<AddExtension>{phone}</AddExtension>").get("extendedNumber")
    assert number == "0020*077"

    seen = extensions(shim)
    assert set(seen) == {*before, "half"}
    row = seen["half"]
    listed_as = "77"  # in lists of 2.5 it is a whole number
    assert (row.get("ID"), row.get("extensionNo"), row.get("name")) == (user, listed_as, "Half Half")
    assert {login: each.get("ID") for login, each in seen.items() if login != "half"} == {
        login: each.get("ID") for login, each in before.items()
    }

    edited = old("EditExtensionRequest", f"<ID>{user}</ID><name>Whole Half</name><city>Boston</city>")
    assert answered(post(shim, edited, EXTENSION)).get("result") == "success"
    details = call(shim, USER, token, f"<GetUserDetails><ID>{user}</ID></GetUserDetails>")
    assert (details.get("name"), details.get("city")) == ("Whole Half", "Boston")
    listed = call(shim, EXTENSION, token, f"<GetExtensions><parentID>{user}</parentID></GetExtensions>")
    assert [each.get("extendedNumber") for each in listed.all("extension")] == [number]

    call(shim, USER, token, f"<EditUser><ID>{user}</ID><name>New Name</name></EditUser>")
    asked = old("GetExtensionDetailsRequest", f"<ID>{user}</ID>")
    assert answered(post(shim, asked, EXTENSION)).get("name") == "New Name"

    call(shim, EXTENSION, token, f"<DelExtension><extendedNumber>{number}</extendedNumber></DelExtension>")
    call(shim, USER, token, f"<DelUser><ID>{user}</ID></DelUser>")
    assert set(extensions(shim)) == set(before)
    assert faulted(post(shim, asked, EXTENSION)).code is not None
