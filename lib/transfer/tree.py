"""From what another program kept to our tree: what is left out is bridged, loops and loose ends become roots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct, structs

from lib.ids import new_public_id
from lib.messages import Part, Role, TextPart
from lib.transfer.document import ConversationCopy, MessageCopy, ModelCopy

_TITLE_CHARS = 60


class Node(Struct, frozen=True):
    """One entry of a foreign conversation. `role` None: it stays out, its children move up to its parent."""

    id: str
    parent: str | None
    role: Role | None
    text: str = ""
    reasoning: str = ""
    at_ms: int | None = None
    model: str | None = None
    parts: tuple[Part, ...] = ()
    failed: bool = False


def grow(
    nodes: Iterable[Node],
    *,
    title: str,
    active: str | None,
    created_ms: int | None,
    last_ms: int | None,
    now_ms: int,
) -> ConversationCopy | None:
    """The conversation of these nodes; None when nobody says anything in it. Messages get new public ids."""
    nodes = list({node.id: node for node in nodes}.values())
    kept = joined(bridged(nodes))
    if not kept:
        return None
    messages = _messages(kept, created_ms or now_ms)
    known = {node.id: message.id for node, message in zip(kept, messages, strict=True)}
    leaf = known.get(_nearest(nodes, known, active) or "", messages[-1].id)
    first, last = messages[0].created_ms, max(message.created_ms for message in messages)
    copy = ConversationCopy(
        id=new_public_id(),
        title=" ".join(title.split()) or _title(messages),
        title_source="user" if title.strip() else "",
        created_ms=min(created_ms or first, first),
        last_ms=max(last_ms or last, last),
        active=leaf,
        messages=messages,
        model=next((message.model.model for message in reversed(messages) if message.model), None),
    )
    return with_shown_children(copy)


def bridged(nodes: list[Node]) -> list[Node]:
    """The nodes that stay, parents first, each below its nearest ancestor that stays."""
    by_id = {node.id: node for node in nodes}
    children: dict[str | None, list[Node]] = defaultdict(list)
    for node in nodes:
        children[node.parent if node.parent in by_id and node.parent != node.id else None].append(node)
    kept: list[Node] = []
    seen: set[str] = set()
    for root in [*children[None], *nodes]:  # the second round finds loops, which have no root
        stack: list[tuple[Node, str | None]] = [(root, None)]
        while stack:
            node, above = stack.pop()
            if node.id in seen:
                continue
            seen.add(node.id)
            if node.role is not None:
                kept.append(structs.replace(node, parent=above))
                above = node.id
            stack += ((child, above) for child in reversed(children[node.id]))
    return kept


def joined(nodes: list[Node]) -> list[Node]:
    """Answers that another program keeps in several pieces (around a tool's work) become one."""
    n_children: dict[str | None, int] = defaultdict(int)
    for node in nodes:
        n_children[node.parent] += 1
    found: dict[str, Node] = {}
    alias: dict[str, str] = {}
    for node in nodes:
        parent = alias.get(node.parent or "", node.parent)
        above = found.get(parent or "")
        only = n_children[node.parent] == 1
        if above is not None and node.role == "assistant" == above.role and only:
            found[above.id] = _together(above, node)
            alias[node.id] = above.id
        else:
            found[node.id] = structs.replace(node, parent=parent)
    return list(found.values())


def _together(first: Node, second: Node) -> Node:
    return structs.replace(
        first,
        text="\n\n".join(text for text in (first.text, second.text) if text),
        reasoning="\n\n".join(text for text in (first.reasoning, second.reasoning) if text),
        model=second.model or first.model,
        failed=second.failed,
    )


def _messages(nodes: list[Node], fallback_ms: int) -> tuple[MessageCopy, ...]:
    ids: dict[str, str] = {node.id: new_public_id() for node in nodes}
    times: dict[str | None, int] = {None: fallback_ms}
    messages = []
    for node in nodes:
        times[node.id] = node.at_ms or times[node.parent]
        messages.append(_message(node, ids, times[node.id]))
    return tuple(messages)


def _message(node: Node, ids: dict[str, str], at_ms: int) -> MessageCopy:
    is_answer = node.role == "assistant"
    assert node.role is not None
    return MessageCopy(
        id=ids[node.id],
        role=node.role,
        created_ms=at_ms,
        parent=ids[node.parent] if node.parent else None,
        parts=(TextPart(node.text), *node.parts) if node.text or not node.parts else node.parts,
        text=node.text,
        reasoning=node.reasoning,
        state=("cut" if node.failed else "done") if is_answer else None,
        model=ModelCopy(node.model, base=node.model) if is_answer and node.model else None,
    )


def _nearest(nodes: list[Node], known: dict[str, str], wanted: str | None) -> str | None:
    """`wanted`, or the nearest above it that stayed."""
    parents = {node.id: node.parent for node in nodes}
    for _ in nodes:
        if wanted is None or wanted in known:
            return wanted
        wanted = parents.get(wanted)
    return None


def _title(messages: tuple[MessageCopy, ...]) -> str:
    line = " ".join(next((message.text for message in messages if message.text.strip()), "")[:500].split())
    return line if len(line) <= _TITLE_CHARS else line[: _TITLE_CHARS - 1].rstrip() + "…"


def with_shown_children(copy: ConversationCopy) -> ConversationCopy:
    """Every message on the shown branch remembers the next one of it; elsewhere the newest version is remembered."""
    shown: dict[str, str] = {}
    for message in copy.messages:
        if message.parent:
            shown[message.parent] = message.id
    for message in copy.branch:
        if message.parent:
            shown[message.parent] = message.id
    messages = (structs.replace(message, shown_child=shown.get(message.id)) for message in copy.messages)
    return structs.replace(copy, messages=tuple(messages))
