"""Credentials of a caller, from the header blocks of a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shim.core.message import Credentials, Element
from shim.core.reading.encoded_types import decoded


def credentials(headers: Iterable[Element]) -> Credentials:
    """The credentials of all userCredentials of the header together; where they differ, the first wins.

    Neither the case of names matters, nor how deep they stand.
    """
    values: dict[str, str] = {}
    for block in headers:
        for name, text in _credentials(block, inside=False):
            if text:
                values.setdefault(name, text)
    return Credentials(
        username=values.get("username"),
        password=values.get("password"),
        crypted_auth=values.get("cryptedauth"),
        app_key=values.get("appkey"),
        app_secret=values.get("appsecret"),
        v3_token="accesstoken" in values,
    )


def _credentials(block: Element, *, inside: bool) -> Iterator[tuple[str, str]]:
    """Small names and texts of what stands in userCredentials: vendor samples have it nested."""
    inside = inside or block.name.lower() == "usercredentials"
    for each in block.children:
        if inside and not each.children:
            yield each.name.lower(), decoded(each.text or "", each.sent) or ""
        yield from _credentials(each, inside=inside)
