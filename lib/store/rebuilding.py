"""The rollup is a cache: make it anew from the ledger, and prove that it still adds up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, cast, delete, func, select

from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.rollup import MEASURES, Change, fact_of_row, recounting, zones_of
from lib.store.rows import Mismatch
from lib.store.tallies import ledger_sums

_u, _r = schema.usage_event.c, schema.usage_rollup.c
_BATCH = 20_000
Sums = dict[str, int]


def rebuild_kinds(connection: Connection, owner: int, kinds: tuple[str, ...]) -> None:
    """Delete and re-count these kinds, reading the ledger in batches by id."""
    recounting(connection, owner)
    connection.execute(delete(schema.usage_rollup).where(_r.owner_id == owner, _r.kind.in_(kinds)))
    change = Change(zones_of(connection, owner), kinds)
    after = -1
    while rows := connection.execute(_batch(owner, after)).all():
        for row in rows:
            change.add(fact_of_row(row))
        after = rows[-1].id
    change.apply(connection, owner)


def _batch(owner: int, after: int) -> Any:
    cost = latest_costs(owner)
    return (
        select(schema.usage_event, cost.c.currency, cost.c.nano, cost.c.reported_nano)
        .join(cost, cost.c.event_id == _u.id)
        .where(_u.owner_id == owner, _u.id > after)
        .order_by(_u.id)
        .limit(_BATCH)
    )


def mismatches(connection: Connection, owner: int) -> list[Mismatch]:
    """Every (kind, zone, currency, measure) whose sum differs from the ledger's."""
    truth = _ledger_sums(connection, owner)
    names = {zone.id: zone.name for zone in zones_of(connection, owner)}
    scopes = [(kind, scope, names.get(scope, "")) for kind in ("d", "m") for scope in names]
    scopes += [("q", owner, ""), ("h", owner, "")]
    found = []
    for kind, scope, zone in scopes:
        sums = _rollup_sums(connection, owner, kind, scope)
        for key in truth.keys() | sums.keys():
            found += _differences(kind, zone, truth.get(key, {}), sums.get(key, {}))
    return found


def _differences(kind: str, zone: str, ledger: Sums, rollup: Sums) -> list[Mismatch]:
    pairs = ((name, ledger.get(name, 0), rollup.get(name, 0)) for name in MEASURES)
    return [Mismatch(kind, zone, name, true, kept) for name, true, kept in pairs if true != kept]


def _ledger_sums(connection: Connection, owner: int) -> dict[tuple[str, int], Sums]:
    cost = latest_costs(owner)
    query = (
        select(cost.c.currency, _u.demo, *ledger_sums(cost))
        .join(cost, cost.c.event_id == _u.id)
        .where(_u.owner_id == owner)
        .group_by(cost.c.currency, _u.demo)
    )
    return _by_currency(connection, query)


def _rollup_sums(connection: Connection, owner: int, kind: str, scope: int) -> dict[tuple[str, int], Sums]:
    item = schema.usage_item.c
    sums = [cast(func.sum(_r[name]), BigInteger).label(name) for name in MEASURES]
    query = (
        select(item.currency, item.demo, *sums)
        .join(schema.usage_item, item.id == _r.item_id)
        .where(_r.kind == kind, _r.scope_id == scope, _r.owner_id == owner, item.owner_id == owner)
        .group_by(item.currency, item.demo)
    )
    return _by_currency(connection, query)


def _by_currency(connection: Connection, query: Any) -> dict[tuple[str, int], Sums]:
    return {
        (row.currency, row.demo): {name: getattr(row, name) for name in MEASURES} for row in connection.execute(query)
    }
