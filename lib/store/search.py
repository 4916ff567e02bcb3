"""Find conversations by what they are called and by what was said in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, select

from lib.messages import Role
from lib.search import Query, Snippet, marked, matches, snippet
from lib.store import schema
from lib.store.conversations import read_conversations
from lib.store.database import Database
from lib.store.placing import placed
from lib.store.rows import Conversation, Only
from lib.store.search_filters import of_conversation, of_message
from lib.store.search_index import candidates, rebuild_index

_c, _m = schema.conversation.c, schema.message.c
_ANY = Only()
_END = 1 << 62
_FIRST_BATCH, _WIDEST_BATCH = 128, 8_192
_TEXTS = 32
_MOST_SEEN = 40_000
"""Messages looked at for one page; then the page ends, and the next one goes on from there."""


class Hit(Struct, frozen=True):
    """A conversation that was found. `message` (public id) is its newest message that fits, None when only the title
    does (or many titles came first); `snippet` is from that message."""

    conversation: Conversation
    title: Snippet
    message: str | None = None
    role: Role | None = None
    at_ms: int | None = None
    snippet: Snippet = Snippet("")


class Cursor(Struct, frozen=True):
    """Where the next page goes on: below message `before`, without the conversations that were shown."""

    before: int = _END
    shown: frozenset[int] = frozenset()
    titles_done: bool = False


class Found(Struct, frozen=True):
    """A page of hits; `next` is None on the last one."""

    hits: tuple[Hit, ...]
    next: Cursor | None = None


class Search:
    """The search of every owner; each call sees what is one's."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def find(
        self,
        owner: int,
        asked: Query,
        *,
        limit: int = 30,
        cursor: Cursor | None = None,
        zone: str = "UTC",
        only: Only = _ANY,
    ) -> Found:
        """Conversations whose title fits first, then those with messages that fit; each part newest first.

        Archived ones are found too, deleted ones never. `zone` is the one in which `before` and `after` count days.
        Nothing is found by an empty query. Raises BadInput for an unknown zone.
        """
        if asked.is_empty:
            return Found(())
        start = cursor or Cursor()
        return self._db.read(lambda connection: _Page(connection, owner, asked, limit, zone, only).read(start))

    def rebuild(self, owner: int) -> None:
        """Make the index anew, of all owners: it is a cache, and not theirs alone."""
        self._db.write(lambda connection: rebuild_index(connection), idempotent=True)


class _Page:
    """One call of `find`: what was asked, and what was found so far."""

    def __init__(self, connection: Connection, owner: int, query: Query, limit: int, zone: str, only: Only) -> None:
        self._connection = connection
        self._owner = owner
        self._query = query
        self._limit = limit
        self._message_conditions = of_message(owner, query, zone)
        self._chat_conditions = [*of_conversation(owner, query), *placed(owner, only)]
        self._found: dict[int, tuple[Row[Any], str] | None] = {}

    def read(self, start: Cursor) -> Found:
        """The page that begins at `start`."""
        if not start.titles_done and not self._query.asks_messages and not self._add_titles(start.shown):
            return Found(self._hits(), Cursor(shown=start.shown | self._found.keys()))
        asks = self._query.terms or self._query.without or self._query.asks_messages
        before = self._add_messages(start) if asks else None
        shown = start.shown | self._found.keys()
        return Found(self._hits(), None if before is None else Cursor(before, shown, titles_done=True))

    def _add_titles(self, shown: frozenset[int]) -> bool:
        """Add the conversations whose title fits; whether those were all."""
        query = select(_c.id, _c.title).where(*self._chat_conditions)
        for row in self._connection.execute(query.order_by(_c.last_ms.desc(), _c.id.desc())):
            if row.id not in shown and matches(self._query, row.title):
                if len(self._found) == self._limit:
                    return False
                self._found[row.id] = None
        return True

    def _add_messages(self, start: Cursor) -> int | None:
        """Add conversations by their newest message that fits; where the next page goes on, None at the end."""
        before, seen, most = start.before, 0, _FIRST_BATCH
        while seen < _MOST_SEEN:
            ids = self._next(before, most)
            for row, text in self._with_texts(self._fitting(ids), start.shown):
                if self._found.get(row.conversation_id) or not matches(self._query, text):
                    continue
                if len(self._found) == self._limit and row.conversation_id not in self._found:
                    return int(row.id) + 1
                self._found[row.conversation_id] = (row, text)
            if len(ids) < most:
                return None
            before, seen, most = ids[-1], seen + most, min(most * 4, _WIDEST_BATCH)
        return before

    def _next(self, before: int, most: int) -> list[int]:
        """The next messages to look at: those with the words, or those that fit what is asked besides words."""
        if self._query.terms:
            return candidates(self._connection, self._owner, self._query, before, most)
        query = select(_m.id).where(*self._message_conditions, _m.id < before)
        return list(self._connection.scalars(query.order_by(_m.id.desc()).limit(most)))

    def _fitting(self, ids: list[int]) -> list[Row[Any]]:
        """Those of these messages that fit what is asked besides words, newest first."""
        columns = (_m.id, _m.public_id, _m.conversation_id, _m.role, _m.created_ms)
        query = select(*columns).join(schema.conversation, _c.id == _m.conversation_id)
        query = query.where(_m.id.in_(ids), *self._message_conditions, *self._chat_conditions)
        return list(self._connection.execute(query.order_by(_m.id.desc()))) if ids else []

    def _with_texts(self, rows: list[Row[Any]], shown: frozenset[int]) -> Iterator[tuple[Row[Any], str]]:
        """Rows of conversations that still miss a message, with their texts: a few at a time, for they may be long."""
        for at in range(0, len(rows), _TEXTS):
            some = [row for row in rows[at : at + _TEXTS] if row.conversation_id not in shown]
            some = [row for row in some if not self._found.get(row.conversation_id)]
            query = select(_m.id, _m.text).where(_m.id.in_([row.id for row in some]), _m.owner_id == self._owner)
            texts = {row.id: row.text for row in self._connection.execute(query)} if some else {}
            yield from ((row, texts[row.id]) for row in some)

    def _hits(self) -> tuple[Hit, ...]:
        there = read_conversations(self._connection, self._owner, self._found)
        return tuple(self._hit(there[id], found) for id, found in self._found.items())

    def _hit(self, conversation: Conversation, found: tuple[Row[Any], str] | None) -> Hit:
        title = marked(self._query, conversation.title)
        if found is None:
            return Hit(conversation, title)
        row, text = found
        return Hit(conversation, title, row.public_id, row.role, row.created_ms, snippet(self._query, text))
