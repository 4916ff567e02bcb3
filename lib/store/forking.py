"""A branch copied into a conversation of its own."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection, Row, insert

from lib.errors import AnswerRunning
from lib.ids import new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.conversations import one_line
from lib.store.encoding import insert_new
from lib.store.search_index import index_messages
from lib.store.transcript import branch_rows

_TITLE_CHARS = 200
_COPIED = ("owner_id", "role", "parts", "text", "reasoning", "repaired", "created_ms", "reasoning_ms", "state")
_COPIED_TOO = ("error_kind", "error_message", "finish_reason", "ref", "edited")
_SETTINGS = ("owner_id", "dialect", "params", "system", "model", "gateway_id", "folder_id")


class ForkIds(Struct, frozen=True):
    """Ids of one fork, made once, so that running it again after a lost commit finds its own work."""

    id: int = field(default_factory=new_id)
    public_id: str = field(default_factory=new_public_id)


def fork_in(connection: Connection, source: Row[Any], last: Row[Any], title: str | None, ids: ForkIds) -> str:
    """See `Messages.fork`."""
    rows = branch_rows(connection, source.owner_id, last.id)
    if any(row.state == "running" for row in rows):
        raise AnswerRunning("the answer is still being written")
    copies = _copies(rows, ids.id)
    fork = _conversation(source, title, ids) | {"n_messages": len(copies), "active_id": copies[-1]["id"]}
    if insert_new(connection, schema.conversation, fork):
        connection.execute(insert(schema.message), copies)
        index_messages(connection, source.owner_id, [(copy["id"], copy["text"]) for copy in copies])
    return ids.public_id


def _conversation(source: Row[Any], title: str | None, ids: ForkIds) -> dict[str, Any]:
    """The columns of the new conversation: named by a person, or after the old one."""
    at_ms = now_ms()
    name = one_line(source.title + " (fork)" if title is None else title, _TITLE_CHARS)
    row: dict[str, Any] = {name: getattr(source, name) for name in _SETTINGS}
    row |= {"id": ids.id, "public_id": ids.public_id, "title": name, "title_folded": name.casefold()}
    row |= {"created_ms": at_ms, "last_ms": at_ms, "answered_ms": 0, "read_ms": at_ms, "queue_paused": 0}
    return row | {"title_source": "user" if name else ""}


def _copies(rows: list[Row[Any]], conversation_id: int) -> list[dict[str, Any]]:
    """The messages of a branch under new ids, each the only child of the one before."""
    new_ids = [new_id() for _ in rows]
    copies = []
    for at, row in enumerate(rows):
        copy: dict[str, Any] = {name: getattr(row, name) for name in (*_COPIED, *_COPIED_TOO)}
        copy |= {"id": new_ids[at], "public_id": new_public_id(), "conversation_id": conversation_id, "copied": 1}
        copy |= {"parent_id": new_ids[at - 1] if at else None, "changed_ms": now_ms()}
        copies.append(copy | {"active_child_id": new_ids[at + 1] if at + 1 < len(rows) else None})
    return copies
