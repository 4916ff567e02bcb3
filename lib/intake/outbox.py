"""Where a child lays its results: files in its job's folder, named in the parts until the parent has read them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from lib.attachments import Attachment, Form, Problem
from lib.intake.job import RESULT, Job
from lib.messages import ImagePart, Part, VideoPart


class Refused(Exception):
    """Nothing can be sent of this file; `problem` says why. It never leaves the child: no error of `lib.errors`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem: Problem = problem


def lay_down(attachment: Attachment, job: Job) -> None:
    """Write the attachment: bytes into one file per part, everything else into the result file."""
    folder, count = Path(job.folder), 0

    def without_bytes(part: Part) -> Part:
        nonlocal count
        if not isinstance(part, ImagePart | VideoPart) or not part.data:
            return part
        name, count = f"{count}.bin", count + 1
        write(folder / name, part.data)
        return replace(part, data=b"", url=name, size=len(part.data))

    forms = tuple(Form(form.name, tuple(map(without_bytes, form.parts)), form.note) for form in attachment.forms)
    thumb = without_bytes(attachment.thumb) if attachment.thumb else None
    assert thumb is None or isinstance(thumb, ImagePart)
    write(folder / RESULT, msgspec.json.encode(replace(attachment, forms=forms, thumb=thumb)))


def write(path: Path, data: bytes) -> None:
    """A new file that only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
