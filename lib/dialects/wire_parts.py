"""Pieces that both dialects put into requests: keys in headers, bytes as base64, arguments as objects."""

from __future__ import annotations

import json
from typing import Any, Final

from lib.cards import DialectName, ModelCard, WireForm
from lib.dialects.wire_body import Base64
from lib.errors import BadInput
from lib.messages import ImagePart, VideoPart
from lib.secret import Secret

_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_VIDEO_LABELS: Final = {
    "video/quicktime": "video/mov",
    "video/x-quicktime": "video/mov",
    "video/x-msvideo": "video/avi",
    "video/x-ms-wmv": "video/wmv",
}


def common_headers(key: Secret, form: WireForm) -> dict[str, str]:
    """The headers of every request. The key goes into one header, never two: some gateways refuse both together.

    Without a key (a gateway on one's own machine) no header carries one.
    """
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    if key and form.auth == "x-api-key":
        headers["x-api-key"] = key.reveal()
    elif key:
        headers["authorization"] = f"Bearer {key.reveal()}"
    return headers


def require_abilities(part: ImagePart | VideoPart, dialect: DialectName, card: ModelCard | None) -> None:
    """Raises BadInput('image_not_taken' / 'video_not_taken') when the card says that the model takes none here."""
    if card is None:
        return
    abilities = card.abilities(dialect)
    if isinstance(part, ImagePart) and abilities.image is False:
        raise BadInput("image_not_taken", card.id)
    if isinstance(part, VideoPart) and abilities.video is False:
        raise BadInput("video_not_taken", card.id)


def image_type(part: ImagePart) -> str:
    """The media type that the bytes themselves show, else the one they came with (a mismatch is refused upstream)."""
    for magic, media_type in _MAGIC:
        if part.data.startswith(magic):
            return media_type
    if part.data[:4] == b"RIFF" and part.data[8:12] == b"WEBP":
        return "image/webp"
    return part.media_type


def image_url(part: ImagePart) -> str | Base64:
    """A reference as it stands, or the bytes as a data URL."""
    return part.url if part.url is not None else data_url(image_type(part), part.data)


def video_url(part: VideoPart) -> str | Base64:
    """The same for a video, labelled as relays and Google know it (`video/mov`, not `video/quicktime`)."""
    return (
        part.url if part.url is not None else data_url(_VIDEO_LABELS.get(part.media_type, part.media_type), part.data)
    )


def data_url(media_type: str, data: bytes) -> Base64:
    """The bytes as a data URL, which is encoded while it is sent."""
    return Base64(data, f"data:{media_type};base64,")


def arguments_object(arguments: str) -> dict[str, Any]:
    """A tool call's arguments as an object; text that is none is kept whole under `_raw`."""
    try:
        value = json.loads(arguments.strip() or "{}")
    except (ValueError, RecursionError):
        return {"_raw": arguments}
    return value if isinstance(value, dict) else {"_raw": arguments}
