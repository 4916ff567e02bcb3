"""Whether a gateway looked at the pictures and video it was sent: the usual failure is silent.

A relay that does not know how a part is spelt drops it and answers the words alone. The only trace is the reported
input, which lacks the tokens that the media should have added.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

SEEN_FROM: Final = Fraction(1, 4)
"""The share of the expected media tokens from which on they count as seen; estimates are often off by half."""


def ignored_media(expected_media_tokens: int, expected_text_tokens: int, reported_input: int | None) -> bool:
    """Whether the media were most likely dropped: the input beyond the text is under a quarter of what they count.

    False when that cannot be told: nothing was reported, no media tokens were expected, or the estimate of a long
    text may be off (by a third) by as much as half of them.
    """
    text = max(0, expected_text_tokens)
    if reported_input is None or Fraction(expected_media_tokens, 2) <= Fraction(text, 3):
        return False
    return reported_input - text < expected_media_tokens * SEEN_FROM


def added_by_media(reported_input: int, reported_without: int, expected_media_tokens: int) -> bool:
    """Whether the same question with media was reported to be longer by at least a quarter of what they count."""
    added = reported_input - reported_without
    return added > 0 and added >= expected_media_tokens * SEEN_FROM
