"""What new prices would do, before they are kept: to the last 30 days, and to requests that have no cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import streamlit as st

from lib.cards import GatewayCard, Prices
from lib.insight_words import Filter
from lib.local_time import zone_of
from lib.markdown import label, plain
from lib.money import money
from lib.price_book.preview import Effect, Preview, preview
from lib.ui.price_words import prices_words
from lib.ui.session import services

DAYS = 30


def last_days(zone: str) -> Filter:
    """The last 30 local days with today: what "your month" means here."""
    tomorrow = datetime.now(UTC).astimezone(zone_of(zone)).date() + timedelta(days=1)
    return Filter(tomorrow - timedelta(days=DAYS), tomorrow, zone)


def effect_of(gateway: GatewayCard, change: Mapping[str, Prices]) -> Preview:
    """The effect of giving models of a gateway these prices."""
    store, owner = services().store, services().owner
    model = next(iter(change)) if len(change) == 1 else None
    uses = store.repricing.uses(owner, gateway.id, last_days(services().zone), model)
    book = {name: one.prices for name, one in store.prices.all_current(owner, gateway.id).items()}
    references = {card.id: card.vendor_prices for card in services().gateways.models(gateway.id)}
    return preview(change, uses, book=book, references=references)


def show_effect(gateway: GatewayCard, change: Mapping[str, Prices]) -> None:
    """In a sentence or two."""
    for line in effect_lines(effect_of(gateway, change)):
        st.caption(label(line, limit=400))


def effect_lines(found: Preview) -> list[str]:
    """What changes, in words; the requests that could be priced; what stays."""
    lines = []
    if found.unchanged and not found.effects:
        lines.append("That is the price it has.")
    for currency, nano in sorted(found.differences.items()):
        known = [one for one in found.effects if one.currency == currency and one.month_before]
        if known:
            before = sum(one.month_before for one in known)
            lines.append(
                f"The last {DAYS} days cost {money(before, currency)} there; at the new price it would have been "
                f"{money(before + nano, currency)} ({_signed(nano, currency)})."
            )
    for currency, nano in sorted(found.repriced_nano.items()):
        n = sum(one.reprices for one in found.effects if one.currency == currency)
        if n:
            lines.append(f"{_requests(n)} without a price could then be priced: {money(nano, currency)} together.")
    if found.still_unpriced:
        lines.append(f"{_requests(found.still_unpriced)} would stay unpriced: tokens or a price are not known.")
    return lines


def effect_rows(found: Preview) -> list[dict[str, str]]:
    """Model by model, for a table."""
    return [_row(one) for one in found.effects]


def _row(one: Effect) -> dict[str, str]:
    return {
        "Model": plain(one.model),
        "Now": prices_words(one.before) if one.before else "no price",
        "New": prices_words(one.after),
        f"{DAYS} days": money(one.month_before, one.currency) if one.month_before else "",
        "At the new price": money(one.month_after, one.currency) if one.month_before else "",
        "Unpriced requests": f"{one.reprices:,}" if one.reprices else "",
        "They would cost": money(one.repriced_nano, one.currency) if one.reprices else "",
    }


def _signed(nano: int, currency: str) -> str:
    if not nano:
        return "no difference"
    return f"{'+' if nano > 0 else '−'}{money(abs(nano), currency)}"


def _requests(n: int) -> str:
    return f"{n:,} request{'s' * (n != 1)}"
