"""Sending a notice to one receiver: a webhook by its name, or `mail`."""

from __future__ import annotations

import json
import secrets
from datetime import datetime

from shim.edge.notify import mail, webhook
from shim.edge.notify.notice import Notice, Sending
from shim.edge.notify.webhook import NotTaken
from shim.edge.settings.notify import Notify


async def deliver(settings: Notify, sending: Sending, now: datetime) -> None:
    """Send it. Raises NotTaken when the receiver did not take it, or is not configured any more."""
    if sending.receiver == "mail":
        if settings.mail.host is None:
            raise NotTaken("there is no mail server in the configuration any more")
        text = sending.lines(settings.page)
        mail_message = mail.message(settings.mail, sending.id, sending.at, str(sending.fields["subject"]), text)
        await mail.send(settings.mail, mail_message)
        return
    hook = next((each for each in settings.webhooks if each.name == sending.receiver), None)
    if hook is None:
        raise NotTaken("there is no webhook of this name in the configuration any more")
    await webhook.post(hook, sending.id, sending.payload(settings.page), int(now.timestamp()))


def trial(receiver: str, now: datetime) -> Sending:
    """The notice that `shim notify test` sends."""
    text = "This is a test of the shim's notifications. If you can read it, they reach you."
    notice = Notice("test", "test", now, "Test of the shim's notifications", text)
    return Sending(f"test-{secrets.token_hex(6)}", receiver, now, 1, _fields(notice))


def _fields(notice: Notice) -> dict[str, object]:
    body: dict[str, object] = json.loads(notice.body())
    return body
