"""Which of the three forms of a 2.5 login integrations use, as it was counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from shim.core.login_forms import LOGIN_FORMS, WORDS, LoginRung
from shim.edge.deprecation import tables
from shim.edge.settings.logins import LoginForms
from shim.edge.store.database import Store, utc


@dataclass(frozen=True, slots=True)
class LoginUse:
    """How many calls came with a form of login in the days that were looked at, and when the last one did."""

    integration: str
    form: str
    calls: int
    last_seen: datetime


async def login_uses(
    store: Store, now: datetime, days: int = 30, integration: str | None = None
) -> dict[str, list[LoginUse]]:
    """The forms that were used by integration, passwords first. Raises BackendError."""
    row = tables.LOGIN_FORMS.c
    since = (now - timedelta(days=days - 1)).date().isoformat()
    columns = (
        row.integration,
        row.form,
        sa.func.sum(row.calls).label("calls"),
        sa.func.max(row.last_seen).label("at"),
    )
    query = sa.select(*columns).where(row.day >= since).group_by(row.integration, row.form)
    if integration is not None:
        query = query.where(row.integration == integration)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    uses: dict[str, list[LoginUse]] = {}
    for each in sorted(rows, key=lambda it: (it.integration, _ORDER.get(it.form, len(_ORDER)))):
        uses.setdefault(each.integration, []).append(
            LoginUse(each.integration, each.form, int(each.calls), utc(each.at))
        )
    return uses


_ORDER = {form: number for number, form in enumerate(LOGIN_FORMS)}


@dataclass(frozen=True, slots=True)
class RetiredLogin:
    """A form of login that an integration uses, in words, and how far it still may today.

    `ends` is the day from which it is refused, None where no day is set.
    """

    use: LoginUse
    words: str
    rung: LoginRung
    ends: date | None


def retired(uses: Sequence[LoginUse], forms: LoginForms | None, now: datetime) -> list[RetiredLogin]:
    """The forms that are used, with what the configuration says of each; without one every form is served."""
    logins = []
    for each in uses:
        form = next((known for known in LOGIN_FORMS if known == each.form), None)
        rung = forms.rung(form, lambda: now) if forms is not None else "translate"
        refused = forms is not None and form is not None and getattr(forms, form) == "refuse"
        ends = forms.refuse_from if forms is not None and refused else None
        logins.append(RetiredLogin(each, WORDS[form] if form else each.form, rung, ends))
    return logins


def in_words(uses: Sequence[LoginUse]) -> str:
    """`password 120, app key 3`; nothing for none."""
    return ", ".join(f"{each.form.replace('_', ' ')} {each.calls}" for each in uses)
