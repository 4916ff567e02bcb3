"""The LibreChat conversation export: `messages` with `parentMessageId`, or nested below each other in `children`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lib.messages import Role
from lib.transfer.document import Found, Skipped
from lib.transfer.loose import identity, mapping, mappings, name, text, time_ms
from lib.transfer.tree import Node, grow

SOURCE = "LibreChat"


def is_ours(value: object) -> bool:
    given = mapping(value)
    return "conversationId" in given and isinstance(given.get("messages"), list)


def read(value: object, now_ms: int) -> Found | Skipped:
    """The conversation of one file."""
    given = mapping(value)
    model = name(mapping(given.get("options")).get("model"))
    messages = list(_flat(given))
    nodes = [_node(message, parent, place, model) for place, (message, parent) in enumerate(messages)]
    title = text(given.get("title"))
    last = max((node.at_ms for node in nodes if node.at_ms), default=None)
    active = nodes[-1].id if nodes else None
    copy = grow(nodes, title=title, active=active, created_ms=None, last_ms=last, now_ms=now_ms)
    if copy is None:
        return Skipped("empty", title)
    left_out = sum(1 for message, _ in messages for _ in mappings(message.get("files")))
    return Found(SOURCE, identity(given.get("conversationId")), copy, left_out)


def _flat(given: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """Every message with its parent, nested or not; parents first."""
    waiting: list[tuple[Mapping[str, Any], str | None]] = [
        (message, None) for message in reversed(list(mappings(given.get("messages"))))
    ]
    while waiting:
        message, above = waiting.pop()
        yield message, identity(message.get("parentMessageId")) or above
        own = identity(message.get("messageId")) or above
        waiting += ((child, own) for child in reversed(list(mappings(message.get("children")))))


def _node(message: Mapping[str, Any], parent: str | None, place: int, model: str | None) -> Node:
    role: Role = "user" if message.get("isCreatedByUser") is True else "assistant"
    said, thought = _said(message)
    return Node(
        id=identity(message.get("messageId")) or f"#{place}",
        parent=parent,
        role=role if said.strip() else None,
        text=said,
        reasoning=thought if role == "assistant" else "",
        at_ms=time_ms(message.get("createdAt")),
        model=name(message.get("model")) or model,
        failed=message.get("error") is True or message.get("unfinished") is True,
    )


def _said(message: Mapping[str, Any]) -> tuple[str, str]:
    """(text, reasoning): plain in `text`, or in `content` blocks whose text is a string or `{value}`."""
    blocks = list(mappings(message.get("content")))
    said = "\n\n".join(filter(None, (_words(block.get("text")) for block in blocks if block.get("type") == "text")))
    thought = "\n\n".join(filter(None, (_words(block.get("think")) for block in blocks)))
    return said or text(message.get("text")), thought


def _words(value: object) -> str:
    return text(value) or text(mapping(value).get("value"))
