"""Bring a database to the newest schema: all missing steps in one transaction, after a backup."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, func, insert, inspect, select, text

from lib.errors import StoreNewer
from lib.ids import new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.database import APPLICATION_ID, Database
from lib.store.files import back_up_before_migration
from lib.store.migrations import Step

_log = logging.getLogger("parlour.store")
_POSTGRES_LOCK = 0x5041524C4F5552


def migrate(database: Database, steps: tuple[Step, ...], backups: Path | None) -> None:
    """Run the steps the database has not seen.

    Raises StoreNewer when it has seen steps this program does not know. SQLite files that hold data are first
    copied to `backups`; a PostgreSQL database is not copied (that is its operator's pg_dump), and the log says so.
    """
    known = steps[-1].number
    found = database.read(found_step)
    if found > known:
        raise StoreNewer("the database was written by a newer Parlour", found=found, known=known)
    if found == known:
        return
    if found and database.path and backups:
        copy = back_up_before_migration(database.path, backups, found)
        _log.info("schema %d to %d, copy kept as %s", found, known, copy.name)
    elif found:
        _log.warning("schema %d to %d on PostgreSQL: no copy was made, keep your own backups", found, known)
    database.write(lambda connection: _run(connection, steps))


def found_step(connection: Connection) -> int:
    """The last step this database has seen, 0 for an empty one."""
    if not inspect(connection).has_table(schema.schema_step.name):
        return 0
    return int(connection.scalar(select(func.coalesce(func.max(schema.schema_step.c.number), 0))) or 0)


def _run(connection: Connection, steps: tuple[Step, ...]) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
    found = found_step(connection)  # again, under the lock: another process may have been first
    for step in steps:
        if step.number > found:
            step.run(connection)
            row = {"number": step.number, "name": step.name, "at_ms": now_ms()}
            connection.execute(insert(schema.schema_step), row)
    if not found:
        _first_owner(connection)


def _first_owner(connection: Connection) -> None:
    owner, at_ms = new_id(), now_ms()
    row = {"id": owner, "public_id": new_public_id(), "name": "local", "created_ms": at_ms}
    connection.execute(insert(schema.owner), row)
