"""Alembic at work on a store. Loading it takes a while, so that only what has work for it does."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


class Upgrade:
    """The migrations of a folder, on one connection. `head` is where they lead to."""

    def __init__(self, connection: sa.Connection, migrations: Path) -> None:
        self._config = Config()
        self._config.set_main_option("script_location", str(migrations).replace("%", "%%"))
        self._config.attributes["connection"] = connection
        scripts = ScriptDirectory.from_config(self._config)
        self.head = str(scripts.get_current_head())
        self.oldest_code = {each.revision: str(each.module.oldest_code) for each in scripts.walk_revisions()}
        """The revision that code has to know at the least to use a store, by the revision of the store."""

    def run(self) -> None:
        """Bring the store to the head."""
        command.upgrade(self._config, "head")
