"""Gateways in documents: a public id and a name, and the row that stands for one that is not here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, select

from lib.ids import new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.encoding import insert_new, storable
from lib.transfer.document import GatewayCopy

_g = schema.gateway.c
_DEMO = "demo"
_STRANGER = "imported:"
UNKNOWN_ID = 0
"""The gateway of an answer that another program wrote."""


class Gates:
    """The gateways of one owner within one transaction, both ways."""

    def __init__(self, connection: Connection, owner: int) -> None:
        self._connection = connection
        self._owner = owner
        query = select(_g.id, _g.public_id, _g.name, _g.slot, _g.demo).where(_g.owner_id == owner)
        self._copies = {row.id: _copy(row) for row in connection.execute(query.order_by(_g.id))}
        self._ids = {copy.id: gateway_id for gateway_id, copy in reversed(self._copies.items())}

    def copy(self, gateway_id: int | None) -> GatewayCopy | None:
        """The document of a gateway, None for an unknown one."""
        return self._copies.get(gateway_id or UNKNOWN_ID)

    def id_of(self, copy: GatewayCopy | None) -> int:
        """The row of this gateway; for one that is not here, a removed one with its name, so that spend has a name."""
        if copy is None:
            return UNKNOWN_ID
        found = self._ids.get(copy.id)
        if found is None:
            found = self._ids[copy.id] = self._stand_in(copy)
        return found

    def _stand_in(self, copy: GatewayCopy) -> int:
        slot = _DEMO if copy.demo and copy.id == _DEMO else storable(_STRANGER + copy.id[:128])
        row: dict[str, Any] = {"id": new_id(), "owner_id": self._owner, "public_id": new_public_id(), "slot": slot}
        row |= {"name": storable(copy.name[:200]), "base_url": "", "dialects": "[]", "variant_rules": "[]"}
        row |= {"form": "{}", "settings": "{}", "key_hint": "", "demo": int(copy.demo)}
        at_ms = now_ms()
        insert_new(
            self._connection, schema.gateway, row | dict.fromkeys(("created_ms", "changed_ms", "deleted_ms"), at_ms)
        )
        mine = and_(_g.owner_id == self._owner, _g.slot == slot)
        return int(self._connection.scalars(select(_g.id).where(mine)).one())


def _copy(row: Any) -> GatewayCopy:
    if row.slot == _DEMO:
        return GatewayCopy(_DEMO, row.name, demo=True)
    stranger = row.slot is not None and row.slot.startswith(_STRANGER)
    return GatewayCopy(row.slot.removeprefix(_STRANGER) if stranger else row.public_id, row.name, bool(row.demo))
