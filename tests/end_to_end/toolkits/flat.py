"""Copies of the published tree in one folder, for toolkits that cannot read it where it is.

Each toolkit has its own changes; they are what its integrators have to make by hand.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

SERVICES = ("Client", "Extension", "Channel")
"""What the life asks."""

Change = Callable[[str, str], str]
"""Takes the name and the text of a file, and gives the text that is written."""


def flat_copy(wsdl: str, folder: Path, *changes: Change) -> None:
    """The WSDL of each service and what it imports, side by side: no two files of the tree have one name."""
    waiting = [f"{wsdl}/soap2/schema/latest/{service}/{service}.wsdl" for service in SERVICES]
    seen: set[str] = set()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        with urllib.request.urlopen(url) as answer:
            text = answer.read().decode()
        waiting += [urljoin(url, found) for found in re.findall(r'schemaLocation="([^"]*)"', text)]
        text = re.sub(r'schemaLocation="[^"]*?([^"/]+)"', r'schemaLocation="\1"', text)
        name = url.rpartition("/")[2]
        for change in changes:
            text = change(name, text)
        (folder / name).write_text(text, "utf-8")


def typed(_: str, text: str) -> str:
    """Elements without a type are texts."""
    untyped = r'(<xs:element name="\w+")((?: (?!type=|ref=)\w+="\w+")*/>)'
    return re.sub(untyped, r'\1 type="xs:string"\2', text)


def for_emacs(_: str, text: str) -> str:
    """No positiveInteger, which it does not know, and no enumerations, for it compares numbers with texts."""
    return re.sub(r"<xs:enumeration [^>]*/>", "", text.replace('"xs:positiveInteger"', '"xs:integer"'))


def for_soap_wsdl(name: str, text: str) -> str:
    """Sequences of what may be absent in place of choices, which it does not know in extensions; and a prefix
    for each name of a type without one, for it looks those up in the namespace of the file that imports."""
    text = re.sub(r"<xs:choice\b[^>]*>", '<xs:sequence minOccurs="0">', text).replace(
        "</xs:choice>", "</xs:sequence>"
    )
    own = re.search(r'<xs:schema xmlns="([^"]+)"', text)
    if own is None:
        return text
    prefix = name.partition(".")[0]
    text = re.sub(r' (type|base|ref)="([^":]+)"', rf' \1="{prefix}:\2"', text)
    declared = "" if f"xmlns:{prefix}=" in text else f' xmlns:{prefix}="{own[1]}"'
    return text.replace(own[0], f"<xs:schema{declared}", 1)


def for_tclws(_: str, text: str) -> str:
    """Schemas by `file:`: it asks for others beside the endpoint."""
    return text.replace('schemaLocation="', 'schemaLocation="file:///')


def for_kdsoap(_: str, text: str) -> str:
    """No -1 in enumerations that have 1, for both would be `_1` in its code."""
    return text.replace('<xs:enumeration value="-1"/>', "")
