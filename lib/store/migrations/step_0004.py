"""Step 4: imports and what they made, links to snapshots. Frozen."""

from __future__ import annotations

from typing import Final

TABLES: Final = {
    "import_run": """
        id bigint NOT NULL, owner_id bigint NOT NULL, public_id text NOT NULL, at_ms bigint NOT NULL, source text NOT
        NULL, file_name text NOT NULL, n_conversations bigint NOT NULL, n_messages bigint NOT NULL, n_attempts bigint
        NOT NULL, PRIMARY KEY (id), CONSTRAINT uq_import_public UNIQUE (public_id)
    """,
    "imported_conversation": """
        conversation_id bigint NOT NULL, owner_id bigint NOT NULL, import_id bigint NOT NULL, at_ms bigint NOT NULL,
        n_messages bigint NOT NULL, source text NOT NULL, source_id text NOT NULL, content_hash text NOT NULL, PRIMARY
        KEY (conversation_id)
    """,
    "imported_event": """
        event_id bigint NOT NULL, owner_id bigint NOT NULL, import_id bigint NOT NULL, name text NOT NULL, PRIMARY KEY
        (event_id), CONSTRAINT uq_imported_event UNIQUE (owner_id, name)
    """,
    "share": """
        id bigint NOT NULL, owner_id bigint NOT NULL, conversation_id bigint NOT NULL, public_id text NOT NULL,
        token_hash text NOT NULL, title text NOT NULL, created_ms bigint NOT NULL, expires_ms bigint NOT NULL,
        with_costs bigint NOT NULL, page bytea NOT NULL, PRIMARY KEY (id), CONSTRAINT uq_share_public UNIQUE
        (public_id), CONSTRAINT uq_share_token UNIQUE (token_hash)
    """,
}

INDEXES: Final = (
    "CREATE INDEX ix_imported_source ON imported_conversation (owner_id, source, source_id)",
    "CREATE INDEX ix_imported_hash ON imported_conversation (owner_id, content_hash)",
    "CREATE INDEX ix_imported_event ON imported_event (import_id)",
    "CREATE INDEX ix_share_owner ON share (owner_id, id)",
)
