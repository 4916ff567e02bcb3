"""The statement of a closed month: sums of the ledger's rows, the prices they were made with, and a hash over all.

The rows themselves are not in it, only their hash: recomputing it from the ledger shows whether a row was changed,
added or lost. A row keeps the cost that was in force when the month was closed; a later correction is an adjustment
in the statement of the month in which it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from lib.errors import BadInput
from lib.ledger import ESTIMATED_SOURCES, LedgerRow
from lib.local_time import day_of, month_window, zone_of
from lib.statements.document import (
    FORM,
    Adjustment,
    CostRow,
    DayLine,
    ModelLine,
    PriceLine,
    Statement,
    Sum,
    Total,
    Version,
)


def is_closable(month: str, zone: str, now_ms: int) -> bool:
    """The month is over. Raises BadInput 'month' or 'zone'."""
    return now_ms >= month_window(month, zone_of(zone))[1]


def statement(
    month: str,
    zone: str,
    rows: Iterable[LedgerRow],
    adjustments: Iterable[Adjustment] = (),
    versions: Iterable[Version] = (),
    window: tuple[int, int] | None = None,
) -> Statement:
    """The statement of a month such as "2026-10" in a zone; `window` is its UTC ms [start, end) where it is not that
    month exactly, since its neighbours were closed in another zone.

    `rows` are its ledger rows by ascending id, read once and not kept, however many; demo rows are left out. The same
    input gives the same statement, to the last byte. Raises BadInput: 'month', 'zone', 'row_outside' (a row of
    another month) or 'row_order'.
    """
    info = zone_of(zone)
    from_ms, to_ms = window or month_window(month, info)
    models: dict[tuple[int, str, str], _Sums] = {}
    days: dict[tuple[str, str], _Sums] = {}
    hasher, n_rows, used, last = hashlib.sha256(), 0, set[int](), -1
    for row in rows:
        if row.demo:
            continue
        if not from_ms <= row.at_ms < to_ms:
            raise BadInput("row_outside", str(row.id))
        if row.id <= last:
            raise BadInput("row_order", str(row.id))
        last = row.id
        hasher.update(line_of(row))
        n_rows += 1
        if row.cost.price_version_id is not None:
            used.add(row.cost.price_version_id)
        models.setdefault((row.gateway_id, row.model, row.cost.currency), _Sums(row)).add(row)
        days.setdefault((day_of(row.at_ms, info).isoformat(), row.cost.currency), _Sums(row)).add(row)
    made = tuple(sorted(adjustments, key=lambda one: (one.request, one.made_ms)))
    found = Statement(
        month,
        zone,
        from_ms,
        to_ms,
        totals=_totals(models, made),
        models=tuple(models[key].as_model(key) for key in sorted(models)),
        days=tuple(DayLine(*key, days[key].sum) for key in sorted(days)),
        adjustments=made,
        prices=_price_lines(versions, used),
        n_rows=n_rows,
        rows_hash=hasher.hexdigest(),
    )
    return msgspec.structs.replace(found, hash=hash_of(found))


class _Sums:
    """A sum that grows row by row, with the names of its first one."""

    def __init__(self, first: LedgerRow) -> None:
        self.gateway, self.variant = first.gateway_name, first.variant
        self._n = self._unpriced = self._estimated = self._in = self._out = self._nano = 0

    def add(self, row: LedgerRow) -> None:
        self._n += 1
        self._unpriced += row.cost.nano is None
        self._estimated += row.usage_source in ESTIMATED_SOURCES
        self._in += row.count.input or 0
        self._out += row.count.output or 0
        self._nano += row.cost.nano or 0

    @property
    def sum(self) -> Sum:
        nano = None if 0 < self._n == self._unpriced else self._nano
        return Sum(self._n, self._unpriced, self._estimated, self._in, self._out, nano)

    def as_model(self, key: tuple[int, str, str]) -> ModelLine:
        gateway_id, model, currency = key
        return ModelLine(gateway_id, self.gateway, model, self.variant, currency, self.sum)


def _totals(models: dict[tuple[int, str, str], _Sums], adjustments: Sequence[Adjustment]) -> tuple[Total, ...]:
    currencies = {key[2] for key in models} | {one.currency for one in adjustments}
    found = []
    for currency in sorted(currencies):
        sums = [sums.sum for key, sums in models.items() if key[2] == currency]
        made = [one.nano for one in adjustments if one.currency == currency]
        found.append(Total(currency, added(sums), len(made), sum(made)))
    return tuple(found)


def added(sums: Sequence[Sum]) -> Sum:
    """Sums together; unknown only when nothing is known."""
    known = [one.nano for one in sums if one.nano is not None]
    return Sum(
        sum(one.requests for one in sums),
        sum(one.unpriced for one in sums),
        sum(one.estimated for one in sums),
        sum(one.tokens_in for one in sums),
        sum(one.tokens_out for one in sums),
        sum(known) if known or not sums else None,
    )


def _price_lines(versions: Iterable[Version], used: set[int]) -> tuple[PriceLine, ...]:
    lines = [
        PriceLine(
            one.id,
            one.gateway_id,
            one.model,
            one.source,
            one.valid_from_ms,
            one.prices.currency,
            one.prices.input,
            one.prices.output,
            one.prices.cache_read,
            one.prices.cache_write_5m,
            one.prices.cache_write_1h,
        )
        for one in versions
        if one.id in used
    ]
    return tuple(sorted(lines, key=lambda line: line.id))


def adjustments_of(
    row: LedgerRow, costs: Sequence[CostRow], closed_ms: int, until_ms: int, month: str
) -> tuple[Adjustment, ...]:
    """How the cost of a row of a closed statement changed between its closing and `until_ms`; empty when it did not.

    `costs` are all the cost rows the request ever had; `month` is the statement it was in. A cost that moved to
    another currency is taken back in one and added in the other.
    """
    before, after = _in_force(costs, closed_ms), _in_force(costs, until_ms)
    if after is None or before is after:
        return ()
    was = before.cost.nano if before else None
    same = before is None or before.cost.currency == after.cost.currency
    if same and was == after.cost.nano:
        return ()
    why = after.reason or after.kind
    head = (row.id, month, row.at_ms, row.model)
    if same:
        return (Adjustment(*head, after.cost.currency, was, after.cost.nano, after.created_ms, why),)
    moved = (
        [Adjustment(*head, before.cost.currency, was, None, after.created_ms, why)]
        if before and was is not None
        else []
    )
    return (*moved, Adjustment(*head, after.cost.currency, None, after.cost.nano, after.created_ms, why))


def _in_force(costs: Sequence[CostRow], at_ms: int) -> CostRow | None:
    known = [cost for cost in costs if cost.created_ms < at_ms]
    return max(known, key=lambda cost: cost.seq, default=None)


def hash_of(found: Statement) -> str:
    """The SHA-256 of a statement's canonical form, its `hash` field left out."""
    return hashlib.sha256(_canonical(msgspec.structs.replace(found, hash=""))).hexdigest()


def verify(found: Statement, expected: str | None = None) -> bool:
    """The statement is what its hash says, and that is the `expected` one where one was kept elsewhere."""
    return found.form == FORM and found.hash == hash_of(found) and expected in (None, found.hash)


def differences(
    found: Statement,
    rows: Iterable[LedgerRow],
    adjustments: Iterable[Adjustment] = (),
    versions: Iterable[Version] = (),
) -> tuple[str, ...]:
    """Which parts of a statement the ledger does not confirm any more (names of its fields); empty: all of it holds.

    `rows` carry the cost that was in force when the month was closed, `adjustments` those made before that.
    """
    now = statement(found.month, found.zone, rows, adjustments, versions, (found.from_ms, found.to_ms))
    one, other = _without_names(found), _without_names(now)
    return tuple(name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name))


def _without_names(found: Statement) -> Statement:
    """Gateways may be renamed; the hash is compared without their names."""
    models = tuple(msgspec.structs.replace(line, gateway="") for line in found.models)
    plain = msgspec.structs.replace(found, models=models)
    return msgspec.structs.replace(plain, hash=hash_of(plain))


def line_of(row: LedgerRow) -> bytes:
    """The canonical line of a row, as `rows_hash` is over all of them: what of a ledger row can never change.

    Left out is what may: the gateway's name, and which conversation is still there. The order of the values is part
    of the form.
    """
    count, cost = row.count, row.cost
    facts = (row.id, row.at_ms, row.gateway_id, row.model, row.base, row.family, row.variant, row.dialect)
    course = (row.purpose, row.outcome, row.error_kind, row.usage_source, row.first_visible_ms, row.duration_ms)
    tokens = (
        count.in_uncached,
        count.in_cache_read,
        count.in_cache_write_5m,
        count.in_cache_write_1h,
        count.out_visible,
        count.out_reasoning,
    )
    parts = (cost.input_nano, cost.cache_read_nano, cost.cache_write_nano, cost.output_nano, cost.other_nano)
    about = (cost.source, cost.price_version_id, cost.cache_price_assumed)
    bounds = (cost.reported_nano, cost.low_nano, cost.high_nano)
    return _canonical((*facts, *course, *tokens, cost.currency, cost.nano, *parts, *about, *bounds)) + b"\n"


def _canonical(value: Any) -> bytes:
    """JSON with sorted names, integers and text only: the same on every machine and in every version of Python."""
    return msgspec.json.encode(value, order="deterministic")


def encoded(found: Statement) -> bytes:
    """The statement as JSON, for keeping."""
    return _canonical(found)


def decoded(data: bytes) -> Statement:
    """What `encoded` made. Raises BadInput('statement')."""
    try:
        return msgspec.json.decode(data, type=Statement)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput("statement") from error
