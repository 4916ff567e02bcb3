"""The feed of price changes: what became dearer or cheaper, and what that means for a month like the last 30 days."""

from __future__ import annotations

import streamlit as st
from msgspec import structs

from lib.ids import now_ms
from lib.insight_words import Filter
from lib.ledger import Tally
from lib.markdown import label, plain
from lib.money import price_per_m
from lib.price_book.changes import Change, changes
from lib.store.rows import PriceVersion
from lib.tokens import TokenCount
from lib.ui.price_effect import DAYS, last_days
from lib.ui.price_words import PRICE_NAMES, day_words, source_words
from lib.ui.session import services

_MOST = 200
_FRESH_MS = 90 * 86_400_000


def show_feed() -> None:
    """Draw it: the changes of the last 90 days, or all."""
    st.subheader("Price changes", anchor=False)
    cards = {card.id: card for card in services().gateways.cards()}
    versions: list[PriceVersion] = []
    for card in cards.values():
        versions += services().store.prices.history(services().owner, card.id)
    found = [one for one in changes(versions, _month()) if one.kind != "first" or one.source not in ("gateway", "demo")]
    fresh = [one for one in found if one.at_ms >= now_ms() - _FRESH_MS]
    if not found:
        st.caption("No price has changed so far. When one does, it stands here with what it means for your month.")
        return
    everything = len(fresh) < len(found) and st.toggle("Older ones too", key="feed-all")
    shown = (found if everything else fresh)[:_MOST]
    for one in shown[:3]:
        if one.effect_nano:
            st.markdown(label(one.words(services().zone), limit=300))
    st.dataframe(
        [_row(one, plain(cards[one.gateway_id].name)) for one in shown],
        hide_index=True,
        alt="Price changes",
        column_config={"On your month": st.column_config.TextColumn(help=f"With the tokens of the last {DAYS} days")},
    )


def _month() -> dict[tuple[int, str], TokenCount]:
    """The tokens of the last 30 days by gateway and model, real ones."""
    filter: Filter = last_days(services().zone)
    tallies = services().store.insight.tallies(services().owner, filter, ("gateway", "model"))
    sums: dict[tuple[int, str], TokenCount] = {}
    for one in tallies:
        key = (one.gateway_id, one.model)
        sums[key] = _added(sums.get(key), _count(one))
    return sums


def _count(one: Tally) -> TokenCount:
    short = one.in_cache_write - one.in_cache_write_1h
    return TokenCount(
        one.in_uncached, one.in_cache_read, short, one.in_cache_write_1h, one.out_visible, one.out_reasoning
    )


def _added(one: TokenCount | None, other: TokenCount) -> TokenCount:
    if one is None:
        return other
    both = zip(structs.astuple(one), structs.astuple(other), strict=True)
    return TokenCount(*((a or 0) + (b or 0) for a, b in both))


def _row(one: Change, gateway: str) -> dict[str, str]:
    words = one.words(services().zone).removeprefix(one.model).strip()
    _, _, effect = words.partition(", ")
    return {
        "When": day_words(one.at_ms, services().zone),
        "Model": plain(one.model),
        "Gateway": gateway,
        "Price of": PRICE_NAMES[one.field],
        "Was": _amount(one.before, one.currency),
        "Is": _amount(one.after, one.currency),
        "On your month": effect.removesuffix(" on your month"),
        "From": source_words(one.source),
    }


def _amount(pico: int | None, currency: str) -> str:
    return price_per_m(pico, currency)
