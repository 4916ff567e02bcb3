"""One answered question in a store's ledger, at any time and cost, for the tests of pages about money."""

from __future__ import annotations

from lib.ids import id_at, new_id, new_public_id
from lib.ledger import AnswerEnd, Attempt, Cost, ModelRef, Turn
from lib.messages import TextPart
from lib.store import Store
from lib.tokens import TokenCount


def asked(
    store: Store, model: str, cost: Cost, *, gateway_id: int = 1, base: str = "", at_ms: int | None = None
) -> int:
    """120 tokens in, 20 of them from a cache, and 60 out; the id of its usage event."""
    ref = ModelRef(gateway_id, model, base or model, "gpt", "standard")
    turn = Turn(new_public_id(), new_public_id(), (TextPart("hello"),), ref)
    begun = store.answers.begin(store.owner(), turn, epoch="this process")
    attempt = Attempt(
        id=new_id() if at_ms is None else id_at(at_ms),
        number=1,
        started_ms=at_ms or 0,
        ended_ms=at_ms or 0,
        outcome="ok",
        model_requested=model,
        count=TokenCount(100, 20, 0, 0, 50, 10),
        usage_source="reported",
        cost=cost,
    )
    store.answers.finish(begun.answer_id, AnswerEnd("done", "an answer", attempts=(attempt,)))
    return attempt.id
