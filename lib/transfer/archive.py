"""All conversations as a zip, written one by one: only one of them is in memory at any time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import BinaryIO, Literal

from lib.transfer.as_markdown import to_markdown
from lib.transfer.as_page import to_page
from lib.transfer.document import AttemptCopy, ConversationCopy, to_json
from lib.transfer.names import file_name

Form = Literal["json", "markdown", "html"]
ENDINGS: dict[Form, str] = {"json": "json", "markdown": "md", "html": "html"}


def exported(conversation: ConversationCopy, form: Form, *, zone: str, at_ms: int = 0) -> bytes:
    """One conversation as a file."""
    match form:
        case "json":
            return to_json((conversation,), exported_ms=at_ms)
        case "markdown":
            return to_markdown(conversation, zone=zone).encode("utf-8", "replace")
        case "html":
            return to_page(conversation, zone=zone).encode("utf-8", "replace")


def write_zip(
    file: BinaryIO,
    conversations: Iterable[ConversationCopy],
    spend: Iterable[tuple[AttemptCopy, ...]] = (),
    *,
    form: Form,
    zone: str = "UTC",
    at_ms: int,
) -> int:
    """Write the archive and return how many conversations it holds.

    `spend` are batches of ledger rows outside of these conversations; only the JSON form, which can be imported
    again, takes them along.
    """
    count = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for count, conversation in enumerate(conversations, 1):
            name = f"conversations/{count:05d}-{file_name(conversation.title, ENDINGS[form])}"
            archive.writestr(_entry(name, conversation.last_ms), exported(conversation, form, zone=zone, at_ms=at_ms))
        for number, batch in enumerate(spend if form == "json" else (), 1):
            entry = _entry(f"spend/{number:05d}.json", at_ms)
            archive.writestr(entry, to_json((), batch, exported_ms=at_ms))
    return count


def _entry(name: str, at_ms: int) -> zipfile.ZipInfo:
    """A member with a time of its own; zip knows no time before 1980 and none after 2107."""
    at = datetime.fromtimestamp(max(315_532_800_000, min(at_ms, 4_102_444_800_000)) / 1000, UTC)
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
