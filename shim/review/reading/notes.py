"""Notes of integrations: what people write on the review page, over what the configuration says."""

from __future__ import annotations

import sqlalchemy as sa

from shim.edge.deprecation.tables import INTEGRATION_NOTES
from shim.edge.store import audit
from shim.edge.store.database import Store

_LONGEST = 4000


class NoteRefused(ValueError):
    """Notes that cannot be taken; the text says why."""


async def write(store: Store, integration: str, text: str, who: str) -> None:
    """Write notes, also to the audit log; an empty text leaves it to the configuration again.

    Raises Refused, and BackendError when the store fails.
    """
    text = text.strip()
    if len(text) > _LONGEST or not all(each.isprintable() or each == "\n" for each in text):
        raise NoteRefused(f"Notes have at most {_LONGEST} characters, without control characters.")
    row = {"integration": integration, "text": text, "who": who, "at": store.now()}
    async with store.writing() as connection:
        mine = INTEGRATION_NOTES.c.integration == integration
        await connection.execute(sa.delete(INTEGRATION_NOTES).where(mine))
        if text:
            await connection.execute(sa.insert(INTEGRATION_NOTES).values(**row))
    await audit.record(store, who, "notes", integration, text or "taken back")
