"""Tables of the store share these: where they are listed, and the type of their times."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
"""Every table of the store whose module was imported."""
WHEN = sa.DateTime(timezone=True)
"""A time in UTC. SQLite gives it back without its zone: see `shim.edge.store.database.utc`."""
