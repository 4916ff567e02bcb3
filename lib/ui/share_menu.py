"""What can be taken out of one conversation: a file, or a link to a snapshot of it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lib.errors import BadInput, NotFound
from lib.store.rows import Conversation, Share
from lib.transfer.words import time_words
from lib.ui.session import say_once, services
from lib.ui.transfer_files import chat_file, chat_file_name, make_link
from lib.ui.transfer_words import (
    FORM_HELP,
    FORM_ICONS,
    FORM_WORDS,
    LIVES,
    LIVES_BY_DEFAULT,
    MIME,
    counted,
    refusal_words,
)


def show_share(conversation: Conversation) -> None:
    """A quiet button that opens the menu. It may not stand inside another popover: call `show_menu` there."""
    with st.popover("Share", icon=":material/ios_share:", type="tertiary", key="share-button"):
        show_menu(conversation)


def show_menu(conversation: Conversation) -> None:
    """Downloads, and the links to snapshots."""
    chat = conversation.public_id
    st.caption("Download this chat")
    with st.container(horizontal=True, gap="small", key="share-files"):
        for form, words in FORM_WORDS.items():
            st.download_button(
                words,
                partial(chat_file, services(), chat, form),
                file_name=chat_file_name(conversation.title, form),
                mime=MIME[form],
                icon=FORM_ICONS[form],
                help=FORM_HELP[form].replace("each chat", "the chat"),
                key=f"download-{form}",
                on_click="ignore",
            )
    _show_link_form(chat)
    links = services().store.shares.list(services().owner, chat)
    if links:
        st.caption(counted(len(links), "link") + " to this chat")
        for link in links:
            show_link(link)


def _show_link_form(chat: str) -> None:
    st.caption("Or share a read-only snapshot of what you see now")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Link ends after", list(LIVES), index=list(LIVES).index(LIVES_BY_DEFAULT), key="link-lives", width=140
        )
        st.button("Create link", icon=":material/link:", key="create-link", on_click=_create, args=(chat,))
    st.checkbox("With tokens and cost", key="link-costs")
    st.checkbox("With attached pictures", key="link-pictures")
    problem = st.session_state.get("link-problem")
    if problem and problem[0] == chat:
        st.error(problem[1], icon=":material/error:")
    made = st.session_state.get("new-link")
    if made and made[0] == chat:
        st.code(made[1], language=None, wrap_lines=True)
        st.caption(
            "Copy it now: it is not shown again. Whoever has the link and can reach this address can read the snapshot."
        )


def show_link(link: Share, *, title: str = "") -> None:
    """One link that still leads somewhere, with Revoke."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        ends = f"ends {time_words(link.expires_ms, services().zone)}"
        facts = [title, f"made {time_words(link.created_ms, services().zone)}", ends]
        facts.append("with costs" if link.with_costs else "")
        st.caption(" · ".join(fact for fact in facts if fact), width="stretch")
        st.button(
            "Revoke",
            icon=":material/link_off:",
            type="tertiary",
            key=f"revoke-{link.public_id}",
            on_click=_revoke,
            args=(link.public_id,),
        )


def _create(chat: str) -> None:
    for name in ("new-link", "link-problem"):
        st.session_state.pop(name, None)
    try:
        _, address = make_link(
            services(),
            chat,
            lives_ms=LIVES[st.session_state["link-lives"]],
            costs=st.session_state["link-costs"],
            pictures=st.session_state["link-pictures"],
            page_url=st.context.url or "",
        )
    except BadInput as error:
        st.session_state["link-problem"] = (chat, refusal_words(error))
    except NotFound:
        say_once("This chat is gone.")
    else:
        st.session_state["new-link"] = (chat, address)


def _revoke(share: str) -> None:
    st.session_state.pop("new-link", None)
    try:
        services().store.shares.revoke(services().owner, share)
    except NotFound:
        say_once("That link had ended already.")
    else:
        say_once("Revoked. The link leads nowhere now.", ":material/link_off:")
