"""Code to copy for a v3 call: whole programs that fetch a token, make the call, and show the answer.

Laws: each runs as it stands once its marked values are filled in, with nothing but what its language is used
with for SOAP; values are escaped by the code, not by whoever fills them in; no WSDL is needed, since a v3
backend may serve none that fits. Marked values begin with `YOUR `.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lxml import etree

from shim.core.parse import SOAP
from shim.review.reading.model import CallerRow, SampleCall

SnippetLanguage = Literal["xml", "php", "python", "curl"]
LANGUAGES: tuple[SnippetLanguage, ...] = get_args(SnippetLanguage)
NAMES: Mapping[SnippetLanguage, str] = {
    "xml": "XML",
    "php": "PHP with SoapClient",
    "python": "Python with zeep",
    "curl": "curl",
}
FENCES: Mapping[SnippetLanguage, str] = {"xml": "xml", "php": "php", "python": "python", "curl": "sh"}
"""The mark of a fenced block of Markdown."""
EXAMPLE = "https://voipnow.example.com"
UNKNOWN_BASE = "https://YOUR-SYSTEMAPI-ADDRESS"
"""Stands for the public address of the shim where it is not configured."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
TOKEN_NAME = "accessToken"  # noqa: S105  # the name of a placeholder


def snippet(call: SampleCall, language: SnippetLanguage, base: str = EXAMPLE) -> str:
    """The call in a language. `base` is the address that it is made to, without a path."""
    return call.xml if language == "xml" else _WRITERS[language](prepared(call, base))


def language_of(callers: Sequence[CallerRow]) -> SnippetLanguage:
    """The language that an integration seems to be written in, by those that called last; curl can be read by
    all."""
    for each in callers:
        names = f"{each.toolkit} {each.agent}".lower()
        if "php" in names:
            return "php"
        if any(word in names for word in ("zeep", "python", "suds")):
            return "python"
    return "curl"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call with one placeholder for each value: `{ID}`, then `{ID2}` for the next of that name."""

    operation: str
    path: str
    url: str
    token_url: str
    action: str
    envelope: str
    header: str
    body: str
    values: tuple[str, ...]


def prepared(call: SampleCall, base: str) -> Prepared:
    """The call with one placeholder for each value, and its parts."""
    root = etree.fromstring(_numbered(call.xml))
    values = [
        name for name in _PLACEHOLDER.findall(etree.tostring(root, encoding="unicode")) if name != TOKEN_NAME
    ]
    return Prepared(
        operation=call.operation,
        path=call.endpoint,
        url=base + call.endpoint,
        token_url=f"{base}/oauth/token.php",
        action=call.soap_action,
        envelope=etree.tostring(root, encoding="unicode"),
        header=_part(root, "Header"),
        body=_part(root, "Body"),
        values=tuple(values),
    )


def _numbered(xml: str) -> str:
    seen: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match[1]
        seen[name] = seen.get(name, 0) + 1
        return f"{{{name}{seen[name]}}}" if seen[name] > 1 and name != TOKEN_NAME else match[0]

    return _PLACEHOLDER.sub(number, xml)


def _part(root: etree._Element, name: str) -> str:
    """The content of the header or the body, with the namespaces that it needs."""
    element = root.find(f"{{{SOAP}}}{name}")
    inner = element[0] if element is not None and len(element) else None
    if inner is None:
        return ""
    alone = etree.fromstring(etree.tostring(inner, with_tail=False))
    etree.cleanup_namespaces(alone)
    etree.indent(alone)
    return etree.tostring(alone, encoding="unicode")


# ---- the languages ----


def _php(call: Prepared) -> str:
    values = "".join(f"    '{{{name}}}' => 'YOUR {name}',\n" for name in call.values)
    return f"""<?php
// {call.operation} of SystemAPI 3. Needs the extension soap. Fill in what begins with YOUR.
$appKey = 'YOUR app key';
$appSecret = 'YOUR app secret';
$values = [
{values}];

$form = http_build_query([
    'grant_type' => 'client_credentials', 'client_id' => $appKey, 'client_secret' => $appSecret,
]);
$post = stream_context_create(['http' => [
    'method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => $form,
]]);
$answer = file_get_contents({php_text(call.token_url)}, false, $post);
if ($answer === false) {{
    exit(1);
}}
$values['{{{TOKEN_NAME}}}'] = json_decode($answer)->access_token;

function filled(string $xml, array $values): SoapVar
{{
    $escape = fn (string $value) => htmlspecialchars($value, ENT_XML1 | ENT_QUOTES);
    return new SoapVar(strtr($xml, array_map($escape, $values)), XSD_ANYXML);
}}

$header = <<<'XML'
{call.header}
XML;
$body = <<<'XML'
{call.body}
XML;

$client = new SoapClient(null, [
    'location' => {php_text(call.url)},
    'uri' => {php_text(namespace_of(call.body))},
    'style' => SOAP_DOCUMENT,
    'use' => SOAP_LITERAL,
]);
$client->__setSoapHeaders(new SoapHeader(
    {php_text(namespace_of(call.header))}, 'userCredentials', filled($header, $values)
));
$result = $client->__soapCall(
    {php_text(call.operation.rpartition(".")[2])},
    [filled($body, $values)],
    ['soapaction' => {php_text(call.action)}]
);
print_r($result);
"""


def _python(call: Prepared) -> str:
    values = "".join(f'    "{name}": "YOUR {name}",\n' for name in call.values)
    return f'''"""{call.operation} of SystemAPI 3. Needs zeep. Fill in what begins with YOUR."""

from xml.sax.saxutils import escape

from lxml import etree
from zeep.transports import Transport

APP_KEY = "YOUR app key"
APP_SECRET = "YOUR app secret"
VALUES = {{
{values}}}

ENVELOPE = """\\
{python_text(call.envelope)}
"""



def escaped(value):
    return escape(value, {{'"': "&quot;"}})


transport = Transport(timeout=60, operation_timeout=60)
answer = transport.session.post(
    {json.dumps(call.token_url)},
    data={{"grant_type": "client_credentials", "client_id": APP_KEY, "client_secret": APP_SECRET}},
    timeout=60,
)
answer.raise_for_status()
VALUES["{TOKEN_NAME}"] = answer.json()["access_token"]

answer = transport.post_xml(
    {json.dumps(call.url)},
    etree.fromstring(ENVELOPE.format(**{{name: escaped(value) for name, value in VALUES.items()}})),
    {{"Content-Type": "text/xml; charset=utf-8", "SOAPAction": {json.dumps(json.dumps(call.action))}}},
)
root = etree.fromstring(answer.content)
body = root.find("{{{SOAP}}}Body")
for element in body.iter():
    if len(element) == 0:
        print(etree.QName(element).localname, element.text or "", sep=": ")
transport.session.close()
if answer.status_code != 200:
    raise SystemExit(1)
'''


def _curl(call: Prepared) -> str:
    values = "".join(f"{variable(name)}='YOUR {name}'\n" for name in call.values)
    return f"""#!/bin/sh
# {call.operation} of SystemAPI 3. Needs curl. Fill in what begins with YOUR.
set -eu
app_key='YOUR app key'
app_secret='YOUR app secret'
{values}
xml() {{ printf '%s' "$1" | sed -e 's/&/\\&amp;/g' -e 's/</\\&lt;/g' -e 's/>/\\&gt;/g' -e 's/"/\\&quot;/g'; }}

token=$(printf '%s' "$app_secret" | curl -sS --fail {shlex.quote(call.token_url)} \\
    --data-urlencode grant_type=client_credentials --data-urlencode "client_id=$app_key" \\
    --data-urlencode client_secret@- | sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p')
[ -n "$token" ] || exit 1

curl -sS --fail-with-body {shlex.quote(call.url)} \\
    -H 'Content-Type: text/xml; charset=utf-8' -H {shlex.quote(f'SOAPAction: "{call.action}"')} \\
    --data-binary @- <<END
{shell_document(call.envelope)}
END
"""


_WRITERS: Mapping[str, Callable[[Prepared], str]] = {"php": _php, "python": _python, "curl": _curl}


def namespace_of(xml: str) -> str:
    """The namespace of the outermost element; nothing of nothing."""
    return (etree.QName(etree.fromstring(xml)).namespace or "") if xml else ""


def php_text(text: str) -> str:
    """A text as PHP writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def python_text(xml: str) -> str:
    """For between three quotes, and for `format`: braces that are no placeholders are doubled."""
    parts = _PLACEHOLDER.split(xml.replace("\\", "\\\\").replace('"""', '\\"""'))
    return "".join(
        f"{{{part}}}" if number % 2 else part.replace("{", "{{").replace("}", "}}")
        for number, part in enumerate(parts)
    )


def shell_document(xml: str) -> str:
    """For a here-document in which variables count: each placeholder becomes one."""
    parts = _PLACEHOLDER.split(re.sub(r"([\\$`])", r"\\\1", xml))
    return "".join(f'$(xml "${variable(part)}")' if number % 2 else part for number, part in enumerate(parts))


def variable(name: str) -> str:
    """A name that no variable of the shell or of the script has."""
    return "token" if name == TOKEN_NAME else f"v_{name}"
