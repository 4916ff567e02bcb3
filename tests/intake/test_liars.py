"""Whatever a file pretends to be: what is kept of it was made by us, tells nothing of a place, and carries no stowaway."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from lib.attachments import Attachment
from lib.intake import take_in
from lib.messages import ImagePart, VideoPart
from tests.intake import made
from tests.intake.conftest import Taken
from tests.intake.hostile import FILES, webp
from tests.intake.liars import LIARS, NAMES, PAGE, PHP
from tests.intake.test_canary import PLACE_BOXES, SIGNS
from tests.intake.test_hostile import MIB, Memory, check

STOWAWAYS = (
    *SIGNS,
    *PLACE_BOXES,
    PAGE[:40],
    PHP[:12],
    b"META-INF",
    b"%PDF-",
    b"PK\x03\x04",
    b"JFXX",
    b"MPF\0",
    b"8BIM",
)
ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82", "GIF": b";"}
KEPT_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
REFUSED = {
    "a Windows metafile": "unknown_type",
    "a Photoshop file as a PNG": "unknown_type",
    "a Windows program as text": "unknown_type",
    "a Java class as a picture": "unknown_type",
    "a 7z archive as a Word file": "unknown_type",
    "a tape archive as a picture": "unknown_type",
    "a packed file as a picture": "unknown_type",
    "a JPEG 2000 as a JPEG": "unknown_type",
    "an icon as a PNG": "unknown_type",
    "a GIF with a huge screen": "too_many_pixels",
    "a table of laughs": "damaged",
    "packed blanks": "unknown_type",
    "an archive of blanks": "archive_bomb",
}
"""What must not come in at all, with the reason that is told."""


def made_by_us(attachment: Attachment) -> None:
    """Every picture and clip is ours from the first byte to the last."""
    check(attachment)
    parts = [part for form in attachment.forms for part in form.parts]
    parts += [attachment.thumb] if attachment.thumb else []
    for part in parts:
        if isinstance(part, ImagePart):
            _is_our_picture(part)
        if isinstance(part, ImagePart | VideoPart):
            assert not [sign for sign in STOWAWAYS if sign in part.data]


def _is_our_picture(part: ImagePart) -> None:
    kind = KEPT_FORMATS[part.media_type]
    with Image.open(io.BytesIO(part.data), formats=[kind]) as opened:
        assert opened.size == (part.width, part.height)
        assert dict(opened.getexif()) == {}
        assert not {"exif", "xmp", "comment", "XML:com.adobe.xmp"} & set(opened.info)
        opened.load()
    if kind == "WEBP":
        assert struct.unpack_from("<I", part.data, 4)[0] + 8 == len(part.data)
    else:
        assert part.data.endswith(ENDS[kind])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every third one in a daily run, and those that must be refused."""
    if "what" in metafunc.fixturenames:
        whole = metafunc.config.getoption("--full")
        metafunc.parametrize("what", [what for at, what in enumerate(LIARS) if whole or at % 3 == 0 or what in REFUSED])


def test_what_is_kept_of_a_liar_was_made_by_us(taken: Taken, what: str) -> None:
    name, make = LIARS[what]
    data = make()
    with Memory() as memory:
        attachment = taken(data, name)
    made_by_us(attachment)
    assert attachment.size == len(data)
    assert memory.grown < 50 * MIB
    if what in REFUSED:
        assert attachment.problem == REFUSED[what]


def test_the_corpus_is_large_enough_and_its_refusals_are_right(measured: Callable[[str], None]) -> None:
    assert len(FILES | LIARS) == len(FILES) + len(LIARS) >= 200
    assert set(REFUSED) <= set(LIARS)
    assert all(isinstance(NAMES[what][0], str) for what in NAMES)
    measured(f"{len(FILES) + len(LIARS)} hostile files: 0 accepted wrongly, 0 bytes of a place or of notes left")


SOUND: dict[str, Callable[[], bytes]] = {
    "jpg": made.jpeg_with_gps,
    "png": made.png_with_gps,
    "webp": webp,
    "heic": made.heic,
    "avif": made.avif,
    "gif": made.gif,
    "tif": lambda: made.saved(made.scene(), "TIFF", compression="tiff_lzw"),
    "bmp": lambda: made.saved(made.scene(200, 150), "BMP"),
    "mp4": lambda: made.mp4(1),
    "webm": lambda: made.webm(1),
    "wav": lambda: made.recording(seconds=1),
    "text.pdf": made.pdf_with_text,
    "scan.pdf": lambda: made.scanned_pdf(1),
    "docx": lambda: made.docx("word " * 500),
    "xlsx": made.xlsx,
    "pptx": lambda: made.pptx("one", "two"),
    "odt": lambda: made.odt("one", "two"),
    "rtf": made.rtf,
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><text>one</text></svg>",
}


def _spoilt(data: bytes, luck: random.Random) -> bytes:
    """Bytes changed, taken out, doubled or put in; the first 12 stay, so that a reader is found for it."""
    spoilt = bytearray(data)
    for _ in range(luck.choice((1, 4, 40))):
        at, size = luck.randrange(12, max(13, len(spoilt))), luck.choice((1, 2, 4, 60))
        match luck.randrange(5):
            case 0 | 1:
                spoilt[at : at + size] = luck.randbytes(len(spoilt[at : at + size]))
            case 2:
                del spoilt[at : at + size]
            case 3:
                spoilt[at:at] = spoilt[at : at + size]
            case _:
                spoilt[at : at + 4] = luck.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
    return bytes(spoilt[: luck.randrange(12, len(spoilt) + 1)] if luck.random() < 0.1 else spoilt)


def test_no_spoilt_file_hurts_us(
    tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    n = count(60, 2_000)
    whole = {kind: make() for kind, make in SOUND.items()}
    kinds = list(SOUND)

    def one(number: int) -> str:
        kind, luck = kinds[number % len(kinds)], random.Random(4600 + number)
        given = tmp_path / f"{number}.tmp"
        given.write_bytes(_spoilt(whole[kind], luck))
        attachment = take_in(given, f"spoilt.{kind.rpartition('.')[2]}", folder=tmp_path / "work")
        made_by_us(attachment)
        given.unlink()
        return attachment.problem or "taken"

    with Memory() as memory, ThreadPoolExecutor(2) as two:
        ends = list(two.map(one, range(n)))
    assert memory.grown < 200 * MIB
    taken_in = ends.count("taken")
    measured(
        f"{n:,} spoilt files of {len(kinds)} kinds: {taken_in:,} taken in and sound, {n - taken_in:,} refused with a reason, "
        f"0 crashes, memory at most {memory.grown / MIB:+.0f} MiB"
    )
