"""The ChatGPT data export: `conversations.json`, each conversation a `mapping` of nodes.

System prompts, tool calls and tool results stay out; the answer around them is joined. Pictures are separate files
of that export: a note stands in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lib.messages import Role
from lib.transfer.document import Found, Skipped
from lib.transfer.loose import identity, items, mapping, mappings, name, text, time_ms
from lib.transfer.tree import Node, grow

SOURCE = "ChatGPT"
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_THOUGHTS = ("thoughts", "reasoning_recap")


def is_ours(value: object) -> bool:
    return isinstance(mapping(value).get("mapping"), dict)


def read(value: object, now_ms: int) -> Found | Skipped:
    """One conversation of the list."""
    given = mapping(value)
    nodes = list(_nodes(mapping(given.get("mapping"))))
    created, last = time_ms(given.get("create_time")), time_ms(given.get("update_time"))
    title, active = text(given.get("title")), identity(given.get("current_node"))
    copy = grow(nodes, title=title, active=active, created_ms=created, last_ms=last, now_ms=now_ms)
    if copy is None:
        return Skipped("empty", title)
    source_id = identity(given.get("conversation_id")) or identity(given.get("id"))
    return Found(SOURCE, source_id, copy, sum(_pictures(node) for node in mapping(given["mapping"]).values()))


def _nodes(found: Mapping[str, Any]) -> Iterator[Node]:
    thought = ""
    for key, value in found.items():
        node, message = mapping(value), mapping(mapping(value).get("message"))
        content = mapping(message.get("content"))
        role, said, thought_here = _said(message, content)
        thought = thought_here or thought
        yield Node(
            id=key,
            parent=text(node.get("parent")) or None,
            role=role,
            text=said,
            reasoning=thought if role == "assistant" else "",
            at_ms=time_ms(message.get("create_time")),
            model=name(mapping(message.get("metadata")).get("model_slug")),
        )
        thought = "" if role else thought


def _said(message: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[Role | None, str, str]:
    """(role, text, reasoning); role None for what is not part of the talk."""
    role = _ROLES.get(text(mapping(message.get("author")).get("role")))
    kind = text(content.get("content_type"))
    if kind in _THOUGHTS:
        thoughts = (text(thought.get("content")) for thought in mappings(content.get("thoughts")))
        return None, "", "\n\n".join(thought for thought in thoughts if thought)
    hidden = mapping(message.get("metadata")).get("is_visually_hidden_from_conversation") is True
    aside = text(message.get("recipient")) not in ("", "all")  # spoken to a tool
    said = "\n".join(part for part in map(_part, items(content.get("parts"))) if part) or text(content.get("text"))
    if role is None or hidden or aside or kind == "user_editable_context" or not said.strip():
        return None, "", ""
    return role, said, ""


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    found = mapping(part)
    if text(found.get("content_type")).endswith("asset_pointer"):
        return "[Picture, not in this import]"
    return text(found.get("text"))  # words of a voice talk


def _pictures(node: object) -> int:
    content = mapping(mapping(mapping(node).get("message")).get("content"))
    return sum(text(part.get("content_type")).endswith("asset_pointer") for part in mappings(content.get("parts")))
