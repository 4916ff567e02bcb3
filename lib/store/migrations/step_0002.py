"""Step 2: versions of messages that are edits, copies or continuations; the trash, drafts and presets. Frozen."""

from __future__ import annotations

from typing import Final

COLUMNS: Final = (
    "ALTER TABLE message ADD COLUMN edited bigint NOT NULL DEFAULT 0",
    "ALTER TABLE message ADD COLUMN copied bigint NOT NULL DEFAULT 0",
    "ALTER TABLE message ADD COLUMN kept_chars bigint NOT NULL DEFAULT 0",
    "ALTER TABLE message ADD COLUMN continues_id bigint",
    "ALTER TABLE message ADD COLUMN deletion_id bigint",
    "ALTER TABLE conversation ADD COLUMN title_source text NOT NULL DEFAULT ''",
    # Nobody knows any more which of the old titles a person typed, so all of them are safe from a model's.
    "UPDATE conversation SET title_source = 'user' WHERE title <> ''",
)

TABLES: Final = {
    "draft": """
        owner_id bigint NOT NULL, conversation_id bigint NOT NULL, text text NOT NULL, changed_ms bigint NOT NULL,
        PRIMARY KEY (owner_id, conversation_id)
    """,
    "preset": """
        id bigint NOT NULL, owner_id bigint NOT NULL, public_id text NOT NULL, position bigint NOT NULL, name text
        NOT NULL, system text NOT NULL, params text NOT NULL, dialect text NOT NULL, created_ms bigint NOT NULL,
        changed_ms bigint NOT NULL, gateway_id bigint, model text, PRIMARY KEY (id), CONSTRAINT uq_preset_public
        UNIQUE (public_id)
    """,
}

INDEXES: Final = (
    "CREATE INDEX ix_message_deletion ON message (owner_id, deletion_id) WHERE deletion_id IS NOT NULL",
    "CREATE INDEX ix_preset_order ON preset (owner_id, position, id)",
)
