"""Documents: their words, whatever they are packed in, and pages as pictures where there are no words."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from lib.attachments import Attachment
from lib.intake import Limits
from lib.intake.archives import archive
from lib.intake.outbox import Refused
from lib.messages import FilePart, ImagePart
from tests.intake import made
from tests.intake.conftest import Taken


def words(attachment: Attachment) -> FilePart:
    (part,) = next(form for form in attachment.forms if form.name == "text").parts
    assert isinstance(part, FilePart)
    return part


def test_a_pdf_with_words_goes_as_text_and_can_go_as_pages(taken: Taken) -> None:
    attachment = taken(made.pdf_with_text(3), "report.pdf")
    assert [(form.name, form.note) for form in attachment.forms] == [("text", ""), ("pages", "")]
    assert (attachment.chosen, attachment.pages) == ("text", 3)
    text = words(attachment).text
    assert "--- Page 2 of 3 ---\n" in text and "This is leaf number 2." in text
    assert (words(attachment).pages, words(attachment).cut) == (3, False)


def test_a_scanned_pdf_goes_as_pages(taken: Taken) -> None:
    attachment = taken(made.scanned_pdf(3), "scan.pdf")
    assert [(form.name, form.note) for form in attachment.forms] == [("pages", "no_text")]
    parts = [part for part in attachment.forms[0].parts if isinstance(part, ImagePart)]
    assert [part.caption for part in parts] == ["page 1 of 3", "page 2 of 3", "page 3 of 3"]
    assert [max(part.width or 0, part.height or 0) for part in parts] == [1568] * 3
    first = Image.open(io.BytesIO(parts[0].data))
    assert first.getpixel((first.width // 4, first.height // 4))[0] > 180, "the red quarter of what was scanned"
    assert attachment.thumb is not None and attachment.thumb.height == 256


def test_little_text_chooses_the_pages_and_keeps_the_text(taken: Taken) -> None:
    attachment = taken(made.pdf([made.page_of_text("Page stamp 12")] * 2))
    assert [form.name for form in attachment.forms] == ["pages", "text"]
    assert attachment.chosen == "pages"


def test_of_many_pages_only_the_first_become_pictures(taken: Taken) -> None:
    attachment = taken(made.pdf_with_text(6), limits=Limits(document_pages=2))
    assert [(form.name, len(form.parts), form.note) for form in attachment.forms] == [
        ("text", 1, ""),
        ("pages", 2, "cut"),
    ]
    assert attachment.forms[1].parts[1].caption == "page 2 of 6"


def test_a_locked_pdf_and_a_damaged_one_say_so(taken: Taken) -> None:
    assert taken(made.locked_pdf()).problem == "protected"
    assert taken(b"%PDF-1.7\nnothing").problem == "damaged"


def test_a_word_file_becomes_lines_headings_and_columns(taken: Taken) -> None:
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>Title</w:t></w:r></w:p>\n'
        "<w:p><w:r><w:t>One</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t></w:r>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    attachment = taken(made.docx(body=body), "letter.docx")
    assert words(attachment).text == "# Title\nOne\ttwo\nthree\na \tb"
    assert attachment.chosen == "text"


def test_a_document_type_is_refused_before_it_can_name_anything(taken: Taken) -> None:
    assert taken(made.docx("harmless", before="<!DOCTYPE w>")).problem == "damaged"


def test_slides_are_numbered_in_their_order(taken: Taken) -> None:
    attachment = taken(made.pptx(*[f"Slide says {n}" for n in range(1, 12)]))
    assert attachment.pages == 11
    lines = [line for line in words(attachment).text.splitlines() if line]
    assert lines[2:4] == ["--- Slide 2 of 11 ---", "Slide says 2"]
    assert lines[-2:] == ["--- Slide 11 of 11 ---", "Slide says 11"]


def test_open_documents_give_their_words(taken: Taken) -> None:
    text = '<office:text><text:h>Head</text:h><text:p>a<text:s text:c="3"/>b<text:tab/>c</text:p></office:text>'
    assert words(taken(made.open_document("text", text))).text == "# Head\na   b\tc"
    page = "<draw:page><draw:frame><text:p>hello</text:p></draw:frame></draw:page>"
    slides = taken(made.open_document("presentation", f"<office:presentation>{page * 2}</office:presentation>"))
    assert slides.pages == 2
    assert "--- Slide 2 ---\nhello" in words(slides).text


def test_a_workbook_becomes_tables_with_their_names(taken: Taken) -> None:
    one = taken(made.xlsx())
    assert words(one).text == "model,price\nsmall,1.5\nlarge,12\n"
    two = taken(made.xlsx({"A": [["x, y", 1]], "B": [["z"]], "Notes": [["private"]]}, hidden=("Notes",)))
    assert words(two).text == '--- Sheet: A ---\n"x, y",1\n\n--- Sheet: B ---\nz\n'
    assert (two.pages, words(two).pages) == (2, 2)


def test_an_open_document_table_is_read_too(taken: Taken) -> None:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    row = f"<table:table-row>{cell.format('a')}{cell.format('b')}</table:table-row>"
    body = f'<office:spreadsheet><table:table table:name="T">{row}</table:table></office:spreadsheet>'
    assert words(taken(made.open_document("spreadsheet", body))).text == "a,b\n"


def test_rich_text_gives_its_words(taken: Taken) -> None:
    assert words(taken(rb"{\rtf1 \u-10179 ?\u-8638 ? a\'fc{\*\secret no}\{b\}\tab c}")).text == "🙂 aü{b}\tc"
    assert words(taken(made.rtf("Grüße aus Wien"), "a.rtf")).text == "Grüße aus Wien\nnext line"


@pytest.mark.parametrize(
    ("page", "told"),
    [(b"1251", "Привет"), (b"1253", "Γειά"), (b"932", "日本"), (b"99999", "Ïðèâåò")],
    ids=["Cyrillic", "Greek", "two bytes a character", "unknown"],
)
def test_an_old_rtf_says_in_which_letters_it_was_written(taken: Taken, page: bytes, told: str) -> None:
    encoded = told.encode("cp1252" if page == b"99999" else f"cp{page.decode()}")
    escaped = "".join(f"\\'{byte:02x}" for byte in encoded).encode()
    assert words(taken(rb"{\rtf1\ansi\ansicpg" + page + b" " + escaped + b" ok}", "a.rtf")).text == f"{told} ok"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_encoding_that_it_has(taken: Taken, encoding: str) -> None:
    told = "Der Bär läuft über die Straße.\nZweite Zeile – Ende." * 3
    attachment = taken(told.encode(encoding), "notes.txt")
    assert words(attachment).text == told
    assert (attachment.kind, attachment.media_type, attachment.chosen) == ("document", "text/plain", "text")


@pytest.mark.parametrize("name", ["data.csv", "data.json", "code.py", "page.html", "README.md", "Makefile", "x.jpg"])
def test_text_under_any_name_is_text(taken: Taken, name: str) -> None:
    assert words(taken(b"alpha,beta\n1,2\n", name)).text == "alpha,beta\n1,2\n"


def test_a_long_text_is_cut_and_says_so(taken: Taken) -> None:
    attachment = taken("äöü ".encode() * 1000, limits=Limits(text_chars=100))
    assert (len(words(attachment).text), words(attachment).cut) == (100, True)
    assert attachment.forms[0].note == "cut"
    exactly = taken(b"abcd" * 25, limits=Limits(text_chars=100))
    assert (words(exactly).cut, exactly.forms[0].note) == (False, "")


def test_a_drawing_in_svg_goes_as_its_text_and_is_never_drawn(taken: Taken) -> None:
    attachment = taken(b"<svg xmlns='http://www.w3.org/2000/svg'><circle r='3'/></svg>", "logo.svg")
    assert (attachment.kind, attachment.media_type, attachment.thumb) == ("document", "image/svg+xml", None)
    assert words(attachment).text.startswith("<svg")


def test_blank_and_unreadable_documents_say_what_is_wrong(taken: Taken) -> None:
    assert taken(b"").problem == "empty"
    assert taken(b" \n\n ", "a.txt").problem == "no_text"
    assert taken(made.docx("")).problem == "no_text"
    assert taken(b"\x00\x01\x02\x03" * 50, "a.bin").problem == "unknown_type"


def test_packed_words_that_cannot_be_unpacked_are_damage(tmp_path: Path) -> None:
    path, data = tmp_path / "broken.docx", bytearray(made.docx("a line of words"))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as whole:
        entry = whole.getinfo("word/document.xml")
    start = entry.header_offset + 30 + len(entry.filename)
    data[start : start + 2] = b"\xff\xff"  # no such kind of block (RFC 1951, 3.2.3)
    path.write_bytes(data)
    with pytest.raises(Refused, match="damaged"), archive(str(path)) as opened:
        opened.read("word/document.xml")
