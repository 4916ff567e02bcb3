"""Pictures, videos and documents in own exports: each content once, and nothing that is not what its name says."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile

import pytest

from lib.messages import FilePart, ImagePart, Part, TextPart, VideoPart
from lib.transfer.archive import write_zip
from lib.transfer.as_markdown import to_markdown
from lib.transfer.as_page import to_page
from lib.transfer.document import ConversationCopy, Found, MessageCopy
from lib.transfer.own_file import to_json
from lib.transfer.reading import read_import

AT = 1_700_000_000_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200)) * 5
VIDEO = b"\x00\x00\x00\x18ftypmp42" + b"clip" * 500
PARTS: tuple[Part, ...] = (
    ImagePart("image/png", PNG, name="a cat.png", width=4, height=3, caption="page 1", size=len(PNG)),
    VideoPart("video/mp4", VIDEO, name="clip.mp4", seconds=2.5, size=len(VIDEO)),
    FilePart("notes.txt", "grüße", pages=2, size=7),
    TextPart("look"),
)


def chat(number: int, *parts: Part) -> ConversationCopy:
    messages = tuple(
        MessageCopy(f"message-{number}-{at}", "user", AT, parts=parts or PARTS, text="look") for at in range(2)
    )
    return ConversationCopy(f"chat-id-{number}", "t", AT, AT, messages[0].id, messages)


def read(data: bytes) -> list[Found]:
    items = list(read_import(io.BytesIO(data)))
    assert all(isinstance(item, Found) for item in items)
    return [item for item in items if isinstance(item, Found)]


def as_zip(*chats: ConversationCopy) -> bytes:
    file = io.BytesIO()
    write_zip(file, chats, form="json", at_ms=AT)
    return file.getvalue()


def changed(data: bytes, digest: str, content: bytes | None, method: int = zipfile.ZIP_STORED) -> bytes:
    """The zip with other bytes under this digest, or with none."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if name != f"files/{digest}":
                new.writestr(name, old.read(name))
        if content is not None:
            new.writestr(zipfile.ZipInfo(f"files/{digest}"), content, method)
    return file.getvalue()


def test_a_file_holds_each_content_once() -> None:
    data = to_json((chat(1), chat(2)))
    assert data.count(base64.b64encode(PNG)) == data.count(base64.b64encode(VIDEO)) == 1
    assert [found.conversation for found in read(data)] == [chat(1), chat(2)]


def test_a_zip_holds_each_content_once_and_as_it_is() -> None:
    data = as_zip(chat(1), chat(2))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        kept = [archive.read(name) for name in archive.namelist() if name.startswith("files/")]
    assert sorted(kept) == sorted([PNG, VIDEO])
    assert [(found.conversation, found.left_out) for found in read(data)] == [(chat(1), 0), (chat(2), 0)]


@pytest.mark.parametrize("content", [None, b"something else", PNG + b"!"])
def test_bytes_that_are_missing_or_false_are_left_out(content: bytes | None) -> None:
    (found,) = read(changed(as_zip(chat(1)), hashlib.sha256(PNG).hexdigest(), content))
    assert found.left_out == 2
    assert all(message.parts == PARTS[1:] for message in found.conversation.messages)


def test_a_bomb_beside_a_conversation_is_left_out() -> None:
    zeros = bytes(3 << 20)
    (found,) = read(changed(as_zip(chat(1)), hashlib.sha256(PNG).hexdigest(), zeros, zipfile.ZIP_DEFLATED))
    assert found.left_out == 2


def test_a_picture_in_its_part_is_read_as_version_1_had_it() -> None:
    whole = json.loads(to_json((chat(1, ImagePart("image/png", PNG), TextPart("look")),)))
    del whole["files"]
    whole["version"] = 1
    for message in whole["conversations"][0]["messages"]:
        message["parts"][0] |= {"data": base64.b64encode(PNG).decode(), "url": None}
    (found,) = read(json.dumps(whole).encode())
    assert found.conversation.messages[0].parts == (ImagePart("image/png", PNG), TextPart("look"))


def test_figures_that_cannot_be_are_forgotten() -> None:
    parts = (
        ImagePart("image/png", PNG, name="n" * 999, width=-1, height=1 << 60, caption="c" * 9_999),
        VideoPart("video/mp4", VIDEO, seconds=-5.0),
        FilePart("n" * 999, "x", pages=-3),
    )
    picture, video, file, _ = read(to_json((chat(1, *parts, TextPart("x")),)))[0].conversation.messages[0].parts
    assert isinstance(picture, ImagePart) and isinstance(video, VideoPart) and isinstance(file, FilePart)
    assert (len(picture.name), picture.width, picture.height, len(picture.caption)) == (200, None, None, 1000)
    assert (video.seconds, len(file.name), file.pages) == (None, 200, None)


def test_a_page_shows_pictures_and_names_the_rest() -> None:
    hostile = FilePart('<img src=x onerror="alert(1)">\n.txt', "secret words")
    page = to_page(chat(1, *PARTS, hostile))
    assert f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}" alt="page 1">' in page
    assert "[Video: clip.mp4, not shown here]" in page and "[File: notes.txt]" in page
    assert "<img src=x" not in page and "secret words" not in page
    assert "Picture: a cat.png, not shown here" in to_page(chat(1), pictures=False)


def test_markdown_names_files_and_their_size() -> None:
    text = to_markdown(chat(1))
    assert "*[Picture a cat.png, 1 kB]*" in text and "*[Video clip.mp4, 2 kB]*" in text and "File notes.txt" in text
