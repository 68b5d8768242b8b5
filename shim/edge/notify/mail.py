"""Mail: a notice as a plain text mail over SMTP. Its Message-ID is of the notice, the same in every attempt."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from shim.edge.notify.webhook import NotTaken
from shim.edge.settings.notify import Mail


def message(settings: Mail, id: str, at: datetime, subject: str, text: str) -> EmailMessage:
    """The mail for a notice."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    mail["Subject"] = f"[shim] {' '.join(subject.split())}"
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{id}@{settings.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


async def send(settings: Mail, mail: EmailMessage) -> None:
    """Give a mail to the server. Raises NotTaken when it refuses it, or anybody of those who get it."""
    assert settings.host is not None
    try:
        refused, _ = await aiosmtplib.send(
            mail,
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password is not None else None,
            use_tls=settings.tls == "on_connect",
            start_tls=settings.tls == "starttls",
            validate_certs=settings.verify_tls,
            timeout=settings.timeout,
        )
    except aiosmtplib.SMTPResponseException as error:
        raise NotTaken(f"the mail server says {error.code}") from None
    except aiosmtplib.SMTPRecipientsRefused:
        raise NotTaken("the mail server takes it for nobody in notify.mail.to") from None
    except aiosmtplib.SMTPTimeoutError:
        raise NotTaken("the mail server does not answer in time") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise NotTaken(f"the mail server cannot be used ({type(error).__name__})") from None
    if refused:
        raise NotTaken(f"the mail server refuses {len(refused)} of {len(settings.to)} addresses")
