"""How a cost is known, in words, wherever it is shown."""

from __future__ import annotations

from lib.ledger import ESTIMATED_SOURCES

PRICE_WORDS = {
    "entered": "Your price",
    "gateway": "Gateway price",
    "reported": "Reported by the gateway",
    "demo": "Demo price",
    "vendor": "Vendor list price",
    "rule": "Price by your rule",
}


def cost_words(source: str, usage_source: str, known: bool) -> str:
    """How a cost is known, in a few words."""
    if not known:
        return "No price known"
    if not source:
        return "Not billed"
    price = PRICE_WORDS.get(source, source)
    return f"{price}, estimated tokens" if usage_source in ESTIMATED_SOURCES and source != "reported" else price
