"""How video goes to one gateway: chosen by hand, or found out with a few small requests whose price is said before."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from lib.cards import GatewayCard, VideoForm
from lib.errors import NotFound, ParlourError
from lib.generation.video_probe import ProbeQuote, ProbeResult, Tried, video_models
from lib.markdown import label, plain, quiet
from lib.money import money
from lib.ui.notices import notice_for, notice_for_kind
from lib.ui.session import say_once, services

FORM_WORDS: dict[VideoForm, str] = {
    "image_url": "A picture (most gateways)",
    "video_url": "A video",
    "video_url_string": "A video, the short way",
    "file": "A file",
}
_OUTCOME_WORDS = {
    "seen": "seen",
    "ignored": "ignored",
    "refused": "refused",
    "untold": "answered, without saying how much was read",
    "failed": "failed",
}
_UNKNOWN_WORDS = {
    "none": "It ignored or refused the video in all four ways: this model may take none here.",
    "untold": "This cannot be told: the gateway does not say how much it read. Send a video and look at the answer.",
    "unclear": "This cannot be told yet, because some of the requests failed. Try again later.",
}


def show_video_form(gateway: GatewayCard) -> None:
    """The choice and the button, where the gateway has a model that takes video; else nothing."""
    models = video_models(services().gateways.models(gateway.id))
    if not models:
        return
    key = f"video-{gateway.id}"
    with st.expander("Video", icon=":material/movie:"):
        # The form is a part of the key, so that a form which was found out takes the place of the chosen one.
        chosen = f"{key}-{gateway.form.video}"
        st.selectbox(
            "Video is sent as",
            list(FORM_WORDS),
            index=list(FORM_WORDS).index(gateway.form.video),
            key=chosen,
            format_func=lambda form: FORM_WORDS[form],
            on_change=_choose,
            args=(gateway, chosen),
            help="Gateways differ, and most leave a video out without a word when it comes in another way.",
        )
        model = st.selectbox("Ask with", [card.id for card in models], key=f"{key}-model", format_func=plain)
        _show_probe(gateway, model, key)


def _show_probe(gateway: GatewayCard, model: str, key: str) -> None:
    try:
        st.caption(quiet(quote_words(services().video_probe.quote(gateway.id, model))))
    except NotFound:
        return
    if st.button("Find out", icon=":material/travel_explore:", key=f"{key}-probe"):
        _probe(gateway, model, key)
    found: ProbeResult | None = st.session_state.get(f"{key}-result")
    if found:
        _show_result(found)


def _probe(gateway: GatewayCard, model: str, key: str) -> None:
    try:
        with st.status("Asking the gateway…", expanded=True) as status:
            found = services().video_probe.run(gateway.id, model, lambda tried: status.write(tried_words(tried)))
    except ParlourError as error:
        st.error(notice_for(error).text, icon=":material/error:")
        return
    st.session_state[f"{key}-result"] = found
    st.rerun()


def _show_result(found: ProbeResult) -> None:
    show = st.success if found.verdict == "found" else st.warning
    show(quiet(result_words(found)), icon=":material/check_circle:" if found.verdict == "found" else ":material/help:")
    said = found.tried[-1].error_message
    if found.verdict in ("failed", "unclear") and said:
        st.caption(f"The gateway says: {quiet(said)}")


def _choose(gateway: GatewayCard, key: str) -> None:
    try:
        services().gateways.set_video(gateway.id, st.session_state[key])
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.session_state.pop(f"video-{gateway.id}-result", None)
    say_once(f"Saved for {label(gateway.name)}.", ":material/check:")


def quote_words(quote: ProbeQuote) -> str:
    """What finding out takes, before it begins."""
    cost = "the price is not known" if quote.nano is None else f"at most about {money(quote.nano, quote.currency)}"
    return (
        f"Finding out sends a four-second video with a short question, up to {quote.requests} times: "
        f"about {quote.input:,} tokens, {cost}."
    )


def tried_words(tried: Tried) -> str:
    """One request of a probe, in a line."""
    if tried.form is None:
        return "The question alone: " + ("failed" if tried.outcome == "failed" else "answered")
    return f"{FORM_WORDS[tried.form]}: {_OUTCOME_WORDS[tried.outcome]}"


def result_words(found: ProbeResult) -> str:
    """What a probe found, and what it cost."""
    return f"{_finding(found)} {_cost_words(found)}"


def _finding(found: ProbeResult) -> str:
    if found.works:
        form = FORM_WORDS[found.works].partition(" (")[0]
        return f"The gateway saw the video. From now on it is sent as {form[0].lower()}{form[1:]}."
    if found.verdict == "failed":
        kind = found.tried[-1].error_kind
        return f"The question was not answered. {notice_for_kind(kind).text if kind else 'Try again later.'}"
    return _UNKNOWN_WORDS[found.verdict]


def _cost_words(found: ProbeResult) -> str:
    if found.nano is None:
        return "What it cost is not known."
    return f"It cost {money(found.nano, found.currency)}."


assert set(FORM_WORDS) == set(get_args(VideoForm))
