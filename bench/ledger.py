"""The store's part of an answer: what begin, checkpoint and finish cost on SQLite with `synchronous=FULL`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.figures import Figure, middle, spread
from lib.budgets import Budget
from lib.ids import new_id, new_public_id, now_ms
from lib.ledger import AnswerEnd, Attempt, Cost, ModelRef, Turn
from lib.messages import TextPart
from lib.store import Store, open_store
from lib.store.budget_rows import Charge
from lib.tokens import TokenCount

TRIES = 100
_TEXT = "A word of the answer. " * 400
_T = TypeVar("_T")


def measure() -> list[Figure]:
    """Median milliseconds of each write, in one conversation that grows."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("", Path(folder), zone="UTC")
        try:
            times = answers(store) | budgeted(store)
        finally:
            store.close()
    return [Figure(f"store: {name}", middle(ms), "ms", note=spread(ms)) for name, ms in times.items()]


def answers(store: Store, text: str = _TEXT) -> dict[str, list[float]]:
    """Milliseconds of every try, by what was written."""
    times: dict[str, list[float]] = {
        "begin an answer": [],
        f"checkpoint {len(text) / 1000:.1f} kB": [],
        "finish with ledger and totals": [],
    }
    begin, checkpoint, finish = times.values()
    conversation, parent = new_public_id(), None
    owner, ref = store.owner(), ModelRef(1, "bench-model")
    for _ in range(TRIES):
        turn = Turn(new_public_id(), conversation, (TextPart("A question"),), ref, parent)
        begun = _timed(begin, lambda turn=turn: store.answers.begin(owner, turn, epoch="bench"))
        _timed(checkpoint, lambda begun=begun: store.answers.checkpoint(begun.answer_id, text))
        end = AnswerEnd("done", text, attempts=(_attempt(begun.attempt_id),), finish_reason="stop")
        _timed(finish, lambda begun=begun, end=end: store.answers.finish(begun.answer_id, end))
        parent = begun.message
    return times


def budgeted(store: Store) -> dict[str, list[float]]:
    """Milliseconds to begin an answer beside a resting monthly budget and under an active one, in turns."""
    owner, ref, charge = store.owner(), ModelRef(1, "bench-model"), Charge(1_000, 2_000)
    budget = store.budgets.add(owner, Budget("month", 10**12))
    resting, active = list[float](), list[float]()
    for at in range(2 * TRIES):
        on = at % 2 == 1
        store.budgets.switch(owner, budget.public_id, on=on)
        turn = Turn(new_public_id(), new_public_id(), (TextPart("A question"),), ref)
        begun = _timed(
            active if on else resting,
            lambda turn=turn: store.answers.begin(owner, turn, epoch="bench", charge=charge),
        )
        store.answers.finish(begun.answer_id, AnswerEnd("done", "", attempts=(_attempt(begun.attempt_id),)))
    return {"begin a new chat": resting, "begin a new chat under a budget": active}


def requests(store: Store) -> list[float]:
    """Milliseconds to write one attempt with its cost into the ledger, its sums included."""
    owner, ref, times = store.owner(), ModelRef(1, "bench-model"), list[float]()
    for _ in range(TRIES):
        attempt = _attempt(new_id())
        _timed(times, lambda attempt=attempt: store.ledger.record(owner, ref, (attempt,)))
    return times


def _timed(into: list[float], work: Callable[[], _T]) -> _T:
    began = time.perf_counter()
    value = work()
    into.append((time.perf_counter() - began) * 1000)
    return value


def _attempt(attempt_id: int) -> Attempt:
    count = TokenCount(in_uncached=900, out_visible=2_000)
    return Attempt(attempt_id or new_id(), 1, now_ms() - 900, now_ms(), "ok", "bench-model", count=count, cost=Cost())
