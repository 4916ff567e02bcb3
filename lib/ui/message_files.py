"""The files of a question in the transcript: pictures to look at, video to play, documents to open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from lib.markdown import plain
from lib.messages import FilePart, ImagePart, Part, VideoPart
from lib.store.parts import digest_of
from lib.store.rows import StoredMessage
from lib.ui.attachment_words import part_words
from lib.ui.browser_parts import browser_part

_files = browser_part("files")


class _File(Struct, frozen=True):
    """One of them; `address` is where its bytes are served."""

    kind: str
    name: str
    words: str
    address: str
    caption: str = ""
    width: int | None = None
    height: int | None = None


def show_message_files(message: StoredMessage, key: str) -> None:
    """What came with the words, if anything did; their bytes are fetched by the browser."""
    show_parts([(message.public_id, message.parts)], key)


def show_parts(holders: Iterable[tuple[str, Sequence[Part]]], key: str, *, large: bool = False) -> None:
    """The files of several: of waiting attachments, of a batch's row. Each holder is a public id and its parts.

    `large` pictures are as wide as their place.
    """
    items = [msgspec.to_builtins(file) for public_id, parts in holders for file in _listed(public_id, parts)]
    if items:
        _files(key=key, data={"items": items, "large": large}, height="content")


def _listed(public_id: str, parts: Sequence[Part]) -> Iterator[_File]:
    for place, part in enumerate(parts):
        address = _address(public_id, place, part)
        match part:
            case ImagePart():
                name = plain(part.name) or "Picture"
                yield _File(
                    "picture", name, _words(part), address, plain(part.caption), part.width, part.height
                )  # fmt: skip
            case VideoPart():
                yield _File("video", plain(part.name), _words(part), address, "", part.width, part.height)
            case FilePart():
                yield _File("document", plain(part.name), part_words(part), address)


def _address(public_id: str, place: int, part: Part) -> str:
    """Of other bytes another one, for browsers keep them: what waits may change its form."""
    digest = digest_of(part)
    return f"/file/{public_id}/{place}" + (f"?{digest[:16]}" if digest else "")


def _words(part: Part) -> str:
    name = plain(part.name) if isinstance(part, ImagePart | VideoPart) else ""
    return ", ".join(words for words in (name, part_words(part)) if words)
