"""Rules 16 to 18: images and videos. Limits are the vendors' own; nothing is ever fetched.

Sources: Anthropic "Vision", OpenAI "Images and vision", Google "Image understanding" and "Video understanding".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lib.embedded.given import Given, Medium
from lib.embedded.image_header import size_of, sniff
from lib.embedded.refusals import Refusal, bad

_USUAL: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
IMAGE_TYPES: Final = {
    "claude": _USUAL,
    "gpt": _USUAL,
    "gemini": ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"),
}
VIDEO_TYPES: Final = tuple(
    f"video/{name}" for name in ("mp4", "mpeg", "quicktime", "mov", "avi", "x-flv", "mpg", "webm", "wmv", "3gpp")
)
_MAX_IMAGES: Final = {"claude": 100, "gpt": 500, "gemini": 3000}
_MAX_SIDE: Final = 8000
_CROWD, _MAX_SIDE_IN_A_CROWD = 20, 2000


def image_is_sound(given: Given) -> Refusal | None:
    """Rule 16: a data URL, real base64, an allowed type, and bytes of that type."""
    return _first(given, "image", _unsound)


def _unsound(given: Given, image: Medium) -> Refusal | None:
    if image.trouble in ("url", "remote"):
        return _say(given, image, _no_url(image), "invalid_image_url")
    if image.trouble == "base64":
        return _say(given, image, "image.source.base64.data: the base64 data cannot be decoded", "invalid_base64")
    allowed = IMAGE_TYPES.get(given.card.family, _USUAL)
    if image.media_type not in allowed:
        names = ", ".join(name.removeprefix("image/") for name in allowed)
        text = f"You uploaded an unsupported image. Please make sure your image is of one of these formats: {names}."
        return _say(given, image, text, "invalid_image_format")
    if not _same_type(image):
        text = f"Image does not match the provided media type {image.media_type}"
        return _say(given, image, text, "invalid_image_format")
    return None


def _no_url(medium: Medium) -> str:
    if medium.trouble == "remote":
        return "this gateway does not fetch media from the network; send the bytes as base64"
    return "Invalid image URL: it must be a data: URL with base64"


def _same_type(image: Medium) -> bool:
    found = sniff(image.data)
    return found == image.media_type or (found == "image/heic" and image.media_type == "image/heif")


def image_is_within_limits(given: Given) -> Refusal | None:
    """Rule 17: bytes, pixels and number of images."""
    images = [medium for medium in given.media if medium.kind == "image"]
    most = _MAX_IMAGES.get(given.card.family, 500)
    if len(images) > most:
        return _say(given, images[-1], f"too many images: {len(images)} > {most}", "image_too_large")
    side = _MAX_SIDE_IN_A_CROWD if len(images) > _CROWD else _MAX_SIDE
    return next((found for image in images if (found := _beyond(given, image, side)) is not None), None)


def _beyond(given: Given, image: Medium, side: int) -> Refusal | None:
    limit, length = given.card.image_max_bytes, len(image.data)
    if limit is not None and length > limit:
        megabytes = f"{limit / (1024 * 1024 if limit % 1024 == 0 else 1_000_000):g} MB"
        text = f"image exceeds {megabytes} maximum: {length} bytes > {limit} bytes"
        return _say(given, image, text, "image_too_large")
    size = size_of(image.data)
    if given.card.family == "claude" and size is not None and max(size) > side:
        text = f"image dimensions exceed max allowed size: {side} pixels"
        return _say(given, image, text, "image_too_large")
    return None


def video_is_welcome(given: Given) -> Refusal | None:
    """Rule 18: a model that sees video, a known type, bytes."""
    return _first(given, "video", _unwelcome)


def _unwelcome(given: Given, video: Medium) -> Refusal | None:
    if not given.card.abilities(given.dialect).video:
        able = sorted(card.id for card in given.models.values() if card.abilities(given.dialect).video)
        return _say(given, video, f"Video input is only supported by: {', '.join(able)}", "unsupported_media")
    if video.trouble == "base64":
        return _say(given, video, "the base64 data cannot be decoded", "invalid_base64")
    if video.trouble:
        return _say(given, video, _no_url(video), "unsupported_media")
    if video.media_type not in VIDEO_TYPES:
        text = f"Unsupported video type {video.media_type!r}. Supported types are: {', '.join(VIDEO_TYPES)}"
        return _say(given, video, text, "unsupported_media")
    return None


def _first(given: Given, kind: str, check: Callable[[Given, Medium], Refusal | None]) -> Refusal | None:
    media = (medium for medium in given.media if medium.kind == kind)
    return next((found for medium in media if (found := check(given, medium)) is not None), None)


def _say(given: Given, medium: Medium, text: str, code: str) -> Refusal:
    message, part = medium.path
    if given.dialect == "anthropic":
        return bad(f"messages.{message}.content.{part}: {text}")
    return bad(text, code, f"messages[{message}].content[{part}]")
