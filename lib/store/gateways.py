"""Gateways: their cards, their encrypted keys (bytes only: `lib/keys.py` reads them), their learnt wire forms."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from sqlalchemy import Connection, Row, and_, insert, select, update

from lib.cards import DialectName, GatewayCard, VariantRule, WireForm
from lib.errors import NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import from_json, insert_new, insert_or, storable, to_json
from lib.store.rows import StoredKey

_g, _f = schema.gateway.c, schema.wire_form.c
Cards = list[GatewayCard]


class Gateways:
    """The gateways of every owner; each function sees those of one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, owner: int, card: GatewayCard) -> GatewayCard:
        """Keep a new gateway. Ids are made here; the returned card has them."""
        row = _new_row(owner, card)

        def work(connection: Connection) -> GatewayCard:
            connection.execute(insert(schema.gateway), row)
            return _card(_one(connection, owner, row["id"]))

        return self._db.write(work)

    def ensure(self, owner: int, card: GatewayCard, slot: str) -> GatewayCard:
        """The gateway of a fixed place such as 'demo' or 'environment': made once, its card renewed at every start.

        So its id, which the ledger keeps, stays the same. The card's `origin_of_key` and `key_hint` are passed on.
        """

        def work(connection: Connection) -> GatewayCard:
            mine = and_(_g.owner_id == owner, _g.slot == slot)
            values = _columns(card) | {"deleted_ms": None}
            insert_new(connection, schema.gateway, _new_row(owner, card) | {"slot": slot})
            connection.execute(update(schema.gateway).where(mine).values(**values))
            found = _card(connection.execute(select(schema.gateway).where(mine)).one())
            return structs.replace(found, origin_of_key=card.origin_of_key, key_hint=card.key_hint)

        return self._db.write(work, idempotent=True)

    def update(self, owner: int, card: GatewayCard) -> None:
        """Write the card over the one with its id; the key stays. Raises NotFound."""
        self._change(owner, card.id, **_columns(card))

    def remove(self, owner: int, gateway_id: int) -> None:
        """Out of sight and its key gone; the ledger keeps its name. Raises NotFound."""
        self._change(owner, gateway_id, deleted_ms=now_ms(), key_cipher=None, key_nonce=None, key_hint="")

    def get(self, owner: int, gateway_id: int) -> GatewayCard:
        """Raises NotFound."""
        return self._db.read(lambda connection: _card(_one(connection, owner, gateway_id)))

    def by_public_id(self, owner: int, public_id: str) -> GatewayCard:
        """Raises NotFound."""
        query = select(schema.gateway).where(
            _g.owner_id == owner, _g.public_id == storable(public_id), _g.deleted_ms.is_(None)
        )
        row = self._db.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise NotFound("gateway")
        return _card(row)

    def list(self, owner: int) -> Cards:
        """All that are not removed, the oldest first."""
        query = select(schema.gateway).where(_g.owner_id == owner, _g.deleted_ms.is_(None)).order_by(_g.id)
        return self._db.read(lambda connection: [_card(row) for row in connection.execute(query)])

    def set_key(self, owner: int, gateway_id: int, key: StoredKey | None) -> None:
        """Keep an encrypted key, or none. Raises NotFound."""
        key = key or StoredKey(b"", b"", "")
        cipher, nonce = key.cipher or None, key.nonce or None
        self._change(owner, gateway_id, key_cipher=cipher, key_nonce=nonce, key_hint=storable(key.hint))

    def key(self, owner: int, gateway_id: int) -> StoredKey | None:
        """The encrypted key. Raises NotFound."""
        row = self._db.read(lambda connection: _one(connection, owner, gateway_id))
        if row.key_cipher is None or row.key_nonce is None:
            return None
        return StoredKey(bytes(row.key_cipher), bytes(row.key_nonce), row.key_hint)

    def settings(self, owner: int, gateway_id: int) -> dict[str, Any]:
        """Further settings of a gateway, as the pages keep them. Raises NotFound."""
        row = self._db.read(lambda connection: _one(connection, owner, gateway_id))
        return from_json(row.settings, dict[str, Any])

    def save_settings(self, owner: int, gateway_id: int, settings: dict[str, Any]) -> None:
        """Raises NotFound."""
        self._change(owner, gateway_id, settings=to_json(settings))

    def learn(self, owner: int, gateway_id: int, model: str, form: WireForm) -> None:
        """Remember how requests to one model are spelt there. Raises NotFound."""

        def work(connection: Connection) -> None:
            _one(connection, owner, gateway_id)
            row = {"gateway_id": gateway_id, "model": storable(model), "owner_id": owner}
            learnt = {"form": to_json(form), "changed_ms": now_ms()}
            upsert = insert_or(connection, schema.wire_form).on_conflict_do_update(
                index_elements=["gateway_id", "model"], set_=learnt
            )
            connection.execute(upsert, row | learnt)

        self._db.write(work, idempotent=True)

    def form(self, owner: int, gateway_id: int, model: str) -> WireForm:
        """How this model's requests are spelt: what was learnt, else the gateway's own form. Raises NotFound."""

        def work(connection: Connection) -> WireForm:
            card = _card(_one(connection, owner, gateway_id))
            mine = and_(_f.gateway_id == gateway_id, _f.model == storable(model), _f.owner_id == owner)
            learnt = connection.scalar(select(_f.form).where(mine))
            return card.form if learnt is None else from_json(learnt, WireForm)

        return self._db.read(work)

    def _change(self, owner: int, gateway_id: int, **values: Any) -> None:
        mine = and_(_g.id == gateway_id, _g.owner_id == owner, _g.deleted_ms.is_(None))
        query = update(schema.gateway).where(mine).values(**(values | {"changed_ms": now_ms()}))

        def work(connection: Connection) -> None:
            if connection.execute(query).rowcount != 1:
                raise NotFound("gateway")

        self._db.write(work)


def require_gateway(connection: Connection, owner: int, gateway_id: int) -> None:
    """Raises NotFound unless the gateway is this owner's."""
    _one(connection, owner, gateway_id)


def _one(connection: Connection, owner: int, gateway_id: int) -> Row[Any]:
    query = select(schema.gateway).where(_g.id == gateway_id, _g.owner_id == owner, _g.deleted_ms.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("gateway")
    return row


def _new_row(owner: int, card: GatewayCard) -> dict[str, Any]:
    ids = {"id": new_id(), "owner_id": owner, "public_id": new_public_id()}
    return ids | _columns(card) | {"settings": "{}", "key_hint": "", "created_ms": now_ms(), "slot": None}


def _columns(card: GatewayCard) -> dict[str, Any]:
    return {
        "name": storable(card.name),
        "base_url": storable(card.base_url),
        "dialects": to_json(card.dialects),
        "variant_rules": to_json(card.variant_rules),
        "form": to_json(card.form),
        "demo": int(card.demo),
        "changed_ms": now_ms(),
    }


def _card(row: Row[Any]) -> GatewayCard:
    return GatewayCard(
        id=row.id,
        name=row.name,
        base_url=row.base_url,
        dialects=from_json(row.dialects, tuple[DialectName, ...]),
        variant_rules=from_json(row.variant_rules, tuple[VariantRule, ...]),
        form=from_json(row.form, WireForm),
        demo=bool(row.demo),
        public_id=row.public_id,
        origin_of_key="stored" if row.key_cipher is not None else "demo" if row.demo else "none",
        key_hint=row.key_hint,
    )
