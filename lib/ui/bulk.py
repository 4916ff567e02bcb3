"""What can be done with the selected chats, all at once, and how to take the last of it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from lib.errors import ParlourError
from lib.markdown import label
from lib.store.rows import Conversation
from lib.ui.found_chats import pick_all
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services

_UNDO = "bulk-undo"


def show_bulk(chosen: Sequence[Conversation], everything: Sequence[str]) -> None:
    """The bar over the list: what is selected, and the deeds; after one of them, the way back."""
    ids = [chat.public_id for chat in chosen]
    with st.container(key="bulk", horizontal=True, vertical_alignment="center", gap="small"):
        if not chosen:
            _show_undo()
            return
        st.caption(f"{len(chosen)} selected", width="content")
        if len(chosen) < len(everything):
            st.button("Select all", type="tertiary", on_click=pick_all, args=(everything,), kwargs={"on": True})
        st.button("Clear", type="tertiary", on_click=pick_all, args=(everything,), kwargs={"on": False})
        _show_switch("Pin", "Unpin", "pin", ids, all(chat.pinned for chat in chosen))
        _show_switch("Archive", "Unarchive", "archive", ids, all(chat.archived for chat in chosen))
        _show_move(ids)
        _show_tag(ids, sorted({tag for chat in chosen for tag in chat.tags}, key=str.casefold))
        st.button("Delete", icon=":material/delete:", key="bulk-delete", on_click=_delete, args=(ids,))


def _show_switch(do: str, undo: str, deed: str, ids: list[str], is_on: bool) -> None:
    icon = ":material/keep:" if deed == "pin" else ":material/archive:"
    words = undo if is_on else do
    st.button(words, icon=icon, key=f"bulk-{deed}", on_click=_switch, args=(deed, ids, not is_on))


def _switch(deed: str, ids: list[str], on: bool) -> None:
    done = {("pin", True): "Pinned", ("pin", False): "Unpinned", ("archive", True): "Archived"}
    n = getattr(services().store.organising, deed)(services().owner, ids, on=on)
    _say(f"{done.get((deed, on), 'Out of the archive:')} {_chats(n)}.", deed, ids, on=not on)


def _delete(ids: list[str]) -> None:
    for chat in ids:
        if running := services().desk.running_in(chat):
            services().desk.stop(running.message)
    n = services().store.organising.delete(services().owner, ids)
    _say(f"Deleted {_chats(n)}. What they cost stays in the usage.", "restore", ids)


def _show_move(ids: list[str]) -> None:
    with st.popover("Move", icon=":material/folder:", key="bulk-move"):
        folders = services().store.folders.list(services().owner)
        for folder in folders:
            key = f"move-{folder.public_id}"
            st.button(label(folder.name, limit=40), key=key, type="tertiary", on_click=_move, args=(ids, folder.name))
        if folders:
            st.button("No folder", key="move-out", type="tertiary", on_click=_move, args=(ids, None))
        with st.form("new-folder", border=False, clear_on_submit=True):
            st.text_input("New folder", key="new-folder-name", max_chars=80)
            st.form_submit_button("Create and move", key="move-new", on_click=_move_to_new, args=(ids,))


def _move_to_new(ids: list[str]) -> None:
    _move(ids, st.session_state["new-folder-name"].strip() or None)


def _move(ids: list[str], name: str | None) -> None:
    """Into the folder of that name, made if there is none."""
    store, owner = services().store, services().owner
    folder = store.folders.add(owner, name) if name else None
    n = store.organising.move(owner, ids, folder.public_id if folder else None)
    _say(f"Moved {_chats(n)} {f'to “{folder.name}”' if folder else 'out of the folder'}.", None, ids)


def _show_tag(ids: list[str], worn: list[str]) -> None:
    with st.popover("Tag", icon=":material/sell:", key="bulk-tag"):
        with st.form("new-tag", border=False, clear_on_submit=True):
            st.text_input("Tag", key="new-tag-name", max_chars=40)
            st.form_submit_button("Add tag", key="tag-add", on_click=_tag, args=(ids,))
        for tag in worn:
            words = f"Remove {label(tag, limit=40)}"
            st.button(words, key=f"untag-{tag}", type="tertiary", on_click=_untag, args=(ids, tag))


def _tag(ids: list[str]) -> None:
    name = st.session_state["new-tag-name"].strip().lstrip("#")
    if name:
        n = services().store.organising.tag(services().owner, ids, name)
        _say(f"Tagged {_chats(n)} “{name}”.", "tag", ids, name=name, on=False)


def _untag(ids: list[str], name: str) -> None:
    n = services().store.organising.tag(services().owner, ids, name, on=False)
    _say(f"Took “{name}” off {_chats(n)}.", "tag", ids, name=name, on=True)


def _say(words: str, undo: str | None, ids: list[str], **how: Any) -> None:
    """Remember what was done; nothing is selected any more."""
    pick_all(ids, on=False)
    st.session_state[_UNDO] = (words, undo, ids, how)


def _show_undo() -> None:
    done = st.session_state.get(_UNDO)
    if done:
        words, undo, _, _ = done
        st.caption(label(words), width="content")
        if undo:
            st.button("Undo", icon=":material/undo:", type="tertiary", key="bulk-undo-button", on_click=_undo)


def _undo() -> None:
    _, deed, ids, how = st.session_state.pop(_UNDO)
    try:
        getattr(services().store.organising, deed)(services().owner, ids, **how)
    except ParlourError as error:
        say_once(notice_for(error).text)


def _chats(n: int) -> str:
    return "1 chat" if n == 1 else f"{n} chats"
