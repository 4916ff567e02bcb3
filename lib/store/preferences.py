"""Small things an owner chose: the last model, the theme of a chart, a dismissed hint."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import from_json, insert_or, storable, to_json

_p = schema.preference.c


class Preferences:
    """JSON values by name."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, owner: int, name: str, default: Any = None) -> Any:
        """The value, or `default` when none was kept."""
        query = select(_p.value).where(_p.owner_id == owner, _p.name == storable(name))
        text = self._db.read(lambda connection: connection.scalar(query))
        return default if text is None else from_json(text, Any)

    def set(self, owner: int, name: str, value: Any) -> None:
        """Keep a JSON value."""
        row = {"owner_id": owner, "name": storable(name), "value": to_json(value)}

        def work(connection: Connection) -> None:
            upsert = insert_or(connection, schema.preference)
            connection.execute(
                upsert.on_conflict_do_update(index_elements=["owner_id", "name"], set_={"value": row["value"]}), row
            )

        self._db.write(work, idempotent=True)
