"""The folder and the tag that the page of chats is narrowed to, and the folder's name."""

from __future__ import annotations

import streamlit as st

from lib.errors import ParlourError
from lib.markdown import plain
from lib.store.rows import Only
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services


def choose_place(*, archived: bool) -> Only:
    """Folder and tag, where there are any."""
    store, owner = services().store, services().owner
    folders, tags = store.folders.list(owner), store.organising.tags(owner)
    names = {folder.public_id: folder.name for folder in folders}
    folder = tag = None
    if folders or tags:
        with st.container(horizontal=True, vertical_alignment="center"):
            if folders:
                folder = _choose("Folder", "Any folder", names)
            if tags:
                tag = _choose("Tag", "Any tag", {tag.name: tag.name for tag in tags})
            if folder:
                _show_form(folder, names[folder])
    return Only(archived=True if archived else None, folder=folder, tag=tag)


def _choose(name: str, none: str, options: dict[str, str]) -> str | None:
    """One of `options` (value to words), or none of them."""
    words = {"": none} | options
    return (
        st.selectbox(
            name,
            list(words),
            format_func=lambda value: plain(words.get(value, none)),
            key=f"only-{name.lower()}",
            label_visibility="collapsed",
            width=200,
        )
        or None
    )


def _show_form(folder: str, name: str) -> None:
    """Rename or remove it, behind a quiet button."""
    with st.popover("Edit folder", icon=":material/edit:", type="tertiary", key="edit-folder"):
        key = f"folder-name-{folder}"
        st.text_input("Name", name, key=key, max_chars=80, on_change=_rename, args=(folder, key))
        st.button(
            "Remove folder",
            key="remove-folder",
            icon=":material/folder_off:",
            on_click=_remove,
            args=(folder,),
            help="Its chats stay.",
        )


def _rename(folder: str, key: str) -> None:
    name = st.session_state[key].strip()
    if not name:
        return
    try:
        services().store.folders.rename(services().owner, folder, name)
    except ParlourError as error:
        say_once(notice_for(error).text)


def _remove(folder: str) -> None:
    st.session_state.pop("only-folder", None)
    try:
        services().store.folders.remove(services().owner, folder)
    except ParlourError as error:
        say_once(notice_for(error).text)
