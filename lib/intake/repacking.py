"""A clip in a new container: the same pictures and sound, and nothing else of the old one.

Places, titles, makers and times live in the container, in tracks of telemetry or subtitles (action cameras and drones
write where they were, every second), and in notes between the pictures. Only the first track of pictures and the
first of sound are copied, and those notes are taken out on the way. What cannot be copied so is not copied.
"""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from msgspec import Struct

from lib.intake.job import Job
from lib.intake.opening import BROKEN, opened, picture_stream, sound_stream

_IN_MP4 = {"h264", "hevc", "mpeg4", "av1"}
_SOUND_IN_MP4 = {"aac", "mp3", "ac3", "alac", "flac", "opus", ""}
_IN_WEBM = {"vp8", "vp9", "av1"}
_SOUND_IN_WEBM = {"opus", "vorbis", ""}
_SAME: dict[str, str] = {
    "video/quicktime": "mov",
    "video/3gpp": "3gp",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/mpeg": "mpeg",
    "video/mp2t": "mpegts",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "asf",
    "video/mp4": "mp4",
}
_NOTES = {
    "h264": "filter_units=remove_types=6",
    "hevc": "filter_units=remove_types=39|40",
    "av1": "filter_units=remove_types=5",
    "mpeg2video": "filter_units=remove_types=178",
}
"""Units of supplemental information (H.264 7.4.1, H.265 7.4.2.2), of metadata (AV1 5.3.1), and of the user's data
(MPEG-2, H.262 6.2.2.2.2)."""
_NEVER = {"mjpeg"}
"""Every picture is a JPEG file that may have Exif of its own, which cannot be taken out without decoding it."""
MOST_SKIPPED = 20


class Packed(Struct):
    """`seconds` is how long the copied pictures last; `cut` says that the file broke off before its end."""

    media_type: str
    data: bytes
    seconds: float
    cut: bool


def repacked(job: Job, until: float) -> Packed | None:
    """The clip in the first container that takes it; None when none does, or there is no time left."""
    with opened(job) as source:
        targets = _targets(job.media_type, *_codecs(source))
    for format, media_type in targets:
        path = Path(job.folder) / f"packed.{format}"
        try:
            seconds, cut = _copied(job, path, format, until)
        except BROKEN:
            path.unlink(missing_ok=True)
            continue
        data = path.read_bytes() if path.stat().st_size <= job.limits.video_bytes else b""
        path.unlink()
        return Packed(media_type, data, seconds, cut) if data and seconds > 0 else None
    return None


def _codecs(source: InputContainer) -> tuple[str, str]:
    pictures, sound = picture_stream(source), sound_stream(source)
    return (
        pictures.codec_context.codec.canonical_name if pictures else "",
        sound.codec_context.codec.canonical_name if sound else "",
    )


def _targets(media_type: str, pictures: str, sound: str) -> list[tuple[str, str]]:
    """Containers to try, those that most gateways take first."""
    targets: list[tuple[str, str]] = []
    if pictures in _NEVER:
        return targets
    if pictures in _IN_WEBM and sound in _SOUND_IN_WEBM and media_type in ("video/webm", "video/x-matroska"):
        targets.append(("webm", "video/webm"))
    if pictures in _IN_MP4 and sound in _SOUND_IN_MP4:
        targets.append(("mp4", "video/mp4"))
    if media_type in _SAME:
        targets.append((_SAME[media_type], media_type))
    return targets


def _copied(job: Job, path: Path, format: str, until: float) -> tuple[float, bool]:
    """Copy the packets; (seconds of pictures, whether the source broke off)."""
    options = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if format in ("mp4", "mov") else {})
    with opened(job) as source, av.open(str(path), "w", format=format, options=options) as target:
        pictures = picture_stream(source)
        if pictures is None:
            raise ValueError("no pictures")
        copy = _Copy(source, target, pictures, sound_stream(source))
        return copy.seconds_copied(until)


class _Copy:
    """One source being copied into one target."""

    def __init__(
        self, source: InputContainer, target: OutputContainer, pictures: VideoStream, sound: AudioStream | None
    ) -> None:
        self._source, self._target, self._pictures = source, target, pictures
        self._streams = [pictures, *([sound] if sound else [])]
        self._to = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in self._streams}
        notes = _NOTES.get(pictures.codec_context.codec.canonical_name)
        self._filter = BitStreamFilterContext(notes, pictures) if notes else None
        self._skipped = 0

    def seconds_copied(self, until: float) -> tuple[float, bool]:
        first: Fraction | None = None
        last = Fraction(0)
        try:
            for packet in self._source.demux(*self._streams):
                if time.monotonic() > until:
                    raise TimeoutError("no time left to copy the clip")
                if packet.dts is None or not packet.size:
                    continue
                if packet.stream.index == self._pictures.index and packet.time_base:
                    at = (packet.dts if packet.pts is None else packet.pts) * packet.time_base
                    first = at if first is None else min(first, at)
                    last = max(last, at + (packet.duration or 0) * packet.time_base)
                self._put(packet)
        except (av.InvalidDataError, EOFError):
            return _length(first, last), True
        return _length(first, last), False

    def _put(self, packet: Packet[Any]) -> None:
        """One packet over, without its notes. A few that come out of order are left out, not many."""
        index = packet.stream.index
        through = self._filter if index == self._pictures.index else None
        for ready in through.filter(packet) if through else [packet]:
            ready.stream = self._to[index]
            try:
                self._target.mux_one(ready)
            except (ValueError, av.InvalidDataError):
                self._skipped += 1
                if self._skipped > MOST_SKIPPED:
                    raise


def _length(first: Fraction | None, last: Fraction) -> float:
    return float(last - first) if first is not None else 0.0
