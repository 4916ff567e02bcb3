"""A running answer on the page: follow it, a dozen updates a second, finished blocks never sent again.

The page only reads. Whatever ends this script run (another page, a click, a closed tab) leaves the answer running.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.generation import Followed, News
from lib.markdown import END_OF_BLOCK, LiveDrawing, Piece
from lib.ui.answer_line import thought_text
from lib.ui.long_text import LONG, weight
from lib.ui.notices import notice_for_kind
from lib.ui.streamlit_internals import StopException, end_block, session_is_alive

HZ = 12.0
_BEAT_S = 0.1
_GOES_ON = "*The answer goes on. It is too long to be drawn while it is written; it is shown in parts afterwards.*"
_LAST_WORDS_S = 0.02
"""The last words are on their way to the page before this thread begins the work that follows them."""


def show_live(live: Followed, *, on_native_stop: Callable[[], None]) -> None:
    """Draw the answer inside the current container until it is over.

    `on_native_stop` is called when the user pressed Streamlit's own Stop, which can only mean this answer.
    """
    follower = _Follower(live)
    try:
        waiting = st.empty()
        follower.wait_for_first(waiting)
        waiting.empty()
        if follower.has_reasoning:
            with st.status(":shimmer[Thinking]", type="compact") as status, st.container(gap="small"):
                st.write_stream(follower.reasoning())
            status.update(label=thought_text(live.reasoning_ms), state="complete")
        with st.container(gap="small"):
            st.write_stream(follower.text())
    except StopException:
        if session_is_alive():
            on_native_stop()
        raise


def wait_for_end(live: Followed) -> None:
    """Stay until an answer that is not drawn here is over; this run can be ended meanwhile, as while following."""
    seen = -1
    while not live.over:
        _ = "beat" in st.session_state
        seen = live.wait(seen, _BEAT_S)
        time.sleep(_BEAT_S)


class _Follower:
    """A cursor over one live answer."""

    def __init__(self, live: Followed) -> None:
        self._live = live
        self._version = -1
        self._reasoning_seen = 0
        self._text_seen = 0
        self._drawn_at = 0.0

    @property
    def has_reasoning(self) -> bool:
        return bool(self._live.texts()[1])

    def wait_for_first(self, place: DeltaGenerator) -> None:
        """A shimmering line that says what is being waited for, until something comes."""
        said = ""
        while True:
            news = self._live.news(0, 0)
            if news.over or news.reasoning or news.text or news.phase in ("reasoning", "writing"):
                return
            words = _waiting_words(news)
            if words != said:
                said = words
                place.markdown(f":shimmer[{words}]")
            self._beat()

    def reasoning(self) -> Iterator[object]:
        """Reasoning pieces until the text begins."""
        yield from self._pieces(lambda: self._take(reasoning=True), until_text=True)

    def text(self) -> Iterator[object]:
        """Text pieces until the answer is over."""
        yield from self._pieces(lambda: self._take(reasoning=False), until_text=False)

    def _pieces(self, take: Callable[[], tuple[str, News]], *, until_text: bool) -> Iterator[object]:
        drawing, size = LiveDrawing(), 0
        while True:
            new, news = take()
            before, size = size, size + weight(new)
            if size <= LONG:
                yield from _drawn(drawing.feed(new))
            elif before <= LONG:
                yield end_block
                yield _GOES_ON
            if news.over or (until_text and news.text):
                yield from _drawn(drawing.close()) if size <= LONG else ()
                time.sleep(_LAST_WORDS_S)
                return
            self._pace()
            self._beat()

    def _take(self, *, reasoning: bool) -> tuple[str, News]:
        news = self._live.news(self._reasoning_seen, self._text_seen)
        if reasoning:
            self._reasoning_seen += len(news.reasoning)
            return news.reasoning, news
        self._text_seen += len(news.text)
        return news.text, news

    def _pace(self) -> None:
        """Wait until the next update is due; the end of the answer is drawn at once."""
        due, seen = self._drawn_at + 1 / HZ, self._version
        while (rest := due - time.monotonic()) > 0 and not self._live.over:
            seen = self._live.wait(seen, rest)
        self._drawn_at = time.monotonic()

    def _beat(self) -> None:
        """Wait for a change. Touching the session state is where Streamlit can end this run meanwhile."""
        _ = "beat" in st.session_state
        self._version = self._live.wait(self._version, _BEAT_S)


def _drawn(pieces: list[Piece]) -> Iterator[object]:
    for piece in pieces:
        yield end_block if piece is END_OF_BLOCK else piece


def _waiting_words(news: News) -> str:
    if news.phase == "retrying":
        reason = notice_for_kind(news.error_kind or "").what.rstrip(".")
        return f"{reason}; trying again in {news.retry_in_s:.0f} s"
    if news.waited_s < 3:
        return "Waiting for the model"
    return f"Waiting for the model, {news.waited_s:.0f} s"
