"""A file is what its bytes say. Its name only tells one sort of text from another."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.attachments.kinds import ENCRYPTED_OFFICE, sniff
from lib.attachments.text_kinds import text_encoding, text_type

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(20)
ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
ASF_SOUND = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")
OOXML = "application/vnd.openxmlformats-officedocument."
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."


def iso(major: bytes, *minor: bytes) -> bytes:
    body = b"ftyp" + major + bytes(4) + b"".join(minor)
    return (len(body) + 4).to_bytes(4, "big") + body + b"\x00\x00\x00\x08free"


def ebml(doc_type: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + bytes([0x80 + len(doc_type)]) + doc_type + bytes(20)


def riff(form: bytes) -> bytes:
    return b"RIFF\x24\x00\x00\x00" + form + bytes(30)


def archive(*names: str, mimetype: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        if mimetype:
            written.writestr(zipfile.ZipInfo("mimetype"), mimetype)
        for name in names:
            written.writestr(name, "<x/>" * 20)
    return file.getvalue()


def ole(stream: str) -> bytes:
    return OLE + stream.encode("utf-16-le") + bytes(64)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", ("image", "image/jpeg")),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ("image", "image/png")),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00", ("image", "image/gif")),
        (riff(b"WEBP"), ("image", "image/webp")),
        (iso(b"heic", b"mif1", b"heic"), ("image", "image/heic")),
        (iso(b"mif1", b"mif1", b"heic"), ("image", "image/heic")),
        (iso(b"mif1", b"mif1", b"avif"), ("image", "image/avif")),
        (iso(b"mif1", b"miaf"), ("image", "image/heif")),
        (iso(b"avif", b"mif1"), ("image", "image/avif")),
        (b"II*\x00\x08\x00\x00\x00", ("image", "image/tiff")),
        (b"MM\x00*\x00\x00\x00\x08", ("image", "image/tiff")),
        (b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", ("image", "image/bmp")),
        (iso(b"isom", b"isom", b"avc1"), ("video", "video/mp4")),
        (iso(b"M4V ", b"mp42"), ("video", "video/mp4")),
        (iso(b"isom", b"M4A "), ("video", "video/mp4")),
        (iso(b"mp42", b"isom", b"heic"), ("video", "video/mp4")),
        (iso(b"qt  "), ("video", "video/quicktime")),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat\x00\x00", ("video", "video/quicktime")),
        (iso(b"3gp5", b"isom"), ("video", "video/3gpp")),
        (ebml(b"webm"), ("video", "video/webm")),
        (ebml(b"matroska"), ("video", "video/x-matroska")),
        (riff(b"AVI "), ("video", "video/x-msvideo")),
        (b"\x00\x00\x01\xba\x44\x00", ("video", "video/mpeg")),
        ((b"G" + bytes(187)) * 4, ("video", "video/mp2t")),
        (b"FLV\x01\x05\x00\x00\x00\x09", ("video", "video/x-flv")),
        (ASF + ASF_VIDEO, ("video", "video/x-ms-wmv")),
        (ASF + ASF_SOUND + ASF_VIDEO, ("video", "video/x-ms-wmv")),
        (ASF + ASF_SOUND, ("sound", "audio/x-ms-wma")),
        (b"OggS\x00\x02" + bytes(22) + b"\x80theora", ("video", "video/ogg")),
        (b"OggS\x00\x02" + bytes(22) + b"OpusHead", ("sound", "audio/ogg")),
        (iso(b"M4A ", b"mp42"), ("sound", "audio/mp4")),
        (riff(b"WAVE"), ("sound", "audio/wav")),
        (b"ID3\x04\x00\x00\x00\x00\x00\x10", ("sound", "audio/mpeg")),
        (b"\xff\xfb\x90\x64\x00\x00", ("sound", "audio/mpeg")),
        (b"\xff\xf1\x50\x80\x00\x1f", ("sound", "audio/aac")),
        (b"fLaC\x00\x00\x00\x22", ("sound", "audio/flac")),
        (b"FORM\x00\x00\x00\x10AIFFCOMM\x00", ("sound", "audio/aiff")),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", ("document", "application/pdf")),
        (b"\x00\x01junk\xff\xfe%PDF-1.4\n", ("document", "application/pdf")),
        (b"{\\rtf1\\ansi hello}", ("document", "application/rtf")),
        (
            archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
            ("document", OOXML + "wordprocessingml.document"),
        ),
        (archive("[Content_Types].xml", "xl/workbook.xml"), ("document", OOXML + "spreadsheetml.sheet")),
        (archive("[Content_Types].xml", "ppt/presentation.xml"), ("document", OOXML + "presentationml.presentation")),
        (archive("content.xml", mimetype=OPEN_DOCUMENT + "text"), ("document", OPEN_DOCUMENT + "text")),
        (archive("content.xml", mimetype=OPEN_DOCUMENT + "spreadsheet"), ("document", OPEN_DOCUMENT + "spreadsheet")),
        (archive("content.xml", mimetype=OPEN_DOCUMENT + "presentation"), ("document", OPEN_DOCUMENT + "presentation")),
        (ole("WordDocument"), ("document", "application/msword")),
        (ole("Workbook"), ("document", "application/vnd.ms-excel")),
        (ole("PowerPoint Document"), ("document", "application/vnd.ms-powerpoint")),
        (ole("EncryptedPackage"), ("document", ENCRYPTED_OFFICE)),
    ],
)
def test_bytes_say_what_they_are_whatever_the_name(head: bytes, found: tuple[str, str]) -> None:
    assert sniff(head, "holiday.txt") == found
    assert sniff(head) == found


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x00",
        b"\x00\x00\x01\x00\x01\x00\x10\x10",
        b"MZ\x90\x00\x03\x00\x00\x00",
        b"\x7fELF\x02\x01\x01\x00",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        b"SQLite format 3\x00",
        b"8BPS\x00\x01" + bytes(8),
        iso(b"jp2 "),
        riff(b"ACON"),
        b"BM\x46\x00\x00\x00\x01\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00",
        archive("a.txt", "b/c.txt"),
        archive("META-INF/container.xml", mimetype="application/epub+zip"),
        archive("content.xml", mimetype=OPEN_DOCUMENT + "formula"),
        OLE,
        bytes(range(256)),
    ],
)
def test_what_cannot_be_sent_is_unknown(head: bytes) -> None:
    assert sniff(head, "picture.png") is None


@pytest.mark.parametrize(
    ("text", "name", "media_type"),
    [
        ("hello", "", "text/plain"),
        ("hello", "notes.txt", "text/plain"),
        ("a,b\n1,2\n", "t.csv", "text/csv"),
        ("a\tb\n", "t.tsv", "text/tab-separated-values"),
        ("# Title", "readme.md", "text/markdown"),
        ("print(1)", "run.PY", "text/x-python"),
        ("fn main() {}", "main.rs", "text/x-code"),
        ('{"a": 1}', "", "application/json"),
        ('{"a": 1', "x.json", "application/json"),
        ('{"a": 1', "", "text/plain"),
        ("[" * 5000 + "]" * 5000, "", "text/plain"),
        ("<!DOCTYPE html><p>", "page.txt", "text/html"),
        ("\n<html lang='en'>", "", "text/html"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "", "image/svg+xml"),
        ("<?xml version='1.0'?>\n<!-- made -->\n<svg>", "drawing.png", "image/svg+xml"),
        ("<?xml version='1.0'?><order/>", "", "text/xml"),
        ("<html> is a tag", "guide.md", "text/markdown"),
        ("<svg/>", "Icon.jsx", "text/x-code"),
        ("text of a picture", "photo.jpg", "text/plain"),
        ("The wide road", "", "text/plain"),
        ("The ftyp box", "", "text/plain"),
        ("ID3 tags are old", "", "text/plain"),
        ("BM is a town in the north of the country", "", "text/plain"),
        ("Files begin with %PDF-1.7, mostly", "", "text/plain"),
        ("hidden", ".csv", "text/plain"),
        ("\x1b[31mred\x1b[0m", "term.log", "text/plain"),
    ],
)
def test_text_is_told_apart_by_its_name_unless_it_says_otherwise(text: str, name: str, media_type: str) -> None:
    assert sniff(text.encode(), name) == ("document", media_type)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("grün".encode(), "utf-8"),
        ("grün".encode()[:-2], "utf-8"),
        ("日本語".encode()[:-1], "utf-8"),
        ("grün".encode("utf-8-sig"), "utf-8-sig"),
        ("grün".encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + "grün".encode("utf-16-be"), "utf-16"),
        ("grün".encode("utf-32"), "utf-32"),
        ("Grüße aus Köln, schön war es".encode("latin-1"), "cp1252"),
        ("Съешь ещё этих мягких французских булок, да выпей же чаю. ".encode("cp1251") * 3, "cp1252"),
        (b"\xff\xfe\x00\xdc\x00\xdc", None),
        ("grün".encode("utf-16-le"), None),
        (b"\x80\x81\x82\x83\x84\x85\x86", None),
        (b"\x01\x02\x03", None),
        (b"abc\xe9\xe8\xea\xeb\xec", None),
    ],
)
def test_an_encoding_is_found_or_it_is_not_text(head: bytes, encoding: str | None) -> None:
    assert text_encoding(head) == encoding


def test_the_names_of_a_whole_archive_decide_where_they_were_read() -> None:
    head = archive("[Content_Types].xml", "docProps/app.xml")
    assert sniff(head) is None
    names = ["[Content_Types].xml", "xl/workbook.bin"]
    assert sniff(head, entries=names) == ("document", "application/vnd.ms-excel.sheet.binary.macroEnabled.12")


def test_an_old_office_file_goes_by_its_name_when_its_directory_lies_further_back() -> None:
    assert sniff(OLE, "Budget.XLS") == ("document", "application/vnd.ms-excel")


@given(st.binary(max_size=600), st.text(max_size=20))
@settings(max_examples=200)
def test_any_bytes_are_something_or_unknown(head: bytes, name: str) -> None:
    found = sniff(head, name)
    assert found is None or "/" in found[1]


MAGICS = [
    b"PK\x03\x04",
    b"\x1a\x45\xdf\xa3",
    b"RIFF1234WEBP",
    b"\x00\x00\x00\x18ftyp",
    OLE[:8],
    ASF[:16],
    b"OggS",
    b"<svg",
]


@given(st.sampled_from(MAGICS), st.binary(max_size=200))
@settings(max_examples=150)
def test_cut_and_damaged_beginnings_never_break_it(magic: bytes, rest: bytes) -> None:
    for head in (magic + rest, magic[: len(rest) % len(magic)], rest + magic):
        found = sniff(head)
        assert found is None or "/" in found[1]


@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs")), min_size=1, max_size=300))
@settings(max_examples=100)
def test_writing_in_unicode_is_text(text: str) -> None:
    assert text_type(text.encode(), "") is not None
