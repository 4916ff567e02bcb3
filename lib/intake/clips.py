"""Clips: packed anew without what their maker wrote beside them, and as a few pictures with their times."""

from __future__ import annotations

import time
from pathlib import PurePath

from msgspec.structs import replace

from lib.attachments import Attachment, Form
from lib.intake.job import ROOMS, Job
from lib.intake.opening import opened, picture_stream, sound_stream, stated_seconds
from lib.intake.outbox import Refused
from lib.intake.pictures import SMALL_EDGE, as_jpeg, thumb_of
from lib.intake.repacking import Packed, repacked
from lib.intake.shots import Shot, shots
from lib.intake.sounds import sound
from lib.messages import ImagePart, VideoPart

_MOST_OF_IT = 0.8
"""Of the stated length: a file with less in it broke off."""
_ENDINGS = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
    "video/mpeg": ".mpg",
    "video/mp2t": ".ts",
    "video/x-flv": ".flv",
    "video/x-ms-wmv": ".wmv",
    "video/3gpp": ".3gp",
}


def clip(job: Job) -> Attachment:
    """The clip itself where it is small enough, and pictures of it. Raises `Refused` and MemoryError."""
    start, patience = time.monotonic(), ROOMS[job.kind].patience
    facts = _facts(job)
    if facts is None:
        return sound(job)
    seconds, width, height = facts
    packed = repacked(job, start + patience / 2) if job.size <= job.limits.video_bytes else None
    seen = shots(job, packed.seconds if packed else seconds, start + patience)
    if not seen:
        raise Refused("damaged")  # what shows us no picture shows none to a model
    if packed and seconds and packed.seconds < seconds * _MOST_OF_IT:
        packed = replace(packed, cut=True)
    seconds = packed.seconds if packed else seconds
    if seen[0].turned:
        width, height = height, width
    forms = [_whole(packed, job, width, height)] if packed else []
    forms.append(_frames(seen, job))
    return _attachment(job, tuple(forms), seen, width=width, height=height, seconds=seconds)


def only_frames(job: Job) -> Attachment:
    """The pictures alone, as many as the job says. Raises `Refused` and MemoryError."""
    until = time.monotonic() + ROOMS[job.kind].patience
    facts = _facts(job)
    seen = shots(job, facts[0], until) if facts else []
    if facts is None or not seen:
        raise Refused("damaged")
    seconds, width, height = facts
    return _attachment(job, (_frames(seen, job),), seen, width=width, height=height, seconds=seconds)


def _facts(job: Job) -> tuple[float | None, int, int] | None:
    """Length, width and height as the container states them; None when there is only sound."""
    with opened(job) as container:
        pictures = picture_stream(container)
        if pictures is None:
            if sound_stream(container) is None:
                raise Refused("damaged")
            return None
        width, height = pictures.codec_context.width, pictures.codec_context.height
        if width * height > job.limits.picture_pixels or max(width, height) > job.limits.picture_edge:
            raise Refused("too_many_pixels")
        return stated_seconds(container, pictures), width, height


def _attachment(
    job: Job, forms: tuple[Form, ...], seen: list[Shot], *, width: int, height: int, seconds: float | None
) -> Attachment:
    return Attachment(
        job.name,
        "video",
        job.media_type,
        job.size,
        forms,
        forms[0].name,
        width=width or None,
        height=height or None,
        seconds=seconds,
        thumb=thumb_of(seen[0].pixels),
    )


def _whole(packed: Packed, job: Job, width: int, height: int) -> Form:
    """The clip as one part; its name ends as what it is packed in now."""
    name = job.name
    ending = _ENDINGS.get(packed.media_type, "")
    if packed.media_type != job.media_type and ending:
        name = f"{PurePath(name).stem}{ending}"
    part = VideoPart(
        packed.media_type,
        packed.data,
        name=name,
        width=width or None,
        height=height or None,
        seconds=packed.seconds,
        size=len(packed.data),
    )
    return Form("video", (part,), "cut" if packed.cut else "")


def _frames(seen: list[Shot], job: Job) -> Form:
    close = len(seen) > 1 and (seen[-1].seconds - seen[0].seconds) / (len(seen) - 1) < 1
    return Form("frames", tuple(_frame(shot, job.name, close) for shot in seen))


def _frame(shot: Shot, name: str, close: bool) -> ImagePart:
    return as_jpeg(shot.pixels, SMALL_EDGE, name, f"{name} at {_clock(shot.seconds, close)}")


def _clock(seconds: float, close: bool) -> str:
    """`0:05` or `1:02:03`; with tenths where pictures are less than a second apart."""
    minutes, rest = divmod(max(seconds, 0.0), 60)
    hours, minutes = divmod(int(minutes), 60)
    last = f"{int(rest * 10) / 10:04.1f}" if close else f"{int(rest):02d}"
    return f"{hours}:{minutes:02d}:{last}" if hours else f"{minutes}:{last}"
