"""Describes a picture or video by what can be computed: kind, bytes, pixels, colours. Nothing is recognised."""

from __future__ import annotations

import io
import threading
from typing import Final

from PIL import Image, UnidentifiedImageError

from lib.embedded.attached import captions_of
from lib.embedded.image_header import size_of, sniff
from lib.embedded.video_header import facts_of, video_seconds
from lib.messages import ImagePart, Message, VideoPart

_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
_MAX_PIXELS: Final = 40_000_000
_one_at_a_time = threading.Lock()  # so that many requests never hold many decoded pictures
_NAMES: Final = {
    "black": (0, 0, 0),
    "dark grey": (70, 70, 70),
    "grey": (135, 135, 135),
    "light grey": (205, 205, 205),
    "white": (255, 255, 255),
    "red": (210, 40, 40),
    "dark red": (115, 20, 25),
    "orange": (240, 140, 30),
    "brown": (120, 75, 40),
    "beige": (225, 205, 170),
    "yellow": (245, 220, 50),
    "olive": (120, 125, 40),
    "green": (50, 160, 70),
    "dark green": (20, 80, 40),
    "teal": (30, 140, 140),
    "light blue": (140, 195, 235),
    "blue": (45, 95, 210),
    "navy": (20, 30, 90),
    "purple": (125, 60, 165),
    "pink": (240, 150, 185),
}


def describe(message: Message) -> str:
    """One Markdown paragraph per picture or video of the message, "" when it has none."""
    captions = captions_of(message)
    lines = [
        (f"{captions[at]}: " if captions.get(at) else "")
        + (_describe_video(part) if isinstance(part, VideoPart) else describe_image(part.data))
        for at, part in enumerate(message.parts)
        if isinstance(part, ImagePart | VideoPart)
    ]
    if len(lines) > 1:
        lines = [f"{number}. {line}" for number, line in enumerate(lines, 1)]
    return "\n".join(lines)


def _describe_video(video: VideoPart) -> str:
    """What the container says; a length that it does not say is guessed, as it is for counting, and called so."""
    facts = facts_of(video.data)
    words = [f"A video of type **{video.media_type}**, {_bytes(len(video.data))}"]
    if facts.seconds is None:
        words.append(f"about {video_seconds(video.data):.0f} s long by its size")
    else:
        words.append(f"**{_seconds(facts.seconds)}** long")
    if facts.width and facts.height:
        words.append(f"**{facts.width} × {facts.height}** pixels ({_shape((facts.width, facts.height))})")
    if facts.codec:
        words.append(f"coded as {facts.codec}")
    if facts.sound is not None:
        words.append("with sound" if facts.sound else "without sound")
    return ", ".join(words) + "."


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def describe_image(data: bytes) -> str:
    """What the bytes of a picture say about it; work is bounded by its pixels, never by what it claims."""
    kind, size = sniff(data).removeprefix("image/").upper() or "unknown", size_of(data)
    head = f"A **{kind}** image, {_bytes(len(data))}"
    if size is None:
        return f"{head}; its size in pixels is not written where I can read it."
    head += f", **{size[0]} × {size[1]}** pixels ({_shape(size)})"
    if size[0] * size[1] > _MAX_PIXELS:
        return f"{head}. It is too large for me to look at its colours."
    colours = dominant_colours(data)
    return f"{head}. Main colours: {', '.join(colours)}." if colours else f"{head}. Its pixels cannot be decoded."


def dominant_colours(data: bytes) -> list[str]:
    """Up to three colours as "name (#rrggbb, share)", the largest share first; [] when the bytes are no picture."""
    try:
        with _one_at_a_time, Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                return []
            image.draft("RGB", (128, 128))
            image.thumbnail((64, 64))
            small = _on_white(image)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        return []
    return _shares(small)


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, rgba).convert("RGB")


def _shares(image: Image.Image) -> list[str]:
    few = image.quantize(colors=6, method=Image.Quantize.MEDIANCUT)
    palette = few.getpalette() or []
    counts = sorted((_count(entry) for entry in few.getcolors() or ()), reverse=True)
    total = sum(count for count, _ in counts) or 1
    shares: dict[str, tuple[tuple[int, int, int], int]] = {}
    for count, index in counts:
        rgb = (palette[3 * index], palette[3 * index + 1], palette[3 * index + 2])
        name = name_of(rgb)
        shares[name] = (shares[name][0] if name in shares else rgb, shares.get(name, (rgb, 0))[1] + count)
    ordered = sorted(shares.items(), key=lambda item: -item[1][1])[:3]
    return [f"{name} (#{r:02x}{g:02x}{b:02x}, {round(100 * n / total)} %)" for name, ((r, g, b), n) in ordered]


def _count(entry: tuple[int, object]) -> tuple[int, int]:
    count, index = entry
    return count, index if isinstance(index, int) else 0


def name_of(rgb: tuple[int, int, int]) -> str:
    """The nearest colour that has a name here."""
    return min(_NAMES, key=lambda name: sum((a - b) ** 2 for a, b in zip(rgb, _NAMES[name], strict=True)))


def _shape(size: tuple[int, int]) -> str:
    return "square" if size[0] == size[1] else "landscape" if size[0] > size[1] else "portrait"


def _bytes(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
