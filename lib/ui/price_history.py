"""One model's prices over time: a small step chart, every version with its source, and the vendor's list beside it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib import vendor_prices
from lib.cards import GatewayCard, ModelCard
from lib.ids import now_ms
from lib.markdown import label, plain
from lib.money import price_per_m
from lib.price_book.book import Span, spans
from lib.store.rows import PriceVersion
from lib.ui.price_words import PRICE_NAMES, day_words, prices_words, source_words
from lib.ui.session import services

_SHOWN = ("input", "output")
_CHART = {
    "mark": {"type": "line", "interpolate": "step-after", "point": True, "tooltip": True},
    "encoding": {
        "x": {"field": "at", "type": "temporal", "title": None},
        "y": {"field": "price", "type": "quantitative", "title": None},
        "color": {
            "field": "of",
            "type": "nominal",
            "title": None,
            "scale": {"domain": ["Input", "Output"], "range": ["#0072B2", "#D55E00"]},
            "legend": {"orient": "top"},
        },
        "strokeDash": {"field": "of", "type": "nominal", "legend": None},
    },
}


def show_history(gateway: GatewayCard, card: ModelCard) -> None:
    """Draw it."""
    versions = services().store.prices.history(services().owner, gateway.id, card.id)
    st.subheader("History", anchor=False)
    if versions:
        life = spans(versions)
        if len(life) > 1:
            _show_chart(life)
        st.dataframe(
            [_row(version) for version in versions],
            hide_index=True,
            height="content" if len(versions) < 8 else 320,
            alt="Every version of this price",
        )
    else:
        st.caption("No price was ever known for it here.")
    _show_reference(card)


def _show_chart(life: Sequence[Span]) -> None:
    now = now_ms()
    points = [
        {"at": at, "price": pico / 10**6, "of": PRICE_NAMES[field]}
        for span in life
        for field in _SHOWN
        if (pico := getattr(span.prices, field)) is not None
        for at in (span.from_ms, now if span.to_ms is None else span.to_ms)
    ]
    if points:
        currency = next(span.prices.currency for span in life if span.prices.known)
        st.caption(label(f"{currency} per 1M tokens"))
        st.vega_lite_chart(spec={"data": {"values": points}, **_CHART}, alt="Price per 1M tokens over time", height=240)


def _row(version: PriceVersion) -> dict[str, str]:
    return {
        "From": day_words(version.valid_from_ms, services().zone),
        **{name: price_per_m(getattr(version.prices, field), version.prices.currency) for field, name in _FEW},
        "Source": source_words(version.source)
        if version.prices.known
        else f"{source_words(version.source)}: withdrawn",
        "Note": plain(version.note),
    }


_FEW = [(field, name) for field, name in PRICE_NAMES.items() if field != "cache_write_1h"]


def _show_reference(card: ModelCard) -> None:
    """What the vendor lists for the base model; asked for only here, where one model is looked at."""
    listed = vendor_prices.reference(card.base) or card.vendor_prices
    if listed.known:
        st.caption(f":material/menu_book: {label(f'The vendor lists {prices_words(listed)} per 1M tokens.')} "
                   "For reference only: what a gateway charges is its own business.")  # fmt: skip
