"""Step 7: budgets and what they reserve, rules for prices, closed months, bills. Frozen."""

from __future__ import annotations

from typing import Final

TABLES: Final = {
    "budget": """
        id bigint NOT NULL, owner_id bigint NOT NULL, limit_nano bigint NOT NULL, warn_percent bigint NOT NULL, active
        bigint NOT NULL, created_ms bigint NOT NULL, changed_ms bigint NOT NULL, public_id text NOT NULL, scope text NOT
        NULL, period text NOT NULL, subject text NOT NULL, currency text NOT NULL, zone text NOT NULL, unpriced text NOT
        NULL, target_id bigint, deleted_ms bigint, PRIMARY KEY (id), CONSTRAINT uq_budget_public UNIQUE (public_id)
    """,
    "reservation": """
        id bigint NOT NULL, owner_id bigint NOT NULL, gateway_id bigint NOT NULL, hold_nano bigint NOT NULL, created_ms
        bigint NOT NULL, currency text NOT NULL, state text NOT NULL, epoch text NOT NULL, answer_id bigint,
        conversation_id bigint, event_id bigint, PRIMARY KEY (id)
    """,
    "budget_override": """
        id bigint NOT NULL, owner_id bigint NOT NULL, budget_id bigint NOT NULL, gateway_id bigint NOT NULL, at_ms
        bigint NOT NULL, limit_nano bigint NOT NULL, spent_nano bigint NOT NULL, held_nano bigint NOT NULL, over_nano
        bigint NOT NULL, currency text NOT NULL, model text NOT NULL, estimate_nano bigint, conversation_id bigint,
        message_id bigint, PRIMARY KEY (id)
    """,
    "price_rule": """
        id bigint NOT NULL, owner_id bigint NOT NULL, gateway_id bigint NOT NULL, active bigint NOT NULL, created_ms
        bigint NOT NULL, public_id text NOT NULL, variant text NOT NULL, times text NOT NULL, base text NOT NULL,
        only_base text NOT NULL, label text NOT NULL, deleted_ms bigint, PRIMARY KEY (id), CONSTRAINT
        uq_price_rule_public UNIQUE (public_id)
    """,
    "statement": """
        id bigint NOT NULL, owner_id bigint NOT NULL, closed_ms bigint NOT NULL, n_rows bigint NOT NULL, public_id text
        NOT NULL, month text NOT NULL, zone text NOT NULL, hash text NOT NULL, document text NOT NULL, PRIMARY KEY (id),
        CONSTRAINT uq_statement_public UNIQUE (public_id), CONSTRAINT uq_statement_month UNIQUE (owner_id, month)
    """,
    "bill": """
        id bigint NOT NULL, owner_id bigint NOT NULL, gateway_id bigint NOT NULL, at_ms bigint NOT NULL, n_lines bigint
        NOT NULL, n_troubles bigint NOT NULL, n_skipped bigint NOT NULL, public_id text NOT NULL, name text NOT NULL,
        form text NOT NULL, from_ms bigint, to_ms bigint, PRIMARY KEY (id), CONSTRAINT uq_bill_public UNIQUE (public_id)
    """,
    "bill_line": """
        bill_id bigint NOT NULL, line bigint NOT NULL, owner_id bigint NOT NULL, model text NOT NULL, currency text NOT
        NULL, ids text NOT NULL, at_ms bigint, tokens_in bigint, tokens_out bigint, tokens_cached bigint, nano bigint,
        event_id bigint, how text, PRIMARY KEY (bill_id, line)
    """,
}

CLUSTERED: Final = frozenset({"bill_line"})

INDEXES: Final = (
    "CREATE INDEX ix_budget_owner ON budget (owner_id, id)",
    "CREATE INDEX ix_reservation_owner ON reservation (owner_id, id)",
    "CREATE INDEX ix_reservation_answer ON reservation (answer_id) WHERE answer_id IS NOT NULL",
    "CREATE INDEX ix_override_owner ON budget_override (owner_id, id)",
    "CREATE INDEX ix_price_rule ON price_rule (owner_id, gateway_id, id)",
    "CREATE INDEX ix_bill_owner ON bill (owner_id, id)",
    "CREATE INDEX ix_bill_event ON bill_line (event_id) WHERE event_id IS NOT NULL",
)
