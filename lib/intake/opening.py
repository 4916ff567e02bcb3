"""Opening clips and sound: only the container that the content is, only the one file, never an address in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from lib.intake.job import Job
from lib.intake.outbox import Refused

READERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "audio/mp4": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/mpeg": "mpeg",
    "video/mp2t": "mpegts",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "asf",
    "video/ogg": "ogg",
    "audio/x-ms-wma": "asf",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/aiff": "aiff",
    "audio/amr": "amr",
}
"""FFmpeg's name of the reader. Left to itself it would also take a play list that names other files and addresses."""
_ELEMENTARY = b"\x00\x00\x01\xb3"
BROKEN = (av.FFmpegError, ValueError, OverflowError, OSError, IndexError, EOFError, RuntimeError)
"""What the bindings raise for bytes that are not what they promise; MemoryError is not among them."""
LONGEST = 7 * 24 * 3600.0
"""Seconds above which a stated length is not believed."""


@contextmanager
def opened(job: Job) -> Iterator[InputContainer]:
    """The container, for reading. Raises `Refused`."""
    reader = READERS.get(job.media_type)
    if reader is None:
        raise Refused("unknown_type")
    with open(job.path, "rb") as file:  # noqa: PTH123
        if reader == "mpeg" and file.read(4) == _ELEMENTARY:
            reader = "mpegvideo"
    try:
        container = av.open(job.path, format=reader, options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except BROKEN as error:
        raise Refused("damaged") from error
    with container:
        yield container


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures; the cover of a song is none."""
    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def sound_stream(container: InputContainer) -> AudioStream | None:
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)


def stated_seconds(container: InputContainer, stream: VideoStream | AudioStream) -> float | None:
    """The length that the container states; None when it states none, or one that cannot be."""
    lengths = []
    if stream.duration and stream.time_base:
        lengths.append(float(stream.duration * stream.time_base))
    if container.duration:
        lengths.append(container.duration / av.time_base)
    return next((length for length in lengths if 0 < length < LONGEST), None)
