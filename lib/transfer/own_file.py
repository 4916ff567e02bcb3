"""Write a file of our own format."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from lib.transfer.document import FORMAT, VERSION, AttemptCopy, ConversationCopy
from lib.transfer.files import packed


class FileCopy(Struct, frozen=True):
    """Bytes that parts name by their digest."""

    sha256: str
    data: bytes


class _File(Struct):
    format: str = FORMAT
    version: int = VERSION
    exported_ms: int = 0
    conversations: tuple[ConversationCopy, ...] = ()
    spend: tuple[AttemptCopy, ...] = ()
    files: tuple[FileCopy, ...] = ()


def to_json(
    conversations: tuple[ConversationCopy, ...], spend: tuple[AttemptCopy, ...] = (), *, exported_ms: int = 0
) -> bytes:
    """A file of our own format, indented so that a person can read it."""
    apart = [packed(conversation) for conversation in conversations]
    contents = {digest: data for each in apart for digest, data in each.files.items()}
    file = _File(
        exported_ms=exported_ms,
        conversations=tuple(each.conversation for each in apart),
        spend=spend,
        files=tuple(FileCopy(digest, data) for digest, data in contents.items()),
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=1)
