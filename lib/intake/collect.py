"""Reading what a child laid down. The child has read hostile bytes: nothing it says is believed unseen."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import msgspec
from msgspec.structs import replace

from lib.attachments import Attachment, Form
from lib.intake.job import MIB, RESULT, Job
from lib.messages import FilePart, ImagePart, Part, VideoPart

MOST_RESULT_BYTES = 16 * MIB
MOST_BYTES = 200 * MIB
MOST_PARTS = 64
_OURS = re.compile(r"[0-9]{1,3}\.bin")


def collected(folder: Path, job: Job) -> Attachment | None:
    """The attachment with its bytes; None when the child's answer is not of the agreed shape."""
    left = _Allowance(folder)
    try:
        attachment = msgspec.json.decode(_read(folder / RESULT, MOST_RESULT_BYTES), type=Attachment)
        forms = tuple(left.filled_form(form) for form in attachment.forms[:8])
        thumb = left.filled(attachment.thumb) if attachment.thumb else None
    except (OSError, msgspec.DecodeError, ValueError):
        return None
    if not forms and attachment.problem is None:
        return None
    thumb = thumb if isinstance(thumb, ImagePart) else None
    return replace(attachment, name=job.name, size=job.size, public_id="", forms=forms, thumb=thumb)


class _Allowance:
    """Bytes that may still be read for one attachment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = MOST_BYTES

    def filled_form(self, form: Form) -> Form:
        return Form(form.name, tuple(self.filled(part) for part in form.parts[:MOST_PARTS]), form.note)

    def filled(self, part: Part) -> Part:
        """The part with its bytes. Raises ValueError for anything that no child of ours makes."""
        if isinstance(part, FilePart):
            return part
        if not isinstance(part, ImagePart | VideoPart) or not _OURS.fullmatch(part.url or ""):
            raise ValueError("not a part of an attachment")
        data = _read(self._folder / str(part.url), self._left)
        self._left -= len(data)
        return replace(part, data=data, url=None, size=len(data))


def _read(path: Path, most: int) -> bytes:
    """A plain file of at most so many bytes; a link is not followed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > most:
            raise ValueError("not a file of ours")
        # A buffered read() of a whole file would hold it twice for a moment.
        return file.read(facts.st_size)
