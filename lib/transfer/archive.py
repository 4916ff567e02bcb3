"""All conversations as a zip, written one by one: only one of them is in memory at any time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import BinaryIO, Literal

from lib.transfer.as_markdown import to_markdown
from lib.transfer.as_page import to_page
from lib.transfer.document import AttemptCopy, ConversationCopy
from lib.transfer.files import FOLDER, packed
from lib.transfer.names import file_name
from lib.transfer.own_file import to_json

Form = Literal["json", "markdown", "html"]
MEDIA: dict[Form, tuple[Literal["image", "video"], ...]] = {
    "json": ("image", "video"),
    "markdown": (),
    "html": ("image",),
}
"""What each form wants the bytes of."""
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
    again, takes them along. Its pictures and videos are members of their own, each content once.
    """
    count, there = 0, set[str]()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for count, conversation in enumerate(conversations, 1):
            if form == "json":
                conversation = _files_apart(archive, conversation, there, at_ms)
            name = f"conversations/{count:05d}-{file_name(conversation.title, ENDINGS[form])}"
            archive.writestr(_entry(name, conversation.last_ms), exported(conversation, form, zone=zone, at_ms=at_ms))
        for number, batch in enumerate(spend if form == "json" else (), 1):
            entry = _entry(f"spend/{number:05d}.json", at_ms)
            archive.writestr(entry, to_json((), batch, exported_ms=at_ms))
    return count


def _files_apart(
    archive: zipfile.ZipFile, conversation: ConversationCopy, there: set[str], at_ms: int
) -> ConversationCopy:
    """Write those of its files that are not there; the conversation then names them only."""
    apart = packed(conversation)
    for digest in apart.files.keys() - there:
        entry = _entry(FOLDER + digest, at_ms)
        entry.compress_type = zipfile.ZIP_STORED  # pictures and video do not shrink
        archive.writestr(entry, apart.files[digest])
    there.update(apart.files)
    return apart.conversation


def _entry(name: str, at_ms: int) -> zipfile.ZipInfo:
    """A member with a time of its own; zip knows no time before 1980 and none after 2107."""
    at = datetime.fromtimestamp(max(315_532_800_000, min(at_ms, 4_102_444_800_000)) / 1000, UTC)
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
