"""Where the open conversation is kept: pinned, archived, in which folder, with which tags."""

from __future__ import annotations

import streamlit as st

from lib.errors import ParlourError
from lib.markdown import plain
from lib.store.rows import Conversation, Folder
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services


def show_shelf(conversation: Conversation) -> None:
    """Two buttons; the folder, where there are any; the tags."""
    chat = conversation.public_id
    with st.container(horizontal=True):
        _show_switch("pin", "Unpin" if conversation.pinned else "Pin", ":material/keep:", chat, not conversation.pinned)
        words = "Unarchive" if conversation.archived else "Archive"
        _show_switch("archive", words, ":material/archive:", chat, not conversation.archived)
    names = {"": "No folder"} | {folder.public_id: folder.name for folder in _folders()}
    if len(names) > 1:
        key, places = f"folder-of-{chat}", list(names)
        at = places.index(conversation.folder) if conversation.folder in names else 0
        st.selectbox(
            "Folder",
            places,
            at,
            format_func=lambda folder: plain(names.get(folder, "")),
            key=key,
            on_change=_move,
            args=(chat, key),
        )
    key = f"tags-of-{chat}"
    st.multiselect(
        "Tags",
        sorted({*conversation.tags, *(tag.name for tag in services().store.organising.tags(services().owner))}),
        list(conversation.tags),
        key=key,
        format_func=plain,
        accept_new_options=True,
        placeholder="Add a tag",
        on_change=_tag,
        args=(conversation, key),
    )


def _folders() -> list[Folder]:
    return services().store.folders.list(services().owner)


def _show_switch(deed: str, words: str, icon: str, chat: str, on: bool) -> None:
    st.button(words, icon=icon, key=f"{deed}-chat", on_click=_switch, args=(deed, chat, on))


def _switch(deed: str, chat: str, on: bool) -> None:
    getattr(services().store.organising, deed)(services().owner, [chat], on=on)


def _move(chat: str, key: str) -> None:
    try:
        services().store.organising.move(services().owner, [chat], st.session_state[key] or None)
    except ParlourError as error:
        say_once(notice_for(error).text)


def _tag(conversation: Conversation, key: str) -> None:
    wanted, worn = set(st.session_state[key]), set(conversation.tags)
    organising, owner = services().store.organising, services().owner
    for name in wanted ^ worn:
        if name.strip("# "):
            organising.tag(owner, [conversation.public_id], name, on=name in wanted)
