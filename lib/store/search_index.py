"""The index of words: which messages hold them. Kept in the transactions that write messages, made anew on demand.

SQLite has a contentless FTS5 table whose rowid is the message's id, PostgreSQL a tsvector with a GIN index; both hold
the same words (`lib.search.document`). A SQLite without FTS5 has no index, and the texts are read instead. The index
names candidates only: what a text really holds is compared afterwards, so a stale entry finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, TextClause, and_, exc, or_, select, text

from lib.search import Query, document, fts_match, ts_query
from lib.store import schema

_m = schema.message.c
_BATCH = 1_000
_SQLITE = "sqlite"
_INSERT = {
    _SQLITE: text("INSERT INTO message_search (rowid, words) VALUES (:id, :words)"),
    "postgresql": text(
        "INSERT INTO message_search (message_id, owner_id, words) "
        "VALUES (:id, :owner, array_to_tsvector(string_to_array(:words, ' '))) "
        "ON CONFLICT (message_id) DO UPDATE SET words = excluded.words"
    ),
}
_FORGET = {
    _SQLITE: text("INSERT INTO message_search (message_search, rowid, words) VALUES ('delete', :id, :words)"),
    "postgresql": text("DELETE FROM message_search WHERE message_id = :id AND owner_id = :owner"),
}
_FIND = {
    _SQLITE: text(
        "SELECT rowid AS id FROM message_search WHERE message_search MATCH :query AND rowid < :before "
        "ORDER BY rowid DESC LIMIT :most"
    ),
    # `+ 0` keeps PostgreSQL from walking all messages backwards until enough of them match.
    "postgresql": text(
        "SELECT message_id AS id FROM message_search WHERE words @@ CAST(:query AS tsquery) AND message_id < :before "
        "ORDER BY message_id + 0 DESC LIMIT :most"
    ),
}


def index_messages(connection: Connection, owner: int, texts: Iterable[tuple[int, str]]) -> None:
    """Add messages, as (id, text as it is stored), in the transaction that writes them. Not for a running answer."""
    if has_index(connection):
        _run(connection, _INSERT, [(id, owner, words) for id, words in texts])


def forget_messages(connection: Connection, owner: int, ids: list[int]) -> None:
    """Take messages out, before their rows are destroyed: FTS5 is told again what it was given."""
    if not has_index(connection):
        return
    for at in range(0, len(ids), _BATCH):
        there = and_(_m.id.in_(ids[at : at + _BATCH]), _m.owner_id == owner, _is_final())
        _run(connection, _FORGET, connection.execute(select(_m.id, _m.owner_id, _m.text).where(there)).all())


def rebuild_index(connection: Connection) -> None:
    """Empty the index and fill it from the messages of every owner."""
    if not has_index(connection):
        return
    if connection.dialect.name == _SQLITE:
        connection.exec_driver_sql("INSERT INTO message_search (message_search) VALUES ('delete-all')")
    else:
        connection.exec_driver_sql("DELETE FROM message_search")
    after = -1
    query = select(_m.id, _m.owner_id, _m.text).where(_is_final()).order_by(_m.id).limit(_BATCH)
    while rows := connection.execute(query.where(_m.id > after)).all():
        _run(connection, _INSERT, rows)
        after = rows[-1].id


def candidates(connection: Connection, owner: int, query: Query, before: int, most: int) -> list[int]:
    """The ids below `before` of at most `most` messages that may hold the words of `query`, newest first."""
    if not has_index(connection):
        return list(connection.scalars(_without_index(owner, query, before, most)))
    words = fts_match if connection.dialect.name == _SQLITE else ts_query
    values = {"query": words(query, owner), "before": before, "most": most}
    return list(connection.scalars(_FIND[connection.dialect.name].columns(id=BigInteger), values))


def has_index(connection: Connection) -> bool:
    """Whether there is an index that this program can use; remembered with the database connection."""
    if connection.dialect.name != _SQLITE:
        return True
    known = connection.info.get("has_message_search")
    if known is None:
        known = connection.info["has_message_search"] = _can_read(connection)
    return bool(known)


def _can_read(connection: Connection) -> bool:
    try:
        connection.exec_driver_sql("SELECT rowid FROM message_search LIMIT 0")
    except exc.OperationalError as error:
        if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_ERROR":  # a busy or full disk says nothing about it
            raise
        return False  # no such table, or no such module: fts5
    return True


def _run(connection: Connection, statements: dict[str, TextClause], texts: Sequence[Any]) -> None:
    """Run it for every (id, owner, text)."""
    rows = [{"id": id, "owner": owner, "words": document(words, owner)} for id, owner, words in texts]
    if rows:
        connection.execute(statements[connection.dialect.name], rows)


def _is_final() -> ColumnElement[bool]:
    return or_(_m.state.is_(None), _m.state != "running")


def _without_index(owner: int, query: Query, before: int, most: int) -> Select[tuple[int]]:
    """Messages whose text holds every word in one of its usual cases; LIKE knows the case of ASCII only."""
    wanted = [_m.owner_id == owner, _m.id < before]
    for word in {word for term in query.terms for word in term.text.split()}:
        pieces = [piece for piece in _spellings(word) if piece]
        wanted.append(or_(*(_m.text.icontains(piece, autoescape=True) for piece in pieces)))
    return select(_m.id).where(*wanted).order_by(_m.id.desc()).limit(most)


def _spellings(word: str) -> set[str]:
    word = word.strip("\"'.,;:!?()")
    return {word, word.lower(), word.upper(), word.capitalize()}
