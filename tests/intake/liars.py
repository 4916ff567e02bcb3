"""More files that want to hurt, by families: two kinds in one, wrong names, hidden places, bombs, and names alone.

As in `hostile.FILES`: (name as given, content) by a word for each.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.intake import made
from tests.intake.hostile import LAUGHS, noise, webp

Made = Callable[[], bytes]
PAGE = b"<html><body onload=alert(1)><script>alert(document.cookie)</script></body></html>"
PHP = b"<?php system($_GET['c']); ?>"


def _behind(whole: Made, more: bytes) -> Made:
    return lambda: whole() + more


def _before(more: bytes, whole: Made) -> Made:
    return lambda: more + whole()


def _saved(format: str, mode: str = "RGB", **how: object) -> Made:
    return lambda: made.saved(made.scene(64, 48, mode), format, **how)


def _archive() -> bytes:
    return made.zipped({"META-INF/MANIFEST.MF": "Main-Class: Evil", "Evil.class": b"\xca\xfe\xba\xbe"})


# --- two kinds in one -------------------------------------------------------------------------------------------------


def png_with_page_inside() -> bytes:
    """The page is a text chunk, as `/media` under a wrong type would run it."""
    info = PngInfo()
    info.add_text("Comment", PAGE.decode())
    return made.saved(made.scene(), "PNG", pnginfo=info)


def pixels_that_are_a_page() -> bytes:
    """The page stands in the pixels of an uncompressed picture: cutting what is behind the end does not help."""
    width = 200
    rows = (PAGE * 60)[: width * 3 * 8]
    picture = Image.frombytes("RGB", (width, 8), rows.ljust(width * 3 * 8, b" "))
    return made.saved(picture, "BMP")


def jpeg_with_page_as_comment() -> bytes:
    return made.jpeg(comment=PAGE)


def zip_in_jpeg_comment() -> bytes:
    return made.jpeg(comment=_archive()[:60_000])


def mp4_with_page() -> bytes:
    box = struct.pack(">I", len(PAGE) + 8) + b"free" + PAGE
    data = made.mp4(1)
    return data[:32] + box + data[32:]


def pdf_late() -> bytes:
    """The PDF begins after 900 bytes of a page, as old readers allow."""
    return PAGE.ljust(900, b" ") + b"\n" + made.pdf_with_text()


def pdf_with_program() -> bytes:
    script = b"<</S/JavaScript/JS(app.alert\\(1\\); this.submitForm\\('http://127.0.0.1:1/'\\))>>"
    whole = made.pdf([made.page_of_text(*[made.LONG_LINE] * 4)], {1002: script})
    return whole.replace(b"/Type/Catalog", b"/Type/Catalog/OpenAction 1002 0 R")


def pdf_with_file() -> bytes:
    program = b"<</Type/EmbeddedFile/Length 12>>stream\nMZ\x90\x00\x03\x00\x00\x00abcd\nendstream"
    spec = b"<</Type/Filespec/F(../../evil.exe)/EF<</F 1003 0 R>>>>"
    return made.pdf([made.page_of_text(*[made.LONG_LINE] * 4)], {1003: program, 1004: spec})


def docx_with_macro() -> bytes:
    told = {"[Content_Types].xml": made.CONTENT_TYPES, "word/vbaProject.bin": noise(900)}
    return made.zipped(told | {"word/document.xml": f"<w:document {made.WORD_SPACE}><w:body/></w:document>"})


def html_with_picture() -> bytes:
    return PAGE + made.jpeg()


TWO_KINDS: dict[str, tuple[str, Made]] = {
    "a JPEG and a page": ("both.jpg", _behind(made.jpeg, PAGE)),
    "a PNG and a page": ("both.png", _behind(made.png, PAGE)),
    "a WebP and a page": ("both.webp", _behind(webp, PAGE)),
    "a GIF and a page": ("both.gif", _behind(made.gif, PAGE)),
    "a BMP whose pixels are a page": ("both.bmp", pixels_that_are_a_page),
    "a PNG with a page in its comment": ("both.png", png_with_page_inside),
    "a JPEG with a page as its comment": ("both.jpg", jpeg_with_page_as_comment),
    "a JPEG with an archive as its comment": ("both.jpg", zip_in_jpeg_comment),
    "a PNG and a program for a server": ("shell.php.png", _behind(made.png, PHP)),
    "a GIF and a program for a server": ("shell.gif", _behind(made.gif, PHP)),
    "a GIF and an archive of a program": ("gifar.gif", _behind(made.gif, _archive())),
    "a PNG and an archive": ("both.png", _behind(made.png, _archive())),
    "a PNG and a PDF": ("both.png", _behind(made.png, made.pdf_with_text())),
    "a recording and an archive": ("both.wav", _behind(made.recording, _archive())),
    "a clip with a page in it": ("both.mp4", mp4_with_page),
    "a clip and an archive": ("both.mp4", _behind(made.mp4, _archive())),
    "a page and a picture": ("both.html", html_with_picture),
    "a late PDF": ("both.pdf", pdf_late),
    "a PDF that is a program": ("run.pdf", pdf_with_program),
    "a PDF with a program inside": ("inside.pdf", pdf_with_file),
    "a Word file with a macro": ("macro.docm", docx_with_macro),
    "a program that is a Word file": ("setup.docx", _before(b"MZ" + bytes(510), lambda: made.docx("Dear Sir"))),
    "a Word file and a page": ("both.docx", _behind(lambda: made.docx("Dear Sir"), PAGE)),
    "an RTF and a page": ("both.rtf", _behind(made.rtf, PAGE)),
}


# --- under a wrong name -----------------------------------------------------------------------------------------------


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as target:
        info = tarfile.TarInfo("../../etc/cron.d/evil")
        info.size = 4
        target.addfile(info, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        target.addfile(link)
    return buffer.getvalue()


WRONG_NAMES: dict[str, tuple[str, Made]] = {
    "a JPEG as a PDF": ("scan.pdf", made.jpeg),
    "a PNG as a Word file": ("letter.docx", made.png),
    "a table as a Word file": ("letter.docx", made.xlsx),
    "slides as a table": ("table.xlsx", lambda: made.pptx("one")),
    "an OpenDocument text as a Word file": ("letter.docx", lambda: made.odt("one")),
    "a clip as sound": ("song.mp3", made.mp4),
    "a WebM as a recording": ("song.wav", made.webm),
    "a recording as a clip": ("film.mp4", made.recording),
    "a PDF as a table": ("table.csv", made.pdf_with_text),
    "a PDF as text": ("notes.txt", made.pdf_with_text),
    "an SVG as a PNG": ("logo.png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "a page as text": ("notes.txt", lambda: PAGE),
    "a page as a table": ("table.csv", lambda: PAGE),
    "a page as a PDF": ("doc.pdf", lambda: PAGE),
    "a packed file as a picture": ("photo.png", lambda: gzip.compress(made.png())),
    "a tape archive as a picture": ("photo.jpg", tarred),
    "a tape archive": ("all.tar", tarred),
    "a database as text": ("notes.txt", lambda: b"SQLite format 3\0" + bytes(4080)),
    "a Windows program as text": ("readme.txt", lambda: b"MZ\x90\x00" + noise()),
    "a Mac program as a picture": ("photo.jpg", lambda: b"\xcf\xfa\xed\xfe" + noise()),
    "a Java class as a picture": ("photo.jpg", lambda: b"\xca\xfe\xba\xbe\0\0\0\x34" + noise()),
    "WebAssembly as a picture": ("photo.png", lambda: b"\0asm\x01\0\0\0" + noise()),
    "PostScript as a picture": (
        "photo.jpg",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd)(r)file\n",
    ),
    "a Photoshop file as a PNG": ("photo.png", lambda: b"8BPS\0\1" + bytes(6) + b"\0\3" + noise()),
    "FITS of nothing": ("stars.fits", lambda: b"SIMPLE  =                    T".ljust(2880)),
    "a Windows metafile": ("draw.wmf", lambda: b"\xd7\xcd\xc6\x9a" + bytes(60)),
    "a shortcut as a picture": ("photo.png", lambda: b"L\0\0\0\x01\x14\x02\0" + bytes(100)),
    "a script for a shell as a picture": ("photo.png", lambda: b"#!/bin/sh\nrm -rf ~\n"),
    "a 7z archive as a Word file": ("letter.docx", lambda: b"7z\xbc\xaf'\x1c\0\4" + noise()),
    "a RAR archive as a Word file": ("letter.docx", lambda: b"Rar!\x1a\7\1\0" + noise()),
    "an old Word file of noise": ("old.doc", lambda: bytes.fromhex("d0cf11e0a1b11ae1") + noise()),
    "a JPEG 2000 as a JPEG": ("photo.jpg", _saved("JPEG2000")),
    "an icon as a PNG": ("photo.png", _saved("ICO")),
    "an Apple icon as a PNG": ("photo.png", lambda: made.saved(made.scene(64, 64), "ICNS")),
    "PPM as a PNG": ("photo.png", _saved("PPM")),
    "PCX as a PNG": ("photo.png", _saved("PCX")),
    "TGA as a PNG": ("photo.png", _saved("TGA")),
    "DDS as a PNG": ("photo.png", _saved("DDS")),
    "SGI as a PNG": ("photo.png", _saved("SGI")),
    "EPS as a JPEG": ("photo.jpg", _saved("EPS")),
}


# --- hidden places ----------------------------------------------------------------------------------------------------


def jpeg_with_press_notes() -> bytes:
    """IPTC in a block of Photoshop's (APP13), with a place and the canary."""
    told = b"\x1c\x02\x5a" + struct.pack(">H", len(made.CANARY)) + made.CANARY.encode()
    block = (
        b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(told)) + told + (b"\0" if len(told) % 2 else b"")
    )
    data = made.jpeg()
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:]


def jpeg_with_preview() -> bytes:
    """A second, smaller JPEG with a place inside the Exif of the first."""
    inside = made.saved(made.scene(160, 120), "JPEG", comment=made.CANARY.encode())
    exif = made.exif().tobytes()
    data = made.jpeg(exif=exif)
    return data[:2] + b"\xff\xe2" + struct.pack(">H", len(inside) + 6) + b"MPF\0" + inside + data[2:]


def png_with_late_notes() -> bytes:
    """Exif, a text and a time behind the pixels."""
    data = made.png()
    notes = made.chunk(b"eXIf", made.exif().tobytes()[6:]) + made.chunk(b"tEXt", b"Comment\0" + made.CANARY.encode())
    return data[:-12] + notes + made.chunk(b"qQxx", made.CANARY.encode()) + data[-12:]


def gif_with_xmp() -> bytes:
    data = made.gif(2)
    block = b"\x21\xff\x0bXMP DataXMP" + made.xmp() + b"\x01" + bytes(range(255, -1, -1)) + b"\0\0"
    return data[:-1] + block + data[-1:]


def webp_with_notes() -> bytes:
    return webp(exif=made.exif(), xmp=made.xmp())


def profile_with_words() -> bytes:
    """A colour profile whose description is the canary."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made.jpeg(icc_profile=profile.replace(b"sRGB", made.CANARY.encode()[:4]) + made.CANARY.encode())


HIDDEN: dict[str, tuple[str, Made]] = {
    **{f"a place in a JPEG turned {n}": ("photo.jpg", lambda n=n: made.jpeg_with_gps(n)) for n in range(1, 9)},  # type: ignore[misc]
    "notes of the press in a JPEG": ("photo.jpg", jpeg_with_press_notes),
    "a preview with a place in a JPEG": ("photo.jpg", jpeg_with_preview),
    "a colour profile with words": ("photo.jpg", profile_with_words),
    "a place in a PNG": ("photo.png", made.png_with_gps),
    "notes behind the pixels of a PNG": ("photo.png", png_with_late_notes),
    "notes in a GIF": ("photo.gif", gif_with_xmp),
    "a place in a WebP": ("photo.webp", webp_with_notes),
    "a place in a HEIC": ("photo.heic", made.heic),
    "a place in an AVIF": ("photo.avif", made.avif),
    "a place in a clip": ("clip.mov", made.mov_with_gps),
    "a place in an MP4": ("clip.mp4", made.mp4_with_gps),
    "a title in a recording": ("sound.wav", made.recording),
}


# --- bombs ------------------------------------------------------------------------------------------------------------

BLANKS = " " * 30_000_000


def _office(entries: Mapping[str, str | bytes]) -> Made:
    return lambda: made.zipped({"[Content_Types].xml": made.CONTENT_TYPES, **entries})


def overlapping() -> bytes:
    """Many entries that all mean the same packed bytes: small, and no entry is a bomb by itself."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("word/document.xml", bytes(900_000))
    data = buffer.getvalue()
    start = data.index(b"PK\x01\x02")
    entry, end = data[start : data.index(b"PK\x05\x06")], data[data.index(b"PK\x05\x06") :]
    names = [f"word/docume{n:02d}.xml".encode() for n in range(90)]
    copies = b"".join(entry.replace(b"word/document.xml", name) for name in names)
    ending = bytearray(end)
    struct.pack_into("<HHII", ending, 8, 90, 90, len(copies), start)
    return data[:start] + copies + bytes(ending)


def far_apart_gif() -> bytes:
    """A screen of 65,535 by 65,535 around one dot."""
    data = bytearray(made.saved(made.scene(1, 1), "GIF"))
    data[6:10] = b"\xff\xff\xff\xff"
    return bytes(data)


def webp_that_lies() -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff\xff\xff" * 2
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def moving(format: str, n: int) -> Made:
    frames = lambda: [Image.new("RGB", (200, 150), (k % 256, 0, k // 256)) for k in range(n)]  # noqa: E731
    return lambda: made.saved((all_of := frames())[0], format, save_all=True, append_images=all_of[1:], duration=20)


def tiff_of_many() -> bytes:
    return made.saved(made.scene(64, 48), "TIFF", save_all=True, append_images=[made.scene(64, 48)] * 300)


def pdf_of_one_filter() -> bytes:
    packed = zlib.compress(bytes(60_000_000), 9)
    return _pdf_of(b"/Filter/FlateDecode", packed)


def pdf_of_two_filters() -> bytes:
    packed = zlib.compress(zlib.compress(bytes(120_000_000), 9), 9)
    return _pdf_of(b"/Filter[/FlateDecode/FlateDecode]", packed)


def _pdf_of(filters: bytes, packed: bytes) -> bytes:
    content = b"<<" + filters + b"/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
    return made.pdf([b"q Q"], {1001: content}).replace(b"/Contents 11 0 R", b"/Contents 1001 0 R")


def pdf_that_promises_pages() -> bytes:
    return made.pdf([made.page_of_text("x")]).replace(b"/Count 1", b"/Count 999999999")


def svg_of_uses() -> bytes:
    uses = "".join(f"<g id='g{n}'>" + f"<use href='#g{n - 1}'/>" * 10 + "</g>" for n in range(1, 12))
    return f"<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1e9'><g id='g0'/>{uses}</svg>".encode()


def xlsx_of_laughs() -> bytes:
    told = f'<?xml version="1.0"?>{LAUGHS}<sst xmlns="{made.SHEET_SPACE}"><si><t>&a11;</t></si></sst>'
    book = io.BytesIO(made.xlsx(cells='<row><c t="s"><v>0</v></c></row>'))
    with zipfile.ZipFile(book, "a") as target:
        target.writestr("xl/sharedStrings.xml", told)
    return book.getvalue()


BOMBS: dict[str, tuple[str, Made]] = {
    "slides of blanks": ("bomb.pptx", lambda: made.pptx(BLANKS)),
    "a table of blanks": (
        "bomb.xlsx",
        lambda: made.xlsx(cells=f"<row><c t='inlineStr'><is><t>{BLANKS}</t></is></c></row>"),
    ),
    "an OpenDocument text of blanks": ("bomb.odt", lambda: made.odt(BLANKS)),
    "an OpenDocument table of blanks": (
        "bomb.ods",
        lambda: made.open_document("spreadsheet", f"<office:spreadsheet>{BLANKS}</office:spreadsheet>"),
    ),
    "a table of laughs": ("laughs.xlsx", xlsx_of_laughs),
    "entries over each other": ("overlap.docx", overlapping),
    "an archive of blanks": ("bomb.zip", lambda: made.zipped({"a.txt": BLANKS})),
    "packed blanks": ("bomb.svgz", lambda: gzip.compress(BLANKS.encode())),
    "a GIF with a huge screen": ("bomb.gif", far_apart_gif),
    "a WebP of 16 million by 16 million": ("bomb.webp", webp_that_lies),
    "300 pictures in a WebP": ("many.webp", moving("WEBP", 300)),
    "300 pictures in a PNG": ("many.png", moving("PNG", 300)),
    "300 pictures in a TIFF": ("many.tif", tiff_of_many),
    "a PDF page of 60 MB": ("bomb.pdf", pdf_of_one_filter),
    "a PDF page packed twice": ("bomb.pdf", pdf_of_two_filters),
    "a PDF that promises pages": ("pages.pdf", pdf_that_promises_pages),
    "an SVG of uses": ("uses.svg", svg_of_uses),
}


# --- names ------------------------------------------------------------------------------------------------------------

NAMES: dict[str, tuple[str, Made]] = {
    f"the name {number}": (name, made.png)
    for number, name in enumerate(
        (
            "../../../../../../etc/passwd", "..\\..\\..\\boot.ini", "....//....//x.png", "%2e%2e%2fx.png", "..%c0%afx.png",
            "/etc/passwd", "C:\\Windows\\System32\\x.png", "\\\\evil.example\\share\\x.png", "file:///etc/passwd", "x.png:$DATA",
            "a\0.png", "a\r\nSet-Cookie: a=b.png", "a\tb\x1b[31m.png", "\u202egnp.exe", "\u2066a\u2069.png", "a\u200b\u200d.png",
            "CON", "con.png", "NUL.txt", "COM1.png", "LPT9", "aux .png", ".", "..", "...", " ", "~", "-rf", "$(id).png", "`id`.png",
            "|id", "a;b&c.png", "'\"><script>alert(1)</script>.png", "{{7*7}}.png", "%s%n%x.png", "=HYPERLINK(1).png",
            "e\u0301.png", "\u00e9.png", "\ufb01.png", "\u0430.png", "a" * 5_000, "é" * 5_000, "\U0001f600" * 2_000 + ".png",
            "a." * 2_000 + "png", "\u0301" * 400 + ".png", "\udc80.png", "\ufffe.png", "x.png" + " " * 300 + ".exe",
        )
    )
}  # fmt: skip

LIARS = TWO_KINDS | WRONG_NAMES | HIDDEN | BOMBS | NAMES
