"""How many tokens pictures and videos are likely to be, by the formulas that the vendors publish.

Everything here is an estimate, made before anything is sent. The model decides the formula, by its family and by the
version in its name; `is_guess` says where no formula is known and a common one stands in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from lib.attachments.attachment import part_bytes
from lib.cards import ModelCard
from lib.messages import FilePart, ImagePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart, VideoPart

Detail = Literal["auto", "low", "high"]

ASSUMED_EDGE: Final = 1024
"""Pixels of both edges, for a picture whose size nobody has looked at."""
ASSUMED_BYTES_A_SECOND: Final = 250_000
"""For a video that does not state its length: 2 Mbit a second."""
_AROUND_FILE: Final = 48
"""Characters of the two lines around a document, without its name, which stands in both."""


class _Patches(NamedTuple):
    """OpenAI's newer way: squares of 32 px, at most `budget`, each `hundredths`/100 tokens."""

    longest: int
    budget: int
    hundredths: int = 120


class _Tiles(NamedTuple):
    """OpenAI's older way: `base` tokens, and `each` for every square of 512 px."""

    base: int
    each: int


_HIGH: Final = _Patches(2048, 2500)
_LOW: Final = _Patches(512, 2500)
_ORIGINAL: Final = _Patches(6000, 10_000)
# OpenAI, "Images and vision" (the first that fits wins). The multipliers of the small models are the billed ones.
_GPT_RULES: Final[tuple[tuple[str, _Patches | _Tiles], ...]] = (
    (r"gpt-4o-mini", _Tiles(2833, 5667)),
    (r"gpt-4\.1-mini", _Patches(2048, 1536, 162)),
    (r"gpt-4\.1-nano", _Patches(2048, 1536, 246)),
    (r"o4-mini|codex-mini", _Patches(2048, 1536, 172)),
    (r"gpt-5-nano", _Patches(2048, 1536, 150)),
    (r"gpt-5(\.\d+)?(-codex)?-(mini|nano)", _Patches(2048, 1536)),
    (r"(chat)?gpt-4", _Tiles(85, 170)),
    (r"o[1-3]\b", _Tiles(75, 150)),
    (r"gpt-5(\.[01])?(?![.\d])", _Tiles(70, 140)),
    (r"gpt-5\.[23](?!\d)", _Patches(2048, 1536)),
    (r"gpt-5\.4(?!\d)", _HIGH),
    (r"gpt-", _ORIGINAL),
)
_CLAUDE_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_GEMINI_VERSION: Final = re.compile(r"gemini-(\d{1,2})")


def image_tokens(card: ModelCard | None, width: int, height: int, detail: Detail | None = None) -> int:
    """Tokens of a picture of `width` × `height` pixels; at least 1.

    `detail` counts where the vendor has such a choice (OpenAI); None is the vendor's default.
    """
    size = max(1, width), max(1, height)
    match _family(card):
        case "gpt":
            return _gpt_image(size, _gpt_rule(_name(card), detail))
        case "gemini":
            return _gemini_image(size, _gemini_major(card))
        case "claude" if sees_more(card):
            return _claude_image(size, edge=2576, budget=4784)
        case _:
            return _claude_image(size, edge=1568, budget=1568)


def video_tokens(card: ModelCard | None, seconds: float) -> int:
    """One frame and 32 tokens of sound for every second begun (Google, "Video understanding").

    Of Gemini 3 a frame is 70 tokens, 258 before and for everything else, which is the dearer guess.
    """
    newer = _family(card) == "gemini" and _gemini_major(card) >= 3
    begun = max(1, math.ceil(seconds)) if math.isfinite(seconds) else 1
    return begun * ((70 if newer else 258) + 32)


def is_guess(card: ModelCard | None, kind: Literal["image", "video"] = "image") -> bool:
    """Whether no vendor's formula is known for this model, so that the number may be far from the bill."""
    if kind == "video" or _family(card) != "claude":
        return _family(card) not in (("gemini",) if kind == "video" else ("gemini", "gpt"))
    return _CLAUDE_VERSION.search(_name(card)) is None


def sees_more(card: ModelCard | None) -> bool:
    """Whether it is a Claude from 4.7 on, which looks at 2576 instead of 1568 pixels."""
    return _family(card) == "claude" and _claude_version(card) >= (4, 7)


def part_tokens(part: Part, card: ModelCard | None, ratio: Fraction) -> int | None:
    """Tokens of one part; None when it is a picture of unknown size or a video of unknown length.

    `ratio` is tokens per character of text. Reasoning goes back only inside a tool loop and counts nothing.
    """
    match part:
        case TextPart(text):
            return math.ceil(len(text) * ratio)
        case FilePart(name, text):
            return math.ceil((len(text) + 2 * len(name) + _AROUND_FILE) * ratio)
        case ImagePart(width=int(width), height=int(height)):
            return image_tokens(card, width, height, part.detail) + math.ceil(len(part.caption) * ratio)
        case VideoPart(seconds=float() | int() as seconds):
            return video_tokens(card, seconds)
        case ToolCallPart(_, name, arguments):
            return math.ceil((len(name) + len(arguments)) * ratio)
        case ToolResultPart(_, text):
            return math.ceil(len(text) * ratio)
        case ReasoningPart():
            return 0
        case _:
            return None


def media_tokens(parts: Iterable[Part], card: ModelCard | None) -> int:
    """Tokens of all pictures and videos among `parts`, without their captions; nothing else counts.

    A size or length that nobody knows is assumed: see `ASSUMED_EDGE` and `ASSUMED_BYTES_A_SECOND`.
    """
    return sum(_medium(part, card) for part in parts if isinstance(part, ImagePart | VideoPart))


def assumes(parts: Iterable[Part]) -> bool:
    """Whether `media_tokens` has to assume the size or length of any of them."""
    return any(
        (isinstance(part, ImagePart) and (part.width is None or part.height is None))
        or (isinstance(part, VideoPart) and part.seconds is None)
        for part in parts
    )


def _medium(part: ImagePart | VideoPart, card: ModelCard | None) -> int:
    if isinstance(part, ImagePart):
        return image_tokens(card, part.width or ASSUMED_EDGE, part.height or ASSUMED_EDGE, part.detail)
    seconds = part_bytes(part) / ASSUMED_BYTES_A_SECOND if part.seconds is None else part.seconds
    return video_tokens(card, seconds)


def _family(card: ModelCard | None) -> str:
    return card.family if card else ""


def _name(card: ModelCard | None) -> str:
    """The model's name without the path that some gateways put before it ("openai/gpt-5.4")."""
    return card.base.rpartition("/")[2].lower() if card else ""


def _claude_version(card: ModelCard | None) -> tuple[int, int]:
    """(major, minor); a name without a version is taken for the newest, which counts the most."""
    found = _CLAUDE_VERSION.search(_name(card))
    return (int(found[1]), int(found[2] or 0)) if found else (99, 0)


def _gemini_major(card: ModelCard | None) -> int:
    found = _GEMINI_VERSION.search(_name(card))
    return int(found[1]) if found else 99


def _claude_image(size: tuple[int, int], edge: int, budget: int) -> int:
    """Anthropic, "Vision": patches of 28 px of the largest size with its proportions within edge and budget."""
    long, short = max(size), min(size)

    def patches(side: int) -> int:
        # The short side in whole pixels; halves go to the even one.
        return math.ceil(side / 28) * math.ceil(max(round(Fraction(side * short, long)), 1) / 28)

    low, high = 1, min(long, edge)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if patches(middle) <= budget else (low, middle - 1)
    return patches(low)


def _gpt_rule(name: str, detail: Detail | None) -> _Patches | _Tiles:
    rule = next((rule for pattern, rule in _GPT_RULES if re.match(pattern, name)), _ORIGINAL)
    if isinstance(rule, _Tiles):
        return rule._replace(each=0) if detail == "low" else rule
    if rule.budget < _HIGH.budget:
        return rule  # these small models look at every picture alike
    if detail == "low":
        return _LOW
    return _HIGH if detail == "high" else rule


def _gpt_image(size: tuple[int, int], rule: _Patches | _Tiles) -> int:
    return _tiled(size, rule) if isinstance(rule, _Tiles) else _patched(size, rule)


def _tiled(size: tuple[int, int], rule: _Tiles) -> int:
    """Into a square of 2048 px, then the short side down to 768 px; nothing is made larger."""
    long, short = Fraction(max(size)), Fraction(min(size))
    scale = min(Fraction(1), 2048 / long)
    scale *= min(Fraction(1), 768 / (short * scale))
    return rule.base + rule.each * math.ceil(long * scale / 512) * math.ceil(short * scale / 512)


def _patched(size: tuple[int, int], rule: _Patches) -> int:
    scale = min(Fraction(1), Fraction(rule.longest, max(size)))
    width, height = size[0] * scale, size[1] * scale
    patches = math.ceil(width / 32) * math.ceil(height / 32)
    if patches > rule.budget:
        patches = _shrunk_patches(float(width), float(height), rule.budget)
    return math.ceil(Fraction(rule.hundredths * patches, 100))


def _shrunk_patches(width: float, height: float, budget: int) -> int:
    """The patches of a picture that was shrunk into `budget`, and then until one side is whole patches."""
    shrink = math.sqrt(budget / (width * height))
    columns, rows = width * shrink, height * shrink
    if min(columns, rows) < 1:
        return min(budget, math.ceil(max(columns, rows)))
    fit = min(int(columns) / columns, int(rows) / rows)
    # Rounded first: a whole number that floating point made a little larger is still whole.
    return min(budget, math.ceil(round(columns * fit, 6)) * math.ceil(round(rows * fit, 6)))


def _gemini_image(size: tuple[int, int], major: int) -> int:
    """Google, "Understand and count tokens" and "Media resolution": 1120 from Gemini 3 on; before, 258 for each tile
    of 768 px, or for a picture that is small as a whole."""
    if major >= 3:
        return 1120
    if max(size) <= 384 or major < 2:
        return 258
    return 258 * math.ceil(size[0] / 768) * math.ceil(size[1] / 768)
