"""The price book: append-only versions per gateway, model and source. Old rows keep the price they were made with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, insert, select, update

from lib.cards import ListedModel, Prices, PriceSource
from lib.ids import new_id, now_ms
from lib.price_book.rules import Ruled
from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import storable, to_json
from lib.store.gateways import require_gateway
from lib.store.rows import CurrentPrice, PriceVersion

_v = schema.price_version.c
_FIELDS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
ListSource = Literal["gateway", "demo"]


class PriceBook:
    """Prices in pico-units per token. A price you entered goes before the gateway's list; exact model ids only.

    What a rule makes of another price fills the gaps that both leave.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def note_list(
        self,
        owner: int,
        gateway_id: int,
        models: Iterable[ListedModel],
        at_ms: int | None = None,
        source: ListSource = "gateway",
    ) -> int:
        """Keep what a model list says of prices; returns how many changed. Raises NotFound.

        An unchanged price only renews its last-seen time. A model that stops naming its price gets a version
        without one; a model that is missing from the list keeps its last.
        """
        at_ms = now_ms() if at_ms is None else at_ms
        listed = {storable(model.id): model.prices for model in models}

        def work(connection: Connection) -> int:
            require_gateway(connection, owner, gateway_id)
            known = _newest(connection, owner, gateway_id, source)
            same = [known[name].id for name, prices in listed.items() if _is_same(known.get(name), prices)]
            new = [
                _row(owner, gateway_id, name, prices, source, at_ms)
                for name, prices in listed.items()
                if not _is_same(known.get(name), prices) and (prices.known or name in known)
            ]
            _touch(connection, owner, same, at_ms)
            if new:
                connection.execute(insert(schema.price_version), new)
            return len(new)

        return self._db.write(work)

    def set_entered(
        self,
        owner: int,
        gateway_id: int,
        model: str,
        prices: Prices,
        *,
        valid_from_ms: int | None = None,
        note: str = "",
    ) -> int:
        """Keep a price you entered, from now on or from a given time; returns its version id. Raises NotFound.

        Prices without any value take the entry back: the gateway's list counts again.
        """
        at_ms = now_ms() if valid_from_ms is None else valid_from_ms
        row = _row(owner, gateway_id, storable(model), prices, "entered", at_ms, note)

        def work(connection: Connection) -> int:
            require_gateway(connection, owner, gateway_id)
            connection.execute(insert(schema.price_version), row)
            return int(row["id"])

        return self._db.write(work)

    def enter_many(
        self, owner: int, gateway_id: int, prices: Mapping[str, Prices], *, note: str = "", at_ms: int | None = None
    ) -> int:
        """Keep a list of prices you entered or imported, all or none; how many. Raises NotFound."""
        at_ms = now_ms() if at_ms is None else at_ms
        rows = [_row(owner, gateway_id, storable(model), one, "entered", at_ms, note) for model, one in prices.items()]

        def work(connection: Connection) -> int:
            require_gateway(connection, owner, gateway_id)
            if rows:
                connection.execute(insert(schema.price_version), rows)
            return len(rows)

        return self._db.write(work)

    def take_back(self, owner: int, gateway_id: int, models: Iterable[str], *, note: str = "") -> int:
        """Your entries for these models end now: the gateway's list counts again, or no price; how many ended.

        Nothing is deleted: what was priced with them stays so. Raises NotFound.
        """
        at_ms, wanted = now_ms(), {storable(model) for model in models}

        def work(connection: Connection) -> int:
            require_gateway(connection, owner, gateway_id)
            known = _newest(connection, owner, gateway_id, "entered")
            ended = [name for name in sorted(wanted) if name in known and _prices(known[name]).known]
            rows = [_row(owner, gateway_id, name, Prices(), "entered", at_ms, note) for name in ended]
            if rows:
                connection.execute(insert(schema.price_version), rows)
            return len(rows)

        return self._db.write(work)

    def note_ruled(self, owner: int, gateway_id: int, ruled: Iterable[Ruled], at_ms: int | None = None) -> int:
        """Keep what the rules of a gateway make now; a model they make nothing of any more loses that price.

        Returns how many changed. Raises NotFound.
        """
        at_ms = now_ms() if at_ms is None else at_ms
        made = {storable(one.model): (one.prices, one.note) for one in ruled}

        def work(connection: Connection) -> int:
            require_gateway(connection, owner, gateway_id)
            known = _newest(connection, owner, gateway_id, "rule")
            gone = {name: (Prices(), "") for name, row in known.items() if name not in made and _prices(row).known}
            rows = [
                _row(owner, gateway_id, name, prices, "rule", at_ms, note)
                for name, (prices, note) in (made | gone).items()
                if not (_is_same(known.get(name), prices) and known[name].note == storable(note))
            ]
            if rows:
                connection.execute(insert(schema.price_version), rows)
            return len(rows)

        return self._db.write(work)

    def current(self, owner: int, gateway_id: int, model: str, at_ms: int | None = None) -> CurrentPrice | None:
        """The price in force at a time: entered, else listed, else made by a rule, else None (unpriced)."""
        at_ms = now_ms() if at_ms is None else at_ms

        def work(connection: Connection) -> CurrentPrice | None:
            for sources in (("entered",), ("gateway", "demo"), ("rule",)):
                row = connection.execute(_in_force(owner, gateway_id, model, sources, at_ms)).one_or_none()
                if row is not None and _prices(row).known:
                    return CurrentPrice(row.id, _prices(row), row.source)
            return None

        return self._db.read(work)

    def all_current(self, owner: int, gateway_id: int) -> dict[str, CurrentPrice]:
        """The prices in force now of all models of a gateway, by model id."""
        at_ms = now_ms()

        def work(connection: Connection) -> dict[str, CurrentPrice]:
            found: dict[str, CurrentPrice] = {}
            for source in ("rule", "gateway", "demo", "entered"):
                for name, row in _newest(connection, owner, gateway_id, source, at_ms).items():
                    if _prices(row).known:
                        found[name] = CurrentPrice(row.id, _prices(row), row.source)
            return found

        return self._db.read(work)

    def version(self, owner: int, version_id: int) -> PriceVersion | None:
        """The row of the price book a cost was made with."""
        query = select(schema.price_version).where(_v.id == version_id, _v.owner_id == owner)
        row = self._db.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else version_of(row)

    def history(self, owner: int, gateway_id: int, model: str | None = None) -> tuple[PriceVersion, ...]:
        """All versions, the newest first."""
        query = select(schema.price_version).where(_v.owner_id == owner, _v.gateway_id == gateway_id)
        if model is not None:
            query = query.where(_v.model == storable(model))
        query = query.order_by(_v.valid_from_ms.desc(), _v.id.desc())
        return self._db.read(lambda connection: tuple(version_of(row) for row in connection.execute(query)))


def _touch(connection: Connection, owner: int, ids: list[int], at_ms: int) -> None:
    """The one column that is ever written again: when a version was last seen in the list."""
    for at in range(0, len(ids), 500):
        mine = and_(_v.id.in_(ids[at : at + 500]), _v.owner_id == owner)
        connection.execute(update(schema.price_version).where(mine).values(last_seen_ms=at_ms))


def _newest(
    connection: Connection, owner: int, gateway_id: int, source: str, at_ms: int | None = None
) -> dict[str, Row[Any]]:
    """The latest version of every model from one source."""
    query = select(schema.price_version).where(_v.owner_id == owner, _v.gateway_id == gateway_id, _v.source == source)
    if at_ms is not None:
        query = query.where(_v.valid_from_ms <= at_ms)
    return {row.model: row for row in connection.execute(query.order_by(_v.model, _v.valid_from_ms, _v.id))}


def _in_force(owner: int, gateway_id: int, model: str, sources: tuple[str, ...], at_ms: int) -> Any:
    query = select(schema.price_version).where(
        _v.owner_id == owner,
        _v.gateway_id == gateway_id,
        _v.model == storable(model),
        _v.source.in_(sources),
        _v.valid_from_ms <= at_ms,
    )
    return query.order_by(_v.valid_from_ms.desc(), _v.id.desc()).limit(1)


def _is_same(row: Row[Any] | None, prices: Prices) -> bool:
    return row is not None and row.hash == _hash(prices)


def _hash(prices: Prices) -> str:
    return hashlib.sha256(to_json(prices).encode()).hexdigest()[:32]


def _row(
    owner: int, gateway_id: int, model: str, prices: Prices, source: PriceSource, at_ms: int, note: str = ""
) -> dict[str, Any]:
    seen = {"valid_from_ms": at_ms, "first_seen_ms": at_ms, "last_seen_ms": at_ms}
    amounts = {f"{name}_pico": getattr(prices, name) for name in _FIELDS}
    row = {"id": new_id(), "owner_id": owner, "gateway_id": gateway_id, "model": model, "source": source}
    return row | seen | amounts | {"currency": storable(prices.currency), "hash": _hash(prices), "note": storable(note)}


def _prices(row: Row[Any]) -> Prices:
    amounts = {name: getattr(row, f"{name}_pico") for name in _FIELDS}
    return Prices(**amounts, currency=row.currency)


def version_of(row: Row[Any]) -> PriceVersion:
    """A row of the price book."""
    return PriceVersion(
        row.id,
        row.gateway_id,
        row.model,
        row.source,
        _prices(row),
        row.valid_from_ms,
        row.first_seen_ms,
        row.last_seen_ms,
        row.note,
    )
