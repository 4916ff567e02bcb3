"""Step 6: more sums in the rollup, histograms and conversations' months in tables of their own, orders. Frozen.

The rollup is a cache: it is emptied here, and counted anew from the ledger when the database is opened.
"""

from __future__ import annotations

from typing import Final

DROPPED: Final = ("usage_rollup", "usage_item")

TABLES: Final = {
    "usage_item": """
        id bigint NOT NULL, owner_id bigint NOT NULL, gateway_id bigint NOT NULL, demo bigint NOT NULL, priced bigint
        NOT NULL, model text NOT NULL, base text NOT NULL, family text NOT NULL, variant text NOT NULL, purpose text
        NOT NULL, outcome text NOT NULL, usage_source text NOT NULL, currency text NOT NULL, PRIMARY KEY (id)
    """,
    "usage_rollup": """
        kind text NOT NULL, scope_id bigint NOT NULL, bucket bigint NOT NULL, item_id bigint NOT NULL, n bigint NOT
        NULL, n_error bigint NOT NULL, n_stopped bigint NOT NULL, n_unpriced bigint NOT NULL, n_estimated bigint NOT
        NULL, n_reported_cost bigint NOT NULL, n_anomaly bigint NOT NULL, n_in_unknown bigint NOT NULL, n_out_unknown
        bigint NOT NULL, cost_nano bigint NOT NULL, est_cost_nano bigint NOT NULL, est_low_nano bigint NOT NULL,
        est_high_nano bigint NOT NULL, input_nano bigint NOT NULL, cache_read_nano bigint NOT NULL, cache_write_nano
        bigint NOT NULL, output_nano bigint NOT NULL, other_nano bigint NOT NULL, in_uncached bigint NOT NULL,
        in_cache_read bigint NOT NULL, in_cache_write bigint NOT NULL, in_cache_write_1h bigint NOT NULL, out_visible
        bigint NOT NULL, out_reasoning bigint NOT NULL, duration_ms bigint NOT NULL, n_duration bigint NOT NULL,
        first_visible_ms bigint NOT NULL, n_first_visible bigint NOT NULL, paced_tokens bigint NOT NULL, paced_ms
        bigint NOT NULL, owner_id bigint NOT NULL, PRIMARY KEY (kind, scope_id, bucket, item_id)
    """,
    "usage_speed": """
        kind text NOT NULL, zone_id bigint NOT NULL, bucket bigint NOT NULL, item_id bigint NOT NULL, step bigint NOT
        NULL, n bigint NOT NULL, owner_id bigint NOT NULL, PRIMARY KEY (kind, zone_id, bucket, item_id, step)
    """,
    "conversation_month": """
        conversation_id bigint NOT NULL, currency text NOT NULL, demo bigint NOT NULL, month bigint NOT NULL, owner_id
        bigint NOT NULL, n bigint NOT NULL, n_error bigint NOT NULL, n_unpriced bigint NOT NULL, n_estimated bigint
        NOT NULL, cost_nano bigint NOT NULL, in_tokens bigint NOT NULL, in_cache_read bigint NOT NULL, out_tokens
        bigint NOT NULL, PRIMARY KEY (conversation_id, currency, demo, month)
    """,
}

CLUSTERED: Final = frozenset({"usage_rollup", "usage_speed", "conversation_month"})

INDEXES: Final = (
    "CREATE INDEX ix_usage_duration ON usage_event (owner_id, duration_ms, id)",
    "CREATE INDEX ix_cost_amount ON cost_event (owner_id, nano, event_id)",
    "CREATE INDEX ix_total_cost ON conversation_total (owner_id, currency, demo, cost_nano, conversation_id)",
    "CREATE INDEX ix_month_cost ON conversation_month (owner_id, currency, demo, month, cost_nano, conversation_id)",
)
