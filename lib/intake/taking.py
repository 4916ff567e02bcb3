"""Taking a file in, seen from the parent: what is too large or unknown is refused, the rest goes to a child."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from lib.attachments import Attachment, Form, Kind, Problem
from lib.attachments.kinds import ENCRYPTED_OFFICE, HEAD_BYTES, sniff
from lib.attachments.names import display_name
from lib.errors import BadInput
from lib.intake.children import CHILDREN
from lib.intake.collect import collected
from lib.intake.job import ARCHIVE, Job, Limits

MOST_FRAMES = 30
PREFIX = "intake-"
FORGOTTEN_SECONDS = 3600


def take_in(path: Path, name: str, *, folder: Path, limits: Limits | None = None) -> Attachment:
    """What can be sent of the file at `path`; `name` is the user's, `folder` a place for files of ours on the way.

    The type is what the content says. Forms come with their bytes; pictures were turned upright and encoded anew
    without metadata, clips were packed anew without it. When nothing can be sent, `problem` says why. The file stays
    where it is. Raises OSError only when the file cannot be read or `folder` cannot be written.
    """
    limits = limits or Limits()
    name, size = display_name(name), path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind, media_type = _seen(head, name)
    if not size:
        return Attachment(name, kind, media_type, size, problem="empty")
    if size > _most_bytes(kind, limits):
        return Attachment(name, kind, media_type, size, problem="too_large")
    if media_type == ENCRYPTED_OFFICE:
        return Attachment(name, kind, media_type, size, problem="protected")
    if not media_type:
        return Attachment(name, kind, media_type, size, problem="unknown_type")
    with _job_folder(folder) as own:
        job = Job("take", str(path.resolve()), name, kind, media_type, str(own), size, limits)
        return _worked(job)


def frames(clip: Path | bytes, n: int, name: str, *, folder: Path, limits: Limits | None = None) -> Form:
    """`n` (1 to 30) pictures of a clip, evenly spread, each with its time as caption.

    Raises BadInput (the reason is a `Problem`) when no picture can be made of it.
    """
    limits = replace(limits or Limits(), clip_frames=min(max(n, 1), MOST_FRAMES))
    with _job_folder(folder) as own:
        path = clip if isinstance(clip, Path) else _written(clip, own)
        with path.open("rb") as file:
            kind, media_type = _seen(file.read(HEAD_BYTES), name)
        if kind != "video":
            raise BadInput("unknown_type")
        job = Job("frames", str(path.resolve()), name, kind, media_type, str(own), path.stat().st_size, limits)
        attachment = _worked(job)
    if attachment.form is None:
        raise BadInput(attachment.problem or "damaged")
    return attachment.form


def _seen(head: bytes, name: str) -> tuple[Kind, str]:
    """Kind and media type by content; without a media type nobody knows it."""
    if seen := sniff(head, name):
        return seen
    # What an archive is may stand too far behind to be seen here; the child reads its list of contents.
    return "document", ARCHIVE if head.startswith(b"PK\x03\x04") else ""


def _most_bytes(kind: Kind, limits: Limits) -> int:
    return min(limits.picture_bytes, limits.max_bytes) if kind == "image" else limits.max_bytes


def _worked(job: Job) -> Attachment:
    refused = Attachment(job.name, job.kind, job.media_type, job.size)
    problem: Problem | None = CHILDREN.work(job)
    if problem is None:
        attachment = collected(Path(job.folder), job)
        if attachment is not None:
            return attachment
        problem = "damaged"
    return replace(refused, problem=problem)


@contextmanager
def _job_folder(folder: Path) -> Iterator[Path]:
    """A folder that only we can enter and that is gone afterwards, whatever a child left in it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder)
    own = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    try:
        yield own.resolve()
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Take away what a program that was killed has left."""
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another thread is just as quick
            if time.time() - left.stat().st_mtime > FORGOTTEN_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _written(data: bytes, own: Path) -> Path:
    path = own / "given.bin"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    return path
