"""Text files, whatever they are written in: decoded to words, at most as many as a model can be given."""

from __future__ import annotations

from pathlib import Path

from lib.attachments import Attachment, Form
from lib.attachments.kinds import HEAD_BYTES
from lib.attachments.text_kinds import text_encoding
from lib.intake.job import Job
from lib.intake.outbox import Refused
from lib.messages import FilePart

_CONTROLS = {code: None for code in range(32) if chr(code) not in "\t\n\r\f"} | {127: None}


def plain_text(job: Job) -> Attachment:
    """A text file as one part. Raises `Refused` when it is not text."""
    # Four bytes are the most that one character takes.
    with Path(job.path).open("rb") as file:
        raw = file.read(4 * job.limits.text_chars + 4)
    encoding = text_encoding(raw[:HEAD_BYTES])
    if encoding is None:
        raise Refused("unknown_type")
    text = raw.decode(encoding, "replace").removeprefix("\ufeff")
    return as_text(job, text.translate(_CONTROLS), more=job.size > len(raw))


def as_text(job: Job, text: str, *, more: bool = False, pages: int | None = None) -> Attachment:
    """An attachment that is one text. `more` says that it is only the beginning; too long a text is cut here."""
    if not text.strip():
        raise Refused("no_text")
    form = text_form(job, text, more=more, pages=pages)
    return Attachment(job.name, "document", job.media_type, job.size, (form,), "text", pages=pages)


def text_form(job: Job, text: str, *, more: bool = False, pages: int | None = None) -> Form:
    most = job.limits.text_chars
    cut, text = more or len(text) > most, text[:most]
    # A lone half of a surrogate pair cannot be stored or sent.
    text = text.encode("utf-8", "replace").decode("utf-8")
    part = FilePart(job.name, text, job.media_type, pages, cut, len(text.encode()))
    return Form("text", (part,), "cut" if cut else "")
