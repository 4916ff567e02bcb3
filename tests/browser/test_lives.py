"""Tabs that are closed, reloaded, doubled, cut off from the network, and a process that is asked to go."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from lib.cards import ModelCard
from lib.embedded.answers import script_for
from lib.messages import Ask, user
from tests.browser.conftest import Parlour, Watch
from tests.browser.steps import (
    COMPOSER,
    FOOTERS,
    MESSAGES,
    answered,
    ask,
    begun,
    eventually,
    growing,
    last_message,
    ledger,
    open_new_chat,
    prose,
    rows,
    say,
    seen,
    settled,
    stored_answers,
)

pytestmark = pytest.mark.browser

AT_ONCE = 5
CARDS = ".st-key-queue .card"
ASKED = (
    "SELECT m.text FROM message m JOIN conversation c ON c.id = m.conversation_id "
    "WHERE c.public_id = ? AND m.role = 'user' ORDER BY m.id"
)


def sent_to(question: str) -> str:
    """What the demo answers to a question, character by character."""
    return script_for(Ask("m", (user(question),)), ModelCard("m", "m", "m")).text


def is_whole(app: Parlour, page: Page, chat: str, question: str) -> None:
    """The one answer of this conversation is what the gateway sent, byte for byte: kept, handed out and shown."""
    wanted = sent_to(question)
    [stored] = stored_answers(app, chat)
    assert (stored["state"], stored["text"]) == ("done", wanted)
    assert page.request.get(f"{app.url}/answer/{stored['public_id']}/text").text() == wanted
    assert prose(wanted) in seen(last_message(page))


def begin(app: Parlour, page: Page, name: str, tokens: int = 500) -> tuple[Page, str, str]:
    """Another tab with an answer that has begun to show, and takes some seconds more: (tab, conversation, question)."""
    for times in range(1, 6):  # on a busy machine an answer may be over before a tab has shown much of it
        tab, question = page.context.new_page(), f"n={times * tokens} tps=100 {name}"
        tab.goto(app.url)
        say(tab, question)
        chat = begun(tab)
        growing(last_message(tab), beyond=100)
        if [row["state"] for row in stored_answers(app, chat)] == ["running"]:
            return tab, chat, question
        tab.close()
    raise AssertionError("every answer was over too soon")


@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.full)])
def test_a_closed_tab_ends_no_answer(
    app: Parlour, page: Page, half: int, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    times, left = count(1, 25), []
    for number in range(half * times, (half + 1) * times):
        tab, chat, question = begin(app, page, f"closed {number}")
        tab.close()
        left.append((chat, question))
    for chat, question in left:
        page.goto(f"{app.url}/?chat={chat}")
        answered(page)
        is_whole(app, page, chat, question)
    measured(f"{times} of {times} answers whole after their tab was closed in the middle")


@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.full)])
def test_a_reloaded_tab_has_what_it_had_and_what_came_since(
    app: Parlour, page: Page, half: int, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    times, visible_s = count(1, 25), []
    for first in range(0, times, AT_ONCE):
        tabs = []
        for number in range(first, min(first + AT_ONCE, times)):
            tab, chat, question = begin(app, page, f"reloaded {half} {number}")
            before = seen(last_message(tab))
            began = time.monotonic()
            tab.reload()
            expect(tab.locator(MESSAGES)).to_have_count(2)
            growing(last_message(tab), beyond=len(before) - 1)
            visible_s.append(time.monotonic() - began)
            tabs.append((tab, chat, question, before))
        for tab, chat, question, before in tabs:
            answered(tab)
            is_whole(app, tab, chat, question)
            assert before[:-60] in seen(last_message(tab))
            tab.close()
    visible_s.sort()
    measured(
        f"{times} of {times} byte-equal after a reload in the middle; what was there is visible again after "
        f"{visible_s[len(visible_s) // 2]:.2f} s (median), at most {visible_s[-1]:.2f} s"
    )


def test_a_tab_without_a_network_has_the_whole_answer_when_it_is_back(app: Parlour, page: Page, watch: Watch) -> None:
    """As a laptop that is closed and opened: its socket dies, the answer does not."""
    watch.forgive_outage()
    watch.forgive(r"ERR_INTERNET_DISCONNECTED|ERR_NETWORK")
    sockets: list[WebSocketRoute] = []
    away = [False]

    def connect(socket: WebSocketRoute) -> None:
        if away[0]:
            socket.close()
            return
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    open_new_chat(page, app)
    question = "n=300 tps=100 away for a while"
    say(page, question)
    chat = begun(page)
    growing(last_message(page), beyond=100)
    away[0] = True
    page.context.set_offline(True)
    for socket in sockets:
        socket.close()
    eventually(lambda: stored_answers(app, chat)[0]["state"], "done", 20)
    assert len(seen(last_message(page))) < len(prose(sent_to(question)))
    away[0] = False
    page.context.set_offline(False)
    answered(page)
    is_whole(app, page, chat, question)


@pytest.mark.full
def test_two_tabs_that_send_at_the_same_moment_both_get_their_answer_once(app: Parlour, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "echo first")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(FOOTERS)).to_have_count(1)
    settled(other)
    for tab, text in ((page, "n=40 tps=100 here"), (other, "n=40 tps=100 there")):
        tab.locator(COMPOSER).fill(text)
    for tab in (page, other):
        tab.locator(COMPOSER).press("Enter")
    eventually(lambda: [row["state"] for row in stored_answers(app, chat)], ["done"] * 3, 30)
    assert sorted(row["text"] for row in rows(app, ASKED, chat)) == sorted(
        ["echo first", "n=40 tps=100 here", "n=40 tps=100 there"]
    )
    assert len(ledger(app, chat)) == 3
    for tab in (page, other):
        tab.reload()
        answered(tab, 3)


@pytest.mark.full
def test_a_second_enter_and_a_double_click_send_nothing_more(app: Parlour, page: Page) -> None:
    open_new_chat(page, app)
    composer = page.locator(COMPOSER)
    composer.fill("n=60 tps=100 twice")
    composer.press("Enter")
    composer.press("Enter")
    chat = answered(page)
    assert [row["text"] for row in rows(app, ASKED, chat)] == ["n=60 tps=100 twice"]
    composer.fill("n=200 tps=100 clicked twice")
    page.locator('[data-testid="stChatInputSubmitButton"]').dblclick()
    answered(page, 2)
    last_message(page).get_by_role("button", name="Answer again").dblclick()
    expect(last_message(page)).to_contain_text("2/2")
    answered(page, 2)
    assert len(rows(app, ASKED, chat)) == 2
    assert [row["outcome"] for row in ledger(app, chat)] == ["ok"] * 3


@pytest.mark.full
def test_a_process_that_is_asked_to_go_keeps_what_it_has(
    parlour: Callable[..., Parlour],
    page: Page,
    watch: Watch,
    count: Callable[[int, int], int],
    measured: Callable[[str], None],
) -> None:
    watch.forgive_outage()
    watch.forgive(r"Streamlit server is not responding|Client Error in reaching server endpoint")
    app, took = parlour(PARLOUR_DEMO_SPEED="0"), []
    for signals in (2, 1, 3)[: count(1, 3)]:
        tabs = [begin(app, page, f"{signals} {number}", tokens=5_000) for number in range(2)]
        before = [seen(last_message(tab)) for tab, _, _ in tabs]
        took.append(asked_to_go(app, signals))
        for shown, (tab, chat, question) in zip(before, tabs, strict=True):
            tab.close()
            [stored] = stored_answers(app, chat)
            assert stored["state"] == "interrupted" and sent_to(question).startswith(stored["text"])
            assert len(prose(stored["text"])) >= len(shown) - 60
            assert [row["outcome"] for row in ledger(app, chat)] == ["unknown"]
        assert not re.search("Traceback|ERROR", app.log), app.log[-3000:]
        app.start()
        page.goto(f"{app.url}/?chat={tabs[0][1]}")
        expect(last_message(page)).to_contain_text("Parlour was closed while this answer was written")
    assert max(took) < 10
    measured(
        f"SIGTERM {len(took)} times, once and repeated, at 2 running answers: gone within {max(took):.1f} s, all kept"
    )


def asked_to_go(app: Parlour, signals: int) -> float:
    """Send so many SIGTERM; how long it took to go, in seconds."""
    process, app.process = app.process, None
    assert process
    began = time.monotonic()
    for _ in range(signals):
        os.kill(process.pid, signal.SIGTERM)
        time.sleep(0.05)
    process.wait(20)
    return time.monotonic() - began
