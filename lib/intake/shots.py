"""A few pictures of a clip, evenly spread over its length, without decoding all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from msgspec import Struct
from PIL import Image

from lib.intake.job import Job
from lib.intake.opening import BROKEN, LONGEST, opened, picture_stream
from lib.intake.pictures import SMALL_EDGE

THREADS = 2


class Shot(Struct):
    """`seconds` from the clip's beginning; `turned` says that the container wants it upright on its side."""

    seconds: float
    pixels: Image.Image
    turned: bool


def shots(job: Job, seconds: float | None, until: float) -> list[Shot]:
    """Up to `clip_frames` different pictures; fewer where the clip has fewer, breaks off, or time runs out.

    Each is the picture that is seen at its time, except in clips that take long to decode: there it is the last one
    that was reached. When the stated length proves wrong, it is measured.
    """
    wanted = job.limits.clip_frames
    most_of_it = time.monotonic() + (until - time.monotonic()) * 0.7
    found = _spread(job, seconds, wanted, most_of_it) if seconds else []
    if len(found) == wanted:
        return found
    # A length that is a lie, a container that cannot be searched, or simply few pictures: from the start, in order.
    measured = _measured(job, until)
    in_order = _in_order(job, measured, wanted, until) if measured else []
    return in_order if len(in_order) > len(found) else found


def _spread(job: Job, seconds: float, wanted: int, until: float) -> list[Shot]:
    found: dict[float, Shot] = {}
    with opened(job) as container:
        stream = picture_stream(container)
        if stream is None:
            return []
        stream.codec_context.thread_count = THREADS
        for n in range(wanted):
            left = until - time.monotonic()
            if left <= 0:
                break
            target = seconds * (2 * n + 1) / (2 * wanted)
            shot = _at(container, stream, target, time.monotonic() + left / (wanted - n))
            if shot is not None:
                found.setdefault(shot.seconds, shot)
    return [found[at] for at in sorted(found)]


def _in_order(job: Job, seconds: float, wanted: int, until: float) -> list[Shot]:
    """The same without searching: everything is decoded until the last one wanted."""
    found: list[Shot] = []
    with opened(job) as container:
        stream = picture_stream(container)
        if stream is None:
            return []
        begin = _begin(stream)
        try:
            for frame in container.decode(stream):
                target = seconds * (2 * len(found) + 1) / (2 * wanted)
                if _lasts(frame, stream, begin, target) and (shot := _shot(frame, stream, begin)):
                    found.append(shot)
                if len(found) == wanted or time.monotonic() > until:
                    break
        except BROKEN:
            return found
    return found


def _at(container: InputContainer, stream: VideoStream, target: float, until: float) -> Shot | None:
    """The picture at `target` seconds, or the nearest before it that could be had."""
    last: VideoFrame | None = None
    begin = _begin(stream)
    try:
        if stream.time_base:
            container.seek(int((target + begin) / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            last = frame
            if frame.time is None or _lasts(frame, stream, begin, target) or time.monotonic() > until:
                break
    except BROKEN:
        pass  # what was decoded until here is what can be had
    return _shot(last, stream, begin) if last is not None else None


def _lasts(frame: VideoFrame, stream: VideoStream, begin: float, target: float) -> bool:
    """Whether this picture is still the one to be seen at `target` seconds, or comes after it."""
    each = 1 / float(stream.average_rate) if stream.average_rate else 0.0
    return (frame.time or 0.0) - begin + min(each, 10.0) > target + 0.001


def _begin(stream: VideoStream) -> float:
    return float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0


def _shot(frame: VideoFrame, stream: VideoStream, begin: float) -> Shot | None:
    """Small, in its true proportions, upright."""
    width, height = _shown_size(frame, stream)
    try:
        small = frame.reformat(width=width, height=height, format="rgb24")
        pixels: Image.Image = small.to_image()  # type: ignore[no-untyped-call]
    except BROKEN:
        return None
    turn = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
    angle = round(frame.rotation / 90) * 90 % 360
    if angle in turn:
        pixels = pixels.transpose(turn[angle])
    return Shot(max(0.0, (frame.time or 0.0) - begin), pixels, angle in (90, 270))


def _shown_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """The frame's size with square pixels, at most as long as a small picture."""
    aspect = stream.sample_aspect_ratio
    width = frame.width * float(aspect) if aspect and 0.2 < aspect < 5 else float(frame.width)
    scale = min(1.0, SMALL_EDGE / max(width, frame.height))
    return max(1, round(width * scale)), max(1, round(frame.height * scale))


def _measured(job: Job, until: float) -> float | None:
    """The length by the last picture's time, read from the packets without decoding any."""
    first, last = None, 0.0
    for at in _times(job):
        first, last = at if first is None else min(first, at), max(last, at)
        if time.monotonic() > until:
            return None
    return last - first if first is not None and 0 < last - first < LONGEST else None


def _times(job: Job) -> Iterator[float]:
    with opened(job) as container:
        stream = picture_stream(container)
        try:
            for packet in container.demux(stream) if stream else ():
                at = packet.dts if packet.pts is None else packet.pts
                if at is not None and packet.time_base:
                    yield float((at + (packet.duration or 0)) * packet.time_base)
        except (av.FFmpegError, ValueError):
            return
