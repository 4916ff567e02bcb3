"""Prices for requests that have none, afterwards: new cost rows, never changed ones, a few hundred at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Connection, Row, Select, func, select

from lib.cards import Prices
from lib.ids import ms_of, now_ms
from lib.insight_words import Filter
from lib.ledger import ESTIMATED_SOURCES, Cost
from lib.price_book.book import in_force
from lib.price_book.preview import Use
from lib.pricing import estimate_range, most_output, price
from lib.store import schema
from lib.store.costs import cost_row
from lib.store.database import Database
from lib.store.encoding import insert_new, storable
from lib.store.insight_sums import sums_of
from lib.store.prices import version_of
from lib.store.recording import add_to_total
from lib.store.rollup import Change, counting, fact
from lib.store.rows import PriceVersion
from lib.tokens import TokenCount

_u, _k, _v = schema.usage_event.c, schema.cost_event.c, schema.price_version.c
_COUNTS = TokenCount.__struct_fields__
AT_ONCE = 500
"""Requests in one transaction: others may write in between."""
MOST_SHOWN = 20_000
"""Unpriced requests that a preview looks at."""


class Unpriced(Struct, frozen=True):
    """So many requests of one model have no cost. `n_countable` of them have tokens that a price could be put on."""

    gateway_id: int
    model: str
    n: int
    n_countable: int


class Repricing:
    """Real requests only: the demo's have the demo's prices."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def unpriced(self, owner: int) -> tuple[Unpriced, ...]:
        """Which models have requests without a cost, the most first."""
        countable = func.count(_u.in_uncached + _u.out_visible)
        query = _open(owner).with_only_columns(_u.gateway_id, _u.model, func.count(), countable)
        query = query.group_by(_u.gateway_id, _u.model).order_by(None)
        query = query.order_by(func.count().desc(), _u.gateway_id, _u.model)
        return self._db.read(lambda connection: tuple(Unpriced(*row) for row in connection.execute(query)))

    def uses(self, owner: int, gateway_id: int, filter: Filter, model: str | None = None) -> tuple[Use, ...]:
        """What a preview of new prices needs: the priced use of a gateway's models in the period of `filter`, and the
        requests of any time that have no cost (at most 20,000)."""

        def work(connection: Connection) -> tuple[Use, ...]:
            only = Filter(filter.start, filter.end, filter.zone, gateways=(gateway_id,))
            only = only if model is None else Filter(*_period(only), gateways=(gateway_id,), models=(model,))
            tallies = sums_of(connection, owner, only, ("model", "priced"))
            used = tuple(_use(one) for one in tallies if one.priced)
            waiting: dict[str, list[TokenCount]] = {}
            for row in connection.execute(_narrowed(_open(owner), gateway_id, model).limit(MOST_SHOWN)):
                waiting.setdefault(row.model, []).append(_count(row))
            return (*used, *(Use(name, unpriced=tuple(counts)) for name, counts in sorted(waiting.items())))

        return self._db.read(work)

    def reprice(
        self,
        owner: int,
        gateway_id: int | None = None,
        model: str | None = None,
        *,
        references: Mapping[str, Prices] | None = None,
    ) -> int:
        """Give requests without a cost the price that was valid when they were made, else the present one; how many.

        `references` are vendor prices by base model, for cached tokens without a price of their own. Stopped half-way
        or called twice it does the rest, and nothing twice. Raises StoreError.
        """
        done, after = 0, 0
        while True:

            def work(connection: Connection, after: int = after) -> tuple[int, int | None]:
                return _some(connection, owner, gateway_id, model, references or {}, after)

            priced, further = self._db.write(work)
            done += priced
            if further is None:
                return done
            after = further


def _period(filter: Filter) -> tuple[Any, Any, str]:
    return filter.start, filter.end, filter.zone


def _open(owner: int) -> Select[Any]:
    """Real usage events whose cost in force is unknown, the oldest first; found by the index of amounts."""
    later = schema.cost_event.alias("later")
    superseded = select(later.c.id).where(later.c.event_id == _k.event_id, later.c.seq > _k.seq).exists()
    return (
        select(schema.usage_event, *(_k[name].label(f"cost_{name}") for name in ("seq", "currency", "reported_nano")))
        .select_from(schema.cost_event)
        .join(schema.usage_event, _u.id == _k.event_id)
        .where(_k.owner_id == owner, _k.nano.is_(None), ~superseded, _u.owner_id == owner, _u.demo == 0)
        .order_by(_k.event_id)
    )


def _narrowed(query: Select[Any], gateway_id: int | None, model: str | None) -> Select[Any]:
    query = query if gateway_id is None else query.where(_u.gateway_id == gateway_id)
    return query if model is None else query.where(_u.model == storable(model))


def _some(
    connection: Connection,
    owner: int,
    gateway_id: int | None,
    model: str | None,
    references: Mapping[str, Prices],
    after: int,
) -> tuple[int, int | None]:
    """The next few: how many got a price, and where to go on (None: nowhere)."""
    query = _narrowed(_open(owner), gateway_id, model).where(_k.event_id > after).limit(AT_ONCE)
    rows = connection.execute(query.with_for_update(of=schema.usage_event)).all()  # corrections take turns
    change, book, done = counting(connection, owner), _Book(connection, owner), 0
    for row in rows:
        made = _cost(row, book, references.get(row.base))
        if made is not None:
            done += _correct(connection, row, *made, change)
    change.apply(connection, owner)
    return done, rows[-1].id if len(rows) == AT_ONCE else None


def _correct(connection: Connection, row: Row[Any], cost: Cost, reason: str, change: Change) -> bool:
    event, beside = row._mapping, row.cost_reported_nano
    if beside is not None and cost.currency == row.cost_currency:
        cost = structs.replace(cost, reported_nano=beside)
    new = cost_row(row.owner_id, row.id, row.cost_seq + 1, "reprice", cost, reason)
    if not insert_new(connection, schema.cost_event, new):  # somebody else was faster
        return False
    old = cost_row(row.owner_id, row.id, row.cost_seq, "", Cost(currency=row.cost_currency, reported_nano=beside))
    change.add(fact(event, old), -1)
    change.add(fact(event, new), 1)
    add_to_total(connection, event, old["currency"], None, -1)
    add_to_total(connection, event, new["currency"], new["nano"], 1)
    return True


def _cost(row: Row[Any], book: _Book, reference: Prices | None) -> tuple[Cost, str] | None:
    version, reason = book.version(row.gateway_id, row.model, ms_of(row.id))
    if version is None:
        return None
    count = _count(row)
    cost = price(count, version.prices, source=version.source, version_id=version.id, reference=reference)
    if cost.nano is None:
        return None
    if row.usage_source in ESTIMATED_SOURCES:
        cap = most_output(row.max_out_cap, row.outcome, row.duration_ms)
        cost = estimate_range(cost, count, version.prices, max_out_cap=cap, reference=reference)
    return cost, reason


class _Book:
    """The versions of the price book, read once for each model."""

    def __init__(self, connection: Connection, owner: int) -> None:
        self._connection = connection
        self._owner = owner
        self._now = now_ms()
        self._known: dict[tuple[int, str], list[PriceVersion]] = {}

    def version(self, gateway_id: int, model: str, at_ms: int) -> tuple[PriceVersion | None, str]:
        """The version to use for a request of that time, and why."""
        versions = self._versions(gateway_id, model)
        then = in_force(versions, at_ms)
        now = then or in_force(versions, self._now)
        if now is None:
            return None, ""
        found = next(one for one in versions if one.id == now.id)
        if then is not None:
            return found, "the price that was valid then"
        day = datetime.fromtimestamp(found.valid_from_ms / 1000, UTC).date()
        return found, f"no price was known then; the price of {day.isoformat()}"

    def _versions(self, gateway_id: int, model: str) -> list[PriceVersion]:
        key = (gateway_id, model)
        if key not in self._known:
            mine = _v.owner_id == self._owner, _v.gateway_id == gateway_id, _v.model == model
            rows = self._connection.execute(select(schema.price_version).where(*mine))
            self._known[key] = [version_of(row) for row in rows]
        return self._known[key]


def _count(row: Row[Any]) -> TokenCount:
    return TokenCount(*(getattr(row, name) for name in _COUNTS))


def _use(tally: Any) -> Use:
    short = tally.in_cache_write - tally.in_cache_write_1h
    inputs = (tally.in_uncached, tally.in_cache_read, short, tally.in_cache_write_1h)
    count = TokenCount(*inputs, tally.out_visible, tally.out_reasoning)
    return Use(tally.model, tally.n, count, tally.cost_nano, tally.currency)
