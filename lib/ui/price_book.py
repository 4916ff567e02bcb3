"""The price book of one gateway: every model by family and variant, the unpriced ones first; one opens its history."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from msgspec import Struct

from lib.cards import GatewayCard, ModelCard, Prices, PriceSource
from lib.catalogue import picker_groups
from lib.markdown import plain
from lib.money import price_per_m
from lib.store.rows import PriceVersion
from lib.ui.price_entry import show_entry
from lib.ui.price_history import show_history
from lib.ui.price_words import day_words, model_title, source_words
from lib.ui.session import services

_COLUMNS = {
    **{
        name: st.column_config.TextColumn(alignment="right", help="Per 1M tokens")
        for name in ("Input", "Output", "Cache read", "Cache write")
    },
    "Vendor list": st.column_config.TextColumn(
        alignment="right", help="Input / output, for reference only: nothing is charged at it"
    ),
}


class Line(Struct, frozen=True):
    """One model in the table; `version` is the row of the price book in force."""

    card: ModelCard
    prices: Prices
    source: PriceSource | None
    version: PriceVersion | None


def show_book(gateway: GatewayCard) -> None:
    """Draw the table, and below it the model that is looked at."""
    lines = book_lines(gateway)
    if not lines:
        st.markdown("This gateway lists no models yet. Its prices will stand here once it does.")
        return
    unpriced = sum(not line.prices.known for line in lines)
    st.caption(_summary(len(lines), unpriced))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input("Find", key="price-find", placeholder="Model or variant", width=260)
        only = unpriced and st.toggle(f"Only without a price ({unpriced})", key="price-unpriced")
    shown = [line for line in lines if _fits(line, wanted) and not (only and line.prices.known)]
    if not shown:
        st.caption("No model here fits that.")
    table = st.container()
    opened = _choose(gateway, lines)
    with table:
        _show_table(gateway, shown, rows=6 if opened else 12)
    if opened:
        with st.container(border=True, key="price-model"):
            show_entry(gateway, opened.card, opened.prices, opened.source)
            show_history(gateway, opened.card)


def book_lines(gateway: GatewayCard) -> list[Line]:
    """What is in force for each model, the unpriced first, then by family, model and variant."""
    store, owner = services().store, services().owner
    current = store.prices.all_current(owner, gateway.id)
    versions = {version.id: version for version in store.prices.history(owner, gateway.id)}
    groups = picker_groups(services().gateways.models(gateway.id))
    cards = [card for family in groups for model in family.models for card in model.variants]
    found = [_line(card, versions.get(current[card.id].version_id) if card.id in current else None) for card in cards]
    return sorted(found, key=lambda line: line.prices.known)


def _line(card: ModelCard, version: PriceVersion | None) -> Line:
    return Line(card, version.prices if version else Prices(), version.source if version else None, version)


def _summary(models: int, unpriced: int) -> str:
    said = f"{models:,} model{'s' * (models > 1)}, prices per 1M tokens."
    if not unpriced:
        return f"{said} Each has a price."
    return f"{said} {unpriced:,} without a price: what they cost shows as unpriced, never as 0."


def _fits(line: Line, wanted: str) -> bool:
    there = f"{line.card.id} {line.card.label} {line.card.variant_label} {line.card.family}".casefold()
    return all(word in there for word in wanted.casefold().split())


def _show_table(gateway: GatewayCard, lines: Sequence[Line], rows: int) -> None:
    key = f"price-table-{gateway.public_id}"
    st.dataframe(
        [_row(line) for line in lines],
        hide_index=True,
        column_config=_COLUMNS,
        height=38 + 35 * min(rows, max(1, len(lines))),
        key=key,
        on_select=lambda: _take_row(key, [line.card.id for line in lines]),
        selection_mode="single-row",
        alt="Prices by model and variant",
    )


def _row(line: Line) -> dict[str, str]:
    prices, listed = line.prices, line.card.vendor_prices
    amounts = (prices.input, prices.output, prices.cache_read, prices.cache_write_5m)
    names = ("Input", "Output", "Cache read", "Cache write")
    vendor = f"{price_per_m(listed.input, listed.currency)} / {price_per_m(listed.output, listed.currency)}"
    return {
        "Model": plain(model_title(line.card)),
        "Variant": plain(line.card.variant_label),
        **{name: price_per_m(pico, prices.currency) for name, pico in zip(names, amounts, strict=True)},
        "From": source_words(line.source),
        "Since": day_words(line.version.valid_from_ms, services().zone) if line.version else "",
        "Vendor list": vendor if listed.known else "",
        "Id": plain(line.card.id),
    }


def _take_row(key: str, models: Sequence[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(models):
        st.query_params["model"] = models[rows[0]]
    else:
        st.query_params.pop("model", None)


def _choose(gateway: GatewayCard, lines: Sequence[Line]) -> Line | None:
    """The same choice for the keyboard; the address names it."""
    known = {line.card.id: line for line in lines}
    named = st.query_params.get("model")
    key = f"price-chosen-{gateway.public_id}"
    st.session_state[key] = named if named in known else None
    st.selectbox(
        "Look at one model",
        list(known),
        index=None,
        key=key,
        placeholder="Choose a model to see its history or to enter its price",
        format_func=lambda model: plain(f"{model_title(known[model].card)} · {known[model].card.variant_label}"),
        on_change=_take_choice,
        args=(key,),
    )
    return known.get(st.session_state[key] or "")


def _take_choice(key: str) -> None:
    if chosen := st.session_state[key]:
        st.query_params["model"] = chosen
    else:
        st.query_params.pop("model", None)
