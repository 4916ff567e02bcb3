"""What the next answer will probably take, before anything is sent: tokens of the history, of the answer, the room.

Everything here is an estimate and says so on the screen. It leans on what was reported: the last answer's own count of
its input, and this model's own tokens per character. What is being typed is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from statistics import median
from typing import Literal

from msgspec import Struct

from lib.tokens import TokenCount

AnswerBasis = Literal["chat", "model", "assumed"]
"""Where the expected length of the answer comes from."""

ASSUMED_ANSWER = 500
"""Tokens taken for an answer of a model that has not answered anything yet."""
FEWEST_ANSWERS = 3
_TOO_FEW = Fraction(3, 5)


class Known(Struct, frozen=True):
    """What the gateway reported of the last answer: its whole input, the part of it that came from a cache, and the
    visible output, in tokens; `chars_after` characters, and pictures and video of `media_after` tokens, came since."""

    input: int
    output: int
    cached: int = 0
    chars_after: int = 0
    media_after: int = 0


class Quote(Struct, frozen=True):
    """Tokens of the next request. `context` is what the model can read (input and answer together), None unknown.

    `cached` of the input were read from a cache last time; `attachments` messages carry images or video, whose tokens
    in `history` follow the vendors' rules as far as no answer has reported them.
    """

    history: int = 0
    system: int = 0
    answer: int = ASSUMED_ANSWER
    basis: AnswerBasis = "assumed"
    cached: int = 0
    context: int | None = None
    attachments: int = 0
    waiting: int = 0
    """Tokens of the attachments that go along with the next message."""

    @property
    def input(self) -> int:
        return self.history + self.system + self.waiting

    @property
    def count(self) -> TokenCount:
        """As if nothing came from a cache: the dearer case."""
        return TokenCount(self.input, 0, 0, 0, self.answer, 0)

    @property
    def count_with_cache(self) -> TokenCount:
        """As if the cache still held what it held last time."""
        cached = min(self.cached, self.input)
        return TokenCount(self.input - cached, cached, 0, 0, self.answer, 0)

    def excess(self, typed: int = 0) -> int:
        """Tokens by which the request with `typed` more would not fit beside its answer; 0 when it fits."""
        return 0 if self.context is None else max(0, self.input + typed + self.answer - self.context)


def tokens_of(chars: int, ratio: Fraction) -> int:
    """Rounded up: text that exists is at least one token."""
    return ceil(chars * ratio)


def estimate(
    sizes: Sequence[int],
    system_chars: int,
    ratio: Fraction,
    *,
    known: Known | None = None,
    in_chat: Sequence[int] = (),
    of_model: Sequence[int] = (),
    cap: int | None = None,
    context: int | None = None,
    attachments: int = 0,
    media: Sequence[int] = (),
    waiting: int = 0,
) -> Quote:
    """The quote for a branch whose messages have `sizes` characters, oldest first, and `media` tokens of pictures.

    `ratio` is tokens per character. `in_chat` and `of_model` are lengths of earlier answers in tokens, `cap` the
    longest answer that is allowed, `waiting` the tokens of what goes along with the next message.
    """
    system = tokens_of(system_chars, ratio)
    answer, basis = expected_answer(in_chat, of_model, cap)
    counted = sum(tokens_of(chars, ratio) for chars in sizes) + sum(media)
    told = 0 if known is None else _told(known, ratio) - system
    # A report far below the text is of a request that left something out: it says nothing about the whole.
    trusted = known is not None and told >= counted * _TOO_FEW
    return Quote(
        told if trusted else counted,
        system,
        answer,
        basis,
        cached=known.cached if known and trusted else 0,
        context=context,
        attachments=attachments,
        waiting=waiting,
    )


def _told(known: Known, ratio: Fraction) -> int:
    return known.input + known.output + tokens_of(known.chars_after, ratio) + known.media_after


def expected_answer(in_chat: Sequence[int], of_model: Sequence[int], cap: int | None = None) -> tuple[int, AnswerBasis]:
    """The median of this chat's answers, else of this model's, else an assumption; never above `cap`."""
    length, basis = _expected(in_chat, of_model)
    return (length if cap is None else min(length, cap)), basis


def _expected(in_chat: Sequence[int], of_model: Sequence[int]) -> tuple[int, AnswerBasis]:
    if in_chat:
        return round(median(in_chat)), "chat"
    if len(of_model) >= FEWEST_ANSWERS:
        return round(median(of_model)), "model"
    return ASSUMED_ANSWER, "assumed"


def newest_that_fit(sizes: Sequence[tuple[bool, int]], room: int) -> int:
    """How many of the newest messages fit into `room` tokens, beginning with what a person said.

    `sizes` are (from the user, tokens) of each message, oldest first. 0 when not even the last turn fits.
    """
    kept = used = 0
    for place, (from_user, tokens) in enumerate(reversed(sizes), 1):
        used += tokens
        if used > room:
            break
        if from_user:
            kept = place
    return kept


def short(tokens: int) -> str:
    """'820', '8.2k', '200k', '1M', '1.05M': three figures are enough for an estimate."""
    if tokens < 1_000:
        return str(tokens)
    for unit, sign in ((1_000, "k"), (1_000_000, "M")):
        scaled = tokens / unit
        if scaled < 999.5 or sign == "M":
            digits = 0 if scaled >= 99.95 else 1 if sign == "k" or scaled >= 9.995 else 2
            text = f"{scaled:.{digits}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + sign
    return str(tokens)
