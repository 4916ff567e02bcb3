"""Pictures and video on their way to a model: what it takes, what is left out, what they add to the input."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from lib.attachments.fit import problems, without_media
from lib.attachments.limits import Limits, body_bytes, limits_of
from lib.attachments.tokens import media_tokens
from lib.cards import DialectName, ModelCard
from lib.errors import BadInput
from lib.messages import ImagePart, Message, Part, TextPart, VideoPart

_STORED = "stored:"
_GONE = TextPart("[A file was here that is gone]")


def has_files(parts: Sequence[Part]) -> bool:
    """Whether anything but words is said."""
    return any(not isinstance(part, TextPart) for part in parts)


def require_taken(parts: tuple[Part, ...], card: ModelCard, dialect: DialectName) -> None:
    """Raises BadInput with the first reason why a new question's attachments cannot go to this model."""
    for misfit in problems(parts, card, dialect):
        raise BadInput(misfit.reason, misfit.name or card.id)


def without_untaken(
    messages: Sequence[Message], card: ModelCard, dialect: DialectName, *, spare_last: bool
) -> tuple[tuple[Message, ...], int]:
    """The messages with a note in place of each picture or video that the model does not take, and how many those are.

    With `spare_last` the question at the end stays whole: without its picture it would be another question.
    """
    kept, left_out = list(messages), 0
    for at, message in enumerate(messages[: len(messages) - 1 if spare_last else None]):
        parts, n = without_media(message.parts, card, dialect)
        if n:
            kept[at], left_out = structs.replace(message, parts=parts), left_out + n
    return tuple(kept), left_out


def within_body(
    messages: Sequence[Message], card: ModelCard, dialect: DialectName, *, spare_last: bool
) -> tuple[tuple[Message, ...], int]:
    """The messages without their oldest pictures and video, as far as they are too much together, and how many.

    Everything is sent again with every question: two long videos, or a hundred pages, would end a chat.
    """
    limits = limits_of(card, dialect)
    nothing = structs.replace(limits, image_bytes=0, video_bytes=0)
    kept, left_out = list(messages), 0
    sizes = [body_bytes(message.parts) for message in messages]
    for at, message in enumerate(messages[: len(messages) - 1 if spare_last else None]):
        if sum(sizes) <= limits.body_bytes and not _too_many(kept, limits):
            break
        parts, n = without_media(message.parts, card, dialect, limits=nothing)
        kept[at], left_out, sizes[at] = structs.replace(message, parts=parts), left_out + n, body_bytes(parts)
    return tuple(kept), left_out


def _too_many(messages: Sequence[Message], limits: Limits) -> bool:
    """Whether these are more pictures than one request takes, or larger ones than it takes of so many."""
    images = [part for message in messages for part in message.parts if isinstance(part, ImagePart)]
    if limits.images is not None and len(images) > limits.images:
        return True
    edge = limits.many_images_edge if len(images) > (limits.many_images or len(images)) else None
    return edge is not None and any(max(image.width or 0, image.height or 0) > edge for image in images)


def without_gone(messages: Sequence[Message]) -> tuple[tuple[Message, ...], int]:
    """The messages with a note in place of what the store has no bytes of (any more), and how many those are."""
    gone = sum(_is_gone(part) for message in messages for part in message.parts)
    if not gone:
        return tuple(messages), 0
    return tuple(
        structs.replace(message, parts=tuple(_GONE if _is_gone(part) else part for part in message.parts))
        for message in messages
    ), gone


def _is_gone(part: Part) -> bool:
    return isinstance(part, ImagePart | VideoPart) and not part.data and (part.url or _STORED).startswith(_STORED)


def media_of(messages: Sequence[Message], card: ModelCard) -> int:
    """Tokens that the pictures and video of a request should add to its input."""
    return media_tokens([part for message in messages for part in message.parts], card)
