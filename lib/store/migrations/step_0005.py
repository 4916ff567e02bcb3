"""Step 5: bytes in pieces, waiting attachments, batches. Frozen."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

PIECE_BYTES: Final = 1 << 20

TABLES: Final = {
    "blob_piece": """
        owner_id bigint NOT NULL, sha256 text NOT NULL, number bigint NOT NULL, data bytea NOT NULL,
        PRIMARY KEY (owner_id, sha256, number)
    """,
    "attachment": """
        id bigint NOT NULL, owner_id bigint NOT NULL, position bigint NOT NULL, created_ms bigint NOT NULL, public_id
        text NOT NULL, place text NOT NULL, facts text NOT NULL, forms text NOT NULL, thumb text NOT NULL, parts text
        NOT NULL, chosen text, conversation_id bigint, PRIMARY KEY (id), CONSTRAINT uq_attachment_public UNIQUE
        (public_id)
    """,
    "batch": """
        id bigint NOT NULL, owner_id bigint NOT NULL, parallel bigint NOT NULL, created_ms bigint NOT NULL, public_id
        text NOT NULL, name text NOT NULL, prompt text NOT NULL, fields text NOT NULL, system text NOT NULL,
        deleted_ms bigint, PRIMARY KEY (id), CONSTRAINT uq_batch_public UNIQUE (public_id)
    """,
    "batch_run": """
        id bigint NOT NULL, owner_id bigint NOT NULL, batch_id bigint NOT NULL, created_ms bigint NOT NULL,
        heartbeat_ms bigint NOT NULL, public_id text NOT NULL, ref text NOT NULL, params text NOT NULL, state text NOT
        NULL, currency text NOT NULL, epoch text NOT NULL, budget_nano bigint, PRIMARY KEY (id), CONSTRAINT
        uq_batch_run_public UNIQUE (public_id)
    """,
    "batch_row": """
        id bigint NOT NULL, owner_id bigint NOT NULL, batch_id bigint NOT NULL, position bigint NOT NULL, public_id
        text NOT NULL, name text NOT NULL, parts text NOT NULL, conversation_id bigint, PRIMARY KEY (id), CONSTRAINT
        uq_batch_row_public UNIQUE (public_id)
    """,
    "batch_result": """
        run_id bigint NOT NULL, row_id bigint NOT NULL, owner_id bigint NOT NULL, batch_id bigint NOT NULL, tries
        bigint NOT NULL, state text NOT NULL, cells text NOT NULL, problems text NOT NULL, message_id bigint, PRIMARY
        KEY (run_id, row_id)
    """,
    "batch_try": """
        message_id bigint NOT NULL, owner_id bigint NOT NULL, batch_id bigint NOT NULL, run_id bigint NOT NULL, row_id
        bigint NOT NULL, PRIMARY KEY (message_id)
    """,
}

COLUMNS: Final = (
    "ALTER TABLE conversation ADD COLUMN batch_id bigint",
    "ALTER TABLE answer_attempt ADD COLUMN media_in bigint NOT NULL DEFAULT 0",
    "ALTER TABLE usage_event ADD COLUMN media_in bigint NOT NULL DEFAULT 0",
)

INDEXES: Final = (
    "CREATE INDEX ix_attachment_place ON attachment (owner_id, place, position, id)",
    "CREATE INDEX ix_conversation_batch ON conversation (batch_id) WHERE batch_id IS NOT NULL",
    "CREATE INDEX ix_batch_owner ON batch (owner_id, id)",
    "CREATE INDEX ix_batch_run ON batch_run (batch_id, id)",
    "CREATE INDEX ix_batch_row ON batch_row (batch_id, position, id)",
    "CREATE INDEX ix_batch_result_batch ON batch_result (batch_id)",
    "CREATE INDEX ix_batch_try ON batch_try (run_id, row_id)",
)

_STORED = {"sqlite": "instr(parts, 'stored:') > 0", "postgresql": "strpos(parts, 'stored:') > 0"}


def fill(connection: Connection) -> None:
    """Move the bytes into pieces, and find the messages that point at bytes without reading all others."""
    engine = connection.dialect.name
    if engine == "postgresql":  # pictures do not shrink, and a stored piece is then read in one go
        connection.exec_driver_sql("ALTER TABLE blob_piece ALTER COLUMN data SET STORAGE EXTERNAL")
    number = 0
    while _cut(connection, number):
        number += 1
    connection.exec_driver_sql("ALTER TABLE blob DROP COLUMN data")
    connection.exec_driver_sql(f"CREATE INDEX ix_message_stored ON message (owner_id) WHERE {_STORED[engine]}")


_CUT: Final = text(
    "INSERT INTO blob_piece (owner_id, sha256, number, data) SELECT owner_id, sha256, :number, "
    "substr(data, :start, :most) FROM blob WHERE size >= :start"
)


def _cut(connection: Connection, number: int) -> bool:
    """Copy the piece of this number of every blob that is so long; whether there was any."""
    values = {"number": number, "start": number * PIECE_BYTES + 1, "most": PIECE_BYTES}
    return connection.execute(_CUT, values).rowcount > 0
