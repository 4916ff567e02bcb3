"""The page of chats over a real store: what it finds, and what can be done with the selected ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.search import Snippet
from lib.store import Store, open_store
from lib.ui.chat_list import heading_of
from lib.ui.found_chats import bold
from tests.store.acts import answered

HOSTILE = "**x** :smile: $5 [a](http://evil/) <b>needle</b>"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store("", tmp_path)
    yield store
    store.close()


def page(store: Store, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """The page as it is after its first run."""
    desk = SimpleNamespace(running_in=lambda chat: None)
    house = SimpleNamespace(login=SimpleNamespace(on=False))
    monkeypatch.setattr(
        bootstrap, "_services", SimpleNamespace(store=store, owner=store.owner(), zone="UTC", desk=desk, house=house)
    )

    def frame() -> None:
        import streamlit as st

        from lib.ui import pages

        st.navigation([st.Page(pages.CHATS, default=True), st.Page(pages.CHAT)], position="hidden").run()

    app = AppTest.from_function(frame, default_timeout=30)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def titles(app: AppTest) -> list[str]:
    return [button.label for button in app.button if str(button.key).startswith("open-")]


def words(app: AppTest) -> str:
    return " ".join([*(block.value for block in app.markdown), *(caption.value for caption in app.caption)])


def pick(app: AppTest, *chats: str) -> AppTest:
    for chat in chats:
        app.checkbox(key=f"pick-{chat}").check()
    return app.run()


def test_before_the_first_chat_the_page_says_what_will_be_here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Your chats will appear here" in words(page(store, monkeypatch))


def test_all_chats_are_listed_the_newest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        answered(store, f"chat {number}")
    assert titles(page(store, monkeypatch)) == ["chat 2", "chat 1", "chat 0"]


def test_a_query_in_the_url_is_explained_and_answered(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(store, "the question", answer="a needle in the hay")
    answered(store, "another")
    app = page(store, monkeypatch, q="needle -gold")
    assert titles(app) == ["the question"]
    assert "a **needle** in the hay" in words(app)
    assert "Chats with “needle” · without “gold”" in words(app)


def test_nothing_found_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(store, "hello")
    assert "No chat matches" in words(page(store, monkeypatch, q="nowhere"))


def test_hostile_text_is_only_text(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = answered(store, "hello", answer=HOSTILE)
    store.conversations.rename(store.owner(), begun.conversation, HOSTILE)
    store.organising.tag(store.owner(), [begun.conversation], "<i>:red[x]")
    shown = words(page(store, monkeypatch, q="needle")) + "".join(titles(page(store, monkeypatch, q="needle")))
    for sign in ("**x**", ":smile:", "](http", "<b>", "<i>", ":red[", "$5"):
        assert sign not in shown
    assert "**needle**" in shown


def test_the_selected_are_organised_together_and_it_can_be_undone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = (answered(store, name).conversation for name in "abc")
    app = pick(page(store, monkeypatch), a, c)
    assert "2 selected" in words(app)
    app.button(key="bulk-delete").click().run()
    assert titles(app) == ["b"]
    assert "Deleted 2 chats" in words(app).replace("&#46;", ".")
    app.button(key="bulk-undo-button").click().run()
    assert titles(app) == ["c", "b", "a"]
    pick(app, b).button(key="bulk-pin").click().run()
    assert store.conversations.get(store.owner(), b).pinned
    pick(app, b, c).button(key="bulk-archive").click().run()
    assert [chat.archived for chat in store.conversations.list(store.owner())] == [True, True, False]
    app.button_group(key="shelf").set_value("Archived").run()
    assert titles(app) == ["c", "b"]


def test_the_trash_says_how_long_it_keeps_and_gives_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = answered(store, "precious")
    store.conversations.delete(store.owner(), begun.conversation)
    app = page(store, monkeypatch)
    app.button_group(key="shelf").set_value("Trash").run()
    assert "30 days left" in words(app)
    app.button(key="restore-0").click().run()
    assert "The trash is empty" in words(app)
    assert store.conversations.get(store.owner(), begun.conversation).title == "precious"


def test_a_folder_narrows_the_list(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    a, _ = (answered(store, name, answer="cloud").conversation for name in "ab")
    folder = store.folders.add(store.owner(), "Travel")
    store.organising.move(store.owner(), [a], folder.public_id)
    app = page(store, monkeypatch, q="cloud")
    assert titles(app) == ["b", "a"]
    app.selectbox(key="only-folder").set_value(folder.public_id).run()
    assert titles(app) == ["a"]


@pytest.mark.parametrize(
    ("day", "heading"),
    [
        (date(2026, 3, 30), "Today"),
        (date(2026, 3, 29), "Today"),
        (date(2026, 3, 28), "Yesterday"),
        (date(2026, 3, 22), "Previous 7 days"),
        (date(2026, 3, 21), "Previous 30 days"),
        (date(2026, 1, 5), "January"),
        (date(2025, 12, 5), "December 2025"),
    ],
)
def test_conversations_stand_under_their_day(day: date, heading: str) -> None:
    assert heading_of(day, date(2026, 3, 29)) == heading


def test_a_marked_hit_keeps_the_spaces_around_it() -> None:
    assert bold(Snippet("an *old* town", ((4, 7), (9, 13)))) == "an &#42;**old**&#42; **town**"
