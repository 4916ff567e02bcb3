"""Requests without a stored answer, in a process that dies: their money is not forgotten with their words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from lib.budgets import Budget
from lib.errors import StoreBusy
from lib.ids import new_id, now_ms
from lib.store import Store, ledger, schema
from lib.store.budget_rows import Charge
from lib.store.open_requests import OpenRequest
from tests.generation.scripted import SETTINGS, WHOLE, House, ScriptedDoor, eventually, retried
from tests.generation.test_titles import wanting
from tests.store.acts import REF, answered, attempt
from tests.store.conftest import Place

Open = Callable[..., House]
DAY_MS = 86_400_000


def open_rows(store: Store) -> int:
    query = select(func.count()).select_from(schema.open_request)
    return store._db.read(lambda connection: int(connection.scalar(query) or 0))


def test_what_a_dead_process_had_sent_is_written_down_as_unknown(place: Place) -> None:
    store = place.open()
    owner = store.owner()
    store.budgets.add(owner, Budget("month", 10**6))
    chat = answered(store).conversation
    title = OpenRequest(new_id(), REF, "title", chars_in=40, max_out_cap=20)
    store.budgets.reserve(owner, title.id, REF, Charge(5, 7), epoch="dead", conversation=chat)
    store.ledger.open(owner, title, epoch="dead", conversation=chat)
    store.ledger.open(owner, OpenRequest(new_id(), REF, "chat"), epoch="alive")
    late = now_ms() + DAY_MS
    assert store.ledger.sweep(owner, epoch="alive", now_ms=late) == 1
    lost, _ = store.ledger.latest(owner)
    assert (lost.id, lost.purpose, lost.outcome, lost.conversation) == (title.id, "title", "unknown", chat)
    assert lost.cost.nano is None and lost.model == REF.model
    (standing,) = store.budgets.standings(owner)
    assert (standing.held_nano, standing.uncertain_nano) == (0, 7)
    assert store.ledger.sweep(owner, epoch="alive", now_ms=late) == 0 and open_rows(store) == 1
    assert not store.ledger.verify(owner)


def test_each_attempt_is_known_before_it_leaves(store: Store, owner: int) -> None:
    first, second = new_id(), new_id()
    store.ledger.open(owner, OpenRequest(first, REF), epoch="dead")
    refused = attempt(first, outcome="refused")
    store.ledger.record(owner, REF, (refused,), then=(second, 2))
    assert open_rows(store) == 1
    assert store.ledger.sweep(owner, epoch="next", now_ms=now_ms() + DAY_MS) == 1
    assert [(row.id, row.outcome) for row in store.ledger.latest(owner)] == [(second, "unknown"), (first, "refused")]


def test_an_end_that_is_written_closes_it(store: Store, owner: int) -> None:
    sent, unsent = new_id(), new_id()
    again, never_left = new_id(), new_id()
    for one in (sent, unsent, again):
        store.ledger.open(owner, OpenRequest(one, REF), epoch="dead")
    store.ledger.record(owner, REF, (attempt(again, outcome="refused"),), then=(never_left, 2))
    store.ledger.record(owner, REF, (attempt(again, outcome="refused"),), settles=again)
    store.ledger.record(owner, REF, (attempt(sent),), settles=sent)
    store.ledger.record(owner, REF, (), settles=unsent)
    assert open_rows(store) == 0
    assert store.ledger.sweep(owner, epoch="next", now_ms=now_ms() + DAY_MS) == 0
    assert [row.outcome for row in store.ledger.latest(owner)] == ["refused", "ok"]


def test_what_it_held_is_not_given_back_before_its_end_is_known(store: Store, owner: int) -> None:
    store.budgets.add(owner, Budget("month", 10**6))
    title = OpenRequest(new_id(), REF, "title")
    store.ledger.open(owner, title, epoch="dead", charge=Charge(5, 7))
    late = now_ms() + DAY_MS
    assert store.budgets.sweep(epoch="alive", now_ms=late) == 0  # as when another owner's desk looks first
    assert store.ledger.sweep(owner, epoch="alive", now_ms=late) == 1
    assert store.budgets.standings(owner)[0].uncertain_nano == 7


def test_a_request_that_cannot_be_noted_holds_no_money_and_leaves_no_words(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    house.store.budgets.add(house.owner, Budget("month", 10**12))
    chat = house.desk.temporary.send(None, "first", SETTINGS).conversation
    eventually(lambda: house.desk.running_in(chat) is None)

    def busy(*_: object) -> None:
        raise StoreBusy("another process keeps writing")

    monkeypatch.setattr(ledger, "open_in", busy)
    for conversation in (chat, None):
        with pytest.raises(StoreBusy):
            house.desk.temporary.send(conversation, "second", SETTINGS)
    assert [message.role for message in house.desk.temporary.messages(chat)] == ["user", "assistant"]
    assert len(house.desk.temporary._chats) == 1
    assert house.store.budgets.standings(house.owner)[0].held_nano == 0


@pytest.mark.postgres
def test_the_young_requests_of_another_living_process_are_spared(postgres: str, tmp_path: object) -> None:
    place = Place(postgres, tmp_path)  # type: ignore[arg-type]
    store = place.open()
    store.ledger.open(store.owner(), OpenRequest(new_id(), REF), epoch="another")
    assert store.ledger.sweep(store.owner(), epoch="here", now_ms=now_ms()) == 0
    place.close()


def test_nothing_stays_open_after_titles_and_temporary_answers(open_house: Open) -> None:
    house = wanting(open_house(ScriptedDoor(*retried(), *WHOLE)))
    chat = house.desk.temporary.send(None, "secret", SETTINGS).conversation
    eventually(lambda: house.desk.running_in(chat) is None)
    row = house.ask("a question")
    eventually(lambda: house.store.conversations.get(house.owner, row.conversation).title_source)
    eventually(lambda: len(house.ledger()) == 6 and not house.engine.running())
    assert open_rows(house.store) == 0


def test_it_outlives_its_conversation(store: Store, owner: int) -> None:
    chat = answered(store).conversation
    store.ledger.open(owner, OpenRequest(new_id(), REF, "title"), epoch="dead", conversation=chat)
    store.conversations.delete(owner, chat)
    store.trash.purge(owner, now_ms() + DAY_MS, older_than_days=0)
    assert open_rows(store) == 1
    assert store.ledger.sweep(owner, epoch="next", now_ms=now_ms() + DAY_MS) == 1
    assert store.ledger.latest(owner)[0].purpose == "title"
