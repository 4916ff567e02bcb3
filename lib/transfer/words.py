"""What an exported conversation says besides its messages: who spoke, when, with which model, at what cost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lib.cards import VARIANT_RULES
from lib.ledger import ESTIMATED_SOURCES, AnswerState
from lib.money import money
from lib.transfer.document import AttemptCopy, ConversationCopy, MessageCopy, ModelCopy

_SOURCES = {
    "entered": "own price",
    "gateway": "gateway price",
    "reported": "reported by the gateway",
    "demo": "demo price",
    "vendor": "vendor list price",
    "rule": "price by own rule",
}
_STATES: dict[AnswerState, str] = {
    "running": "Still being written when this was exported.",
    "done": "",
    "stopped": "Stopped before its end.",
    "cut": "Cut off before its end.",
    "failed": "No answer came.",
    "interrupted": "Interrupted before its end.",
}
_VARIANTS = {rule.variant: rule.label for rule in VARIANT_RULES}


def speaker(message: MessageCopy) -> str:
    """'You', or 'gpt-5.4 · Premium pool' for an answer."""
    if message.role == "user":
        return "You"
    if message.role == "tool":
        return "Tool"
    return model_words(message.model) if message.model else "Assistant"


def model_words(model: ModelCopy) -> str:
    variant = "" if model.variant == "standard" else _VARIANTS.get(model.variant, model.variant)
    base = model.base if variant and model.base else model.model
    return " · ".join(part for part in (base, variant) if part)


def time_words(ms: int, zone: str = "UTC") -> str:
    """'2026-11-20 19:26 UTC'."""
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        info = ZoneInfo("UTC")
    at = datetime.fromtimestamp(ms / 1000, UTC).astimezone(info)
    return f"{at:%Y-%m-%d %H:%M} {at.tzname() or zone}"


def state_words(message: MessageCopy) -> str:
    """How an answer ended, '' when it ended well."""
    return _STATES[message.state] if message.state else ""


def cost_line(message: MessageCopy) -> str:
    """'1,204 → 388 tokens · ≈ $0.0021 (gateway price)'; '' for what has no ledger row."""
    if not message.attempts:
        return ""
    parts = [_tokens(message.attempts), _cost(message.attempts)]
    return " · ".join(part for part in parts if part)


def _tokens(attempts: tuple[AttemptCopy, ...]) -> str:
    sides = [[getattr(attempt.count, side) for attempt in attempts] for side in ("input", "output")]
    known = [[count for count in side if count is not None] for side in sides]
    if not any(known):
        return ""
    return " → ".join(f"{sum(side):,}" if side else "?" for side in known) + " tokens"


def _cost(attempts: tuple[AttemptCopy, ...]) -> str:
    priced = [attempt for attempt in attempts if attempt.cost.nano is not None]
    if not priced:
        return "unpriced"
    source = _SOURCES.get(priced[-1].cost.source or "")
    words = _sums(priced) + (f" ({source})" if source else "")
    return words if len(priced) == len(attempts) else f"{words}, {len(attempts) - len(priced)} unpriced"


def total_words(conversation: ConversationCopy) -> str:
    """What the whole conversation cost, all versions: '$1.27', '≈ $0.02, 1 request unpriced', '' without a ledger."""
    attempts = [attempt for attempt in conversation.attempts if attempt.purpose != "probe"]
    if not attempts:
        return ""
    priced = [attempt for attempt in attempts if attempt.cost.nano is not None]
    missing = len(attempts) - len(priced)
    unpriced = f"{missing} request{'s' * (missing > 1)} unpriced" if missing else ""
    return ", ".join(part for part in (_sums(priced) if priced else "", unpriced) if part)


def _sums(priced: list[AttemptCopy]) -> str:
    """One amount per currency, the demo's apart: they are never added."""
    sums: Counter[tuple[str, bool]] = Counter()
    guessed: set[tuple[str, bool]] = set()
    for attempt in priced:
        key = (attempt.cost.currency, bool(attempt.model.gateway and attempt.model.gateway.demo))
        sums[key] += attempt.cost.nano or 0
        if attempt.usage_source in ESTIMATED_SOURCES:
            guessed.add(key)
    amounts = (
        f"{'≈ ' * (key in guessed)}{money(nano, key[0])}{' of demo money' * key[1]}" for key, nano in sums.items()
    )
    return " + ".join(amounts)
