"""The mark inside a message that was arrived at: it scrolls there, once, and lights up the words looked for."""

from __future__ import annotations

from typing import Any

import streamlit as st

_JS = """
export default function ({ parentElement, data }) {
  const message = parentElement.closest('[data-testid="stChatMessage"]');
  if (!message || parentElement.dataset.arrival === String(data.arrival)) return;
  parentElement.dataset.arrival = data.arrival;
  message.style.scrollMarginTop = "4rem";
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
  // Who says something here wants to see the answer: the page follows its end again, as soon as the message is there.
  const follow = () => {
    const page = message.closest('[data-testid="stAppScrollToBottomContainer"]');
    const count = () => document.querySelectorAll('[data-testid="stChatMessage"]').length;
    const before = count(), until = Date.now() + 10000;
    let turns = 8, scrolled = false;
    page?.addEventListener("wheel", () => { scrolled = true; }, { once: true, passive: true });
    const step = () => {
      if (!page || scrolled || turns === 0 || Date.now() > until) return;
      page.scrollTo(0, page.scrollHeight);
      if (count() > before) turns -= 1;
      setTimeout(step, 100);
    };
    setTimeout(step, 100);
  };
  document.addEventListener("keydown", (event) => {
    const said = event.target.closest?.('[data-testid="stChatInput"]');
    if (said && event.key === "Enter" && !event.shiftKey && message.isConnected) follow();
  });
}
"""
_CSS = """
::highlight(parlour-hit) { background-color: rgba(255, 196, 0, 0.45); }
.st-key-arrival { position: absolute; }
"""
_anchor: Any = st.components.v2.component(
    "parlour_arrival", js=_JS, css=_CSS, html="<span></span>", isolate_styles=False
)


def show_anchor(message: str) -> None:
    """Inside the message that was arrived at: scroll to it, once, and mark the words that were looked for."""
    arrived = st.session_state.get("arrived")
    if arrived and arrived[1] == message:
        _anchor(key="arrival", data={"arrival": arrived[3], "words": [word.lower() for word in arrived[2]]})
