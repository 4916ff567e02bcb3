"""A gateway's own bill: brought as CSV, held against the ledger, with what is left over on either side."""

from __future__ import annotations

import streamlit as st
from msgspec import Struct

from lib.bills.line import COLUMNS, Bill, BillForm, Column, Trouble
from lib.bills.reading import POINTS_PER_USD, read_bill
from lib.cards import GatewayCard
from lib.errors import BadInput, NotFound, ParlourError
from lib.markdown import label, plain
from lib.store.bills import KeptBill
from lib.ui.notices import notice_for
from lib.ui.price_entry import CURRENCIES
from lib.ui.price_place import choose_gateway
from lib.ui.price_words import day_words
from lib.ui.session import remember, say_once, services
from lib.ui.statement_match import show_match

_FORMS: dict[BillForm | None, str] = {
    None: "Tell from its headings",
    "new-api": "new-api log",
    "openrouter": "OpenRouter activity",
    "mapped": "Another table",
}
_FORM_WORDS: dict[BillForm, str] = {
    "new-api": "a new-api log",
    "openrouter": "OpenRouter’s activity",
    "mapped": "a table",
}
_COLUMNS: dict[Column, str] = {
    "time": "Time",
    "model": "Model",
    "tokens_in": "Input tokens",
    "tokens_out": "Output tokens",
    "amount": "Amount",
    "id": "Request id",
    "id_too": "Another id",
    "tokens_cached": "Cached tokens",
    "currency": "Currency",
    "kind": "Kind of line",
}
_TROUBLES = {
    "no_amount": "has no amount that can be read",
    "ambiguous": "has an amount that may be a thousand or a fraction",
    "no_time": "has no time that can be read",
    "negative_tokens": "has tokens below zero or no whole number",
    "too_many": "and all after it are beyond 100,000 lines",
    "no_columns": "names no column for an amount. Say below which it is",
    "aggregated": "sums several requests, so they cannot be told apart",
    "currency": "is in a currency that is not known",
}
_MOST = 10


class _How(Struct, frozen=True):
    """How a bill is to be read."""

    form: BillForm | None
    points: int | None
    currency: str = "USD"
    columns: dict[Column, int] | None = None


def show_bills() -> None:
    """Draw it: bring a bill, the list of those that are here, and the one that is looked at."""
    st.caption("Held against the ledger by request id, then by time and tokens. The ledger itself is never changed.")
    kept = services().store.bills.list(services().owner)
    with st.expander(
        "Import a bill", icon=":material/upload:", expanded=not kept, key=f"bill-new-{remember('bills-saved', 0)}"
    ):
        _show_import()
    if not kept:
        st.markdown("No bill was imported yet. What agrees, what differs and what is missing will stand here.")
        return
    _show_kept(_choose(kept))


def _show_import() -> None:
    gateway = choose_gateway(demo=False)
    if gateway is None:
        st.markdown("The demo sends no bills. Connect a gateway in Settings first.")
        return
    key = f"bill-{remember('bills-saved', 0)}"
    file = st.file_uploader("CSV from the gateway", type=["csv", "tsv", "txt"], key=f"{key}-file")
    text = st.text_area("Or paste it", key=f"{key}-text", height=100)
    given: str | bytes = file.getvalue() if file else text
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form = st.selectbox(
            "What it is", list(_FORMS), key=f"{key}-form", width=240, format_func=lambda one: _FORMS[one]
        )
        points = st.number_input(
            "Points per unit", 0, 10**9, 0, key=f"{key}-points", width=170,
            help=f"0: amounts are money; a new-api quota counts {POINTS_PER_USD:,} to the dollar.",
        )  # fmt: skip
        currency = st.selectbox(
            "Currency", CURRENCIES, key=f"{key}-currency", width=130, help="Of amounts that name none"
        )
    if not given.strip():
        return
    how = _How(form, points or None, currency)
    bill = _read(given, how)
    if bill is None:
        return
    if bill.headings and (form == "mapped" or bill.form == "mapped"):
        columns = _choose_columns(bill, key)
        bill = _read(given, _How(form, points or None, currency, columns)) or bill
    _show_read(gateway, bill, file.name if file else "pasted", key)


def _read(given: str | bytes, how: _How) -> Bill | None:
    try:
        return read_bill(
            given,
            how.form,
            columns=how.columns,
            zone=services().zone,
            points_per_unit=how.points,
            currency=how.currency,
        )
    except BadInput as error:
        said = "This bill is too large." if error.reason == "too_large" else "This is not a text file."
        st.error(said, icon=":material/error:")
        return None


def _choose_columns(bill: Bill, key: str) -> dict[Column, int]:
    """Which column is what; those that the headings tell are filled in."""
    st.markdown("**Which column is what**")
    places: list[int | None] = [None, *range(len(bill.headings))]
    chosen: dict[Column, int] = {}
    with st.container(horizontal=True):
        for name in COLUMNS:
            told = bill.columns.get(name)
            at = st.selectbox(
                _COLUMNS[name], places, index=0 if told is None else places.index(told), width=180,
                key=f"{key}-column-{name}",
                format_func=lambda place: "not there" if place is None else plain(bill.headings[place]) or "no heading",
            )  # fmt: skip
            if at is not None:
                chosen[name] = at
    return chosen


def _show_read(gateway: GatewayCard, bill: Bill, name: str, key: str) -> None:
    for trouble in bill.troubles[:_MOST]:
        st.caption(f":material/error: {label(_trouble_words(trouble), limit=200)}")
    if len(bill.troubles) > _MOST:
        st.caption(f"And {len(bill.troubles) - _MOST:,} more lines that cannot be read.")
    if not bill.lines:
        return
    skipped = f", {bill.skipped:,} that bill nothing left out" if bill.skipped else ""
    n = len(bill.lines)
    st.markdown(label(f"Read as {_FORM_WORDS[bill.form]}: {n:,} line{'s' * (n != 1)}{skipped}."))
    st.button("Import and compare", type="primary", key=f"{key}-save", on_click=_keep, args=(gateway, bill, name))


def _trouble_words(one: Trouble) -> str:
    detail = f"“{plain(one.detail, 60)}” " if one.detail else ""
    return f"Line {one.line}: {detail}{_TROUBLES[one.code]}."


def _keep(gateway: GatewayCard, bill: Bill, name: str) -> None:
    try:
        kept = services().store.bills.add(services().owner, gateway.id, bill, name)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.session_state["bills-saved"] += 1
    st.query_params["bill"] = kept.public_id
    say_once("Imported the bill.", ":material/check:")


def _choose(kept: list[KeptBill]) -> KeptBill:
    by_id = {one.public_id: one for one in kept}
    named = st.query_params.get("bill", "")
    st.session_state["bill-chosen"] = named if named in by_id else kept[0].public_id
    st.selectbox(
        "Bill", list(by_id), key="bill-chosen", format_func=lambda one: _bill_words(by_id[one]), on_change=_take
    )
    return by_id[st.session_state["bill-chosen"]]


def _take() -> None:
    st.query_params["bill"] = st.session_state["bill-chosen"]


def _bill_words(one: KeptBill) -> str:
    zone = services().zone
    period = "" if one.from_ms is None or one.to_ms is None else (
        f" · {day_words(one.from_ms, zone)} to {day_words(one.to_ms, zone)}"
    )  # fmt: skip
    return f"{_gateway_name(one.gateway_id)} · {plain(one.name, 60) or 'bill'} · {one.n_lines:,} lines{period}"


def _gateway_name(gateway_id: int) -> str:
    try:
        return plain(services().gateways.card(gateway_id).name)
    except NotFound:
        return "removed gateway"


def _show_kept(kept: KeptBill) -> None:
    try:
        found = services().store.bills.matched(services().owner, kept.public_id)
    except NotFound as error:
        st.error(notice_for(error).text, icon=":material/error:")
        return
    with st.container(border=True, key="bill"):
        show_match(found)
        if n := kept.n_troubles:
            st.caption(f"{n:,} line{'s' * (n != 1)} of the file could not be read: in none of these sums.")
        st.button(
            "Delete this import", icon=":material/delete:", type="tertiary", key="bill-delete",
            on_click=_remove, args=(kept,),
        )  # fmt: skip


def _remove(kept: KeptBill) -> None:
    try:
        services().store.bills.remove(services().owner, kept.public_id)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.query_params.pop("bill", None)
    say_once("Deleted the import. The ledger stays as it is.", ":material/delete:")
