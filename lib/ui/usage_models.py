"""Models: every model and variant, and what the period would have cost on the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lib import reports
from lib.cards import ModelCard
from lib.insight.slices import slice_of
from lib.insight.what_if import Whole, what_if, whole
from lib.insight_words import Dimension
from lib.ledger import Tally
from lib.markdown import label
from lib.money import money
from lib.ui import usage_charts_tables as tables
from lib.ui.session import services
from lib.ui.usage_demo import MADE_UP
from lib.ui.usage_place import Asked, lead_table

_SLICES: tuple[Dimension, ...] = ("gateway", "model", "base", "family", "variant", "priced")


def show_models(asked: Asked) -> None:
    """Draw the part."""
    frame = reports.models(asked.insight.variants(asked.owner, asked.filter), asked.currency)
    st.subheader("Models and variants", anchor=False)
    if not len(frame):
        st.caption("Nothing was asked in these days.")
        return
    rows = [{"gateways": (row["gateway"],), "bases": (row["base"],), "variants": (row["variant"],)}
            for row in frame.to_dict("records")]  # fmt: skip
    lead_table(asked, tables.models_table(frame, asked.currency, asked.names), rows, "usage-models", "Models")
    st.caption("Choose a row to see its requests. Times are of half of the requests, and of the slowest 5 %.")
    _show_what_if(asked)


def _show_what_if(asked: Asked) -> None:
    st.subheader("What it would have cost", anchor=False)
    tallies = asked.insight.tallies(asked.owner, asked.filter, _SLICES)
    found = what_if([slice_of(tally) for tally in tallies], cards_of(tallies), asked.currency)
    for line in whole_words(whole(found), sum(one.now_nano for one in found), asked.currency):
        st.markdown(label(line, limit=300))
    frame = reports.options(found)
    if not len(frame):
        st.caption("None of these models has other variants at its gateway now.")
        return
    rows = [{"gateways": (row["gateway"],), "bases": (row["base"],)} for row in frame.to_dict("records")]
    lead_table(asked, tables.options_table(frame, asked.currency, asked.names), rows, "usage-options", "On others")
    st.caption(
        "The same tokens at today's prices of each variant. Answers of another variant may be longer, shorter or worse."
    )


def cards_of(tallies: Sequence[Tally]) -> Mapping[int, Sequence[ModelCard]]:
    """The models of each gateway that is still here, with today's prices; of the made-up one, the demo's."""
    held = services().gateways
    cards = {card.id: card for card in held.cards()}
    demo = next((card.id for card in cards.values() if card.demo), None)
    asked = {tally.gateway_id for tally in tallies}
    found = {gateway: held.models(gateway) for gateway in asked if gateway in cards}
    if MADE_UP in asked and demo is not None:
        found[MADE_UP] = held.models(demo)
    return found


def whole_words(found: Sequence[Whole], now_nano: int, currency: str) -> list[str]:
    """The largest saving and the dearest alternative, in a sentence each."""
    lines = []
    saving = [one for one in found if one.saving > 0]
    dearer = [one for one in found if one.saving < 0]
    if saving:
        best = saving[0]
        lines.append(
            f"All on {best.label}: {money(best.nano, currency)} instead of {money(now_nano, currency)}, "
            f"{money(best.saving, currency)} less{_moved(best)}."
        )
    if dearer:
        worst = dearer[-1]
        lines.append(
            f"All on {worst.label}: {money(worst.nano, currency)}, so your choice saved "
            f"{money(-worst.saving, currency)}{_moved(worst)}."
        )
    return lines


def _moved(one: Whole) -> str:
    return "" if one.moved == one.bases else f" (where it exists: {one.moved} of {one.bases} models)"
