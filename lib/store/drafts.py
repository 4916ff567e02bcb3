"""What was typed and not sent yet, per conversation, so that it survives a reload and another device."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from lib.errors import BadInput
from lib.ids import now_ms
from lib.store import schema
from lib.store.conversations import find
from lib.store.database import Database
from lib.store.encoding import insert_or, storable

_d = schema.draft.c
NEW_CHAT = 0
"""The conversation id of the draft of a conversation that does not exist yet."""
MOST_BYTES = 200_000


class Drafts:
    """One draft per conversation, and one for the next new conversation (named '')."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, owner: int, conversation: str) -> str:
        """The draft, empty when there is none. Raises NotFound."""

        def work(connection: Connection) -> str:
            mine = (_d.owner_id == owner, _d.conversation_id == _id(connection, owner, conversation))
            return connection.scalar(select(_d.text).where(*mine)) or ""

        return self._db.read(work)

    def set(self, owner: int, conversation: str, text: str) -> None:
        """Keep a draft; an empty one is cleared. Raises NotFound, and BadInput for more than 200 kB of UTF-8."""
        text = storable(text)
        if len(text.encode()) > MOST_BYTES:
            raise BadInput("draft_too_long")

        def work(connection: Connection) -> None:
            conversation_id = _id(connection, owner, conversation)
            if not text:
                clear_draft(connection, owner, conversation_id)
                return
            values = {"text": text, "changed_ms": now_ms()}
            row = {"owner_id": owner, "conversation_id": conversation_id} | values
            upsert = insert_or(connection, schema.draft)
            connection.execute(
                upsert.on_conflict_do_update(index_elements=["owner_id", "conversation_id"], set_=values), row
            )

        self._db.write(work, idempotent=True)

    def clear(self, owner: int, conversation: str) -> None:
        """Forget a draft. A sent message does this by itself. Raises NotFound."""
        self.set(owner, conversation, "")


def clear_draft(connection: Connection, owner: int, conversation_id: int) -> None:
    """Forget the draft of a conversation (`NEW_CHAT`: of the next one), inside a transaction."""
    connection.execute(delete(schema.draft).where(_d.owner_id == owner, _d.conversation_id == conversation_id))


def _id(connection: Connection, owner: int, conversation: str) -> int:
    return int(find(connection, owner, conversation).id) if conversation else NEW_CHAT
