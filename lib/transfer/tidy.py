"""What a file of our own format must be before it is stored: anybody may have written it.

Honest exports pass unchanged. Identities are checked, loops and loose ends become roots, times fit a calendar, a
picture is what it says it is, and what a user message shows is what would be sent.
"""

from __future__ import annotations

import re

from msgspec import structs

from lib.ids import new_public_id
from lib.ledger import AnswerState
from lib.messages import FilePart, ImagePart, Message, Part, TextPart, VideoPart
from lib.transfer.document import AttemptCopy, ConversationCopy, MessageCopy
from lib.transfer.loose import EARLIEST_MS, LATEST_MS

IMAGE_LIMIT, VIDEO_LIMIT = 20 << 20, 100 << 20
_NAME_CHARS, _CAPTION_CHARS, _LONGEST_S = 200, 1_000, 86_400
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
_WEB = re.compile(r"https?://[\x21-\x7e]{1,2000}\Z")
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}


def tidied(copy: ConversationCopy) -> ConversationCopy:
    """The conversation as it may be stored."""
    names = {message.id: _public(message.id) for message in copy.messages}
    messages = tuple(_message(message, names) for message in _parents_first(copy.messages))
    created, last = _time(copy.created_ms), _time(copy.last_ms)
    active = names.get(copy.active or "")
    return structs.replace(
        copy,
        id=_public(copy.id),
        title=copy.title[:1000],
        title_source=copy.title_source if copy.title_source in ("", "user", "model") else "user",
        folder=copy.folder[:200],
        tags=tuple(tag[:200] for tag in copy.tags[:100]),
        pinned_ms=None if copy.pinned_ms is None else _time(copy.pinned_ms),
        archived_ms=None if copy.archived_ms is None else _time(copy.archived_ms),
        created_ms=created,
        last_ms=max(created, last),
        active=active or (messages[-1].id if messages else None),
        messages=messages,
        spend=tuple(map(attempt, copy.spend)),
    )


def attempt(given: AttemptCopy) -> AttemptCopy:
    """An attempt whose time fits an id."""
    at_ms = _time(given.at_ms)
    changed = {name: _time(value) for name in ("started_ms", "ended_ms") if (value := getattr(given, name))}
    return structs.replace(given, id=given.id[:128], at_ms=at_ms, **changed)


def image_type(data: bytes) -> str | None:
    """What kind of picture these bytes are, None for anything a page must not show."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for kind, magic in _MAGIC.items() if data.startswith(magic)), None)


def _message(given: MessageCopy, names: dict[str, str]) -> MessageCopy:
    parts = tuple(part for each in given.parts if (part := _part(each)) is not None)
    said = Message(given.role, parts).text
    if given.role == "user" and not said and given.text:
        parts, said = (TextPart(given.text), *parts), given.text
    return structs.replace(
        given,
        id=names[given.id],
        parent=names.get(given.parent or ""),
        shown_child=names.get(given.shown_child or ""),
        continues=names.get(given.continues or ""),
        kept_chars=max(0, min(given.kept_chars, len(given.text))),
        parts=parts,
        text=said if given.role == "user" else given.text,
        created_ms=_time(given.created_ms),
        changed_ms=None if given.changed_ms is None else _time(given.changed_ms),
        state=_state(given),
        attempts=tuple(map(attempt, given.attempts)),
    )


def _state(given: MessageCopy) -> AnswerState | None:
    """Nothing runs in a file: an answer that was being written when it was made is one that was interrupted."""
    if given.role != "assistant":
        return None
    return "interrupted" if given.state in (None, "running") else given.state


def _part(part: Part) -> Part | None:
    """The part, or None when it is not what it says it is."""
    if isinstance(part, FilePart):
        return structs.replace(part, name=part.name[:_NAME_CHARS], pages=_count(part.pages), size=_count(part.size))
    if not isinstance(part, ImagePart | VideoPart):
        return part
    part = _measured(part)
    url = part.url if part.url and _WEB.match(part.url) else None
    if not part.data:
        return structs.replace(part, url=url, size=None) if url else None
    if isinstance(part, VideoPart):
        fits = part.media_type.startswith("video/") and len(part.data) <= VIDEO_LIMIT
        return structs.replace(part, url=None) if fits else None
    kind = image_type(part.data)
    return structs.replace(part, media_type=kind, url=None) if kind and len(part.data) <= IMAGE_LIMIT else None


def _measured(part: ImagePart | VideoPart) -> ImagePart | VideoPart:
    """With figures that a picture or a video can have: an estimate multiplies them."""
    part = structs.replace(
        part, name=part.name[:_NAME_CHARS], width=_count(part.width), height=_count(part.height), size=_count(part.size)
    )
    if isinstance(part, ImagePart):
        return structs.replace(part, caption=part.caption[:_CAPTION_CHARS])
    long = part.seconds is not None and not 0 <= part.seconds <= _LONGEST_S
    return structs.replace(part, seconds=None) if long else part


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 < value < 1 << 31 else None


def _parents_first(messages: tuple[MessageCopy, ...]) -> list[MessageCopy]:
    """Each message once, after its parent; where that cannot be, it is a root. An ordered list stays as it is."""
    waiting: dict[str, list[MessageCopy]] = {}
    by_id = {message.id: message for message in messages}
    done: dict[str, MessageCopy] = {}
    for message in by_id.values():
        parent = message.parent
        if parent in by_id and parent not in done:
            waiting.setdefault(parent, []).append(message)
            continue
        _take(message if parent in done else structs.replace(message, parent=None), waiting, done)
    for message in by_id.values():  # what is left waits in a loop
        if message.id not in done:
            _take(structs.replace(message, parent=None), waiting, done)
    return list(done.values())


def _take(first: MessageCopy, waiting: dict[str, list[MessageCopy]], done: dict[str, MessageCopy]) -> None:
    stack = [first]
    while stack:
        message = stack.pop()
        if message.id not in done:
            done[message.id] = message
            stack += reversed(waiting.pop(message.id, []))


def _public(identity: str) -> str:
    return identity if _PUBLIC_ID.match(identity) else new_public_id()


def _time(ms: int) -> int:
    return max(EARLIEST_MS, min(LATEST_MS, ms))
