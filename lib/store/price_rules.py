"""The rules that make prices of other prices ("Budget = 0.3 × vendor list"), as a person wrote them down."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Connection, Row, insert, select, update

from lib.errors import NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.price_book.rules import Multiplier
from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import storable
from lib.store.gateways import require_gateway

_r = schema.price_rule.c


class KeptRule(Struct, frozen=True):
    """A rule in the store; one that is not `active` makes no prices."""

    public_id: str
    rule: Multiplier
    active: bool
    created_ms: int


KeptRules = list[KeptRule]


class PriceRules:
    """Rules only: the prices they make are in the price book, see `prices.note_ruled`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def list(self, owner: int, gateway_id: int) -> KeptRules:
        """Those of one gateway, the oldest first: of equally particular ones the last counts."""
        query = select(schema.price_rule).where(
            _r.owner_id == owner, _r.gateway_id == gateway_id, _r.deleted_ms.is_(None)
        )
        return self._db.read(lambda connection: [_kept(row) for row in connection.execute(query.order_by(_r.id))])

    def add(self, owner: int, rule: Multiplier) -> KeptRule:
        """Keep a rule (see `price_book.rules.multiplier`). Raises NotFound for its gateway."""
        texts = {name: storable(text) for name, text in structs.asdict(rule).items() if isinstance(text, str)}
        row = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "gateway_id": rule.gateway_id, **texts}
        row |= {"active": 1, "created_ms": now_ms(), "deleted_ms": None}

        def work(connection: Connection) -> KeptRule:
            require_gateway(connection, owner, rule.gateway_id)
            connection.execute(insert(schema.price_rule), row)
            return _kept(connection.execute(select(schema.price_rule).where(_r.id == row["id"])).one())

        return self._db.write(work)

    def switch(self, owner: int, public_id: str, *, on: bool) -> None:
        """Let it make prices, or rest. Raises NotFound."""
        self._change(owner, public_id, active=int(on))

    def remove(self, owner: int, public_id: str) -> None:
        """Raises NotFound."""
        self._change(owner, public_id, deleted_ms=now_ms())

    def _change(self, owner: int, public_id: str, **values: Any) -> None:
        mine = _r.public_id == storable(public_id), _r.owner_id == owner, _r.deleted_ms.is_(None)
        query = update(schema.price_rule).where(*mine).values(**values)

        def work(connection: Connection) -> None:
            if connection.execute(query).rowcount != 1:
                raise NotFound("price_rule")

        self._db.write(work)


def _kept(row: Row[Any]) -> KeptRule:
    rule = Multiplier(row.gateway_id, row.variant, row.times, row.base, row.only_base, row.label)
    return KeptRule(row.public_id, rule, bool(row.active), row.created_ms)
