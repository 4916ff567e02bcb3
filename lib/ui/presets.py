"""The small library inside the parameters button: system prompts with their parameters, under names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from lib.errors import NotFound, ParlourError
from lib.markdown import label, plain
from lib.store.rows import Preset, Settings
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services

if TYPE_CHECKING:
    from lib.ui.choice import Choice

SUGGESTED: tuple[tuple[str, str], ...] = (
    ("Short answers", "Answer in at most three sentences. Say so when you are not sure."),
    ("Editor", "Correct spelling and grammar of what I write. Keep my words and my tone, and list what you changed."),
    ("Tutor", "Teach by asking: give one hint at a time and let me find the answer myself."),
)
"""Offered while nothing is saved yet; they are stored only when somebody saves them."""


def show_presets(choice: Choice) -> None:
    """Choose one, save what is set now, rename, delete."""
    saved = {preset.public_id: preset for preset in services().store.presets.list(services().owner)}
    offered = saved or _suggested(choice)
    chosen = st.selectbox(
        "Presets" if saved else "Suggested presets",
        list(offered),
        index=None,
        key=choice.key("preset" if saved else "suggested"),
        format_func=lambda preset: plain(offered[preset].name) if preset in offered else "",
        placeholder="Choose a system prompt with its parameters",
        on_change=_apply,
        args=(choice, choice.key("preset" if saved else "suggested"), offered),
    )
    with st.container(horizontal=True, gap="small"):
        with st.popover("Save as…", icon=":material/bookmark_add:", type="tertiary", key=choice.key("preset-save")):
            _show_saving(choice)
        if chosen in saved:
            _show_changing(choice, saved[chosen])


def _suggested(choice: Choice) -> dict[str, Preset]:
    return {name: Preset(name, name, Settings(params=choice.params, system=system)) for name, system in SUGGESTED}


def _show_saving(choice: Choice) -> None:
    key = choice.key("preset-name")
    st.text_input("Name", key=key, max_chars=100, placeholder="Editor")
    st.button("Save", key=f"{key}-go", on_click=_save, args=(choice, key))


def _show_changing(choice: Choice, preset: Preset) -> None:
    key = choice.key("preset-rename", preset.public_id)
    with st.popover("Rename", icon=":material/edit:", type="tertiary", key=choice.key("preset-rename")):
        st.text_input("New name", preset.name, key=key, max_chars=100)
        st.button("Rename", key=f"{key}-go", on_click=_rename, args=(preset, key))
    st.button(
        "Delete",
        icon=":material/delete:",
        type="tertiary",
        key=choice.key("preset-delete"),
        on_click=_delete,
        args=(choice, preset),
        help="What is set now stays as it is.",
    )


# --- what the widgets do ----------------------------------------------------------------------------------------------


def _apply(choice: Choice, key: str, offered: dict[str, Preset]) -> None:
    preset = offered.get(st.session_state[key] or "")
    if preset:
        choice.take(preset.settings)


def _save(choice: Choice, key: str) -> None:
    """The model is not part of it: a preset works with any."""
    now = choice.in_force()
    settings = Settings(dialect=now.dialect, params=now.params, system=now.system)
    try:
        preset = services().store.presets.add(services().owner, st.session_state[key], settings)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.session_state[key] = ""
    say_once(f"Saved {label(preset.name)}.", ":material/check:")


def _rename(preset: Preset, key: str) -> None:
    try:
        services().store.presets.update(services().owner, preset.public_id, st.session_state[key], preset.settings)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")


def _delete(choice: Choice, preset: Preset) -> None:
    st.session_state[choice.key("preset")] = None
    try:
        services().store.presets.remove(services().owner, preset.public_id)
    except NotFound:
        return
    say_once(f"Deleted the preset {label(preset.name)}.", ":material/delete:")
