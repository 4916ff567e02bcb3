"""Opening a conversation at one of its messages: `?chat=…&at=…`, from a search result or a link."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.errors import NotFound
from lib.ui.session import services
from lib.ui.transcript_window import WINDOW

_JS = """
export default function ({ parentElement, data }) {
  const message = parentElement.closest('[data-testid="stChatMessage"]');
  if (!message || parentElement.dataset.arrival === String(data.arrival)) return;
  parentElement.dataset.arrival = data.arrival;
  const go = () => message.scrollIntoView({ block: "start" });
  const mark = () => {
    if (!window.Highlight || !data.words.length) return;
    const found = new Highlight();
    const texts = document.createTreeWalker(message, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.data.toLowerCase();
      for (const word of data.words) {
        for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
          const range = new Range();
          range.setStart(texts.currentNode, at);
          range.setEnd(texts.currentNode, at + word.length);
          found.add(range);
        }
      }
    }
    CSS.highlights.set("parlour-hit", found);
  };
  // The rest of the page is still being drawn, and its blocks change their height.
  for (const wait of [0, 150, 500, 1000]) setTimeout(() => { go(); mark(); }, wait);
}
"""
_CSS = "::highlight(parlour-hit) { background-color: rgba(255, 196, 0, 0.45); }"
_anchor: Any = st.components.v2.component("parlour_arrival", js=_JS, css=_CSS, html="<span></span>", isolate_styles=False)


def arrive(chat: str | None) -> None:
    """Before the conversation is read: show the branch that holds the message the URL names, far enough back.

    Done once per arrival, so that what is done on the page afterwards is not undone.
    """
    at = st.query_params.get("at")
    if chat is None or at is None:
        st.session_state.pop("arrived", None)
        return
    asked = st.session_state.pop("arrival", None)
    words = asked[2] if asked and asked[:2] == (chat, at) else ()
    arrived = st.session_state.get("arrived")
    if asked is None and arrived and arrived[:2] == (chat, at):
        return
    store, owner = services().store.conversations, services().owner
    try:
        store.choose(owner, chat, at)
    except NotFound:
        st.query_params.pop("at", None)
        return
    messages = store.transcript(owner, chat).messages
    place = next(place for place, message in enumerate(messages) if message.public_id == at)
    turns = sum(message.role == "user" for message in messages[place:]) + 1
    st.session_state[f"turns-{chat}"] = max(turns, st.session_state.get(f"turns-{chat}", WINDOW // 2))
    number = arrived[3] + 1 if arrived else 1
    st.session_state["arrived"] = (chat, at, words, number)


def show_anchor(message: str) -> None:
    """Inside the message that was arrived at: scroll to it, once, and mark the words that were looked for."""
    arrived = st.session_state.get("arrived")
    if arrived and arrived[1] == message:
        _anchor(key="arrival", data={"arrival": arrived[3], "words": [word.lower() for word in arrived[2]]})
