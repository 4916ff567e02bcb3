"""How much one request may carry: what the vendors allow, and the caps that fit through most gateways."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, structs

from lib.attachments.attachment import part_bytes
from lib.attachments.tokens import image_tokens, sees_more
from lib.cards import DialectName, ModelCard
from lib.messages import FilePart, ImagePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart, VideoPart

VIDEO_BYTES: Final = 15_000_000
"""The most of one video, before base64: 20,000,000 bytes of base64, so that words still fit beside it."""
BODY_BYTES: Final = 20 * 1024 * 1024
"""The most of a whole request. Vendors take more (Anthropic 32 MB, Google 100 MB); many gateways do not."""
STANDARD_EDGE: Final = 1568
"""Pixels of the long edge that no model of any family shrinks any further than it needs to."""

_AROUND_PART: Final = 120
_AROUND_FILE: Final = 160
_SHORT_ESCAPES: Final = b'"\\\n\r\t\b\f'
_LONG_ESCAPES: Final = bytes(set(range(0x20)) - set(_SHORT_ESCAPES))
_LONG_CONTEXT: Final = 1_000_000


class Limits(Struct, frozen=True):
    """Caps on one request. Bytes are before base64, except `body_bytes`; None is no known limit.

    With more than `many_images` pictures in a request each may only have `many_images_edge` pixels at its long edge.
    `useful_edge` is the long edge beyond which the model itself shrinks a picture.
    """

    image_bytes: int | None = None
    image_edge: int | None = None
    images: int | None = None
    many_images: int | None = None
    many_images_edge: int | None = None
    image_types: tuple[str, ...] = ()
    """Empty: not known."""
    video_types: tuple[str, ...] = ()
    video_bytes: int = VIDEO_BYTES
    body_bytes: int = BODY_BYTES
    useful_edge: int = STANDARD_EDGE


class Saving(Struct, frozen=True):
    """What shrinking a picture to `edge` pixels would save; tokens as the model counts them."""

    edge: int
    tokens_before: int
    tokens_after: int


def limits_of(
    card: ModelCard | None, dialect: DialectName, *, video_bytes: int = VIDEO_BYTES, body_bytes: int = BODY_BYTES
) -> Limits:
    """The limits of a model through a dialect; the two caps are the gateway's and may be set by the user.

    Sources: Anthropic, "Vision" (5 MB and 8000 px a picture, 2000 px when there are more than 20; 100 pictures, 600
    with a context of a million tokens); OpenAI, "Images and vision" (20 MB, 500 pictures); Google, "Image
    understanding" (7 MB inline, 3000 pictures) and "Video understanding".
    """
    own = card.image_max_bytes if card else None
    known = Limits(image_bytes=own, video_bytes=video_bytes, body_bytes=body_bytes, useful_edge=useful_edge(card))
    match card.family if card else "":
        case "claude":
            long_context = card is not None and (card.context or 0) >= _LONG_CONTEXT
            return structs.replace(
                known,
                image_bytes=own or 5_242_880,
                image_edge=8000,
                images=600 if long_context else 100,
                many_images=20,
                many_images_edge=2000,
                image_types=_USUAL,
            )
        case "gpt":
            return structs.replace(known, image_bytes=own or 20_000_000, images=500, image_types=_USUAL)
        case "gemini":
            return structs.replace(
                known, image_bytes=own or 7_000_000, images=3000, image_types=_GEMINI_IMAGE, video_types=_GEMINI_VIDEO
            )
        case _:
            return known


_USUAL: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_GEMINI_IMAGE: Final = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/heif")
_GEMINI_VIDEO: Final = (
    "video/mp4",
    "video/mpeg",
    "video/quicktime",
    "video/mov",
    "video/x-msvideo",
    "video/avi",
    "video/x-flv",
    "video/webm",
    "video/x-ms-wmv",
    "video/wmv",
    "video/3gpp",
)


def useful_edge(card: ModelCard | None) -> int:
    """Pixels of the long edge beyond which the model gains nothing, or shrinks the picture itself."""
    match card.family if card else "":
        case "gpt":
            return 2048
        case "gemini":
            return 1536
        case "claude" if sees_more(card):
            return 2576
        case _:
            return STANDARD_EDGE


def saving(card: ModelCard | None, width: int, height: int, edge: int | None = None) -> Saving | None:
    """What shrinking to `edge` (the model's useful edge) saves; None when it saves nothing."""
    edge = edge or useful_edge(card)
    after = image_tokens(card, *shrunk(width, height, edge))
    before = image_tokens(card, width, height)
    return Saving(edge, before, after) if after < before else None


def shrunk(width: int, height: int, edge: int) -> tuple[int, int]:
    """The pixels of a picture whose long edge is brought down to `edge`; never larger than it was, never 0."""
    long = max(width, height, 1)
    if long <= edge:
        return width, height
    return max(1, round(width * edge / long)), max(1, round(height * edge / long))


def body_bytes(parts: Iterable[Part]) -> int:
    """About how many bytes the parts are in a request's JSON: media in base64, text escaped, and what goes around."""
    return sum(_AROUND_PART + _part_in_body(part) for part in parts)


def _part_in_body(part: Part) -> int:
    match part:
        case ImagePart(url=str(url)) | VideoPart(url=str(url)) if not url.startswith("stored:"):
            return _text_in_json(url)
        case ImagePart():
            return in_base64(part_bytes(part)) + (_AROUND_PART + _text_in_json(part.caption) if part.caption else 0)
        case VideoPart():
            return in_base64(part_bytes(part)) + _text_in_json(part.name)
        case FilePart(name, text):
            return _AROUND_FILE + 2 * _text_in_json(name) + _text_in_json(text)
        case TextPart(text) | ReasoningPart(text) | ToolResultPart(_, text):
            return _text_in_json(text)
        case ToolCallPart(_, name, arguments):
            return _text_in_json(name) + _text_in_json(arguments)


def in_base64(size: int) -> int:
    """Characters of `size` bytes in base64, padding included."""
    return 4 * -(-size // 3)


def _text_in_json(text: str) -> int:
    encoded = text.encode("utf-8", "surrogatepass")
    short = len(encoded) - len(encoded.translate(None, _SHORT_ESCAPES))
    long = len(encoded) - len(encoded.translate(None, _LONG_ESCAPES))
    return len(encoded) + short + 5 * long
