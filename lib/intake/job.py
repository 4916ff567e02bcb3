"""What the parent asks of a child that decodes, and how much room the child gets for it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from lib.attachments import Kind

MIB = 1024 * 1024
ARCHIVE = "application/zip"


class Limits(Struct, frozen=True):
    """What is refused, cut or shrunk. Bytes, pixels and characters as the names say.

    `video_bytes` is the most that a clip may have to be sent as it is: base64 makes 20 MB of 15, and 20 MB is what
    many gateways take in one request. `clip_frames` is how many pictures are made of a clip at first.
    """

    max_bytes: int = 200 * MIB
    picture_bytes: int = 20 * MIB
    picture_pixels: int = 40_000_000
    picture_edge: int = 16_000
    video_bytes: int = 15 * MIB
    text_chars: int = 400_000
    document_pages: int = 20
    clip_frames: int = 8


class Job(Struct, frozen=True):
    """One file for one child. `folder` is this job's own; the child writes there and nowhere else."""

    task: Literal["take", "frames"]
    path: str
    name: str
    kind: Kind
    media_type: str
    folder: str
    size: int
    limits: Limits = Limits()


class Room(Struct, frozen=True):
    """`memory` is address space in bytes (RLIMIT_AS), `seconds` both of the clock and of one processor."""

    memory: int
    seconds: float

    @property
    def patience(self) -> float:
        """Seconds after which a child should come to an end by itself, with what it has."""
        return self.seconds * 0.7


ROOMS: dict[Kind, Room] = {
    "image": Room(512 * MIB, 10),
    "document": Room(512 * MIB, 10),
    "video": Room(1024 * MIB, 10),
    "sound": Room(512 * MIB, 30),
}
"""A decoder of video keeps many pictures at once; a long recording is encoded anew and needs its time."""

RESULT = "result.json"
COMPLAINTS = "complaints.txt"
"""Files of a job's folder: the child's answer, and what its libraries wrote to stderr before they gave up."""
STARTED, DONE = b"s", b"d"
"""What a child says on stdout: it has read the job, the result lies in the folder."""
