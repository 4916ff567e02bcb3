"""The feed of price changes: what became dearer or cheaper, and what that means for a month like the last 30 days."""

from __future__ import annotations

from itertools import groupby

import streamlit as st
from msgspec import structs

from lib.ids import now_ms
from lib.insight_words import Filter
from lib.ledger import Tally
from lib.markdown import plain
from lib.money import money, price_per_m
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
    rows = [_row(list(several)) for _, several in groupby(shown, key=_step)]
    names = {card.id: plain(card.name) for card in cards.values()}
    st.dataframe(
        [{**row, "Gateway": names[int(row["Gateway"])]} for row in rows],
        hide_index=True,
        alt="Price changes",
        column_config={"On your month": st.column_config.TextColumn(help=f"With the tokens of the last {DAYS} days")},
    )


def _step(one: Change) -> tuple[int, int, str, str]:
    return one.at_ms, one.gateway_id, one.model, one.source


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


def _row(several: list[Change]) -> dict[str, str]:
    """All prices of one model that changed at one moment."""
    first = several[0]
    effects = [one.effect_nano for one in several if one.effect_nano is not None]
    return {
        "When": day_words(first.at_ms, services().zone),
        "Model": plain(first.model),
        "What": ", ".join(_moved(one) for one in several)
        + " (the first)" * all(one.kind == "first" for one in several),
        "On your month": _signed(sum(effects), first.currency) if effects else "",
        "From": source_words(first.source),
        "Gateway": str(first.gateway_id),
    }


def _moved(one: Change) -> str:
    """ "input $3.00 to $2.00 (−33.3 %)"."""
    name, after = PRICE_NAMES[one.field].lower(), price_per_m(one.after, one.currency)
    if one.kind == "gone":
        return f"{name} without a price"
    if one.kind == "first" or one.before is None:
        return f"{name} {after}"
    by = f" ({one.permille / 10:+.1f} %)".replace("-", "−") if one.permille is not None else ""
    return f"{name} {price_per_m(one.before, one.currency)} to {after}{by}"


def _signed(nano: int, currency: str) -> str:
    return f"{'−' if nano < 0 else '+'}{money(abs(nano), currency)}" if nano else "no difference"
