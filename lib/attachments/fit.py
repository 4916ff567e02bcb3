"""Whether a model takes what is attached, through the dialect that is chosen; and which one would.

The model card decides, for each dialect on its own. What nobody knows (None) is allowed: the gateway will tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal

from msgspec import Struct

from lib.attachments.attachment import part_bytes
from lib.attachments.limits import Limits, body_bytes, limits_of
from lib.attachments.names import display_name
from lib.cards import DialectName, ModelCard
from lib.messages import ImagePart, Part, TextPart, VideoPart

Reason = Literal[
    "image_not_taken",
    "video_not_taken",
    "image_type_not_taken",
    "video_type_not_taken",
    "image_too_large",
    "image_too_many_pixels",
    "video_too_large",
    "too_many_images",
    "body_too_large",
]
"""Codes; their sentences live in `lib/ui/notices.py`."""

_BOTH: tuple[DialectName, ...] = ("openai", "anthropic")


class Misfit(Struct, frozen=True):
    """One reason why the parts cannot go. `index` is the part's place; None when it is about all of them together.

    `limit` and `found` are bytes, pixels of the long edge, or pictures, as the reason has it.
    """

    reason: Reason
    index: int | None = None
    name: str = ""
    limit: int | None = None
    found: int | None = None


def problems(
    parts: Sequence[Part], card: ModelCard | None, dialect: DialectName, *, limits: Limits | None = None
) -> tuple[Misfit, ...]:
    """Why `parts` cannot be sent to the model; empty when nothing is known to stand against it.

    At most one reason for each part, then those about the request as a whole.
    """
    limits = limits or limits_of(card, dialect)
    n_images = sum(isinstance(part, ImagePart) for part in parts)
    own = [_own_misfit(part, index, card, dialect, limits, n_images) for index, part in enumerate(parts)]
    return (*(misfit for misfit in own if misfit), *_together(parts, limits, n_images))


def nearest(
    parts: Sequence[Part],
    cards: Iterable[ModelCard],
    current: ModelCard,
    dialect: DialectName,
    dialects: Sequence[DialectName] = _BOTH,
) -> tuple[tuple[ModelCard, DialectName], ...]:
    """Models that take all of `parts`, nearest to the current choice first; each with the dialect to use.

    `cards` are the gateway's models, `dialects` what it speaks. Order: the same model through the other dialect,
    another variant of it, its family, all others. Within each: those known to take it, then the cheapest, those
    without a price last. Never the current choice itself.
    """
    order = sorted(dialects, key=lambda name: name != dialect)
    found: dict[str, tuple[ModelCard, DialectName]] = {}
    for card in (current, *cards):
        for name in order:
            if card.id not in found and (card.id, name) != (current.id, dialect) and _takes(parts, card, name):
                found[card.id] = card, name
    return tuple(sorted(found.values(), key=lambda choice: _distance(parts, choice, current, dialect)))


def without_media(
    parts: Sequence[Part], card: ModelCard | None, dialect: DialectName, *, limits: Limits | None = None
) -> tuple[tuple[Part, ...], int]:
    """The parts with a short text in place of each picture or video that the model cannot take, and how many.

    Neighbours of one name, such as the frames of a video, become one text.
    """
    limits = limits or limits_of(card, dialect)
    misfits = [_own_misfit(part, index, card, dialect, limits, 1) for index, part in enumerate(parts)]
    kept: list[Part] = []
    pairs = zip(parts, misfits, strict=True)
    for gone, group in groupby(pairs, key=lambda pair: _kind_and_name(pair[0]) if pair[1] else None):
        run = [part for part, _ in group]
        kept.extend(run if gone is None else [TextPart(_was_here(*gone, len(run)))])
    return tuple(kept), sum(misfit is not None for misfit in misfits)


def _takes(parts: Sequence[Part], card: ModelCard, dialect: DialectName) -> bool:
    return card.abilities(dialect).listed is not False and not problems(parts, card, dialect)


def _own_misfit(
    part: Part, index: int, card: ModelCard | None, dialect: DialectName, limits: Limits, n_images: int
) -> Misfit | None:
    if isinstance(part, ImagePart):
        return next(_image_misfits(part, index, card, dialect, limits, n_images), None)
    if isinstance(part, VideoPart):
        return next(_video_misfits(part, index, card, dialect, limits), None)
    return None


def _image_misfits(
    part: ImagePart, index: int, card: ModelCard | None, dialect: DialectName, limits: Limits, n_images: int
) -> Iterator[Misfit]:
    if card is not None and card.abilities(dialect).image is False:
        yield Misfit("image_not_taken", index, part.name)
    if limits.image_types and part.media_type not in limits.image_types:
        yield Misfit("image_type_not_taken", index, part.name)
    size = part_bytes(part)
    if limits.image_bytes is not None and size > limits.image_bytes:
        yield Misfit("image_too_large", index, part.name, limits.image_bytes, size)
    edge, longest = _edge(limits, n_images), max(part.width or 0, part.height or 0)
    if edge is not None and longest > edge:
        yield Misfit("image_too_many_pixels", index, part.name, edge, longest)


def _video_misfits(
    part: VideoPart, index: int, card: ModelCard | None, dialect: DialectName, limits: Limits
) -> Iterator[Misfit]:
    # The Messages API has no part for video, whatever the model.
    if dialect == "anthropic" or (card is not None and card.abilities(dialect).video is False):
        yield Misfit("video_not_taken", index, part.name)
    if limits.video_types and part.media_type not in limits.video_types:
        yield Misfit("video_type_not_taken", index, part.name)
    size = part_bytes(part)
    if size > limits.video_bytes:
        yield Misfit("video_too_large", index, part.name, limits.video_bytes, size)


def _edge(limits: Limits, n_images: int) -> int | None:
    many = limits.many_images is not None and n_images > limits.many_images
    return limits.many_images_edge if many else limits.image_edge


def _together(parts: Sequence[Part], limits: Limits, n_images: int) -> Iterator[Misfit]:
    if limits.images is not None and n_images > limits.images:
        yield Misfit("too_many_images", limit=limits.images, found=n_images)
    size = body_bytes(parts)
    if size > limits.body_bytes:
        yield Misfit("body_too_large", limit=limits.body_bytes, found=size)


def _distance(
    parts: Sequence[Part], choice: tuple[ModelCard, DialectName], current: ModelCard, dialect: DialectName
) -> tuple[int, bool, bool, int, bool, str]:
    card, name = choice
    unsure = not _known_to_take(parts, card, name)
    price = _price(card)
    return _step(card, current), unsure, price is None, price or 0, name != dialect, card.id


def _step(card: ModelCard, current: ModelCard) -> int:
    if card.id == current.id:
        return 0
    if card.base == current.base:
        return 1
    return 2 if card.family and card.family == current.family else 3


def _known_to_take(parts: Sequence[Part], card: ModelCard, dialect: DialectName) -> bool:
    can = card.abilities(dialect)
    return (can.image is True or not any(isinstance(part, ImagePart) for part in parts)) and (
        can.video is True or not any(isinstance(part, VideoPart) for part in parts)
    )


def _price(card: ModelCard) -> int | None:
    """Input and output of a token together, to put models in order; the vendor's list where the gateway has none."""
    prices = card.prices if card.prices.known else card.vendor_prices
    return (prices.input or 0) + (prices.output or 0) if prices.known else None


def _kind_and_name(part: Part) -> tuple[str, str]:
    if isinstance(part, ImagePart | VideoPart):
        return "image" if isinstance(part, ImagePart) else "video", part.name
    return "", ""


def _was_here(kind: str, name: str, count: int) -> str:
    named = f": {display_name(name)}" if name else ""
    if count > 1:
        return f"[{count} {kind}s were here{named}]"
    return f"[{'An' if kind == 'image' else 'A'} {kind} was here{named}]"
