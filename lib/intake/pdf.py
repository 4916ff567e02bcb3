"""PDF: the words of every page, and the first pages as pictures for those where the words are in the pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PIL import Image
from pypdfium2 import PdfDocument, PdfiumError, PdfPage  # type: ignore[import-untyped]
from pypdfium2 import raw as pdfium

from lib.attachments import Attachment, Form
from lib.intake.job import ROOMS, Job
from lib.intake.outbox import Refused
from lib.intake.pictures import STANDARD_EDGE, as_jpeg, thumb_of
from lib.intake.plain_text import text_form
from lib.messages import ImagePart

LITTLE_TEXT = 160
"""Characters per page below which the pages are shown rather than read: scans carry a stamp or a page number."""
_MOST_SCALE = 8.0


def pdf(job: Job) -> Attachment:
    """Text and pages; the pages are chosen where there is little text. Raises `Refused`."""
    until = time.monotonic() + ROOMS[job.kind].patience
    try:
        document = PdfDocument(job.path)
    except PdfiumError as error:
        raise Refused("protected" if error.err_code == pdfium.FPDF_ERR_PASSWORD else "damaged") from error
    try:
        return _attachment(document, job, until)
    except PdfiumError as error:
        raise Refused("damaged") from error
    finally:
        document.close()


def _attachment(document: PdfDocument, job: Job, until: float) -> Attachment:
    total = len(document)
    if not total:
        raise Refused("damaged")
    document.init_forms()  # else what was filled into a form would not be drawn
    # A third of the time for the words at most: pages without any still need to be drawn.
    words = _words(document, job, time.monotonic() + (until - time.monotonic()) / 3)
    pictures, thumb = _pages(document, job, until)
    little = words is None or _letters(words) < LITTLE_TEXT * total
    forms = [words] if words else []
    if pictures:
        note = "cut" if len(pictures) < total else "" if words else "no_text"
        forms.insert(0 if little else len(forms), Form("pages", pictures, note))
    if not forms:
        raise Refused("damaged")
    return Attachment(
        job.name, "document", job.media_type, job.size, tuple(forms), forms[0].name, pages=total, thumb=thumb
    )


def _words(document: PdfDocument, job: Job, until: float) -> Form | None:
    """All pages' text under their numbers, None when there is none; cut by length or time."""
    total, length, spoke, out = len(document), 0, False, []
    for n in range(total):
        text = _page_text(document, n)
        spoke = spoke or bool(text)
        out.append(f"--- Page {n + 1} of {total} ---\n{text}\n")
        length += len(out[-1])
        if length > job.limits.text_chars or time.monotonic() > until:
            break
    if not spoke:
        return None
    return text_form(job, "\n".join(out), more=len(out) < total, pages=total)


def _page_text(document: PdfDocument, n: int) -> str:
    """One page's words; none when the page is broken, the others go on."""
    try:
        page = document[n]
        text = page.get_textpage()
        words: str = text.get_text_bounded().replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "")
        text.close()
        page.close()
    except PdfiumError:
        return ""
    return words.strip()


def _letters(form: Form) -> int:
    """Characters of the text without the lines that we put there."""
    lines = "".join(getattr(part, "text", "") for part in form.parts).splitlines()
    return sum(len(line) for line in lines if not line.startswith("--- Page "))


def _pages(document: PdfDocument, job: Job, until: float) -> tuple[tuple[ImagePart, ...], ImagePart | None]:
    """The first pages as pictures, as many as the time allows, and the first one small."""
    pictures: list[ImagePart] = []
    thumb = None
    for n, pixels in _drawn(document, job.limits.document_pages):
        thumb = thumb or thumb_of(pixels)
        pictures.append(as_jpeg(pixels, STANDARD_EDGE, job.name, f"page {n} of {len(document)}"))
        if time.monotonic() > until:
            break
    return tuple(pictures), thumb


def _drawn(document: PdfDocument, most: int) -> Iterator[tuple[int, Image.Image]]:
    for n in range(min(len(document), most)):
        try:
            page = document[n]
            pixels = _rendered(page)
            page.close()
        except (PdfiumError, ValueError):
            continue
        yield n + 1, pixels


def _rendered(page: PdfPage) -> Image.Image:
    """A page at the size that models look at, however large or small its paper is."""
    width, height = page.get_size()
    longest = max(width, height)
    if not longest > 0 or longest == float("inf"):
        raise ValueError("a page without size")
    # Paper as thin as a thread still gets a pixel; drawing rounds up.
    bitmap = page.render(scale=min(STANDARD_EDGE / longest, _MOST_SCALE), limit_image_cache=True)
    pixels: Image.Image = bitmap.to_pil().convert("RGB")
    bitmap.close()
    return pixels
