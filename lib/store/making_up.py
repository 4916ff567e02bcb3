"""Made-up requests: a year to look at before there is one, marked as the demo's and removed without a trace."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from lib.ids import id_at, now_ms
from lib.ledger import Attempt, Cost, ModelRef, Outcome, Purpose, UsageSource
from lib.store import schema
from lib.store.costs import cost_row, latest_costs
from lib.store.days import start_of, zone_of
from lib.store.ledger_rows import MADE_UP_GATEWAY
from lib.store.measuring import COMPONENTS
from lib.store.recording import Place, event_row
from lib.store.rollup import counting, fact
from lib.tokens import TokenCount

_u, _k, _i = schema.usage_event.c, schema.cost_event.c, schema.usage_item.c
_BATCH = 2_000
_MODELS = (
    # base model, family, pico-units per token in and out, weight
    ("gpt-5.4", "gpt-5.4", 2_500_000, 15_000_000, 5),
    ("claude-opus-4-7", "claude-opus-4", 5_000_000, 25_000_000, 3),
    ("gemini-3.1-pro-preview", "gemini-3", 2_000_000, 12_000_000, 3),
    ("claude-haiku-4-5", "claude-haiku-4", 1_000_000, 5_000_000, 2),
)
_VARIANTS = (("official", 1.0, 3), ("hc", 0.8, 2), ("fd", 0.5, 2), ("low", 0.3, 3))
_PURPOSES: tuple[Purpose, ...] = ("chat", "title", "compare")
_OUTCOMES: tuple[Outcome, ...] = ("ok", "stopped", "cut", "failed", "refused")
_HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 7, 10, 11, 10, 8, 9, 10, 10, 9, 7, 5, 5, 5, 4, 3, 2)
_PER_WORKDAY, _PER_FREE_DAY = 45, 12


def make_demo(connection: Connection, owner: int, days: int, seed: int) -> int:
    """See `Insight.generate_demo`."""
    drop_demo(connection, owner)
    change = counting(connection, owner)
    zone = change.zones[0].info if change.zones else zone_of("UTC")
    today = datetime.fromtimestamp(now_ms() / 1000, zone).date()
    dice, count = random.Random(seed), 0  # noqa: S311 - the same seed makes the same year
    taken = set(connection.scalars(select(_u.id).where(_u.id >= id_at(start_of(today - timedelta(days=days), zone)))))
    events: list[dict[str, Any]] = []
    costs: list[dict[str, Any]] = []
    for back in range(max(0, days), -1, -1):
        day = today - timedelta(days=back)
        low = start_of(day, zone)
        for attempt, ref in _attempts(dice, low, day.weekday(), growth=1 - back / (days * 1.6 + 1)):
            if attempt.started_ms >= now_ms():
                continue
            event = event_row(Place(owner, ref), attempt)
            while event["id"] in taken:
                event["id"] += 1
            taken.add(event["id"])
            cost = cost_row(owner, event["id"], 1, "initial", attempt.cost)
            events.append(event)
            costs.append(cost)
            change.add(fact(event, cost))
            count += 1
    for at in range(0, count, _BATCH):
        connection.execute(insert(schema.usage_event), events[at : at + _BATCH])
        connection.execute(insert(schema.cost_event), costs[at : at + _BATCH])
    change.apply(connection, owner)
    return count


def drop_demo(connection: Connection, owner: int) -> int:
    """See `Insight.remove_demo`."""
    change, count, after = counting(connection, owner), 0, -1
    cost = latest_costs(owner)
    amounts = [cost.c[name] for name in ("nano", "low_nano", "high_nano", "reported_nano", "currency", *COMPONENTS)]
    query = select(schema.usage_event, *amounts).join(cost, cost.c.event_id == _u.id)
    query = query.where(_u.owner_id == owner, _u.gateway_id == MADE_UP_GATEWAY).order_by(_u.id).limit(_BATCH)
    while rows := connection.execute(query.where(_u.id > after)).all():
        for row in rows:
            change.add(fact(row._mapping, row._mapping), -1)
        ids = [row.id for row in rows]
        for table, column in ((schema.cost_event, _k.event_id), (schema.usage_event, _u.id)):
            connection.execute(delete(table).where(column.in_(ids), table.c.owner_id == owner))
        count, after = count + len(rows), ids[-1]
    if count:
        change.apply(connection, owner)
        made_up = (_i.owner_id == owner, _i.gateway_id == MADE_UP_GATEWAY)
        for table, column in (
            (schema.usage_rollup, schema.usage_rollup.c.item_id),
            (schema.usage_speed, schema.usage_speed.c.item_id),
        ):
            ids_ = select(_i.id).where(*made_up)
            connection.execute(delete(table).where(column.in_(ids_), table.c.owner_id == owner))
        connection.execute(delete(schema.usage_item).where(*made_up))
    return count


def _attempts(dice: random.Random, low: int, weekday: int, growth: float) -> Iterator[tuple[Attempt, ModelRef]]:
    """The requests of one day, in time order."""
    mean = (_PER_WORKDAY if weekday < 5 else _PER_FREE_DAY) * growth
    times = sorted(_time_of_day(dice) for _ in range(max(0, round(dice.gauss(mean, math.sqrt(mean + 1))))))
    for ms in times:
        yield _attempt(dice, low + ms)


def _time_of_day(dice: random.Random) -> int:
    (hour,) = dice.choices(range(24), _HOURS)
    return int((hour * 60 + dice.random() * 60) * 60_000)


def _attempt(dice: random.Random, at_ms: int) -> tuple[Attempt, ModelRef]:
    ((base, family, price_in, price_out, _),) = dice.choices(_MODELS, [one[-1] for one in _MODELS])
    ((variant, part, _),) = dice.choices(_VARIANTS, [one[-1] for one in _VARIANTS])
    (purpose,) = dice.choices(_PURPOSES, (80, 14, 6))
    (outcome,) = dice.choices(_OUTCOMES, (940, 30, 8, 14, 8))
    ref = ModelRef(MADE_UP_GATEWAY, f"{base}-{variant}", base, family, variant, demo=True)
    count, source = _tokens(dice, 0.1 if purpose == "title" else 1.0, outcome)
    cost = _cost(count, source, round(price_in * part), round(price_out * part))
    speed = 1.6 if variant == "low" else 1.0
    first = None if outcome in ("failed", "refused") else round(dice.lognormvariate(6.6, 0.5) * speed)
    duration = (first or 300) + round((count.output or 0) * dice.uniform(9, 22) * speed)
    attempt = Attempt(
        id=id_at(at_ms) | dice.getrandbits(20),
        number=1,
        started_ms=at_ms,
        ended_ms=at_ms + duration,
        outcome=outcome,
        model_requested=ref.model,
        purpose=purpose,
        count=count,
        usage_source=source,
        first_byte_ms=None if first is None else first // 2,
        first_visible_ms=first,
        duration_ms=duration,
        finish_reason="stop" if outcome == "ok" else None,
        error_kind="server_error" if outcome == "failed" else None,
        cost=cost,
    )
    return attempt, ref


def _tokens(dice: random.Random, scale: float, outcome: str) -> tuple[TokenCount, UsageSource]:
    if outcome in ("failed", "refused"):
        return TokenCount(), "none"
    whole = int(dice.lognormvariate(7.6, 1.0) * scale) + 20
    cached = int(whole * dice.uniform(0.3, 0.8)) if dice.random() < 0.35 else 0
    out = int(dice.lognormvariate(6.0, 0.8) * scale) + 5
    reasoning = int(out * dice.uniform(0.2, 0.6)) if dice.random() < 0.3 else 0
    count = TokenCount(whole - cached, cached, 0, 0, out - reasoning, reasoning)
    return count, "reported" if outcome == "ok" else "estimated"


def _cost(count: TokenCount, source: UsageSource, price_in: int, price_out: int) -> Cost:
    """Cached input at a tenth of the price; pico-units per token, so 1000 of them are a nano-unit."""
    if source == "none":
        return Cost(source="demo", nano=0, input_nano=0, cache_read_nano=0, cache_write_nano=0, output_nano=0)
    read = (count.in_cache_read or 0) * price_in // 10_000
    fresh, out = (count.in_uncached or 0) * price_in // 1000, (count.output or 0) * price_out // 1000
    nano = read + fresh + out
    low, high = (None, None) if source == "reported" else (nano * 3 // 4, nano * 5 // 4)
    return Cost(nano, fresh, read, 0, out, 0, "demo", low_nano=low, high_nano=high)
