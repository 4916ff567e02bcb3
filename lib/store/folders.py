"""Folders: a flat list of names; a conversation is in one of them or in none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, exc, func, insert, select, update

from lib.errors import BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.conversations import one_line
from lib.store.database import Database
from lib.store.encoding import storable
from lib.store.placing import folded
from lib.store.rows import Folder

_c, _f = schema.conversation.c, schema.folder.c
_NAME_CHARS = 80
Listed = list[Folder]


class Folders:
    """The folders of every owner; each function sees those of one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def list(self, owner: int) -> Listed:
        """All of them by name, each with how many conversations can be seen in it."""
        inside = select(func.count()).where(
            _c.folder_id == _f.id,
            _c.owner_id == owner,
            _c.deleted_ms.is_(None),
            _c.archived_ms.is_(None),
            _c.batch_id.is_(None),
        )
        query = select(_f.public_id, _f.name, inside.scalar_subquery().label("n")).where(_f.owner_id == owner)
        rows = self._db.read(lambda connection: connection.execute(query.order_by(_f.folded)).all())
        return [Folder(row.public_id, row.name, row.n) for row in rows]

    def add(self, owner: int, name: str) -> Folder:
        """A new folder, or the one that has this name, whatever its case. Raises BadInput for an empty name."""
        row = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "created_ms": now_ms(), **_named(name)}

        def work(connection: Connection) -> Folder:
            there = select(_f.public_id, _f.name).where(_f.owner_id == owner, _f.folded == row["folded"])
            found = connection.execute(there).one_or_none()
            if found is None:
                connection.execute(insert(schema.folder), row)
                return Folder(row["public_id"], row["name"])
            return Folder(found.public_id, found.name)

        return self._db.write(work)

    def rename(self, owner: int, folder: str, name: str) -> None:
        """Raises NotFound, and BadInput for an empty name or one that another folder has."""
        change = update(schema.folder).where(_f.public_id == storable(folder), _f.owner_id == owner)

        def work(connection: Connection) -> None:
            try:
                if not connection.execute(change.values(**_named(name))).rowcount:
                    raise NotFound("folder")
            except exc.IntegrityError as error:
                raise BadInput("folder_exists", "another folder has this name") from error

        self._db.write(work, idempotent=True)

    def remove(self, owner: int, folder: str) -> int:
        """Remove a folder; its conversations stay, in none. How many they were. Raises NotFound."""

        def work(connection: Connection) -> int:
            folder_id = folder_id_of(connection, owner, folder)
            inside = update(schema.conversation).where(_c.folder_id == folder_id, _c.owner_id == owner)
            count = connection.execute(inside.values(folder_id=None)).rowcount
            connection.execute(delete(schema.folder).where(_f.id == folder_id, _f.owner_id == owner))
            return count

        return self._db.write(work)


def folder_id_of(connection: Connection, owner: int, public_id: str) -> int:
    """Raises NotFound."""
    query = select(_f.id).where(_f.public_id == storable(public_id), _f.owner_id == owner)
    found = connection.scalar(query)
    if found is None:
        raise NotFound("folder")
    return int(found)


def _named(name: str) -> dict[str, Any]:
    name = one_line(name, _NAME_CHARS)
    if not name:
        raise BadInput("empty_name", "a folder needs a name")
    return {"name": name, "folded": folded(name)}
