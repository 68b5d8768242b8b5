"""Messages that mix odd forms: one element in an odd form, in an envelope that is odd in another way."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shim.core.parse import SOAP, SOAP_12
from tests.old_server.oddities import HEADERS, around, plain_value, spots

FORMS: dict[str, str] = {
    "plain": "<T>{0}</T>",
    "cdata": "<T><![CDATA[{0}]]></T>",
    "cdata-two": "<T><![CDATA[{2}]]><![CDATA[{3}]]></T>",
    "cdata-lines": "<T>\n<![CDATA[{0}]]>\n</T>",
    "cdata-half": "<T>{2}<![CDATA[{3}]]></T>",
    "cdata-blank": "<T><![CDATA[ {0} ]]></T>",
    "cdata-empty": "<T><![CDATA[]]></T>",
    "characters": "<T>{4}</T>",
    "comment-inside": "<T>{2}<!-- c -->{3}</T>",
    "comment-before": "<T><!-- c -->{0}</T>",
    "instruction": "<T>{0}<?pi x?></T>",
    "nil-one": '<T xsi:nil="1"/>',
    "nil-zero": '<T xsi:nil="0">{0}</T>',
    "nil-false": '<T xsi:nil="false">{0}</T>',
    "nil-text": '<T xsi:nil="true">{0}</T>',
    "nil-typed": '<T xsi:nil="true" xsi:type="xsd:string"/>',
    "nil-reference": '<T xsi:nil="true" href="#far"/>',
    "null-type": '<T xsi:type="xsd:anyType">{0}</T>',
    "undeclared-type": '<T xsi:type="no:such">{0}</T>',
    "unknown-type": '<T xsi:type="xsd:nothing">{0}</T>',
    "own-id": '<T id="here">{0}</T>',
    "attributes": '<T xml:lang="en" other="1">{0}</T>',
    "space": '<T xml:space="preserve"> {0} </T>',
    "hexadecimal": '<T xsi:type="xsd:hexBinary">{5}</T>',
    "base64-lines": '<T xsi:type="xsd:base64Binary">\n{1}\n</T>',
    "soap-base64": '<T xsi:type="enc:base64">{1}</T>',
    "soap-string": '<T xsi:type="enc:string">{0}</T>',
    "typed-int": '<T xsi:type="xsd:int">{0}</T>',
    "typed-float": '<T xsi:type="xsd:float">{0}</T>',
    "reference-typed": '<T xsi:type="xsd:string" href="#far"/>',
    "reference-text": '<T href="#far">text</T>',
    "reference-far-type": '<T href="#typed"/><!-- far: <far id="typed" xsi:type="xsd:string">{0}</far> -->',
    "reference-chain": '<T href="#one"/><!-- far: <far id="one" href="#two"/><far id="two">{0}</far> -->',
    "reference-nil": '<T href="#none"/><!-- far: <far id="none" xsi:nil="true"/> -->',
    "reference-after": '<T href="#id0"/><!-- after: <multiRef id="id0">{0}</multiRef> -->',
    "reference-array": '<T href="#list"/><!-- far: <far id="list" enc:arrayType="xsd:string[1]" '
    'xsi:type="enc:Array"><item>{0}</item></far> -->',
    "array-reference": '<T enc:arrayType="xsd:string[1]" xsi:type="enc:Array"><item href="#far"/></T>',
    "array-nil": '<T enc:arrayType="xsd:string[2]" xsi:type="enc:Array">'
    '<item xsi:nil="true"/><item>{0}</item></T>',
    "array-typed": '<T enc:arrayType="xsd:string[1]" xsi:type="enc:Array">'
    '<item xsi:type="xsd:string">{0}</item></T>',
    "array-empty": '<T enc:arrayType="xsd:string[0]" xsi:type="enc:Array"/>',
    "array-only-typed": '<T xsi:type="enc:Array"><item>{0}</item></T>',
    "array-cdata": '<T enc:arrayType="xsd:string[1]" xsi:type="enc:Array"><item><![CDATA[{0}]]></item></T>',
    "struct": '<T xsi:type="enc:Struct"><inner>{0}</inner></T>',
    "empty-then": "<T/><T>{0}</T>",
    "then-nil": '<T>{0}</T><T xsi:nil="true"/>',
}
"""Ways to send a value: T the element; {0} the value, {1} base64, {2} and {3} its halves, {4} references to its
characters, {5} hexadecimal. What is in a comment goes elsewhere: far into the header, after behind the call."""

Change = Callable[[str], str]


@dataclass(frozen=True)
class Mixed:
    """One message. The name says type, place, form of the element and form of the envelope."""

    name: str
    service: str
    path: str
    message: bytes
    headers: dict[str, str]


def _between(text: str, start: str, end: str) -> str:
    return text[text.index(start) : text.index(end) + len(end)]


def _block(text: str) -> str:
    return _between(text, "<h:userCredentials>", "</h:userCredentials>")


def _twice(text: str) -> str:
    return text.replace(_block(text), _block(text) * 2, 1)


def _replace(*pairs: str) -> Change:
    def change(text: str) -> str:
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            text = text.replace(old, new)
        return text

    return change


def _default_spaces(text: str) -> str:
    """The body in a default namespace, where all of it is in one."""
    body = _between(text, "<SOAP-ENV:Body>", "</SOAP-ENV:Body>")
    if set(re.findall("<ns[0-9]+:", body)) != {"<ns1:"}:
        return text
    space = text.partition('xmlns:ns1="')[2].partition('"')[0]
    plain = body.replace("<ns1:", "<").replace("</ns1:", "</")
    plain = plain.replace("Request>", f'Request xmlns="{space}">', 1)
    return text.replace(body, plain, 1)


ENVELOPES: dict[str, Change] = {
    "usual": lambda text: text,
    "soap-12": _replace(SOAP, SOAP_12),
    "soap-12-2003": _replace(SOAP, SOAP_12, "SOAP-ENV:", "env:", "xmlns:SOAP-ENV", "xmlns:env"),
    "version-2.0": _replace("/2.5.1", "/2.0.4"),
    "version-mixed": lambda text: text.replace("HeaderData.xsd/2.5.1", "HeaderData.xsd/2.0.4"),
    "login-twice": _twice,
    "login-understood": _replace("<h:userCredentials>", '<h:userCredentials SOAP-ENV:mustUnderstand="1">'),
    "login-next": _replace(
        "<h:userCredentials>",
        '<h:userCredentials SOAP-ENV:actor="http://schemas.xmlsoap.org/soap/actor/next">',
    ),
    "login-cdata": _replace("acme", "<![CDATA[acme]]>"),
    "login-base64": _replace("<h:username>acme", '<h:username xsi:type="xsd:base64Binary">YWNtZQ=='),
    "login-lines": _replace("<h:username>acme", "<h:username>\nacme\n"),
    "login-string": _replace("<h:username>", '<h:username xsi:type="xsd:string">'),
    "login-reference": _replace(
        "<h:username>acme</h:username>",
        '<h:username href="#me"/>',
        "</h:userCredentials>",
        '</h:userCredentials><me id="me">acme</me>',
    ),
    "login-nil": _replace("</h:userCredentials>", '<h:appKey xsi:nil="true"/></h:userCredentials>'),
    "login-empty-others": _replace(
        "</h:userCredentials>", "<h:cryptedAuth/><h:appKey/><h:appSecret/></h:userCredentials>"
    ),
    "default-spaces": _default_spaces,
    "pretty": _replace("><", ">\n  <"),
    "comments": _replace("><", "><!-- c --><"),
    "single-quotes": lambda text: text.replace('"', "'"),
    "declaration-none": lambda text: text.partition("?>\n")[2],
    "standalone": _replace('encoding="UTF-8"', 'encoding="UTF-8" standalone="yes"'),
    "trailing": lambda text: text + "\n<!-- end -->\n",
}
"""Ways to send the envelope."""

ENCODINGS: dict[str, tuple[str, str]] = {
    "utf-16": ("utf-16", "UTF-16"),
    "latin-1": ("latin-1", "ISO-8859-1"),
    "windows": ("cp1252", "windows-1252"),
    "ascii": ("ascii", "US-ASCII"),
    "bom": ("utf-8-sig", "UTF-8"),
}
"""Ways to encode the message, by name: the codec, and what is declared."""


CODECS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "latin-1": "ISO-8859-1",
    "cp1252": "windows-1252",
    "iso-8859-2": "ISO-8859-2",
    "iso-8859-15": "ISO-8859-15",
    "ascii": "US-ASCII",
}
DECLARATIONS = {
    "right": '<?xml version="1.0" encoding="{0}"?>',
    "quotes": "<?xml version='1.0' encoding='{1}' ?>\n",
    "standalone": '<?xml version="1.0" encoding="{0}" standalone="no"?>\r\n',
    "silent": '<?xml version="1.0"?>',
    "absent": "",
    "utf": '<?xml version="1.0" encoding="UTF-8"?>',
    "latin": '<?xml version="1.0" encoding="ISO-8859-1"?>',
}
CONTENT_TYPES = {
    "plain": "text/xml",
    "said": "text/xml; charset={1}",
    "utf": "text/xml; charset=utf-8",
    "latin": 'text/xml; charset="iso-8859-1"',
    "soap": 'application/soap+xml; charset={0}; action="x"',
    "form": "application/x-www-form-urlencoded",
}
"""{0} is the name of the encoding, {1} the same in small letters."""


def encoded_messages() -> Iterator[Mixed]:
    """A text with accents in each encoding, with each declaration and each content type."""
    for codec, label in CODECS.items():
        text = "M&#252;ller" if codec == "ascii" else "Müller é"
        body = (
            f'<E:Envelope xmlns:E="{SOAP}"><E:Header><userCredentials xmlns="http://4psa.com/HeaderData.xsd/2.5.1">'
            "<username>acme</username><password>secret</password></userCredentials></E:Header><E:Body>"
            '<x:EditClientRequest xmlns:x="http://4psa.com/ClientMessages.xsd/2.5.1"><c:company '
            f'xmlns:c="http://4psa.com/ClientData.xsd/2.5.1">{text}</c:company><x:ID>20</x:ID>'
            "</x:EditClientRequest></E:Body></E:Envelope>"
        )
        for declared, declaration in DECLARATIONS.items():
            for said, content_type in CONTENT_TYPES.items():
                sent = (declaration.format(label, label.lower()) + body).encode(codec)
                headers = {"Content-Type": content_type.format(label, label.lower())}
                name = f"encoded-{codec}-{declared}-{said}"
                yield Mixed(name, "Client", "/soap2/client_agent.php", sent, headers)


def mixed_messages() -> Iterator[Mixed]:
    """All of them, in an order that does not change: each form in each envelope, at one place after another."""
    places = spots()
    ways = [*ENVELOPES, *ENCODINGS]
    for number, form in enumerate(FORMS):
        for turn, way in enumerate(ways):
            spot = places[(number * len(ways) + turn * 5 + number) % len(places)]
            text, elsewhere = _form(FORMS[form], plain_value(spot))
            service, path, message = around(spot, text, plain_value(spot))
            document = _with_h(message.decode())
            for end, block in elsewhere.items():
                document = document.replace(end, block + end, 1)
            headers = dict(HEADERS)
            if way.startswith("soap-12"):
                headers["Content-Type"] = "application/soap+xml; charset=utf-8"
            yield Mixed(f"mixed-{spot.kind}-{form}-{way}", service, path, _encoded(document, way), headers)


def _with_h(document: str) -> str:
    """With h as the prefix of the login."""
    prefix = document.partition(":userCredentials>")[0].rpartition("<")[2]
    return re.sub(rf"\b{prefix}([:=])", r"h\1", document)


_ELSEWHERE = {"far": "</SOAP-ENV:Header>", "after": "</SOAP-ENV:Body>"}


def _form(form: str, value: str) -> tuple[str, dict[str, str]]:
    """The element; and what goes elsewhere, by the tag that it goes before."""
    parts = (
        value,
        base64.b64encode(value.encode()).decode(),
        value[:1],
        value[1:],
        "".join(f"&#{ord(each)};" for each in value),
        value.encode().hex().upper(),
    )
    found = re.fullmatch(r"(.*?)(?:<!-- (far|after): (.*) -->)?", form, re.DOTALL)
    assert found is not None
    elsewhere = {_ELSEWHERE[found[2]]: found[3].format(*parts)} if found[2] else {}
    return found[1].format(*parts), elsewhere


def _encoded(document: str, way: str) -> bytes:
    if way in ENVELOPES:
        return ENVELOPES[way](document).encode()
    codec, declared = ENCODINGS[way]
    return document.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(codec)
