"""Leaving the oldest messages out of one request: what is sent is less, what is kept is everything."""

from __future__ import annotations

import pytest

from lib.generation.asking import newest
from lib.messages import TextPart
from lib.store.rows import StoredMessage

BRANCH = tuple(
    StoredMessage(name, None, "user" if name.startswith("q") else "assistant", (TextPart(name),), name, "", 0)
    for name in ("q1", "a1", "q2", "a2", "q3")
)


@pytest.mark.parametrize(
    ("keep_last", "sent"),
    [
        (None, ["q1", "a1", "q2", "a2", "q3"]),
        (99, ["q1", "a1", "q2", "a2", "q3"]),
        (2, ["q2", "a2", "q3"]),
        (1, ["q3"]),
        (0, ["q3"]),
    ],
)
def test_the_newest_messages_are_sent_beginning_with_a_person(keep_last: int | None, sent: list[str]) -> None:
    assert [message.public_id for message in newest(BRANCH, keep_last)] == sent
