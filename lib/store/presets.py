"""A small library of system prompts and parameters, in the order their owner gave them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lib.errors import BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.messages import Params
from lib.store import schema
from lib.store.conversations import one_line, settings_columns
from lib.store.database import Database
from lib.store.encoding import from_json, storable
from lib.store.rows import Preset, Settings

_p = schema.preset.c
MOST_PRESETS = 200
MOST_BYTES = 200_000
_NAME_CHARS = 100
Listed = list[Preset]


class Presets:
    """The presets of every owner; each function sees those of one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def list(self, owner: int) -> Listed:
        """All of them, in order."""
        return self._db.read(lambda connection: _presets(connection, owner))

    def add(self, owner: int, name: str, settings: Settings) -> Preset:
        """Append one. Raises BadInput without a name, beyond 200 presets, or above 200 kB of system prompt."""
        row = _columns(name, settings)
        row |= {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "created_ms": now_ms()}

        def work(connection: Connection) -> Preset:
            there = _presets(connection, owner)
            if len(there) >= MOST_PRESETS:
                raise BadInput("too_many_presets")
            last = connection.scalar(select(func.max(_p.position)).where(_p.owner_id == owner))
            connection.execute(insert(schema.preset), row | {"position": int(last or 0) + 1})
            return _presets(connection, owner)[-1]

        return self._db.write(work)

    def update(self, owner: int, preset: str, name: str, settings: Settings) -> None:
        """Replace what a preset says. Raises NotFound, and BadInput as `add` does."""
        query = update(schema.preset).where(_mine(owner, preset)).values(**_columns(name, settings))
        self._db.write(lambda connection: _expect_one(connection.execute(query).rowcount), idempotent=True)

    def remove(self, owner: int, preset: str) -> None:
        """Raises NotFound."""
        query = delete(schema.preset).where(_mine(owner, preset))
        self._db.write(lambda connection: _expect_one(connection.execute(query).rowcount))

    def move(self, owner: int, preset: str, index: int) -> None:
        """Put a preset at place `index` (0 is the first). Raises NotFound."""

        def work(connection: Connection) -> None:
            order = [other.public_id for other in _presets(connection, owner)]
            if preset not in order:
                raise NotFound("preset")
            order.remove(preset)
            order.insert(max(0, index), preset)
            for position, public_id in enumerate(order, 1):
                connection.execute(update(schema.preset).where(_mine(owner, public_id)).values(position=position))

        self._db.write(work, idempotent=True)


def _columns(name: str, settings: Settings) -> dict[str, Any]:
    name = one_line(name, _NAME_CHARS)
    if not name:
        raise BadInput("no_name")
    if len(settings.system) > MOST_BYTES or len(storable(settings.system).encode()) > MOST_BYTES:
        raise BadInput("preset_too_long")
    return {"name": name, "changed_ms": now_ms()} | settings_columns(settings)


def _mine(owner: int, public_id: str) -> Any:
    return (_p.public_id == storable(public_id)) & (_p.owner_id == owner)


def _expect_one(count: int) -> None:
    if count != 1:
        raise NotFound("preset")


def _presets(connection: Connection, owner: int) -> Listed:
    query = select(schema.preset).where(_p.owner_id == owner).order_by(_p.position, _p.id)
    return [_preset(row) for row in connection.execute(query)]


def _preset(row: Row[Any]) -> Preset:
    settings = Settings(row.gateway_id, row.model, row.dialect, from_json(row.params, Params), row.system)
    return Preset(row.public_id, row.name, settings)
