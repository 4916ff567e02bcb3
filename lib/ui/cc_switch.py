"""Handing a gateway on to CC Switch: four choices, and a link that holds the key and is made at a click only.

Neither the key nor the link is in the page before the click; the next run of the page takes it away again. It is not
kept in the session, never logged and never part of our own address.
"""

from __future__ import annotations

import streamlit as st

from lib.cards import GatewayCard, ModelCard
from lib.cc_switch import DIALECTS, Import, Program, endpoint, first_choice, link, preview, takes_no_images
from lib.errors import BadInput, ParlourError
from lib.markdown import label, plain
from lib.ui.gateway_form import warn_of_plain_http
from lib.ui.notices import notice_for
from lib.ui.session import services

_PROGRAMS: dict[Program, str] = {"claude": "Claude Code", "opencode": "OpenCode"}
_CHOICES = {
    "main": "Main model",
    "haiku": "In place of Haiku",
    "sonnet": "In place of Sonnet",
    "opus": "In place of Opus",
}


def show_cc_switch() -> None:
    """The choices and the button; where no gateway can be handed on, a line that says why."""
    gateways = [card for card in services().gateways.cards() if _programs(card)]
    with st.expander("Import to CC Switch", icon=":material/move_item:"):
        st.caption("CC Switch sets up coding programs on this computer. It must be installed already.")
        if not gateways:
            st.caption("Add a gateway of your own first: the demo has no key to hand on.")
            return
        ids = {card.id: card for card in gateways}
        chosen = st.selectbox("Gateway", list(ids), key="cc-gateway", format_func=lambda id_: plain(ids[id_].name))
        card = ids[chosen]
        program = st.segmented_control(
            "For",
            _programs(card),
            default=_programs(card)[0],
            required=True,
            key=f"cc-program-{card.id}",
            format_func=lambda program: _PROGRAMS[program],
        )
        _show_import(card, program)


def _programs(card: GatewayCard) -> list[Program]:
    """The programs that can use this gateway: they speak one of its dialects and can build its addresses."""
    spoken: list[Program] = [program for program, dialect in DIALECTS.items() if dialect in card.dialects]
    return [program for program in spoken if not card.demo and endpoint(program, card.base_url)]


def _show_import(card: GatewayCard, program: Program) -> None:
    models = {
        model.id: model
        for model in services().gateways.models(card.id)
        if model.abilities(DIALECTS[program]).listed is not False
    }
    if not models:
        st.caption("This gateway lists no model that speaks what the program needs.")
        return
    chosen = _choose_models(card, program, list(models))
    wanted = Import(program, card.name, card.base_url, **chosen)
    if program == "claude":
        _warn_of_images([models[model] for model in dict.fromkeys(chosen.values())])
    warn_of_plain_http(card.base_url)
    st.code(preview(wanted), language=None, wrap_lines=True)
    with st.container(horizontal=True):
        make = st.button("Make the link", icon=":material/link:", key="cc-make")
        show = st.button("Show it with the key", icon=":material/visibility:", type="tertiary", key="cc-show")
    if make or show:
        _show_link(wanted, card, as_text=show)


def _choose_models(card: GatewayCard, program: Program, ids: list[str]) -> dict[str, str]:
    """One choice for OpenCode; four for Claude Code, two and two beside each other."""
    names = list(_CHOICES) if program == "claude" else ["main"]
    chosen = {}
    for place, name in enumerate(names):
        if place % 2 == 0:
            columns = st.columns(min(len(names), 2))
        chosen[name] = columns[place % 2].selectbox(
            _CHOICES[name] if len(names) > 1 else "Model",
            ids,
            index=first_choice(ids),
            key=f"cc-{name}-{program}-{card.id}",
            format_func=plain,
        )
    return chosen


def _warn_of_images(models: list[ModelCard]) -> None:
    blind = [model.id for model in models if takes_no_images(model)]
    if blind:
        st.warning(
            f"{', '.join(label(name) for name in blind)}: no images through Messages. "
            "A picture pasted into Claude Code fails.",
            icon=":material/hide_image:",
        )


def _show_link(wanted: Import, card: GatewayCard, *, as_text: bool) -> None:
    """The link, for this one run of the page."""
    try:
        made = link(wanted, services().gateways.key_to_hand_on(card.id))
    except ParlourError as error:
        words = "This gateway has no key." if isinstance(error, BadInput) else notice_for(error).text
        st.error(words, icon=":material/error:")
        return
    if as_text:
        st.code(made.reveal(), language=None, wrap_lines=True)
    else:
        st.link_button("Open CC Switch", made.reveal(), icon=":material/open_in_new:", type="primary")
    st.caption("The link holds your key: do not send it to anybody. It is gone with your next step on this page.")
