"""Webhooks: a notice as JSON by POST, signed as Standard Webhooks has it: receivers need no code of ours.

`webhook-id` is the same in every attempt; `webhook-signature` is `v1,` and the Base64 of the HMAC-SHA256 of
`id.timestamp.body`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from importlib.metadata import version

import httpx

from shim.edge.settings.notify import Webhook

_PREFIX = "whsec_"


class NotTaken(Exception):
    """A receiver did not take it; the text says why, without its address."""


def key_of(secret: str) -> bytes:
    """The key in a secret: what follows `whsec_` is Base64, anything else is the key itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`; `timestamp` is in seconds since 1970."""
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


async def post(hook: Webhook, id: str, body: bytes, timestamp: int) -> None:
    """Send a notice. Raises NotTaken unless the answer is 2xx; redirects are not followed."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"systemapi-shim/{version('systemapi-shim')}",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
    }
    if hook.secret is not None:
        headers["webhook-signature"] = signature(hook.secret.get_secret_value(), id, timestamp, body)
    try:
        async with httpx.AsyncClient(timeout=hook.timeout, verify=hook.verify_tls) as http:
            answer = await http.post(hook.url.get_secret_value(), content=body, headers=headers)
    except httpx.HTTPError as error:
        raise NotTaken(_why(error)) from None
    except (httpx.InvalidURL, ValueError, OSError) as error:
        raise NotTaken(f"its address cannot be used ({type(error).__name__})") from None
    if not answer.is_success:
        raise NotTaken(f"it answers HTTP {answer.status_code}")


def _why(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError):
        return "it cannot be reached"
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer in time"
    return f"the connection failed ({type(error).__name__})"
