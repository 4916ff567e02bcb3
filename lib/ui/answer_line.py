"""The one quiet line below an answer: model · variant, tokens, cost with its source, speed. Pure text."""

from __future__ import annotations

from lib.ledger import ESTIMATED_SOURCES, AnswerState
from lib.money import money
from lib.store.rows import CostLine
from lib.tokens import TokenCount
from lib.ui.cost_words import PRICE_WORDS

STATE_WORDS: dict[AnswerState, str] = {
    "running": "Answering",
    "done": "",
    "stopped": "Stopped. What had arrived is kept.",
    "cut": "The answer was cut off. What had arrived is kept.",
    "failed": "",
    "interrupted": "Parlour was closed while this answer was written. What had arrived is kept.",
}


def tokens_text(count: TokenCount) -> str:
    """'1,204 → 388 tokens', or '' when nothing is known."""
    if count.input is None and count.output is None:
        return ""
    return f"{_number(count.input)} → {_number(count.output)} tokens"


def cost_text(cost: CostLine) -> str:
    """'$0.0021 (gateway price)', with ≈ when tokens are estimated; 'unpriced' when no price is known."""
    if cost.nano is None:
        return "unpriced"
    known = money(cost.nano, cost.currency)
    source = f" ({PRICE_WORDS[cost.source].lower()})" if cost.source else ""
    return f"{'≈ ' if is_estimated(cost) else ''}{known}{source}"


def cost_source_text(cost: CostLine) -> str:
    """How the cost is known: 'gateway price × reported tokens'."""
    if cost.nano is None:
        return "No price is known for this model"
    if cost.source is None:
        return "Not billed: the gateway refused the request"
    source = PRICE_WORDS[cost.source]
    if cost.source == "reported":
        return source
    span = ""
    if is_estimated(cost) and cost.low_nano is not None and cost.high_nano is not None:
        span = f" ({money(cost.low_nano, cost.currency)} to {money(cost.high_nano, cost.currency)})"
    return f"{source} × {'estimated' if is_estimated(cost) else 'reported'} tokens{span}"


def is_estimated(cost: CostLine) -> bool:
    """Whether the tokens behind the cost are a guess, wholly or in part."""
    return cost.usage_source in ESTIMATED_SOURCES


def speed_text(first_visible_ms: int | None, duration_ms: int | None, output_tokens: int | None) -> str:
    """'0.6 s to first word · 71 tokens/s'; parts that cannot be known are left out."""
    parts = []
    if first_visible_ms is not None:
        waited = f"{first_visible_ms / 1000:.1f} s" if first_visible_ms >= 100 else "under 0.1 s"
        parts.append(f"{waited} to first word")
    if output_tokens and duration_ms and first_visible_ms is not None and duration_ms - first_visible_ms >= 100:
        parts.append(f"{output_tokens * 1000 / (duration_ms - first_visible_ms):.0f} tokens/s")
    return " · ".join(parts)


def thought_text(reasoning_ms: int | None) -> str:
    """'Thought for 12 s'."""
    if reasoning_ms is None:
        return "Thought"
    seconds = reasoning_ms / 1000
    return f"Thought for {seconds:.0f} s" if seconds >= 1 else "Thought for a moment"


def _number(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"
