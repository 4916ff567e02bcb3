"""One request: what it cost and why, what the gateway said, what was corrected, and its message."""

from __future__ import annotations

import json
from typing import get_args

import streamlit as st

from lib.errors import NotFound
from lib.insight.formula import Line, corrections, formula
from lib.insight.trust import anomaly_words
from lib.insight_words import PriceRow, Request
from lib.ledger import ESTIMATED_SOURCES, UsageSource
from lib.local_time import local, zone_of
from lib.markdown import label
from lib.money import UNKNOWN, money, price_per_m
from lib.ui.cost_words import PRICE_WORDS, cost_words
from lib.ui.pages import CHAT
from lib.ui.usage_place import Asked, turn
from lib.ui.usage_words import PURPOSE_WORDS, STATUS_WORDS, Names, time_words


def show_request(asked: Asked, request_id: int) -> None:
    """Draw it, in place of the list."""
    with st.container(horizontal=True, vertical_alignment="center"):
        back = {"request": None}
        st.button("All requests", icon=":material/arrow_back:", on_click=turn, args=(asked.view,), kwargs=back)
        try:
            found = asked.insight.request(asked.owner, request_id)
        except NotFound:
            st.caption("This request is not there any more.")
            return
        if found.row.conversation:
            place = {"chat": found.row.conversation, "at": found.row.message}
            there = {name: value for name, value in place.items() if value}
            st.page_link(CHAT, label="Open its message", icon=":material/chat:", query_params=there)
    row = found.row
    about = "≈ " if row.usage_source in ESTIMATED_SOURCES and row.cost.nano is not None else ""
    st.subheader(
        label(f"{about}{money(row.cost.nano, row.cost.currency)} · {asked.names.model(row.base)}"), anchor=False
    )
    left, right = st.columns(2, gap="large")
    with left:
        _show_formula(found)
        _show_corrections(asked, found)
    with right:
        st.table(facts(found, asked.names, asked.filter.zone), border="horizontal")
    _show_raw(found)


def _show_formula(found: Request) -> None:
    st.markdown("**Why it cost that**")
    row = found.row
    prices = found.price.prices if found.price else None
    sources: tuple[UsageSource, ...] = get_args(UsageSource)
    source: UsageSource = next((known for known in sources if known == row.usage_source), "none")
    lines = formula(row.count, prices, row.cost, usage_source=source)
    st.code(formula_text(lines), language=None, wrap_lines=True)
    if found.price:
        _show_price(found.price)
    else:
        st.caption(cost_words(row.cost.source or "", row.usage_source, row.cost.nano is not None))


def formula_text(lines: tuple[Line, ...]) -> str:
    """The lines as they are shown: the sum below its parts."""
    return "\n".join(line.text for line in lines)


def _show_price(price: PriceRow) -> None:
    prices = price.prices
    named = {
        "Input": prices.input,
        "Output": prices.output,
        "Cached input": prices.cache_read,
        "Written to cache": prices.cache_write_5m,
        "Written for an hour": prices.cache_write_1h,
    }
    words = " · ".join(
        f"{name} {price_per_m(pico, prices.currency)}" for name, pico in named.items() if pico is not None
    )
    since = local(price.valid_from_ms, zone_of("UTC"))
    note = f" · {price.note}" if price.note else ""
    source = PRICE_WORDS.get(price.source, price.source)
    st.caption(label(f"{source} per 1M tokens, since {since.day} {since:%b %Y}: {words}{note}", limit=500))


def _show_corrections(asked: Asked, found: Request) -> None:
    if len(found.costs) < 2:
        return
    st.markdown("**Corrections**")
    zone = zone_of(asked.filter.zone)
    lines = [
        f"{local(step.created_ms, zone):%d %b %Y %H:%M}  {line.text}"
        for step, line in zip(found.costs, corrections(found.costs), strict=True)
    ]
    st.code("\n".join(lines), language=None, wrap_lines=True)


def facts(found: Request, names: Names, zone: str) -> dict[str, str]:
    """What is known of it besides money; what is not known is not named. Values are safe to show."""
    row = found.row
    when = local(found.started_ms or row.at_ms, zone_of(zone))
    said = {
        "Asked": f"{when.day} {when:%b %Y %H:%M:%S}",
        "Chat": found.title or None,
        "Gateway": row.gateway_name or None,
        "Model": row.model,
        "Variant": names.variant(row.variant),
        "Answered as": found.model_reported,
        "Purpose": PURPOSE_WORDS.get(row.purpose, row.purpose),
        "Status": STATUS_WORDS.get(row.outcome, row.outcome),
        "Try": str(found.number) if found.number > 1 else None,
        "What went wrong": " · ".join(filter(None, (row.error_kind, found.error_message))) or None,
        "Answer of the gateway": str(found.http_status) if found.http_status else None,
        "Tokens in": _tokens(row.count.input),
        "Tokens out": _tokens(row.count.output),
        "Letters": f"{found.chars_in:,} asked, {found.chars_out:,} answered" if found.chars_in else None,
        "Counts": anomaly_words(found.anomaly) if found.anomaly else None,
        "Thinking effort": found.effort,
        "First words": time_words(row.first_visible_ms),
        "Whole answer": time_words(row.duration_ms),
        "Number at the gateway": found.response_id,
    }
    return {name: label(value, limit=300) for name, value in said.items() if value}


def _tokens(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _show_raw(found: Request) -> None:
    with st.expander("What the gateway reported", type="compact"):
        if found.usage_raw:
            st.code(pretty(found.usage_raw), language="json", wrap_lines=True)
        else:
            st.caption("The gateway reported no usage.")


def pretty(raw: str) -> str:
    """JSON with its lines apart; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return raw
