"""The Open WebUI chat export: a list of chats, each with `chat.history.messages` and the current message's id."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lib.messages import Role
from lib.transfer.document import Found, Skipped
from lib.transfer.loose import identity, mapping, mappings, name, text, time_ms
from lib.transfer.tree import Node, grow

SOURCE = "Open WebUI"
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_DETAILS = re.compile(r'\A\s*<details type="reasoning"[^>]*>\s*(?:<summary>[^<]*</summary>)?(.*?)</details>\s*', re.S)


def is_ours(value: object) -> bool:
    return isinstance(_history(value).get("messages"), dict)


def _history(value: object) -> Mapping[str, Any]:
    given = mapping(value)
    return mapping(mapping(given.get("chat")).get("history")) or mapping(given.get("history"))


def read(value: object, now_ms: int) -> Found | Skipped:
    """One chat of the list."""
    given, history = mapping(value), _history(value)
    chat = mapping(given.get("chat"))
    messages = mapping(history.get("messages"))
    title = text(given.get("title")) or text(chat.get("title"))
    created = time_ms(given.get("created_at")) or time_ms(chat.get("timestamp"))
    last, active = time_ms(given.get("updated_at")), identity(history.get("currentId"))
    nodes = list(_nodes(messages))
    copy = grow(nodes, title=title, active=active, created_ms=created, last_ms=last, now_ms=now_ms)
    if copy is None:
        return Skipped("empty", title)
    left_out = sum(1 for message in messages.values() for _ in mappings(mapping(message).get("files")))
    return Found(SOURCE, identity(given.get("id")) or identity(chat.get("id")), copy, left_out)


def _nodes(messages: Mapping[str, Any]) -> Iterator[Node]:
    for key, value in messages.items():
        message = mapping(value)
        role = _ROLES.get(text(message.get("role")))
        thought, said = _thought_apart(text(message.get("content")))
        yield Node(
            id=key,
            parent=text(message.get("parentId")) or None,
            role=role if said.strip() or thought else None,
            text=said,
            reasoning=thought if role == "assistant" else "",
            at_ms=time_ms(message.get("timestamp")),
            model=name(message.get("model")),
            failed=bool(message.get("error")) or message.get("done") is False,
        )


def _thought_apart(content: str) -> tuple[str, str]:
    """(reasoning, answer): it writes the reasoning as quoted lines in a details element before the answer."""
    found = _DETAILS.match(content)
    if found is None:
        return "", content
    lines = (line.removeprefix(">").removeprefix(" ") for line in html.unescape(found[1]).strip().split("\n"))
    return "\n".join(lines), content[found.end() :]
