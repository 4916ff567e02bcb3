"""Adding and changing a gateway: the form, the connection test in human words, removal."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from lib.cards import VARIANT_RULES, DialectName, GatewayCard, VariantRule
from lib.errors import ParlourError, SettingsError
from lib.gateway import Reach
from lib.markdown import label, quiet
from lib.ui.notices import notice_for, notice_for_test
from lib.ui.session import remember, say_once, services

_DIALECTS: dict[DialectName, str] = {"openai": "Chat Completions (OpenAI)", "anthropic": "Messages (Anthropic)"}


def show_form(card: GatewayCard | None) -> None:
    """The form of a stored gateway, or of a new one.

    A form hands over what stands in its fields when a button is pressed; single fields would lose a key that was
    left with Tab, because Streamlit's eye button takes the focus inside the field.
    """
    # Saving begins a new form: a typed key does not stay in the page.
    key = f"gateway-{card.id if card else 'new'}-{remember('gateways-saved', 0)}"
    with st.form(key, border=False):
        name = st.text_input("Name", card.name if card else "", key=f"{key}-name", placeholder="Work", max_chars=80)
        url, secret = show_address(card, key)
        dialects = _choose_dialects(card, key)
        rules = _show_variants(card, key)
        with st.container(horizontal=True):
            test = st.form_submit_button("Test connection", icon=":material/network_check:", key=f"{key}-test")
            save = st.form_submit_button("Save" if card else "Add gateway", type="primary", key=f"{key}-save")
    warn_of_plain_http(url)
    if test:
        _test(url, secret, card)
    if save:
        _save(card, name, url, secret, dialects, rules)
    if card:
        st.button(
            "Remove",
            icon=":material/delete:",
            type="tertiary",
            key=f"{key}-remove",
            on_click=_remove,
            args=(card,),
            help="Its spend stays in the usage.",
        )


def show_address(card: GatewayCard | None, key: str) -> tuple[str, str]:
    """The fields for base URL and key; what stands in them. A stored key is never shown again."""
    url = st.text_input(
        "Base URL",
        card.base_url if card else "",
        key=f"{key}-url",
        placeholder="https://gateway.example",
        help="The address without /v1; Parlour adds the paths.",
    )
    secret = st.text_input(
        "Key",
        "",
        key=f"{key}-key",
        type="password",
        autocomplete="off",
        placeholder=f"Stored, ends in {card.key_hint}" if card and card.key_hint else "sk-…",
        help="Stored encrypted on this machine. It is never shown again.",
    )
    return url, secret


def warn_of_plain_http(url: str) -> None:
    if url.strip().startswith("http://") and "://127.0.0.1" not in url and "://localhost" not in url:
        st.warning("Plain http: the key and every message travel unencrypted.", icon=":material/lock_open:")


def _choose_dialects(card: GatewayCard | None, key: str) -> tuple[DialectName, ...]:
    offered: list[DialectName] = list(_DIALECTS)
    chosen: list[DialectName] = ["openai"] if card is None else list(card.dialects)
    dialects = st.pills(
        "Dialects",
        offered,
        selection_mode="multi",
        default=chosen,
        key=f"{key}-dialects",
        format_func=lambda dialect: _DIALECTS[dialect],
        help="Test connection finds out which of them the gateway serves.",
    )
    return tuple(dialects) or ("openai",)


def _show_variants(card: GatewayCard | None, key: str) -> tuple[VariantRule, ...]:
    with st.expander("Price variants"):
        rows = st.data_editor(
            [{"Ending": r.suffix, "Variant": r.variant, "Shown as": r.label} for r in _rules(card)],
            num_rows="dynamic",
            hide_index=True,
            key=f"{key}-rules",
            width="stretch",
        )
        st.caption("A model id that ends so is a price variant of the id without it.")
    return tuple(_rule(row) for row in rows if _filled(row))


def _rules(card: GatewayCard | None) -> tuple[VariantRule, ...]:
    return card.variant_rules if card else VARIANT_RULES


def _filled(row: Mapping[str, object]) -> bool:
    return bool(str(row.get("Ending") or "").strip() and str(row.get("Variant") or "").strip())


def _rule(row: Mapping[str, object]) -> VariantRule:
    suffix, variant = str(row["Ending"]).strip(), str(row["Variant"]).strip()
    return VariantRule(suffix, variant, str(row.get("Shown as") or variant).strip())


def _test(url: str, secret: str, card: GatewayCard | None) -> None:
    try:
        with st.spinner("Asking the gateway…"):
            reach = services().gateways.test(url, secret, card.id if card else None)
    except ParlourError as error:
        show_failed_test(error)
        return
    st.success(reach_words(reach), icon=":material/check_circle:")


def show_failed_test(error: ParlourError) -> None:
    """Why there is no connection, in words, and what the gateway said."""
    notice = notice_for_test(error)
    st.error(f"**{notice.what}** {notice.then}", icon=":material/error:")
    if error.message and not isinstance(error, SettingsError):
        st.caption(f"The gateway says: {quiet(error.message)}")


def reach_words(reach: Reach) -> str:
    """What a gateway serves, in one sentence or two."""
    served = " and ".join(_DIALECTS[name] for name in reach.dialects) or "no dialect that Parlour speaks"
    priced = sum(1 for model in reach.models if model.prices.known)
    if reach.list_error:
        return f"Connected. It serves {served}, but publishes no model list; the built-in catalogue is used."
    return f"Connected. It serves {served} and lists {len(reach.models)} models, {priced} of them with prices."


def _save(
    card: GatewayCard | None,
    name: str,
    url: str,
    secret: str,
    dialects: tuple[DialectName, ...],
    rules: tuple[VariantRule, ...],
) -> None:
    gateways = services().gateways
    try:
        saved = card or gateways.add(name, url, secret, dialects)
        gateways.update(
            saved.id,
            name=name,
            base_url=url,
            key=secret if card and secret else None,
            dialects=dialects,
            rules=rules,
            video=saved.form.video,
        )
    except ParlourError as error:
        notice = notice_for(error)
        st.error(f"**{notice.what}** {notice.then}", icon=":material/error:")
        return
    st.session_state["gateways-saved"] += 1
    say_once(f"Saved {label(name or url)}.", ":material/check:")
    st.rerun()


def _remove(card: GatewayCard) -> None:
    services().gateways.remove(card.id)
    say_once(f"Removed {label(card.name)}.", ":material/delete:")
