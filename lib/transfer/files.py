"""The bytes of an own export: beside the conversations, each content once, under its SHA-256.

A part that had bytes names them as `sha256:<64 hex digits>`. In a JSON file they are base64 in `files`; in a zip they
are members `files/<digest>`, so that a conversation's text can be read without them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from msgspec import Struct, structs

from lib.messages import ImagePart, Part, VideoPart
from lib.transfer.document import ConversationCopy, MessageCopy

FOLDER = "files/"
MOST_BYTES = 200 << 20
"""Of one conversation; what is beyond stays out."""
_NAMED = re.compile(r"sha256:([0-9a-f]{64})\Z")
Lookup = Callable[[str], bytes | None]


class Packed(Struct, frozen=True):
    """A conversation whose parts name their bytes, and the bytes by digest."""

    conversation: ConversationCopy
    files: dict[str, bytes]


def packed(conversation: ConversationCopy) -> Packed:
    """Set the bytes aside."""
    files: dict[str, bytes] = {}
    messages = tuple(_with_parts(message, lambda part: _named(part, files)) for message in conversation.messages)
    return Packed(structs.replace(conversation, messages=messages), files)


def unpacked(conversation: ConversationCopy, lookup: Lookup) -> tuple[ConversationCopy, int]:
    """Put the bytes back, and count the parts whose bytes are missing, false or too many."""
    found: dict[str, bytes | None] = {}
    left = MOST_BYTES
    for digest in dict.fromkeys(_digest(part) for message in conversation.messages for part in message.parts):
        data = lookup(digest) if digest and left > 0 else None
        genuine = data is not None and len(data) <= left and hashlib.sha256(data).hexdigest() == digest
        found[digest] = data if genuine else None
        left -= len(data) if data is not None and genuine else 0
    messages = tuple(_with_parts(message, lambda part: _with_bytes(part, found)) for message in conversation.messages)
    missing = sum(bool(_digest(part)) for message in messages for part in message.parts)
    return structs.replace(conversation, messages=messages), missing


def _with_parts(message: MessageCopy, change: Callable[[Part], Part]) -> MessageCopy:
    parts = tuple(change(part) for part in message.parts)
    return message if parts == message.parts else structs.replace(message, parts=parts)


def _named(part: Part, files: dict[str, bytes]) -> Part:
    if not isinstance(part, ImagePart | VideoPart) or not part.data:
        return part
    digest = hashlib.sha256(part.data).hexdigest()
    files[digest] = part.data
    return structs.replace(part, data=b"", url=f"sha256:{digest}")


def _digest(part: Part) -> str:
    """The digest that a part names; empty when it names none."""
    url = part.url if isinstance(part, ImagePart | VideoPart) and not part.data else None
    found = _NAMED.match(url or "")
    return found[1] if found else ""


def _with_bytes(part: Part, found: dict[str, bytes | None]) -> Part:
    data = found.get(_digest(part))
    if data is None or not isinstance(part, ImagePart | VideoPart):
        return part
    return structs.replace(part, data=data, url=None)
