"""What was said is found again, on both databases: by any of its words, by its owner only, and never when deleted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy import text as sql

from lib.errors import BadInput
from lib.ids import new_id, now_ms
from lib.ledger import Cost, ModelRef
from lib.messages import ImagePart, TextPart
from lib.search import parse, tokens
from lib.store import Store
from lib.store.migrations import step_0003
from lib.store.rows import Only
from lib.store.search_index import has_index
from tests.store.acts import REF, answered, attempt, begin, end, turn
from tests.store.conftest import Place

WORDS = ["kyoto", "Straße", "東京都", "naïve", "snake_case", "100%", "한국어를", "Москва", "हिन्दी"]


def found(store: Store, query: str, **how: object) -> list[str]:
    """The titles that a query finds."""
    page = store.search.find(store.owner(), parse(query), **how)  # type: ignore[arg-type]
    return [hit.conversation.title for hit in page.hits]


def texts(store: Store, query: str) -> list[str]:
    return [hit.snippet.text for hit in store.search.find(store.owner(), parse(query)).hits]


def test_questions_and_answers_are_found_with_a_piece_of_the_text(store: Store, owner: int) -> None:
    begun = answered(store, "Where is the old town?", answer="Alfama lies below the castle")
    answered(store, "something else")
    (hit,) = store.search.find(owner, parse("castle ")).hits
    assert (hit.conversation.public_id, hit.message, hit.role) == (begun.conversation, begun.message, "assistant")
    assert [piece for piece, is_hit in hit.snippet.pieces if is_hit] == ["castle"]
    assert found(store, "old town") == ["Where is the old town?"]


@pytest.mark.parametrize("word", WORDS)
def test_words_of_every_script_are_found(store: Store, word: str) -> None:
    answered(store, "title", answer=f"before {word} after")
    answered(store, "title", answer="other words")
    for query in (word, f"{word} ", word.upper(), f'"{word} after"', word[:-1]):
        assert texts(store, query) == [f"before {word} after"], query


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_a_message_is_found_by_any_of_its_words(store: Store, messages: list[str]) -> None:
    begun = [answered(store, "title", answer=message) for message in messages]
    for message, ids in zip(messages, begun, strict=True):
        for word in tokens(message):
            page = store.search.find(store.owner(), parse(f'"{word}"'), limit=500)
            assert ids.conversation in {hit.conversation.public_id for hit in page.hits}, word


@pytest.mark.parametrize("query", ["'", '"', "(", "a AND", "NEAR(", "*", "^x", "x:y:z", "\x00", "\ud800", "§1", "%_\\"])
def test_no_query_breaks_the_database(store: Store, query: str) -> None:
    answered(store, "hello")
    for way in (query, f"model:{query}", f"in:{query} tag:{query} title:{query} hello", f'"{query}" hello -{query}'):
        found(store, way)


def test_what_is_still_being_written_is_found_when_it_is_done(store: Store) -> None:
    begun = begin(store, "the question")
    store.answers.checkpoint(begun.answer_id, "half a zebra")
    assert found(store, "zebra ") == []
    store.answers.finish(begun.answer_id, end(text="a whole giraffe"))
    assert found(store, "zebra ") == []
    assert found(store, "giraffe ") == ["the question"]


def test_reasoning_is_not_searched(store: Store) -> None:
    begun = begin(store, "the question")
    store.answers.finish(begun.answer_id, end(text="short", reasoning="secret thoughts"))
    assert found(store, "thoughts ") == []
    assert found(store, "has:reasoning") == ["the question"]


def test_the_deleted_is_not_found_until_it_is_restored(store: Store, owner: int) -> None:
    begun = answered(store, "hello", answer="marmalade")
    store.conversations.delete(owner, begun.conversation)
    assert found(store, "marmalade") == []
    assert found(store, "title:hello") == []
    store.conversations.restore(owner, begun.conversation)
    assert found(store, "marmalade") == ["hello"]
    store.messages.delete(owner, begun.conversation, begun.message)
    assert found(store, "marmalade") == []
    store.messages.restore(owner, begun.conversation, begun.message)
    assert found(store, "marmalade") == ["hello"]


def test_what_the_trash_destroyed_leaves_no_word_behind(store: Store, owner: int) -> None:
    begun = answered(store, "hello", answer="marmalade")
    answered(store, "other")
    store.conversations.delete(owner, begun.conversation)
    store.trash.purge(owner, now_ms() + 1, 0)
    if store.engine == "sqlite":
        query = "SELECT count(*) FROM message_search WHERE message_search MATCH 'marmalade'"
    else:
        query = "SELECT count(*) FROM message_search WHERE words @@ 'marmalade'::tsquery"
    assert store._db.read(lambda connection: connection.scalar(sql(query))) == 0


def test_edits_and_forks_are_found(store: Store, owner: int) -> None:
    begun = answered(store, "the first wording", answer="an answer")
    store.messages.edit(owner, begun.conversation, begun.user_message, "the second wording")
    assert texts(store, "second ") == ["the second wording"]
    store.messages.fork(owner, begun.conversation, begun.message, title="forked")
    assert set(found(store, '"first wording"')) == {"the first wording", "forked"}


def test_titles_come_first_then_the_newest_messages(store: Store, owner: int) -> None:
    titled = answered(store, "x")
    store.conversations.rename(owner, titled.conversation, "plans for spring")
    answered(store, "older", answer="plans")
    answered(store, "newer", answer="plans")
    assert found(store, "plans") == ["plans for spring", "newer", "older"]
    assert found(store, "title:plans") == ["plans for spring"]
    assert found(store, "-plans title:x") == []


def test_a_conversation_is_found_once_by_its_newest_message(store: Store, owner: int) -> None:
    first = answered(store, "cloud", answer="cloud one")
    second = answered(store, "cloud", answer="cloud two", conversation=first.conversation, parent=first.message)
    (hit,) = store.search.find(owner, parse('"cloud two"')).hits
    assert hit.message == second.message
    assert found(store, "cloud") == ["cloud"]


def test_pages_follow_one_another_without_gaps_or_repeats(store: Store, owner: int) -> None:
    for number in range(7):
        chat = answered(store, f"cloud {number}" if number % 3 else f"rain {number}", answer="a cloud")
        answered(store, "more clouds", answer="cloud", conversation=chat.conversation, parent=chat.message)
    seen: list[str] = []
    page = store.search.find(owner, parse("cloud"), limit=2)
    while True:
        assert len(page.hits) <= 2
        seen += [hit.conversation.title for hit in page.hits]
        if page.next is None:
            break
        page = store.search.find(owner, parse("cloud"), limit=2, cursor=page.next)
    assert seen == ["cloud 5", "cloud 4", "cloud 2", "cloud 1", "rain 6", "rain 3", "rain 0"]


def asked_of(store: Store, model: str, variant: str, nano: int | None, text: str) -> None:
    ref = ModelRef(7, model, model, model.split("-")[0], variant)
    begun = begin(store, text, ref=ref)
    cost = Cost(nano=nano, other_nano=nano, source="gateway") if nano is not None else Cost()
    store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id, cost=cost), text="an answer"))


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("model:sonnet", ["b"]),
        ("model:SONNET", ["b"]),
        ("model:gpt", ["c", "a"]),
        ("model:openai", []),
        ("variant:hc", ["c", "b"]),
        ("variant:h", []),
        ("cost:>0.1", ["b"]),
        ("cost:<0.1", ["a"]),
        ("cost:>=0", ["b", "a"]),
        ("model:gpt answer", ["c", "a"]),
        ("model:sonnet b ", ["b"]),
        ("model:100%", []),
        ("variant:hc cost:>0.1 model:claude answer", ["b"]),
    ],
)
def test_answers_are_found_by_model_variant_and_cost(store: Store, query: str, titles: list[str]) -> None:
    asked_of(store, "gpt-5.4", "standard", 50_000_000, "a")
    asked_of(store, "claude-sonnet-4-6", "hc", 2_000_000_000, "b")
    asked_of(store, "gpt-5.4", "hc", None, "c")
    assert found(store, query) == titles


def test_messages_are_found_by_what_they_hold(store: Store) -> None:
    picture = (TextPart("look"), ImagePart("image/png", b"\x89PNG"))
    store.answers.begin(store.owner(), turn(parts=picture), epoch="this process")
    answered(store, "code", answer="```python\nprint()\n```")
    answered(store, 'says "type":"image" only')
    assert found(store, "has:image") == ["look"]
    assert found(store, "has:code") == ["code"]
    assert found(store, "has:video") == []


def test_days_are_counted_in_a_zone(store: Store) -> None:
    answered(store, "now")
    assert found(store, "after:2020") == ["now"]
    assert found(store, "before:2020") == []
    assert found(store, "after:2020 before:2900", zone="Asia/Kathmandu") == ["now"]
    with pytest.raises(BadInput):
        found(store, "after:2020", zone="Mars/Olympus")


def test_operators_of_order_narrow_the_search(store: Store, owner: int) -> None:
    a, b = (answered(store, f"{name} cloud") for name in ("a", "b"))
    answered(store, "c cloud")
    folder = store.folders.add(owner, "Über Folder")
    store.organising.move(owner, [a.conversation], folder.public_id)
    store.organising.tag(owner, [b.conversation], "Work")
    store.organising.pin(owner, [a.conversation])
    store.organising.archive(owner, [b.conversation])
    store.conversations.mark_read(owner, a.conversation)
    assert found(store, 'cloud in:"über folder"') == ["a cloud"]
    assert found(store, "in:über") == ["a cloud"]
    assert found(store, "cloud tag:work") == ["b cloud"]
    assert found(store, "is:pinned") == ["a cloud"]
    assert found(store, "is:archived cloud") == ["b cloud"]
    assert found(store, "is:unread") == ["c cloud", "b cloud"]
    assert found(store, "cloud", only=Only(archived=False)) == ["c cloud", "a cloud"]
    assert found(store, "cloud", only=Only(folder=folder.public_id)) == ["a cloud"]


def test_an_empty_query_finds_nothing(store: Store) -> None:
    answered(store, "hello")
    assert found(store, " ") == []


def test_another_owner_finds_nothing(store: Store) -> None:
    answered(store, "marmalade", answer="marmalade")
    for query in ("marmalade", "has:code", "model:gpt", "is:unread", "after:2020", "-x"):
        assert store.search.find(new_id(), parse(query)).hits == ()


def test_the_index_can_be_made_anew(store: Store, owner: int) -> None:
    answered(store, "hello", answer="marmalade")
    if store.engine == "sqlite":
        emptied = "INSERT INTO message_search (message_search) VALUES ('delete-all')"
    else:
        emptied = "DELETE FROM message_search"
    store._db.write(lambda connection: connection.execute(sql(emptied)) and None)
    assert found(store, "marmalade") == []
    store.search.rebuild(owner)
    assert found(store, "marmalade") == ["hello"]
    store.search.rebuild(owner)
    assert found(store, "marmalade") == ["hello"]


def test_the_step_that_makes_the_index_fills_it_with_what_is_there(store: Store) -> None:
    for number in range(3):
        answered(store, f"old {number}", answer="marmalade")
    begin(store, "half")

    def again(connection: Connection) -> None:
        connection.execute(sql("DROP TABLE message_search"))
        step_0003.make_index(connection)

    store._db.write(again)
    assert found(store, "marmalade") == ["old 2", "old 1", "old 0"]


def test_without_an_index_the_texts_are_read(place: Place) -> None:
    store = place.open()
    if store.engine != "sqlite":
        return
    store._db.write(lambda connection: connection.execute(sql("DROP TABLE message_search")) and None)
    place.close()
    store = place.open()
    assert not store._db.read(has_index)
    for word in WORDS:
        answered(store, "title", answer=f"before {word} after")
    for word in WORDS:
        assert texts(store, word) == [f"before {word} after"]
    assert texts(store, "KYOTO after") == ["before kyoto after"]
    assert texts(store, "kyoto nowhere ") == []
    store.trash.purge(store.owner(), now_ms(), 0)
    store.search.rebuild(store.owner())


def test_whatever_writes_messages_keeps_the_index() -> None:
    writes = re.compile(r"insert(_new|_missing)?\((connection, )?schema\.message\b(?!_)")
    writers = [
        path for path in (Path(__file__).parents[2] / "lib/store").glob("*.py") if writes.search(path.read_text())
    ]
    assert len(writers) >= 4
    assert not [path.name for path in writers if "index_messages(" not in path.read_text()]


def test_the_model_of_an_answer_is_stored_in_the_order_the_search_relies_on(store: Store) -> None:
    names = list(type(REF).__struct_fields__)
    assert names.index("model") < names.index("base") < names.index("family") < names.index("dialect")
