"""The messages that wait behind the running answer, as cards: edited, moved, sent or removed. One element for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import streamlit as st

from lib.ledger import AnswerState
from lib.markdown import plain
from lib.messages import TextPart
from lib.store.rows import QueueItem, StoredMessage
from lib.ui.attachment_words import files_words
from lib.ui.browser_parts import browser_part
from lib.ui.model_picker import model_name
from lib.ui.session import services

_cards = browser_part("queue")
_KEY = "queue"
_WHY: dict[AnswerState, str] = {
    "stopped": "You stopped the answer, so what waits behind it has not been sent.",
    "failed": "The answer failed, so what waits behind it has not been sent.",
    "cut": "The answer was cut off, so what waits behind it has not been sent.",
    "interrupted": "Parlour was closed meanwhile, so what waits has not been sent.",
}


class Queueing(Protocol):
    """The conversation the messages wait in (`lib.ui.chat.Chat`)."""

    def do_queue(self, item: str, deed: str, value: str) -> None: ...
    def resume_queue(self) -> None: ...


def show_queue(items: Sequence[QueueItem], *, paused: str, running: bool, chat: Queueing) -> None:
    """The cards, if anything waits. `paused` says why nothing is sent; empty while the queue goes on by itself."""
    if items:
        data = {"items": [_item(item) for item in items], "paused": paused, "running": running}
        _cards(key=_KEY, data=data, on_deed_change=lambda: _tell(chat), height="content")


def paused_words(messages: Sequence[StoredMessage], *, running: bool) -> str:
    """Why what waits is not being sent."""
    if running:
        return ""
    state = messages[-1].state if messages else None
    return _WHY.get(state or "done", "The queue is paused.")


def _item(item: QueueItem) -> dict[str, str]:
    text = "\n".join(part.text for part in item.parts if isinstance(part, TextPart))
    files = files_words(item.parts)
    name = plain(model_name(services().gateways.label_card(item.ref)))
    return {"id": item.public_id, "text": text or files, "model": f"{name} · {files}" if files else name}


def _tell(chat: Queueing) -> None:
    told: Any = st.session_state[_KEY].deed
    if not isinstance(told, dict):
        return
    item, name, value = (str(told.get(field, "")) for field in ("item", "name", "value"))
    if name == "resume":
        chat.resume_queue()
    else:
        chat.do_queue(item, name, value)
