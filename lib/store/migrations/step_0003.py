"""Step 3: folders, tags, pins and the archive; the index of words. Frozen: later changes are later steps."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, exc, text

from lib.search import document

COLUMNS: Final = (
    "ALTER TABLE conversation ADD COLUMN pinned_ms bigint",
    "ALTER TABLE conversation ADD COLUMN archived_ms bigint",
    "ALTER TABLE conversation ADD COLUMN folder_id bigint",
)

TABLES: Final = {
    "folder": """
        id bigint NOT NULL, owner_id bigint NOT NULL, public_id text NOT NULL, name text NOT NULL, folded text NOT
        NULL, created_ms bigint NOT NULL, PRIMARY KEY (id), CONSTRAINT uq_folder_public UNIQUE (public_id),
        CONSTRAINT uq_folder_name UNIQUE (owner_id, folded)
    """,
    "conversation_tag": """
        conversation_id bigint NOT NULL, folded text NOT NULL, owner_id bigint NOT NULL, name text NOT NULL,
        PRIMARY KEY (conversation_id, folded)
    """,
}

INDEXES: Final = (
    "CREATE INDEX ix_conversation_pinned ON conversation (owner_id, pinned_ms) WHERE pinned_ms IS NOT NULL",
    "CREATE INDEX ix_conversation_folder ON conversation (folder_id, last_ms, id) WHERE folder_id IS NOT NULL",
    "CREATE INDEX ix_conversation_tag ON conversation_tag (owner_id, folded)",
    "CREATE INDEX ix_message_owner ON message (owner_id, id)",
)

_SQLITE_INDEX = """
    CREATE VIRTUAL TABLE message_search USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii')
"""
_POSTGRES_INDEX = (
    """
    CREATE TABLE message_search (
        message_id bigint NOT NULL, owner_id bigint NOT NULL, words tsvector NOT NULL, PRIMARY KEY (message_id)
    )
    """,
    "CREATE INDEX ix_message_search ON message_search USING gin (words)",
)


def make_index(connection: Connection) -> None:
    """The index, with a row for every message. A SQLite without FTS5 does without: search then reads the texts.

    The tokenizer is `ascii` because our own words arrive folded and apart: it cuts at the spaces between them, and
    takes every character beyond ASCII for a letter, whatever Unicode version SQLite was built with.
    """
    if connection.dialect.name == "sqlite":
        try:
            connection.exec_driver_sql(_SQLITE_INDEX)
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_ERROR":  # a busy or full disk
                raise
            return  # no such module: fts5
    else:
        for statement in _POSTGRES_INDEX:
            connection.exec_driver_sql(statement)
    _fill(connection)


def _fill(connection: Connection) -> None:
    """Every message whose text will not change any more."""
    query = text(
        "SELECT id, owner_id, text FROM message WHERE id > :after AND (state IS NULL OR state <> 'running') "
        "ORDER BY id LIMIT 1000"
    )
    if connection.dialect.name == "sqlite":
        insert = text("INSERT INTO message_search (rowid, words) VALUES (:id, :words)")
    else:
        insert = text(
            "INSERT INTO message_search (message_id, owner_id, words) "
            "VALUES (:id, :owner, array_to_tsvector(string_to_array(:words, ' ')))"
        )
    after = -1
    while rows := connection.execute(query, {"after": after}).all():
        words = [{"id": row.id, "owner": row.owner_id, "words": document(row.text, row.owner_id)} for row in rows]
        connection.execute(insert, words)
        after = rows[-1].id
