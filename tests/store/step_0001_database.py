"""A database as the first release left it, with data: made by the frozen first step and plain SQL."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from lib.store import Store, open_store
from lib.store.migrations import STEPS, Step

OWNER, CHAT, ASKED, TOLD, ANSWER = 1 << 40, 2 << 40, 3 << 40, 4 << 40, 5 << 40
PUBLIC = {CHAT: "an-old-conversation", ASKED: "an-old-question", TOLD: "an-old-answer"}

_ROWS = (
    f"""INSERT INTO conversation (id, owner_id, public_id, title, title_folded, dialect, params, system, created_ms,
        last_ms, answered_ms, read_ms, n_messages, queue_paused, active_id)
        VALUES ({CHAT}, :owner, '{PUBLIC[CHAT]}', 'Old title', 'old title', 'openai', '{{}}', '', 1, 1, 1, 1, 2, 0,
        {TOLD})""",
    f"""INSERT INTO message (id, owner_id, conversation_id, public_id, role, parts, text, reasoning, repaired,
        created_ms, changed_ms, parent_id, active_child_id, state) VALUES
        ({ASKED}, :owner, {CHAT}, '{PUBLIC[ASKED]}', 'user', '[{{"type":"text","text":"old question"}}]',
        'old question', '', '[]', 1, 1, NULL, {TOLD}, NULL),
        ({TOLD}, :owner, {CHAT}, '{PUBLIC[TOLD]}', 'assistant', '[]', 'old answer', '', '[]', 1, 1, {ASKED}, NULL,
        'done')""",
    f"""INSERT INTO answer (id, owner_id, conversation_id, message_id, key, lane, state, epoch, ref, params, system,
        purpose, started_ms, heartbeat_ms, stop_requested) VALUES ({ANSWER}, :owner, {CHAT}, {TOLD}, 'k', '', 'done',
        'e', '{{"gateway_id":7,"model":"m"}}', '{{}}', '', 'chat', 1, 1, 0)""",
)


def fill_first(connection: Connection) -> None:
    """One owner, who has one conversation."""
    at = {"id": OWNER, "public": "owner", "name": "local"}
    connection.execute(text("INSERT INTO owner (id, public_id, name, created_ms) VALUES (:id, :public, :name, 1)"), at)
    for row in _ROWS:
        connection.execute(text(row.replace(":owner", str(OWNER)).replace(":", "\\:")))


def make_old_database(url: str, folder: Path) -> Store:
    """Open a database that has only the first step, with one conversation in it."""

    def first_with_data(connection: Connection) -> None:
        STEPS[0].run(connection)
        fill_first(connection)

    return open_store(url, folder, steps=(Step(1, STEPS[0].name, first_with_data),))
