"""Sound: as a clip with one dark picture, because the models that hear anything hear the sound of clips."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path, PurePath

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from lib.attachments import Attachment, Form
from lib.intake.job import ROOMS, Job
from lib.intake.opening import BROKEN, opened, sound_stream, stated_seconds
from lib.intake.outbox import Refused
from lib.messages import VideoPart

WIDTH, HEIGHT = 320, 180
_DARK = (24, 24, 27)
SAMPLES = 32_000
BITS, FEW_BITS = 64_000, 32_000
"""Bits per second of one channel: good for music, and still good for speech, where more than half an hour must fit."""
_HEADER, _OVERHEAD = 4096, 1.12
"""Packets of sound are small: their table in the container takes its share, and so do the pictures."""


def sound(job: Job) -> Attachment:
    """The recording as a clip; its beginning where all of it would be too large or take too long. Raises `Refused`."""
    until = time.monotonic() + ROOMS[job.kind].patience
    path = Path(job.folder) / "sound.mp4"
    try:
        seconds, cut = _encoded(job, path, until)
    except BROKEN as error:
        raise Refused("damaged") from error
    data = path.read_bytes()
    path.unlink()
    if seconds <= 0:
        raise Refused("damaged")
    name = f"{PurePath(job.name).stem}.mp4"
    part = VideoPart("video/mp4", data, name=name, width=WIDTH, height=HEIGHT, seconds=seconds, size=len(data))
    form = Form("video", (part,), "sound_cut" if cut else "sound_as_video")
    return Attachment(job.name, "sound", job.media_type, job.size, (form,), "video", seconds=seconds)


def _encoded(job: Job, path: Path, until: float) -> tuple[float, bool]:
    """Write the clip; (its seconds, whether the recording went on)."""
    with opened(job) as source:
        stream = sound_stream(source)
        if stream is None:
            raise Refused("damaged")
        stated = stated_seconds(source, stream)
        room = (job.limits.video_bytes - _HEADER) * 8 / _OVERHEAD
        bits = BITS if stated is not None and stated * BITS < room else FEW_BITS
        with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as target:
            clip = _Clip(target, bits)
            cut = False
            for frame in _frames(source, stream):
                if clip.seconds * bits > room or time.monotonic() > until:
                    cut = True
                    break
                clip.put(frame)
            clip.end()
            return clip.seconds, cut


def _frames(source: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """The sound as far as it can be read; what is broken at its end is not missed."""
    resampler = AudioResampler(format="fltp", layout="mono", rate=SAMPLES)
    try:
        for frame in source.decode(stream):
            frame.pts = None  # gaps and jumps of the source's clock would be refused by the encoder
            yield from resampler.resample(frame)
    except (av.FFmpegError, ValueError):
        pass
    yield from resampler.resample(None)


class _Clip:
    """Sound and, for every second of it, the same picture."""

    def __init__(self, target: OutputContainer, bits: int) -> None:
        self._target = target
        how = {"preset": "ultrafast", "tune": "stillimage"}
        pictures: VideoStream = target.add_stream("libx264", rate=1, options=how)
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound: AudioStream = target.add_stream("aac", rate=SAMPLES, layout="mono", options={"aac_coder": "fast"})
        sound.bit_rate = bits
        self._pictures, self._sound = pictures, sound
        dark = VideoFrame.from_image(Image.new("RGB", (WIDTH, HEIGHT), _DARK))  # type: ignore[no-untyped-call]
        self._picture = dark.reformat(format="yuv420p")
        self._samples = self._shown = 0

    @property
    def seconds(self) -> float:
        return self._samples / SAMPLES

    def put(self, frame: AudioFrame) -> None:
        while self._shown <= self.seconds:
            self._show()
        frame.pts, frame.time_base = self._samples, Fraction(1, SAMPLES)
        self._samples += frame.samples
        self._target.mux(self._sound.encode(frame))

    def end(self) -> None:
        if not self._samples:
            return
        self._target.mux(self._sound.encode(None))
        self._target.mux(self._pictures.encode(None))

    def _show(self) -> None:
        self._picture.pts, self._picture.time_base = self._shown, Fraction(1, 1)
        self._shown += 1
        self._target.mux(self._pictures.encode(self._picture))
