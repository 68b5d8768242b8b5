"""Resolve: which old operation a message is, and what it becomes.

The old server went by URL and body element and looked loosely at everything else. The body element alone is
unique among all 161 operations, so it decides; a call on another service's endpoint is served, with a finding.
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from shim.core.catalogue.translation import Catalogue, Translation
from shim.core.errors import CallerError
from shim.core.findings import Findings
from shim.core.message import LONGEST_NAME, Envelope

_NAMESPACE = re.compile(r"http://4psa\.com/(?P<old>\w+(?:\.xsd)?/)?(?P<version>[0-9]+(\.[0-9]+){1,2})")


def schema_version(envelope: Envelope) -> str | None:
    """The 2.x version that the body element is in; None when it is unqualified or of no such version."""
    version = _version(envelope.namespace) or ""
    return version if version.startswith("2.") and version.count(".") == 2 and len(version) < 9 else None


@lru_cache(maxsize=64)
def _version(namespace: str) -> str | None:
    """The version of SystemAPI in a namespace; None when it is none of its namespaces."""
    match = _NAMESPACE.fullmatch(namespace)
    return match["version"] if match else None


def resolve(catalogue: Catalogue, envelope: Envelope, path: str | None, findings: Findings) -> Translation:
    """The translation for a message. Raises CallerError for what is no call of 2.x, or not translated.

    `path` is where it was posted; None for one that was not posted by itself.
    """
    name = envelope.body.name
    if not name:
        raise CallerError(
            "not-soap",
            "The SOAP envelope has no body element, and no SOAPAction says which call is meant: there is no "
            "call in it.",
        )
    version = _version(envelope.namespace)
    if version is not None and not version.startswith("2."):
        raise CallerError(
            "wrong-version",
            f"The message is in version {version} of SystemAPI; this endpoint takes 2.x.",
        )
    operation = catalogue.old.by_input.get(name)
    if operation is None:
        raise CallerError("unknown-operation", _unknown(catalogue, name))
    endpoint = catalogue.old.services[operation.service].endpoint
    if path not in (None, endpoint):
        because = f"{operation.full_name} belongs on {endpoint}."
        findings.add("wrong-endpoint", name, because, endpoint)
    for header in envelope.headers:
        if header.name != "userCredentials":
            findings.add("unknown-header", header.name[:LONGEST_NAME])
    for surplus in envelope.surplus:
        because = "Only the first body element is a call; this one was not made."
        findings.add("unknown-element", surplus[:LONGEST_NAME], because)
    translation = catalogue.translations.get(operation.full_name)
    if translation is None:
        findings.add("not-translated", name)
        raise CallerError("not-translated", f"{operation.full_name} is not translated to v3 by this shim yet.")
    return translation


def _unknown(catalogue: Catalogue, name: str) -> str:
    near = difflib.get_close_matches(name[:LONGEST_NAME], catalogue.old.by_input, 1, 0.75)
    hint = f"did you mean {near[0]}?" if near else "the WSDL lists those that are."
    return f"The body element is not a call of SystemAPI 2.5: {hint}"
