"""Code for a letter: one helper that fetches tokens and makes calls, and for each call a short program with it.

Laws: as for `snippets`: each runs once its marked values (`YOUR ...`) are filled in, with nothing but what its
language is used with for SOAP; the code escapes values. App key, secret and address stand in the helper alone.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping

from shim.core.parse import SOAP
from shim.review.output.snippets import (
    TOKEN_NAME,
    Prepared,
    SnippetLanguage,
    namespace_of,
    php_text,
    prepared,
    python_text,
    shell_document,
    variable,
)
from shim.review.reading.model import SampleCall

HELPERS: Mapping[SnippetLanguage, str] = {"php": "v3.php", "python": "v3.py", "curl": "v3.sh"}
"""The name of the helper's file; the message itself needs none."""


def helper(call: SampleCall, language: SnippetLanguage, base: str) -> str:
    """The helper for all calls of the same v3 version as `call`. `base` is the address of all calls."""
    return _HELPERS[language](prepared(call, base).header, base)


def program(call: SampleCall, language: SnippetLanguage, base: str) -> str:
    """A program that makes the call by the helper, which stands beside it."""
    return _PROGRAMS[language](prepared(call, base))


# ---- helpers ----


def _php_helper(header: str, base: str) -> str:
    return f"""<?php
// v3.php: tokens and calls of SystemAPI 3. Needs the extension soap. Fill in what begins with YOUR.
const V3 = {php_text(base)};
const APP_KEY = 'YOUR app key';
const APP_SECRET = 'YOUR app secret';

function v3_token(): string
{{
    static $token = null, $until = 0;
    if ($token === null || time() >= $until) {{
        $form = http_build_query([
            'grant_type' => 'client_credentials', 'client_id' => APP_KEY, 'client_secret' => APP_SECRET,
        ]);
        $post = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => 'Content-Type: application/x-www-form-urlencoded',
            'content' => $form,
        ]]);
        $text = file_get_contents(V3 . '/oauth/token.php', false, $post);
        if ($text === false) {{
            exit(1);
        }}
        $answer = json_decode($text);
        $token = $answer->access_token;
        $until = time() + (int) ($answer->expires_in ?? 60) - 30;
    }}
    return $token;
}}

function v3_filled(string $xml, array $values): SoapVar
{{
    $names = array_map(fn (string $name) => '{{' . $name . '}}', array_keys($values));
    $escape = fn (string $value) => htmlspecialchars($value, ENT_XML1 | ENT_QUOTES);
    return new SoapVar(strtr($xml, array_combine($names, array_map($escape, $values))), XSD_ANYXML);
}}

// Makes a call and gives its answer. Throws SoapFault.
function v3_call(string $path, string $action, string $body, array $values = [])
{{
    $header = <<<'XML'
{header}
XML;
    $root = new SimpleXMLElement(strtr($body, ['{{' => '', '}}' => '']));
    $client = new SoapClient(null, [
        'location' => V3 . $path,
        'uri' => current($root->getNamespaces()),
        'style' => SOAP_DOCUMENT,
        'use' => SOAP_LITERAL,
    ]);
    $client->__setSoapHeaders(new SoapHeader(
        {php_text(namespace_of(header))}, 'userCredentials', v3_filled($header, ['{TOKEN_NAME}' => v3_token()])
    ));
    return $client->__soapCall($root->getName(), [v3_filled($body, $values)], ['soapaction' => $action]);
}}
"""


def _python_helper(header: str, base: str) -> str:
    return f'''"""v3.py: tokens and calls of SystemAPI 3. Needs zeep. Fill in what begins with YOUR."""

import time
from xml.sax.saxutils import escape

from lxml import etree
from zeep.transports import Transport

V3 = {json.dumps(base)}
APP_KEY = "YOUR app key"
APP_SECRET = "YOUR app secret"

SOAP = "{SOAP}"
HEADER = """\\
{python_text(header)}
"""
ENVELOPE = '<E:Envelope xmlns:E="{{}}"><E:Header>{{}}</E:Header><E:Body>{{}}</E:Body></E:Envelope>'

transport = Transport(timeout=60, operation_timeout=60)
known = {{"token": None, "until": 0.0}}


def token():
    """An access token that is good for a while yet."""
    if known["token"] is None or time.monotonic() >= known["until"]:
        form = {{"grant_type": "client_credentials", "client_id": APP_KEY, "client_secret": APP_SECRET}}
        answer = transport.session.post(V3 + "/oauth/token.php", data=form, timeout=60)
        answer.raise_for_status()
        told = answer.json()
        known["token"] = told["access_token"]
        known["until"] = time.monotonic() + float(told.get("expires_in", 60)) - 30
    return known["token"]


def filled(xml, values):
    return xml.format(**{{name: escape(value, {{'"': "&quot;"}}) for name, value in values.items()}})


def call(path, action, body, values=None):
    """Makes a call and gives its answer, an element. Raises RuntimeError with the text of a fault."""
    header = filled(HEADER, {{"{TOKEN_NAME}": token()}})
    message = ENVELOPE.format(SOAP, header, filled(body, values or {{}}))
    headers = {{"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"' + action + '"'}}
    answer = transport.post_xml(V3 + path, etree.fromstring(message), headers)
    found = etree.fromstring(answer.content).find("{{" + SOAP + "}}Body")[0]
    if answer.status_code != 200:
        raise RuntimeError(" ".join(found.itertext()).strip())
    return found


def show(answer):
    for element in answer.iter():
        if len(element) == 0:
            print(etree.QName(element).localname, element.text or "", sep=": ")
'''


def _curl_helper(header: str, base: str) -> str:
    parts = header.split("{" + TOKEN_NAME + "}")
    before, after = parts[0], parts[1] if len(parts) > 1 else ""
    return f"""# v3.sh: tokens and calls of SystemAPI 3, for sh with curl. Fill in what begins with YOUR.
set -eu
v3={shlex.quote(base)}
app_key='YOUR app key'
app_secret='YOUR app secret'

xml() {{ printf '%s' "$1" | sed -e 's/&/\\&amp;/g' -e 's/</\\&lt;/g' -e 's/>/\\&gt;/g' -e 's/"/\\&quot;/g'; }}

v3_token() {{
    printf '%s' "$app_secret" | curl -sS --fail "$v3/oauth/token.php" \\
        --data-urlencode grant_type=client_credentials --data-urlencode "client_id=$app_key" \\
        --data-urlencode client_secret@- | sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p'
}}

# v3_call PATH ACTION: posts the body element that it reads, and prints the answer.
v3_call() {{
    token=$(v3_token)
    [ -n "$token" ] || exit 1
    {{
        printf '%s' '<E:Envelope xmlns:E="{SOAP}"><E:Header>'
        printf '%s%s%s' {shlex.quote(before)} "$(xml "$token")" {shlex.quote(after)}
        printf '%s' '</E:Header><E:Body>'
        cat
        printf '%s' '</E:Body></E:Envelope>'
    }} | curl -sS --fail-with-body "$v3$1" -H 'Content-Type: text/xml; charset=utf-8' \\
        -H "SOAPAction: \\"$2\\"" --data-binary @-
}}
"""


# ---- programs ----


def _php(call: Prepared) -> str:
    values = "".join(f"    '{name}' => 'YOUR {name}',\n" for name in call.values)
    given = f", [\n{values}]" if call.values else ""
    return f"""<?php
// {call.operation}
require __DIR__ . '/v3.php';

$body = <<<'XML'
{call.body}
XML;
print_r(v3_call({php_text(call.path)}, {php_text(call.action)}, $body{given}));
"""


def _python(call: Prepared) -> str:
    values = "".join(f'    "{name}": "YOUR {name}",\n' for name in call.values)
    given = f", {{\n{values}}}" if call.values else ""
    return f'''# {call.operation}
from v3 import call, show

BODY = """\\
{python_text(call.body)}
"""
show(call({json.dumps(call.path)}, {json.dumps(call.action)}, BODY{given}))
'''


def _curl(call: Prepared) -> str:
    values = "".join(f"{variable(name)}='YOUR {name}'\n" for name in call.values)
    return f"""#!/bin/sh
# {call.operation}
. "$(dirname "$0")/v3.sh"
{values}
v3_call {shlex.quote(call.path)} {shlex.quote(call.action)} <<END
{shell_document(call.body)}
END
"""


_HELPERS: Mapping[str, Callable[[str, str], str]] = {
    "php": _php_helper,
    "python": _python_helper,
    "curl": _curl_helper,
}
_PROGRAMS: Mapping[str, Callable[[Prepared], str]] = {"php": _php, "python": _python, "curl": _curl}
