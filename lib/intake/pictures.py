"""Pictures: checked by their header, turned upright, brought to sRGB and 8 bit, encoded anew in up to three sizes.

What is encoded anew has pixels and nothing else: no Exif, no place, no comments, no colour profile with its texts.
"""

from __future__ import annotations

import io
from typing import Literal

import pillow_heif
from msgspec.structs import replace
from PIL import ExifTags, Image, ImageCms

from lib.attachments import Attachment, Form, FormName
from lib.intake.job import Job, Limits
from lib.intake.outbox import Refused
from lib.messages import ImagePart

FORMATS = {
    "image/jpeg": ("JPEG",),
    "image/png": ("PNG",),
    "image/webp": ("WEBP",),
    "image/gif": ("GIF",),
    "image/heic": ("HEIF",),
    "image/heif": ("HEIF",),
    "image/avif": ("AVIF",),
    "image/tiff": ("TIFF",),
    "image/bmp": ("BMP",),
}
STANDARD_EDGE, SMALL_EDGE, THUMB_EDGE = 1568, 768, 256
ORIGINAL_EDGE = 8000
"""Claude takes no edge above 8000 px; 1568 is what its models up to 4.6 look at, and enough for the others."""
TALL = 3
ORIENTATION = ExifTags.Base.Orientation.value
SMALL_PNG_BYTES = 500_000
SMALL_PNG_PIXELS = 4_000_000
_MOVING = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")  # a second picture in a JPEG or HEIC is a preview or a depth map
_DRAWN = ("PNG", "GIF", "BMP")
_QUALITY: dict[FormName, int] = {"original": 90, "standard": 85, "small": 85}
MOST_PROFILE_BYTES = 4_000_000
_BAD = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, EOFError, OverflowError, ZeroDivisionError)
"""What Pillow's readers raise for bytes that are not what they promise."""

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is decoded
pillow_heif.register_heif_opener(thumbnails=False)


def picture(job: Job) -> Attachment:
    """The picture in its sizes. Raises `Refused` and MemoryError."""
    try:
        pixels, note, drawn = _read(job)
    except _BAD as error:
        raise Refused("damaged") from error
    return _attachment(pixels, job, note, drawn)


def _read(job: Job) -> tuple[Image.Image, str, bool]:
    """Plain pixels, the note, and whether it was drawn rather than photographed."""
    with Image.open(job.path, formats=FORMATS[job.media_type]) as opened:
        _check(opened.size, job.limits)
        note, drawn = _note(opened), opened.format in _DRAWN
        return _plain(opened), note, drawn


def as_jpeg(pixels: Image.Image, edge: int, name: str, caption: str = "", quality: int = 85) -> ImagePart:
    """One picture of a page or a clip, at most `edge` pixels long."""
    return _part(_shrunk(pixels, edge), name, drawn=False, quality=quality, caption=caption)


def thumb_of(pixels: Image.Image) -> ImagePart:
    return _part(_shrunk(pixels, THUMB_EDGE), "", drawn=False, quality=80)


def _check(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise Refused("damaged")
    if width * height > limits.picture_pixels or max(size) > limits.picture_edge:
        raise Refused("too_many_pixels")


def _note(opened: Image.Image) -> str:
    if opened.format in _MOVING and getattr(opened, "is_animated", False):
        return "first_frame"
    width, height = opened.size
    return "tall" if max(width, height) > TALL * min(width, height) else ""


def _plain(opened: Image.Image) -> Image.Image:
    """Upright pixels as RGB, or as RGBA where something really is transparent; nothing else hangs on to them."""
    profile, orientation = opened.info.get("icc_profile"), opened.getexif().get(ORIENTATION)
    opened.load()
    pixels = _eight_bit(opened)
    pixels = _in_srgb(pixels, profile)
    if pixels.mode not in ("RGB", "RGBA"):
        pixels = pixels.convert("RGBA" if pixels.has_transparency_data else "RGB")
    if pixels.mode == "RGBA" and pixels.getchannel("A").getextrema() == (255, 255):
        pixels = pixels.convert("RGB")
    turn = _TURNS.get(orientation or 1)
    pixels = pixels.transpose(turn) if turn is not None else pixels
    pixels.info = {}
    return pixels


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The values of Exif's tag Orientation (CIPA DC-008, 4.6.4) and what undoes them."""


def _eight_bit(opened: Image.Image) -> Image.Image:
    """More than 8 bits per pixel become 8: 16-bit greys by their upper half, others by their own range."""
    if opened.mode.startswith("I;16"):
        return opened.point(lambda value: value / 256).convert("L")
    if opened.mode in ("I", "F"):
        low, high = (float(value) for value in opened.getextrema() if not isinstance(value, tuple))
        scale = 255 / (high - low) if high > low else 0.0
        return opened.point(lambda value: value * scale - low * scale).convert("L")
    return opened


def _in_srgb(pixels: Image.Image, profile: object) -> Image.Image:
    """The colours as every reader will show them. A profile that cannot be used is as good as none."""
    if not isinstance(profile, bytes) or not 0 < len(profile) <= MOST_PROFILE_BYTES:
        return pixels
    if pixels.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return pixels
    target = "RGBA" if pixels.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if pixels.mode == target:
            ImageCms.profileToProfile(pixels, source, ImageCms.createProfile("sRGB"), inPlace=True)
            return pixels
        turned = ImageCms.profileToProfile(pixels, source, ImageCms.createProfile("sRGB"), outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return pixels
    return turned or pixels


def _attachment(pixels: Image.Image, job: Job, note: str, drawn: bool) -> Attachment:
    edge = max(pixels.size)
    forms = [_form("original", pixels, min(edge, ORIGINAL_EDGE), job.name, note, drawn)]
    smaller = pixels
    sizes: tuple[tuple[FormName, int], ...] = (("standard", STANDARD_EDGE), ("small", SMALL_EDGE))
    for form_name, size in sizes:
        if edge > size:
            smaller = _shrunk(smaller, size)
            forms.append(_form(form_name, smaller, size, job.name, note, drawn))
    return Attachment(
        job.name,
        "image",
        job.media_type,
        job.size,
        tuple(forms),
        forms[1].name if edge > STANDARD_EDGE else "original",
        width=pixels.width,
        height=pixels.height,
        thumb=replace(_part(_shrunk(smaller, THUMB_EDGE), "", drawn=drawn, quality=80), name=""),
    )


def _form(form: FormName, pixels: Image.Image, edge: int, name: str, note: str, drawn: bool) -> Form:
    return Form(form, (_part(_shrunk(pixels, edge), name, drawn=drawn, quality=_QUALITY[form]),), note)


def _shrunk(pixels: Image.Image, edge: int) -> Image.Image:
    """At most `edge` pixels long, in proportion; never larger than it was, never less than a pixel wide."""
    longest = max(pixels.size)
    if longest <= edge:
        return pixels
    width, height = (max(1, round(length * edge / longest)) for length in pixels.size)
    return pixels.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _part(pixels: Image.Image, name: str, *, drawn: bool, quality: int, caption: str = "") -> ImagePart:
    media_type, data = _encoded(pixels, drawn, quality)
    return ImagePart(media_type, data, name=name, width=pixels.width, height=pixels.height, caption=caption)


def _encoded(pixels: Image.Image, drawn: bool, quality: int) -> tuple[Literal["image/png", "image/jpeg"], bytes]:
    """PNG where something is transparent, or where the source was drawn and stays small; otherwise JPEG."""
    n_pixels = pixels.width * pixels.height
    if pixels.mode == "RGBA" or (drawn and n_pixels <= SMALL_PNG_PIXELS):
        # Above some size the time of a thorough search for repetitions is not worth its bytes.
        png = _saved(pixels, "PNG", compress_level=6 if n_pixels <= SMALL_PNG_PIXELS else 1)
        if pixels.mode == "RGBA" or len(png) <= SMALL_PNG_BYTES:
            return "image/png", png
    return "image/jpeg", _saved(pixels if pixels.mode == "RGB" else pixels.convert("RGB"), "JPEG", quality=quality)


def _saved(pixels: Image.Image, format: str, **how: int) -> bytes:
    buffer = io.BytesIO()
    pixels.save(buffer, format, **how)
    return buffer.getvalue()
