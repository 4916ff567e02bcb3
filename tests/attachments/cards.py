"""Model cards for the tests of attachments: catalogued ones by id, and made-up ones."""

from __future__ import annotations

from lib.cards import ModelCard
from lib.catalogue import card_for


def card(model: str) -> ModelCard:
    """The card as a gateway without a list of its own serves it."""
    return card_for(model)
