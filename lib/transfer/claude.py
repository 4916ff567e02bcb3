"""The Claude data export: `conversations.json`, each conversation with its `chat_messages`.

Older exports are a plain list; newer ones name each message's parent. Text that was taken out of attached files is
part of what the user said; the files themselves are not in the export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lib.messages import Role
from lib.transfer.document import Found, Skipped
from lib.transfer.loose import identity, mapping, mappings, name, text, time_ms
from lib.transfer.tree import Node, grow

SOURCE = "Claude"
_ROLES: dict[str, Role] = {"human": "user", "user": "user", "assistant": "assistant"}


def is_ours(value: object) -> bool:
    return isinstance(mapping(value).get("chat_messages"), list)


def read(value: object, now_ms: int) -> Found | Skipped:
    """One conversation of the list."""
    given = mapping(value)
    messages = list(mappings(given.get("chat_messages")))
    nodes = list(_nodes(messages, name(given.get("model"))))
    title = text(given.get("name"))
    active = identity(given.get("current_leaf_message_uuid")) or (nodes[-1].id if nodes else None)
    created, last = time_ms(given.get("created_at")), time_ms(given.get("updated_at"))
    copy = grow(nodes, title=title, active=active, created_ms=created, last_ms=last, now_ms=now_ms)
    if copy is None:
        return Skipped("empty", title)
    left_out = sum(1 for message in messages for _ in mappings(message.get("files")))
    return Found(SOURCE, identity(given.get("uuid")), copy, left_out)


def _nodes(messages: list[Mapping[str, Any]], model: str | None) -> Iterator[Node]:
    before: str | None = None
    for place, message in enumerate(messages):
        own = identity(message.get("uuid")) or f"#{place}"
        parent = identity(message.get("parent_message_uuid"))
        said, thought = _said(message)
        role = _ROLES.get(text(message.get("sender")))
        yield Node(
            id=own,
            parent=parent or before,
            role=role if said.strip() else None,
            text=said,
            reasoning=thought if role == "assistant" else "",
            at_ms=time_ms(message.get("created_at")),
            model=model,
        )
        before = own


def _said(message: Mapping[str, Any]) -> tuple[str, str]:
    """(text with what attached files say, reasoning)."""
    blocks = list(mappings(message.get("content")))
    spoken = "\n\n".join(text(b.get("text")) for b in blocks if b.get("type") == "text" and text(b.get("text")).strip())
    thought = "\n\n".join(text(block.get("thinking")) for block in blocks if block.get("type") == "thinking")
    extracts = []
    for file in mappings(message.get("attachments")):
        if extract := text(file.get("extracted_content")):
            extracts.append(f"{text(file.get('file_name')) or 'Attached text'}:\n\n{extract}")
    return "\n\n".join(part for part in (spoken or text(message.get("text")), *extracts) if part), thought
