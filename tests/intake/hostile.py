"""Files that want to hurt: bombs, liars, half files and things that are not what they are called.

`FILES` has (name as given, content) by a word for each. None may crash the program, fill its memory or make it wait.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

from PIL import Image

from tests.intake import made

Made = Callable[[], bytes]


def cut(whole: Made, share: float) -> Made:
    """The first part of a file."""
    return lambda: (data := whole())[: int(len(data) * share)]


def mutated(whole: Made, seed: int, n: int = 60) -> Made:
    """Some bytes changed behind the first 16, which say what it is."""

    def make() -> bytes:
        data, luck = bytearray(whole()), random.Random(seed)
        for _ in range(n):
            data[luck.randrange(16, len(data))] = luck.randrange(256)
        return bytes(data)

    return make


def png_with_text_bomb() -> bytes:
    """A compressed comment of 60 MB beside a small picture."""
    text = b"Comment\0\0" + zlib.compress(bytes(60_000_000), 9)
    data = made.png()
    return data[:33] + made.chunk(b"zTXt", text) + data[33:]


def png_with_colour_bomb() -> bytes:
    data = made.png()
    return data[:33] + made.chunk(b"iCCP", b"big\0\0" + zlib.compress(bytes(60_000_000), 9)) + data[33:]


def png_that_lies(width: int, height: int) -> bytes:
    """The header promises more than there is."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = made.chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + made.chunk(b"IHDR", header) + data + made.chunk(b"IEND", b"")


def jpeg_that_lies() -> bytes:
    """The frame header says 65,500 by 65,500."""
    data = bytearray(made.jpeg())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


def tiff(tags: list[tuple[int, int, int, int]]) -> bytes:
    """A TIFF of one directory with (tag, type, count, value) as they stand."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)


def absurd_tiff() -> bytes:
    return tiff(
        [(256, 4, 1, 5000), (257, 4, 1, 5000), (258, 3, 0xFFFFFFFF, 8), (273, 4, 0x7FFFFFFF, 0), (279, 4, 1, 0)]
    )


def tiff_in_circles() -> bytes:
    """A directory that names itself as the next one."""
    data = bytearray(made.saved(made.scene(), "TIFF"))
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    return bytes(data)


def gif_of_200() -> bytes:
    return made.gif(200, 160, 120)


def bmp_that_lies() -> bytes:
    data = bytearray(made.saved(made.scene(64, 64), "BMP"))
    struct.pack_into("<ii", data, 18, 30_000, -30_000)
    return bytes(data)


def jpeg_with_huge_profile() -> bytes:
    return made.jpeg(icc_profile=bytes(3_000_000))


def jpeg_and_zip() -> bytes:
    return made.jpeg() + made.zipped({"word/document.xml": "<x/>"})


def gif_and_script() -> bytes:
    return b"GIF89a/*" + bytes(8) + b"*/=1;alert(1)//"


def pdf_and_zip() -> bytes:
    return made.pdf_with_text() + made.zipped({"a.txt": "inside"})


def pdf_and_html() -> bytes:
    return b"<html><script>alert(1)</script></html>\n" + made.pdf_with_text()


def zip_bomb() -> bytes:
    """56 MB of blanks in a Word file of 55 KB."""
    return made.docx(body="<w:p><w:r><w:t>" + " " * 56_000_000 + "</w:t></w:r></w:p>")


def zip_bomb_that_lies() -> bytes:
    """The same, and the list of contents says that it is small."""
    data = bytearray(zip_bomb())
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 1000)
    return bytes(data)


def nested_zips() -> bytes:
    inner = made.zipped({"word/document.xml": bytes(5_000_000)})
    for _ in range(6):
        inner = made.zipped({"word/document.xml": inner, "[Content_Types].xml": made.CONTENT_TYPES})
    return inner


def zip_of_many() -> bytes:
    return made.zipped({"word/document.xml": "<x/>"} | {f"word/{n}.xml": "" for n in range(3000)}, packed=False)


def zip_that_slips() -> bytes:
    return made.zipped({"../../../etc/cron.d/evil": "x", "word/../../document.xml": "<x/>"})


def locked_zip() -> bytes:
    data = bytearray(made.docx("secret"))
    data[6] |= 1
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    return bytes(data)


LAUGHS = "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)
) + "]>"  # fmt: skip


def docx_of_laughs() -> bytes:
    return made.docx(body="<w:p><w:r><w:t>&a11;</w:t></w:r></w:p>", before=LAUGHS)


def docx_that_reads_files() -> bytes:
    before = "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
    return made.docx(body="<w:p><w:r><w:t>&f;</w:t></w:r></w:p>", before=before)


def docx_too_deep() -> bytes:
    return made.docx(body="<w:p>" * 50_000 + "</w:p>" * 50_000)


def svg_of_laughs() -> bytes:
    return f"<?xml version='1.0'?>{LAUGHS}<svg xmlns='http://www.w3.org/2000/svg'>&a11;</svg>".encode()


def svg_with_script() -> bytes:
    return b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>"


def xlsx_of_one_far_cell() -> bytes:
    return made.xlsx(
        cells="<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"
    )


def pdf_of_many_pages() -> bytes:
    return made.pdf([made.page_of_text("x")] * 3000)


def pdf_of_circles() -> bytes:
    """The tree of pages contains itself."""
    return made.pdf([b""]).replace(b"/Kids[10 0 R]", b"/Kids[2 0 R ]")


def pdf_of_huge_pictures() -> bytes:
    """A picture of 30,000 by 30,000 in a few bytes."""
    packed = zlib.compress(bytes(30_000_000), 9)
    image = b"<</Type/XObject/Subtype/Image/Width 30000/Height 30000/ColorSpace/DeviceGray/BitsPerComponent 8"
    image += b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
    return made.pdf([b"q 595 0 0 842 0 0 cm /Im0 Do Q"], {1000: image})


def pdf_that_draws_for_ever() -> bytes:
    """Two million strokes on a page."""
    strokes = zlib.compress(b"0 0 m 595 842 l 0 842 l 595 0 l h f*\n" * 2_000_000, 9)
    content = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(strokes), strokes)
    whole = made.pdf([b"q Q"], {1001: content})
    return whole.replace(b"/Contents 11 0 R", b"/Contents 1001 0 R")


def patched(whole: Made, old: bytes, new: bytes, *, skip: int = 0) -> Made:
    """`new` written over the file, `skip` bytes behind the place where `old` stands."""

    def make() -> bytes:
        data = bytearray(whole())
        at = data.index(old) + skip
        data[at : at + len(new)] = new
        return bytes(data)

    return make


LYING_LENGTH = patched(made.mp4, b"mvhd", b"\x7f\xff\xff\xff", skip=20)
NO_TIMESCALE = patched(made.mp4, b"mdhd", bytes(4), skip=16)
HUGE_BOX = patched(made.mp4, b"stsz", b"\xff\xff\xff\xff", skip=12)
HUGE_MOOV = patched(made.mp4, b"moov", b"\xff\xff\xff\xff", skip=-4)
HUGE_FRAMES = patched(made.mp4, b"avc1", b"\xff\xff\xff\xff", skip=28)


def wav_that_lies() -> bytes:
    data = bytearray(made.recording())
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    data[24:28] = struct.pack("<I", 0)
    return bytes(data)


def playlist() -> bytes:
    return b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def concat_list() -> bytes:
    return b"ffconcat version 1.0\nfile '/etc/passwd'\nfile 'http://127.0.0.1:1/x'\n"


def avi_of_nothing() -> bytes:
    return b"RIFF" + struct.pack("<I", 4_000_000_000) + b"AVI LIST" + bytes(64)


def noise(n: int = 5000) -> bytes:
    return random.Random(7).randbytes(n)


def program() -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + noise()


def heic_of_nothing() -> bytes:
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + struct.pack(">I", 0xFFFFFFF0) + b"meta" + bytes(200)


def half_zip_directory() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("word/document.xml", "<x/>")
    return buffer.getvalue()[:-10]


def webp(**how: object) -> bytes:
    return made.saved(made.scene(), "WEBP", **how)


def transparent_bomb() -> bytes:
    return made.saved(Image.new("RGBA", (4500, 4500), (1, 2, 3, 4)), "PNG", compress_level=1)


CODE = 'name = "Nobody"\nprint(f"Hello, {name}")\n' * 3

FILES: dict[str, tuple[str, Made]] = {
    # nothing, noise, and things under a wrong name
    "no bytes": ("empty.png", bytes),
    "one byte": ("one.jpg", lambda: b"\xff"),
    "noise as a picture": ("noise.jpg", noise),
    "noise as a table": ("noise.xlsx", noise),
    "a program as a picture": ("cat.png", program),
    "a picture as a clip": ("clip.mp4", made.png),
    "a clip as a picture": ("photo.jpg", made.mp4),
    "a PDF as a picture": ("scan.png", made.pdf_with_text),
    "a page as a picture": ("photo.png", lambda: b"<html><script>alert(1)</script></html>"),
    "code as a picture": ("photo.jpg", CODE.encode),
    "a Word file as a PDF": ("letter.pdf", lambda: made.docx("Dear Sir")),
    "only the first bytes of a PNG": ("a.png", lambda: b"\x89PNG\r\n\x1a\n"),
    "only the first bytes of a JPEG": ("a.jpg", lambda: b"\xff\xd8\xff\xe0"),
    "only the first bytes of a PDF": ("a.pdf", lambda: b"%PDF-1.7\n"),
    "only the first bytes of a WebM": ("a.webm", lambda: b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"),
    # two things at once
    "a picture and an archive": ("both.jpg", jpeg_and_zip),
    "a GIF that is a script": ("both.gif", gif_and_script),
    "a PDF and an archive": ("both.pdf", pdf_and_zip),
    "a page and a PDF": ("both.html", pdf_and_html),
    "a picture with a script behind it": ("photo.jpg", made.jpeg_with_gps),
    # half files
    **{
        f"{kind} cut at {share}": (f"half.{kind}", cut(whole, share))
        for kind, whole in {
            "jpg": made.jpeg,
            "png": made.png,
            "webp": webp,
            "heic": made.heic,
            "avif": made.avif,
            "gif": made.gif,
            "mp4": made.mp4,
            "streamed.mp4": lambda: made.mp4(options={"movflags": "frag_keyframe+empty_moov"}),
            "webm": made.webm,
            "pdf": made.pdf_with_text,
            "docx": lambda: made.docx("word " * 500),
        }.items()
        for share in (0.1, 0.5, 0.9)
    },
    # changed bytes
    **{
        f"{kind} with bytes changed, {seed}": (f"odd.{kind}", mutated(whole, seed))
        for seed in (1, 2)
        for kind, whole in {
            "jpg": made.jpeg,
            "webp": webp,
            "heic": made.heic,
            "avif": made.avif,
            "tiff": lambda: made.saved(made.scene(), "TIFF", compression="tiff_lzw"),
            "mp4": made.mp4,
            "webm": made.webm,
            "pdf": made.scanned_pdf,
            "xlsx": made.xlsx,
        }.items()
    },
    # bombs of pictures
    "144 megapixels": ("bomb.png", lambda: made.png_of_size(12_000, 12_000)),
    "81 megapixels": ("bomb.png", lambda: made.png_of_size(9_000, 9_000)),
    "longer than allowed": ("long.png", lambda: made.png_of_size(16_500, 3)),
    "a header of two thousand million pixels": ("bomb.png", lambda: png_that_lies(46_000, 46_000)),
    "a header of 39 megapixels and nothing behind": ("bomb.png", lambda: png_that_lies(6_200, 6_200)),
    "a JPEG header of 65,500 by 65,500": ("bomb.jpg", jpeg_that_lies),
    "a BMP header of 30,000 by 30,000": ("bomb.bmp", bmp_that_lies),
    "20 transparent megapixels": ("bomb.png", transparent_bomb),
    "a comment of 60 MB": ("bomb.png", png_with_text_bomb),
    "a colour profile of 60 MB": ("bomb.png", png_with_colour_bomb),
    "a huge colour profile": ("photo.jpg", jpeg_with_huge_profile),
    "200 pictures in a GIF": ("many.gif", gif_of_200),
    "absurd tags in a TIFF": ("absurd.tif", absurd_tiff),
    "a TIFF in circles": ("circle.tif", tiff_in_circles),
    "a HEIC of nothing": ("none.heic", heic_of_nothing),
    # bombs of archives and XML
    "a Word file of 56 MB of blanks": ("bomb.docx", zip_bomb),
    "a Word file that lies about 56 MB": ("bomb.docx", zip_bomb_that_lies),
    "archives in archives": ("nested.docx", nested_zips),
    "3,000 entries": ("many.docx", zip_of_many),
    "an archive that climbs out": ("slip.docx", zip_that_slips),
    "a plain archive": ("plain.zip", lambda: made.zipped({"a.txt": "a"})),
    "a locked archive": ("locked.docx", locked_zip),
    "half a list of contents": ("half.docx", half_zip_directory),
    "a Word file of laughs": ("laughs.docx", docx_of_laughs),
    "a Word file that reads our files": ("reads.docx", docx_that_reads_files),
    "a Word file 50,000 deep": ("deep.docx", docx_too_deep),
    "an SVG of laughs": ("laughs.svg", svg_of_laughs),
    "an SVG with a script": ("script.svg", svg_with_script),
    "a table with one cell far away": ("far.xlsx", xlsx_of_one_far_cell),
    # PDF
    "a locked PDF": ("locked.pdf", made.locked_pdf),
    "a PDF without its table": ("odd.pdf", lambda: made.pdf_with_text().replace(b"xref", b"yref")),
    "a PDF page of 10,000 km": ("huge.pdf", lambda: made.pdf([made.page_of_text("x")], box="0 0 9e15 9e15")),
    "a PDF page like a thread": ("thread.pdf", lambda: made.pdf([made.page_of_text("x")], box="0 0 0.01 20000")),
    "a PDF page of nothing": ("none.pdf", lambda: made.pdf([made.page_of_text("x")], box="0 0 0 0")),
    "a PDF without pages": ("none.pdf", lambda: made.pdf([])),
    "a PDF of 3,000 pages": ("many.pdf", pdf_of_many_pages),
    "a PDF in circles": ("circle.pdf", pdf_of_circles),
    "a PDF with a huge picture": ("huge.pdf", pdf_of_huge_pictures),
    "a PDF that draws for ever": ("slow.pdf", pdf_that_draws_for_ever),
    # clips and sound
    "a clip that lies about its length": ("long.mp4", LYING_LENGTH),
    "a clip without a clock": ("clock.mp4", NO_TIMESCALE),
    "a clip with a huge table": ("table.mp4", HUGE_BOX),
    "a clip with a huge box": ("box.mp4", HUGE_MOOV),
    "a clip of huge pictures": ("huge.mp4", HUGE_FRAMES),
    "a clip of nothing": ("none.avi", avi_of_nothing),
    "a recording that lies": ("lies.wav", wav_that_lies),
    "a play list that names our files": ("list.m3u8", playlist),
    "a list of clips": ("list.mp4", concat_list),
    # names
    "a name with a path": ("../../etc/passwd.png", made.png),
    "a name with a Windows path": ("..\\..\\windows\\win.ini.png", made.png),
    "a name that runs backwards": ("photo\u202egnp.exe", made.png),
    "a name with a zero byte": ("photo\0.png", made.png),
    "a name of 4 KB": ("a" * 4096 + ".png", made.png),
    "a name of a device": ("CON", made.png),
    "no name": ("", made.png),
}
