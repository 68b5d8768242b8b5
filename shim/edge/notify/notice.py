"""A notice: something that somebody has to hear of, as JSON for programs and as text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shim.edge.settings.notify import EventName


@dataclass(frozen=True, slots=True)
class Notice:
    """`key` is of the thing itself: two notices with one key are the same, and told once.

    `subject` is one line, `text` what somebody needs to know, `facts` the same for programs. None holds a value
    of a message. `link` is where on the review page it stands: `/findings/12`.
    """

    key: str
    event: EventName | str
    at: datetime
    subject: str
    text: str
    integration: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None

    def body(self) -> str:
        """As it is kept and sent, but for its ID."""
        fields = {
            "event": self.event,
            "at": self.at.isoformat(timespec="seconds"),
            "integration": self.integration,
            "subject": self.subject,
            "text": self.text,
            "facts": dict(self.facts),
            "link": self.link,
        }
        return json.dumps(fields, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Sending:
    """A notice on its way to one receiver. `id` is the same in every attempt, so that doubles can be told."""

    id: str
    receiver: str
    at: datetime
    attempts: int
    fields: Mapping[str, Any]

    def payload(self, page: str | None) -> bytes:
        """The JSON that a webhook gets, in UTF-8; `page` is the address of the review page."""
        link = self.fields.get("link")
        whole = {"id": self.id, **self.fields, "link": f"{page}{link}" if page and link else None}
        return json.dumps(whole, ensure_ascii=False).encode()

    def lines(self, page: str | None) -> str:
        """The text of a mail."""
        link = self.fields.get("link")
        rest = f"\n\n{page}{link}" if page and link else ""
        return (
            f"{self.fields['text']}{rest}\n\n-- \nSystemAPI shim, {self.fields['event']}, {self.fields['at']}\n"
        )
