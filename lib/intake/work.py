"""One job done: which module looks at which content.

The libraries are loaded with the first file that needs them: a child that only reads tables never loads a decoder of
video, whose 100 MB of address space would be missing from its room.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from msgspec.structs import replace

from lib.attachments import Attachment
from lib.attachments.kinds import HEAD_BYTES, sniff
from lib.intake.archives import archive
from lib.intake.job import ARCHIVE, Job
from lib.intake.outbox import Refused

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_NOT_READ = ("application/msword", "application/vnd.ms-powerpoint")


def done(job: Job) -> Attachment:
    """The attachment with its forms. Raises `Refused` and MemoryError."""
    if job.media_type == ARCHIVE:
        job = _inside(job)
    if job.media_type in _NOT_READ:
        raise Refused("unknown_type")
    if job.task == "frames":
        return _maker("clips", "only_frames")(job)
    if job.kind == "document":
        return _document(job)
    module, function = {"image": ("pictures", "picture"), "video": ("clips", "clip"), "sound": ("sounds", "sound")}[
        job.kind
    ]
    return _maker(module, function)(job)


def _document(job: Job) -> Attachment:
    name = job.media_type
    if name == "application/pdf":
        return _maker("pdf", "pdf")(job)
    if name == "application/rtf":
        return _maker("rtf", "rtf")(job)
    if name.startswith(("application/vnd.ms-excel", f"{_OFFICE}spreadsheet", f"{_OPEN}spreadsheet")):
        return _maker("sheets", "sheets")(job)
    if name.startswith((_OFFICE, _OPEN)):
        return _maker("office", "office")(job)
    return _maker("plain_text", "plain_text")(job)


def _maker(module: str, function: str) -> Callable[[Job], Attachment]:
    return cast("Callable[[Job], Attachment]", getattr(import_module(f"lib.intake.{module}"), function))


def _inside(job: Job) -> Job:
    """The same job, once the archive's list of contents says which document it is."""
    with archive(job.path) as opened, open(job.path, "rb") as file:  # noqa: PTH123
        seen = sniff(file.read(HEAD_BYTES), job.name, entries=opened.namelist())
    if seen is None:
        raise Refused("unknown_type")
    return replace(job, kind=seen[0], media_type=seen[1])
