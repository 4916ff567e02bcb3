"""The model list of each gateway as last fetched, so that no page waits for the network."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, select

from lib.cards import ListedModel
from lib.ids import now_ms
from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import from_json, insert_or, storable, to_json
from lib.store.gateways import require_gateway

_l = schema.model_list.c
_NOTE_CHARS = 500


class ModelList(Struct, frozen=True):
    """`fetched_ms` is 0 when nothing was ever fetched; `error_note` says why the last try failed (untrusted text)."""

    fetched_ms: int = 0
    models: tuple[ListedModel, ...] = ()
    raw_json: str = ""
    error_note: str | None = None
    error_ms: int | None = None


class Models:
    """One list per gateway."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def save_list(
        self, owner: int, gateway_id: int, *, fetched_ms: int, raw_json: str, models: tuple[ListedModel, ...]
    ) -> None:
        """Replace the list and forget the last error. Raises NotFound."""
        values: dict[str, str | int | None] = {"fetched_ms": fetched_ms, "raw_json": storable(raw_json)}
        self._save(owner, gateway_id, values | {"models": to_json(models), "error_note": None, "error_ms": None})

    def note_error(self, owner: int, gateway_id: int, note: str) -> None:
        """Keep why the list could not be fetched, beside the list that is there. Raises NotFound."""
        self._save(owner, gateway_id, {"error_note": storable(note[:_NOTE_CHARS]), "error_ms": now_ms()})

    def load_list(self, owner: int, gateway_id: int) -> ModelList:
        """The list as last fetched, empty when there is none."""
        query = select(schema.model_list).where(_l.gateway_id == gateway_id, _l.owner_id == owner)
        row = self._db.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return ModelList()
        models = from_json(row.models, tuple[ListedModel, ...])
        return ModelList(row.fetched_ms, models, row.raw_json, row.error_note, row.error_ms)

    def _save(self, owner: int, gateway_id: int, values: dict[str, str | int | None]) -> None:
        row: dict[str, str | int | None] = {"gateway_id": gateway_id, "owner_id": owner, "fetched_ms": 0}
        row |= {"raw_json": "", "models": "[]"} | values

        def work(connection: Connection) -> None:
            require_gateway(connection, owner, gateway_id)
            upsert = insert_or(connection, schema.model_list)
            connection.execute(upsert.on_conflict_do_update(index_elements=["gateway_id"], set_=values), row)

        self._db.write(work, idempotent=True)
