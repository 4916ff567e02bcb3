"""What tests do with a store, in words."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from sqlalchemy import func, select

from lib.ids import new_id, new_public_id, now_ms
from lib.ledger import AnswerEnd, Attempt, Cost, ModelRef, Turn
from lib.messages import ImagePart, Part, TextPart, VideoPart
from lib.store import Store, schema
from lib.store.rows import Begun
from lib.tokens import TokenCount

REF = ModelRef(7, "gpt-5.4-hc", "gpt-5.4", "gpt-5.4", "hc")
COUNT = TokenCount(100, 20, 3, 1, 50, 10)
PRICED = Cost(nano=1_000, input_nano=400, output_nano=600, source="gateway")


def kept(*parts: Part) -> tuple[Part, ...]:
    """Parts as they come back with their bytes: then their size is known."""
    return tuple(
        structs.replace(part, size=len(part.data)) if isinstance(part, ImagePart | VideoPart) else part
        for part in parts
    )


def turn(text: str = "hello", *, conversation: str | None = None, **fields: Any) -> Turn:
    """A turn with a key of its own; without text it answers `parent` again."""
    parts = (TextPart(text),) if text else ()
    return Turn(
        **{"key": new_public_id(), "conversation": conversation or new_public_id(), "parts": parts, "ref": REF} | fields
    )


def begin(store: Store, text: str = "hello", **fields: Any) -> Begun:
    """Begin an answer; it goes on after the conversation's active leaf."""
    asked = turn(text, **fields)
    return store.answers.begin(store.owner(), asked, epoch="this process")


def attempt(attempt_id: int | None = None, **fields: Any) -> Attempt:
    facts = {
        "id": attempt_id or new_id(),
        "number": 1,
        "started_ms": now_ms(),
        "ended_ms": now_ms(),
        "outcome": "ok",
        "model_requested": REF.model,
        "count": COUNT,
        "usage_source": "reported",
        "cost": PRICED,
        "first_visible_ms": 300,
        "duration_ms": 2_000,
    }
    return Attempt(**facts | fields)


def end(*attempts: Attempt, text: str = "an answer", **fields: Any) -> AnswerEnd:
    return AnswerEnd(**{"state": "done", "text": text, "attempts": attempts} | fields)


def answered(store: Store, text: str = "hello", *, answer: str = "an answer", **fields: Any) -> Begun:
    """A whole turn: asked and answered, with one priced ledger row."""
    begun = begin(store, text, **fields)
    store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id), text=answer))
    return begun


def with_ledger(store: Store, *attempts: Attempt, demo: bool = False) -> Begun:
    """An ended answer whose ledger rows are `attempts`."""
    ref = ModelRef(7, "gpt-5.4-hc", "gpt-5.4", "gpt-5.4", "hc", demo=demo)
    begun = store.answers.begin(store.owner(), turn(ref=ref), epoch="this process")
    store.answers.finish(begun.answer_id, end(*attempts))
    return begun


def bytes_kept(store: Store) -> tuple[int, int]:
    """(the sizes of all blobs, the bytes in all pieces)."""
    sizes = select(func.coalesce(func.sum(schema.blob.c.size), 0))
    pieces = select(func.coalesce(func.sum(func.length(schema.blob_piece.c.data)), 0))
    return store._db.read(lambda connection: (int(connection.scalar(sizes)), int(connection.scalar(pieces))))
