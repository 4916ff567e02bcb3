"""A ledger of any size, the same for the same size: two growing years, 45 models, conversations of all lengths.

`python -m bench.spending_data fill FOLDER EVENTS` writes ledger and conversations, `… rebuild FOLDER` counts the
rollup; each prints its seconds and its greatest memory as JSON, so that the process that measures stays small.
"""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from lib.store import open_store

ZONE = "Europe/Berlin"
LAST = date(2026, 10, 31)
DAYS = 730
_MOULDS = 65_536
_DAY_MS = 86_400_000
_BASES = [(f"model-{number}", f"family-{number % 6}") for number in range(9)]
_VARIANTS = ("standard", "official", "hc", "fd", "low")
_OUTCOMES = ("ok",) * 93 + ("stopped",) * 3 + ("failed", "failed", "cut", "refused")
_PURPOSES = ("chat",) * 84 + ("title",) * 12 + ("compare",) * 3 + ("batch",)
_INDEXES = ("ix_usage_owner", "ix_usage_conversation", "ix_usage_message", "ix_usage_duration", "ix_cost_amount")


def fill(folder: Path, events: int) -> None:
    """Write `events` usage events with costs and conversations, by SQL; the rollup is left empty."""
    store = open_store("", folder, zone=ZONE)
    owner = store.owner()
    store.close()
    database = sqlite3.connect(folder / "parlour.db", isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE"):
        database.execute(f"PRAGMA {pragma}")
    indexes = [
        database.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] for name in _INDEXES
    ]
    for name in _INDEXES:
        database.execute(f"DROP INDEX {name}")
    _moulds(database)
    database.execute("BEGIN")
    number = 0
    for day, count in enumerate(_per_day(events)):
        low = _noon_ms() - (DAYS - 1 - day) * _DAY_MS - _DAY_MS // 2
        database.execute(_EVENTS, {"owner": owner, "low": low, "n": count, "first": number})
        number += count
    database.execute(_COSTS, {"owner": owner})
    _conversations(database, owner, events)
    database.execute("COMMIT")
    for statement in indexes:
        database.execute(statement)
    database.execute("DROP TABLE mould")
    database.execute("PRAGMA journal_mode=WAL")
    database.close()


def _noon_ms() -> int:
    return (LAST - date(1970, 1, 1)) // timedelta(days=1) * _DAY_MS + _DAY_MS // 2


def _per_day(events: int) -> list[int]:
    """Requests of each day: three times as many at the end as at the beginning."""
    weights = [1 + 2 * day / DAYS for day in range(DAYS)]
    ends = [round(events * sum(weights[: day + 1]) / sum(weights)) for day in range(DAYS)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _moulds(database: sqlite3.Connection) -> None:
    """Requests that are cast again and again."""
    dice = random.Random(5)
    rows = [_mould(dice, number) for number in range(_MOULDS)]
    names = ", ".join(_NAMES)
    database.execute(f"CREATE TABLE mould (number INTEGER PRIMARY KEY, {names})")
    database.executemany(f"INSERT INTO mould VALUES ({','.join('?' * (len(_NAMES) + 1))})", rows)


_NAMES = (
    *("model", "base", "family", "variant", "purpose", "outcome", "usage_source", "anomaly", "first_byte", "first"),
    *("duration", "uncached", "cache_read", "write_5m", "visible", "reasoning"),
    *("nano", "input_nano", "read_nano", "write_nano", "output_nano", "low_nano", "high_nano"),
)


def _mould(dice: random.Random, number: int) -> tuple[object, ...]:
    base, family = _BASES[min(int(dice.expovariate(0.4)), 8)]
    variant, outcome, purpose = dice.choice(_VARIANTS), dice.choice(_OUTCOMES), dice.choice(_PURPOSES)
    fails = outcome in ("failed", "refused")
    source = "none" if fails else "estimated" if outcome != "ok" else "reported"
    first = None if fails else round(dice.lognormvariate(6.7, 0.6))
    tokens: list[int | None] = [None] * 5 if fails else [*_tokens(dice, purpose)]
    priced = variant != "fd" or base != "model-7"
    amounts: list[int | None] = (
        [*_amounts(tokens, 1 + len(base) * (_VARIANTS.index(variant) + 2))] if priced else [None] * 5
    )
    low, high = (None, None) if source != "estimated" or amounts[0] is None else (amounts[0] // 2, amounts[0] * 2)
    duration = (first or 200) + (tokens[3] or 0) * dice.randint(8, 25)
    anomaly = "cached_above_input" if dice.random() < 0.001 else None
    who = (f"{base}-{variant}", base, family, variant, purpose, outcome, source, anomaly)
    return (number, *who, None if first is None else first // 2, first, duration, *tokens, *amounts, low, high)


def _tokens(dice: random.Random, purpose: str) -> list[int]:
    whole = int(dice.lognormvariate(5.0 if purpose == "title" else 7.6, 1.0)) + 10
    read = int(whole * 0.6) if dice.random() < 0.3 else 0
    written = int(whole * 0.2) if dice.random() < 0.1 else 0
    out = int(dice.lognormvariate(3.0 if purpose == "title" else 6.0, 0.9)) + 3
    reasoning = out // 3 if dice.random() < 0.3 else 0
    return [whole - read - written, read, written, out - reasoning, reasoning]


def _amounts(tokens: list[int | None], price: int) -> list[int]:
    uncached, read, written, visible, reasoning = (count or 0 for count in tokens)
    parts = [uncached * price * 100, read * price * 10, written * price * 125, (visible + reasoning) * price * 500]
    return [sum(parts), *parts]


_EVENTS = f"""
WITH RECURSIVE at(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM at WHERE i + 1 < :n),
placed AS (SELECT i + :first AS number, :low + i * {_DAY_MS} / :n AS ms FROM at)
INSERT INTO usage_event (
    id, owner_id, conversation_id, message_id, gateway_id, number, started_ms, ended_ms, demo, chars_in, chars_out,
    chars_reasoning, model, base, family, variant, dialect, purpose, outcome, usage_source, semantic, anomaly,
    http_status, first_byte_ms, first_visible_ms, duration_ms, in_uncached, in_cache_read, in_cache_write_5m,
    in_cache_write_1h, out_visible, out_reasoning
)
SELECT (p.ms << 20) | (p.number % 1048576), :owner,
    CASE WHEN p.number % 16 = 7 THEN 1 + (p.number * 40503 % 9973) ELSE 10000 + p.number / 9 END,
    p.number + 1, 7, 1, p.ms, p.ms + m.duration, 0, 2000, 900, 0, m.model, m.base, m.family, m.variant, 'openai',
    m.purpose, m.outcome, m.usage_source, 'openai_incl', m.anomaly, 200, m.first_byte, m.first, m.duration,
    m.uncached, m.cache_read, m.write_5m, CASE WHEN m.uncached IS NULL THEN NULL ELSE 0 END, m.visible, m.reasoning
FROM placed p JOIN mould m ON m.number = p.number * 48271 % {_MOULDS}
"""
_COSTS = f"""
INSERT INTO cost_event (
    id, owner_id, event_id, seq, created_ms, cache_price_assumed, kind, currency, reason, source, nano, input_nano,
    cache_read_nano, cache_write_nano, output_nano, other_nano, low_nano, high_nano
)
SELECT u.id, :owner, u.id, 1, u.ended_ms, 0, 'initial', 'USD', '', CASE WHEN m.nano IS NULL THEN NULL ELSE 'gateway'
    END, m.nano, m.input_nano, m.read_nano, m.write_nano, m.output_nano, CASE WHEN m.nano IS NULL THEN NULL ELSE 0
    END, m.low_nano, m.high_nano
FROM usage_event u JOIN mould m ON m.number = (u.message_id - 1) * 48271 % {_MOULDS} ORDER BY u.id
"""


def _conversations(database: sqlite3.Connection, owner: int, events: int) -> None:
    """The conversations of the events with their totals; one of 200 lies in one of 40 folders and has a tag."""
    totals = """
        INSERT INTO conversation_total (conversation_id, currency, demo, owner_id, n, n_unpriced, n_estimated,
            cost_nano, in_tokens, out_tokens)
        SELECT u.conversation_id, 'USD', 0, :owner, count(*), sum(k.nano IS NULL), sum(u.usage_source = 'estimated'),
            coalesce(sum(k.nano), 0), coalesce(sum(u.in_uncached + u.in_cache_read + u.in_cache_write_5m), 0),
            coalesce(sum(u.out_visible + u.out_reasoning), 0)
        FROM usage_event u JOIN cost_event k ON k.id = u.id GROUP BY 1
    """
    database.execute(totals, {"owner": owner})
    rows = """
        INSERT INTO conversation (id, owner_id, public_id, title, title_folded, dialect, params, system, title_source,
            created_ms, last_ms, answered_ms, read_ms, n_messages, queue_paused, folder_id)
        SELECT conversation_id, :owner, 'c' || conversation_id, 'Chat ' || conversation_id, 'chat', 'openai', '{}',
            '', 'user', 0, 0, 0, 0, n * 2, 0, CASE WHEN conversation_id % 200 = 3 THEN 1 + conversation_id % 40 END
        FROM conversation_total
    """
    database.execute(rows, {"owner": owner})
    for number in range(1, 41):
        folder = (number, owner, f"f{number}", f"Folder {number}", f"folder {number}", 0)
        database.execute(
            "INSERT INTO folder (id, owner_id, public_id, name, folded, created_ms) VALUES (?,?,?,?,?,?)", folder
        )
    tags = """
        INSERT INTO conversation_tag (conversation_id, folded, owner_id, name)
        SELECT id, 'tag ' || folder_id, :owner, 'Tag ' || folder_id FROM conversation WHERE folder_id IS NOT NULL
    """
    database.execute(tags, {"owner": owner})


def main(arguments: list[str]) -> None:
    """Do one of the two and print what it took."""
    task, folder, *more = arguments
    began = time.perf_counter()
    if task == "fill":
        fill(Path(folder), int(more[0]))
    else:
        open_store("", Path(folder), zone=ZONE).close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": time.perf_counter() - began, "mb": memory}))


if __name__ == "__main__":
    main(sys.argv[1:])
