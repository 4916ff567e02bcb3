"""Step 1: the whole first schema. Frozen: later changes are later steps."""

from __future__ import annotations

from typing import Final

TABLES: Final = {
    "schema_step": """
        number bigint NOT NULL, name text NOT NULL, at_ms bigint NOT NULL, PRIMARY KEY (number)
    """,
    "owner": """
        id bigint NOT NULL, public_id text NOT NULL, name text NOT NULL, created_ms bigint NOT NULL, PRIMARY
        KEY (id)
    """,
    "preference": """
        owner_id bigint NOT NULL, name text NOT NULL, value text NOT NULL, PRIMARY KEY (owner_id, name)
    """,
    "zone": """
        id bigint NOT NULL, owner_id bigint NOT NULL, position bigint NOT NULL, name text NOT NULL, PRIMARY
        KEY (id), CONSTRAINT uq_zone_name UNIQUE (owner_id, name)
    """,
    "gateway": """
        id bigint NOT NULL, owner_id bigint NOT NULL, public_id text NOT NULL, name text NOT NULL, base_url
        text NOT NULL, dialects text NOT NULL, variant_rules text NOT NULL, form text NOT NULL, settings
        text NOT NULL, key_hint text NOT NULL, demo bigint NOT NULL, created_ms bigint NOT NULL, changed_ms
        bigint NOT NULL, slot text, deleted_ms bigint, key_cipher bytea, key_nonce bytea, PRIMARY KEY (id),
        CONSTRAINT uq_gateway_public UNIQUE (public_id), CONSTRAINT uq_gateway_slot UNIQUE (owner_id, slot)
    """,
    "wire_form": """
        gateway_id bigint NOT NULL, model text NOT NULL, owner_id bigint NOT NULL, changed_ms bigint NOT
        NULL, form text NOT NULL, PRIMARY KEY (gateway_id, model)
    """,
    "model_list": """
        gateway_id bigint NOT NULL, owner_id bigint NOT NULL, fetched_ms bigint NOT NULL, raw_json text NOT
        NULL, models text NOT NULL, error_note text, error_ms bigint, PRIMARY KEY (gateway_id)
    """,
    "price_version": """
        id bigint NOT NULL, owner_id bigint NOT NULL, gateway_id bigint NOT NULL, model text NOT NULL,
        source text NOT NULL, currency text NOT NULL, hash text NOT NULL, note text NOT NULL, input_pico
        bigint, output_pico bigint, cache_read_pico bigint, cache_write_5m_pico bigint, cache_write_1h_pico
        bigint, valid_from_ms bigint NOT NULL, first_seen_ms bigint NOT NULL, last_seen_ms bigint NOT NULL,
        PRIMARY KEY (id)
    """,
    "conversation": """
        id bigint NOT NULL, owner_id bigint NOT NULL, public_id text NOT NULL, title text NOT NULL,
        title_folded text NOT NULL, dialect text NOT NULL, params text NOT NULL, system text NOT NULL,
        created_ms bigint NOT NULL, last_ms bigint NOT NULL, answered_ms bigint NOT NULL, read_ms bigint NOT
        NULL, n_messages bigint NOT NULL, queue_paused bigint NOT NULL, model text, gateway_id bigint,
        active_id bigint, deleted_ms bigint, PRIMARY KEY (id), CONSTRAINT uq_conversation_public UNIQUE
        (public_id)
    """,
    "conversation_total": """
        conversation_id bigint NOT NULL, currency text NOT NULL, demo bigint NOT NULL, owner_id bigint NOT
        NULL, n bigint NOT NULL, n_unpriced bigint NOT NULL, n_estimated bigint NOT NULL, cost_nano bigint
        NOT NULL, in_tokens bigint NOT NULL, out_tokens bigint NOT NULL, PRIMARY KEY (conversation_id,
        currency, demo)
    """,
    "message": """
        id bigint NOT NULL, owner_id bigint NOT NULL, conversation_id bigint NOT NULL, public_id text NOT
        NULL, role text NOT NULL, parts text NOT NULL, text text NOT NULL, reasoning text NOT NULL, repaired
        text NOT NULL, created_ms bigint NOT NULL, changed_ms bigint NOT NULL, parent_id bigint,
        active_child_id bigint, deleted_ms bigint, reasoning_ms bigint, state text, error_kind text,
        error_message text, finish_reason text, ref text, PRIMARY KEY (id), CONSTRAINT uq_message_public
        UNIQUE (public_id)
    """,
    "blob": """
        owner_id bigint NOT NULL, sha256 text NOT NULL, size bigint NOT NULL, created_ms bigint NOT NULL,
        data bytea NOT NULL, PRIMARY KEY (owner_id, sha256)
    """,
    "queue_item": """
        id bigint NOT NULL, owner_id bigint NOT NULL, conversation_id bigint NOT NULL, position bigint NOT
        NULL, created_ms bigint NOT NULL, public_id text NOT NULL, parts text NOT NULL, ref text NOT NULL,
        params text NOT NULL, system text NOT NULL, PRIMARY KEY (id), CONSTRAINT uq_queue_public UNIQUE
        (public_id)
    """,
    "answer": """
        id bigint NOT NULL, owner_id bigint NOT NULL, conversation_id bigint NOT NULL, message_id bigint NOT
        NULL, key text NOT NULL, lane text NOT NULL, state text NOT NULL, epoch text NOT NULL, ref text NOT
        NULL, params text NOT NULL, system text NOT NULL, purpose text NOT NULL, started_ms bigint NOT NULL,
        heartbeat_ms bigint NOT NULL, stop_requested bigint NOT NULL, ended_ms bigint, finish_id bigint,
        PRIMARY KEY (id), CONSTRAINT uq_answer_key UNIQUE (owner_id, key), CONSTRAINT uq_answer_message
        UNIQUE (message_id)
    """,
    "answer_attempt": """
        id bigint NOT NULL, owner_id bigint NOT NULL, answer_id bigint NOT NULL, number bigint NOT NULL,
        started_ms bigint NOT NULL, chars_in bigint NOT NULL, max_out_cap bigint, PRIMARY KEY (id)
    """,
    "usage_event": """
        id bigint NOT NULL, owner_id bigint NOT NULL, answer_id bigint, conversation_id bigint, message_id
        bigint, gateway_id bigint NOT NULL, number bigint NOT NULL, started_ms bigint NOT NULL, ended_ms
        bigint NOT NULL, demo bigint NOT NULL, chars_in bigint NOT NULL, chars_out bigint NOT NULL,
        chars_reasoning bigint NOT NULL, model text NOT NULL, base text NOT NULL, family text NOT NULL,
        variant text NOT NULL, dialect text NOT NULL, purpose text NOT NULL, outcome text NOT NULL,
        usage_source text NOT NULL, semantic text NOT NULL, effort text, model_reported text, response_id
        text, request_id text, error_kind text, error_message text, finish_reason text, anomaly text,
        http_status bigint, first_byte_ms bigint, first_visible_ms bigint, duration_ms bigint, max_out_cap
        bigint, in_uncached bigint, in_cache_read bigint, in_cache_write_5m bigint, in_cache_write_1h
        bigint, out_visible bigint, out_reasoning bigint, PRIMARY KEY (id)
    """,
    "usage_raw": """
        event_id bigint NOT NULL, owner_id bigint NOT NULL, usage_json text NOT NULL, PRIMARY KEY (event_id)
    """,
    "cost_event": """
        id bigint NOT NULL, owner_id bigint NOT NULL, event_id bigint NOT NULL, seq bigint NOT NULL,
        created_ms bigint NOT NULL, cache_price_assumed bigint NOT NULL, kind text NOT NULL, currency text
        NOT NULL, reason text NOT NULL, source text, nano bigint, input_nano bigint, cache_read_nano bigint,
        cache_write_nano bigint, output_nano bigint, other_nano bigint, price_version_id bigint,
        reported_nano bigint, low_nano bigint, high_nano bigint, PRIMARY KEY (id), CONSTRAINT uq_cost_seq
        UNIQUE (event_id, seq)
    """,
    "usage_item": """
        id bigint NOT NULL, owner_id bigint NOT NULL, gateway_id bigint NOT NULL, demo bigint NOT NULL,
        model text NOT NULL, base text NOT NULL, family text NOT NULL, variant text NOT NULL, purpose text
        NOT NULL, outcome text NOT NULL, currency text NOT NULL, PRIMARY KEY (id)
    """,
    "usage_rollup": """
        kind text NOT NULL, scope_id bigint NOT NULL, bucket bigint NOT NULL, item_id bigint NOT NULL, n
        bigint NOT NULL, n_error bigint NOT NULL, n_unpriced bigint NOT NULL, n_estimated bigint NOT NULL,
        n_reported_cost bigint NOT NULL, cost_nano bigint NOT NULL, est_cost_nano bigint NOT NULL,
        in_uncached bigint NOT NULL, in_cache_read bigint NOT NULL, in_cache_write bigint NOT NULL,
        out_visible bigint NOT NULL, out_reasoning bigint NOT NULL, duration_ms bigint NOT NULL,
        first_visible_ms bigint NOT NULL, n_first_visible bigint NOT NULL, owner_id bigint NOT NULL, PRIMARY
        KEY (kind, scope_id, bucket, item_id)
    """,
}
"""Table name to column list, in PostgreSQL's spelling (`bigint`, `text`, `bytea`)."""

CLUSTERED: Final = frozenset({"usage_rollup"})
"""Tables that SQLite keeps in the order of their key (WITHOUT ROWID)."""

INDEXES: Final = (
    "CREATE INDEX ix_price_model ON price_version (owner_id, gateway_id, model, source, valid_from_ms, id)",
    "CREATE INDEX ix_conversation_last ON conversation (owner_id, last_ms, id)",
    "CREATE INDEX ix_message_tree ON message (conversation_id, parent_id, id)",
    "CREATE INDEX ix_queue_order ON queue_item (conversation_id, position, id)",
    "CREATE INDEX ix_answer_running ON answer (state, heartbeat_ms) WHERE state = 'running'",
    "CREATE UNIQUE INDEX uq_answer_running ON answer (conversation_id, lane) WHERE state = 'running'",
    "CREATE INDEX ix_attempt_answer ON answer_attempt (answer_id)",
    "CREATE INDEX ix_usage_conversation ON usage_event (conversation_id, id)",
    "CREATE INDEX ix_usage_message ON usage_event (message_id)",
    "CREATE INDEX ix_usage_owner ON usage_event (owner_id, id)",
)
