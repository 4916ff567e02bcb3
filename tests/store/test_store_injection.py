"""Nothing that is text for a person is anything else for the database: every text argument of every function.

The functions come from the store itself (`test_store_owners.py`), the texts from `tests/fuzz/nasty.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import msgspec
import pytest
from sqlalchemy import inspect as inspected

from lib.cards import GatewayCard, Prices
from lib.errors import ParlourError, StoreError
from lib.ids import new_id, new_public_id, now_ms
from lib.messages import Part, TextPart
from lib.price_book.rules import multiplier
from lib.search import parse
from lib.store import Store
from lib.store.encoding import storable
from lib.store.rows import Settings
from lib.store.schema import metadata
from tests.fuzz.nasty import NASTY, SEARCH, SQL
from tests.fuzz.places import Place, replaced, text_places
from tests.store.acts import REF, answered, begin, end
from tests.store.test_store_owners import GUARDED, Mine

WORDS_OF_THE_PROGRAM = {("ledger", "rebuild", "kinds"), ("search", "find", "asked")}
"""Kinds of sums, and a query that was understood: what is typed goes through `parse`, which has a test below."""
ENDS = ("delete", "purge", "remove", "revoke", "clear", "undo", "destroy", "release", "pop_next", "take_back", "forget")
"""Functions that take away what the others need come last."""
IN_ORDER = sorted(GUARDED, key=lambda one: any(word in one[1] for word in ENDS))


# --- every argument ---------------------------------------------------------------------------------------------------


def test_no_text_in_any_argument_is_more_than_text(
    store: Store, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    """Each call works or is refused in words of ours; afterwards every table is there, and the sums are right."""
    mine, calls, places = Mine(store), 0, 0
    before = tables(store)
    for part, name in IN_ORDER:
        function, given = getattr(getattr(store, part), name), arguments(mine, part, name, store)
        for place in places_in(function, given):
            if (part, name, place[0]) in WORDS_OF_THE_PROGRAM:
                continue
            places += 1
            for text in some_of(NASTY, places, count(2, 30)):
                calls += 1
                given = arguments(mine, part, name, store)
                assert_harmless(function, mine.owner, replaced(given, place, text), text)
    assert tables(store) == before
    assert store.ledger.verify(mine.owner) == []
    assert words_of(store, answered(store, SQL[8]).conversation)[0] == SQL[8]
    measured(
        f"{len(NASTY)} texts, {calls:,} calls in {places} text arguments of {len(IN_ORDER)} functions, 0 store errors"
    )


def some_of(texts: tuple[str, ...], start: int, n: int) -> list[str]:
    """`n` of the texts, other ones at every place."""
    return [texts[(start * n + step) % len(texts)] for step in range(n)]


def arguments(mine: Mine, part: str, name: str, store: Store) -> dict[str, Any]:
    given = mine.arguments | mine.of_part.get(part, {}) | mine.of_part.get(f"{part}.{name}", {})
    given["now_ms"] = now_ms()
    if (part, name) == ("conversations", "create"):
        given["public_id"] = new_public_id()  # the id of a new one, made by the program
    if (part, name) == ("budgets", "reserve"):
        given["attempt_id"] = new_id()
    if (part, name) == ("ledger", "open"):
        given["request"] = msgspec.structs.replace(given["request"], id=new_id())
    wanted = inspect.signature(getattr(getattr(store, part), name)).parameters
    return {one: given[one] for one in wanted if one != "owner"}


def places_in(function: Callable[..., Any], given: dict[str, Any]) -> list[Place]:
    """Where in the arguments a free text stands."""
    hints = get_type_hints(function)
    return [(name, *path) for name, value in given.items() for path in text_places(value, hints[name])]


def assert_harmless(function: Callable[..., Any], owner: int, given: dict[str, Any], text: str) -> None:
    try:
        found = function(owner, **given)
        if isinstance(found, Iterator):
            list(found)
    except StoreError as error:
        pytest.fail(f"{function.__qualname__} with {text!r}: {error!r}")
    except ParlourError as error:
        assert "Traceback" not in str(error)  # refused, in words of ours


def tables(store: Store) -> set[str]:
    found = set(inspected(store._db.engine).get_table_names())
    assert set(metadata.tables) <= found
    return found


# --- and back ---------------------------------------------------------------------------------------------------------


def text_of(parts: tuple[Part, ...]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def words_of(store: Store, chat: str) -> list[str]:
    return [text_of(one.parts) for one in store.conversations.transcript(store.owner(), chat).messages]


class Kept:
    """Ways to write a text and to read it again; one_line ones may fold blanks and shorten."""

    def __init__(self, store: Store) -> None:
        self.store, self.owner = store, store.owner()
        self.chat = answered(store, "a question", answer="an answer")
        self.gateway = store.gateways.add(self.owner, GatewayCard(0, "G", "https://gateway.example")).id

    def message(self, text: str) -> str:
        return words_of(self.store, begin(self.store, text).conversation)[0]

    def answer(self, text: str) -> str:
        begun = begin(self.store, "asked")
        self.store.answers.finish(begun.answer_id, end(text=text, reasoning=text))
        said = self.store.answers.get(self.owner, begun.message)
        assert said is not None and said.reasoning == said.text
        return said.text

    def edit(self, text: str) -> str:
        name = self.store.messages.edit(self.owner, self.chat.conversation, self.chat.user_message, text)
        return text_of(self.store.messages.get(self.owner, name).parts)

    def draft(self, text: str) -> str:
        self.store.drafts.set(self.owner, "", text)
        return self.store.drafts.get(self.owner, "")

    def queued(self, text: str) -> str:
        item = self.store.queue.add(self.owner, self.chat.conversation, (TextPart(text),), REF, system=text)
        (found,) = self.store.queue.list(self.owner, self.chat.conversation)
        self.store.queue.remove(self.owner, item.public_id)
        assert found.system == storable(text_of(found.parts))
        return text_of(found.parts)

    def system(self, text: str) -> str:
        self.store.conversations.save_settings(self.owner, self.chat.conversation, Settings(system=text))
        return self.store.conversations.get(self.owner, self.chat.conversation).settings.system

    def preset(self, text: str) -> str:
        made = self.store.presets.add(self.owner, "p", Settings(system=text))
        found = self.store.presets.list(self.owner)[-1].settings.system
        self.store.presets.remove(self.owner, made.public_id)
        return found

    def preference(self, text: str) -> str:
        self.store.preferences.set(self.owner, "note", text)
        return str(self.store.preferences.get(self.owner, "note", ""))

    def prompt(self, text: str) -> str:
        return self.store.batches.create(self.owner, "b", text, system=text).prompt

    def note(self, text: str) -> str:
        self.store.prices.set_entered(self.owner, self.gateway, text, Prices(1, 2), note=text)
        found, *_ = self.store.prices.history(self.owner, self.gateway, text)
        assert found.model == found.note
        return found.model


EXACT = ("message", "answer", "edit", "draft", "queued", "system", "preset", "preference", "prompt", "note")


@pytest.mark.parametrize("way", EXACT)
def test_a_text_comes_back_as_it_was(store: Store, way: str, count: Callable[[int, int], int]) -> None:
    """But for NUL and halves of characters, which not every column can keep: they may be shown as ␀ and �."""
    write = getattr(Kept(store), way)
    step = count(5, 1)
    for text in NASTY[EXACT.index(way) % step :: step]:
        try:
            assert storable(write(text)) == storable(text)
        except ParlourError as error:
            assert not isinstance(error, StoreError)
            assert not text.strip() or len(text) > 200, repr(text)  # refused: nothing, or far too much


@pytest.mark.parametrize("what", ["title", "folder", "tag", "preset", "batch", "label"])
def test_a_name_comes_back_on_one_line(store: Store, what: str, count: Callable[[int, int], int]) -> None:
    owner, chat, step = store.owner(), answered(store).conversation, count(6, 1)
    gateway = store.gateways.add(owner, GatewayCard(0, "G", "https://gateway.example")).id
    for text in NASTY[len(what) % step :: step]:
        name = f"n {text}"[:30]
        try:
            match what:
                case "title":
                    store.conversations.rename(owner, chat, name)
                    found = store.conversations.get(owner, chat).title
                case "folder":
                    made = store.folders.add(owner, name)
                    found = made.name
                    store.folders.remove(owner, made.public_id)
                case "tag":
                    store.organising.tag(owner, [chat], name)
                    (found,) = store.conversations.get(owner, chat).tags
                    store.organising.tag(owner, [chat], name, on=False)
                case "preset":
                    kept = store.presets.add(owner, name, Settings())
                    found = kept.name
                    store.presets.remove(owner, kept.public_id)
                case "batch":
                    found = store.batches.create(owner, name, "p").name
                case "label":
                    found = store.price_rules.add(owner, multiplier(gateway, "low", "0.3", label=name)).rule.label
        except ParlourError as error:
            assert not isinstance(error, StoreError), repr(text)
        else:
            assert " ".join(found.split()) == " ".join(storable(name).split()), repr(text)
            assert what == "label" or "\n" not in found


# --- searching --------------------------------------------------------------------------------------------------------


def test_whatever_is_searched_for_is_words(store: Store, count: Callable[[int, int], int]) -> None:
    """Every operator of SQLite's and PostgreSQL's full-text languages, alone and between words; nothing else is found."""
    owner = store.owner()
    wanted = answered(store, "ein kranich fliegt").conversation
    answered(store, "nothing of that")
    for text in (*SEARCH, *SQL, *NASTY)[:: count(5, 1)]:
        asked = (text, f"kranich {text}", f"{text} kranich", f'"kranich {text}"', f"tag:{text}", f"model:{text}")
        for at, words in enumerate(asked):
            found = store.search.find(owner, parse(words, typing=at % 2 == 0))
            names = {hit.conversation.public_id for hit in found.hits}
            assert "kranich" not in words or words.startswith("-") or names <= {wanted}, words
    assert {hit.conversation.public_id for hit in store.search.find(owner, parse("kranich")).hits} == {wanted}
