"""Word processing and slides (OOXML and OpenDocument): their words, read from the XML as it streams by."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from xml.parsers import expat

from lib.attachments import Attachment
from lib.intake.archives import archive, pieces
from lib.intake.job import Job
from lib.intake.outbox import Refused
from lib.intake.plain_text import as_text
from lib.intake.words_of_xml import Words

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
OPEN_TEXT = "application/vnd.oasis.opendocument.text"
OPEN_SLIDES = "application/vnd.oasis.opendocument.presentation"
OFFICE = (WORD, SLIDES, OPEN_TEXT, OPEN_SLIDES)
_SLIDE = re.compile(r"ppt/slides/slide([0-9]{1,5})\.xml")
_WORD_FILES = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")


def office(job: Job) -> Attachment:
    """The words of a text or of slides. Raises `Refused`."""
    with archive(job.path) as opened:
        names = set(opened.namelist())
        if job.media_type == SLIDES:
            return _slides(job, opened, names)
        if job.media_type == WORD:
            return _read(job, opened, [name for name in _WORD_FILES if name in names])
        return _read(job, opened, ["content.xml"] if "content.xml" in names else [])


def _read(job: Job, opened: zipfile.ZipFile, names: Iterable[str]) -> Attachment:
    words = Words(job.limits.text_chars)
    for name in names:
        _feed(words, opened, name)
    if not words.seen_root:
        raise Refused("damaged")
    pages = words.pages if job.media_type == OPEN_SLIDES else None
    return as_text(job, words.text, more=words.full, pages=pages)


def _slides(job: Job, opened: zipfile.ZipFile, names: set[str]) -> Attachment:
    numbered = sorted((int(match[1]), name) for name in names if (match := _SLIDE.fullmatch(name)))
    if not numbered:
        raise Refused("damaged")
    words = Words(job.limits.text_chars)
    for n, (_, name) in enumerate(numbered, 1):
        words.page(f"Slide {n} of {len(numbered)}")
        _feed(words, opened, name)
    if not words.spoke:
        raise Refused("no_text")
    return as_text(job, words.text, more=words.full, pages=len(numbered))


def _feed(words: Words, opened: zipfile.ZipFile, name: str) -> None:
    """Read one entry until it ends or there are words enough."""
    parser = words.parser()
    try:
        for piece in pieces(opened, name):
            if words.full:
                return
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Refused("damaged") from error
