"""Budgets before anything is sent: chats, queues, temporary chats, titles, batches, and after a crash."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from lib.budgets import Budget
from lib.cards import ModelCard, Prices
from lib.errors import BadInput, NotFound, OverBudget, StoreError
from lib.generation import Tariff
from lib.generation.estimating import LONGEST_ASSUMED, charge_of
from lib.ledger import ModelRef
from lib.messages import Params
from lib.store.budget_rows import Charge, Standing
from lib.store.rows import Settings
from tests.generation.scripted import PRICES, SETTINGS, TARIFF, WHOLE, Hold, House, ScriptedDoor, eventually
from tests.generation.test_batches import Table
from tests.generation.test_dying import killed_after
from tests.generation.test_titles import wanting

Open = Callable[..., House]
CAPPED = structs.replace(SETTINGS, params=Params(max_tokens=100))
MOST = 2 * 2_000 + 100 * 10_000
"""What "hi" may cost with 100 tokens of answer at most: two tokens in (one and a quarter, rounded up), 100 out."""


def limited(house: House, limit: int, **more: object) -> House:
    house.store.budgets.add(house.owner, Budget(**{"scope": "month", "limit_nano": limit, **more}))  # type: ignore[arg-type]
    return house


def where(house: House) -> Standing:
    (found,) = house.store.budgets.standings(house.owner)
    return found


def test_nothing_is_sent_or_stored_over_a_budget(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = limited(open_house(door), MOST - 1)
    with pytest.raises(OverBudget) as stopped:
        house.desk.send(None, "hi", CAPPED)
    assert stopped.value.facts["needed_nano"] == MOST
    assert (door.asked, house.store.conversations.list(house.owner)) == ([], [])
    sent = house.desk.send(None, "hi", CAPPED, override=True)
    assert sent.verdict and sent.verdict.overridden
    house.end_of(sent.message or "")
    assert len(house.store.budgets.overrides(house.owner)) == 1


def test_the_estimate_is_held_while_it_runs_and_its_cost_counts_afterwards(open_house: Open) -> None:
    hold = Hold()
    house = limited(open_house(ScriptedDoor(hold, *WHOLE)), 2 * MOST)
    sent = house.desk.send(None, "hi", CAPPED)
    assert (where(house).held_nano, where(house).spent_nano) == (MOST, 0)
    assert sent.verdict and sent.verdict.outcome == "ok"
    hold.let_go.set()
    house.end_of(sent.message or "")
    assert (where(house).held_nano, where(house).spent_nano) == (0, 400_000)
    more = house.desk.send(sent.conversation, "again", CAPPED)
    assert more.verdict and more.verdict.estimate_nano and more.verdict.estimate_nano > MOST
    house.end_of(more.message or "")


def test_every_way_of_asking_again_falls_under_it(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    row = house.ask("hi")
    asked, told = house.store.conversations.transcript(house.owner, row.conversation).messages
    limited(house, 10)
    for ask in (
        lambda: house.desk.send(row.conversation, "more", SETTINGS),
        lambda: house.desk.again(row.conversation, asked.public_id, SETTINGS),
        lambda: house.desk.edit_and_send(row.conversation, asked.public_id, "other", SETTINGS),
        lambda: house.desk.continue_answer(row.conversation, told.public_id, SETTINGS),
    ):
        with pytest.raises(OverBudget):
            ask()
    assert len(house.store.conversations.transcript(house.owner, row.conversation).messages) == 2


def test_what_waits_in_the_queue_stays_there_paused(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(hold, *WHOLE))
    first = house.send("one")
    house.send("two", first.conversation)
    limited(house, 10)
    hold.let_go.set()
    house.end_of(first.message or "")
    chat = eventually(
        lambda: (found := house.store.conversations.get(house.owner, first.conversation)).queue_paused and found
    )
    assert len(house.store.queue.list(house.owner, chat.public_id)) == 1
    with pytest.raises(OverBudget):
        house.desk.resume_queue(chat.public_id)
    assert house.store.conversations.get(house.owner, chat.public_id).queue_paused
    house.desk.resume_queue(chat.public_id, override=True)
    eventually(lambda: house.asked(chat.public_id) == ["one", "two"])
    eventually(lambda: not house.engine.running())


def test_fifty_pages_at_once_never_overshoot(open_house: Open) -> None:
    hold = Hold()
    house = limited(open_house(ScriptedDoor(hold, *WHOLE)), 10 * MOST)
    stopped: list[OverBudget] = []
    house.desk.send(None, "hi", CAPPED)  # what is looked up once is known now

    def go() -> None:
        try:
            house.desk.send(None, "hi", CAPPED)
        except OverBudget as error:
            stopped.append(error)

    threads = [threading.Thread(target=go) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(stopped), where(house).held_nano) == (41, 10 * MOST)
    hold.let_go.set()
    eventually(lambda: not house.engine.running())
    assert where(house).held_nano == 0


def test_a_temporary_chat_falls_under_it_and_gives_back(open_house: Open) -> None:
    hold = Hold()
    house = limited(open_house(ScriptedDoor(hold, *WHOLE)), MOST + 10)
    chat = house.desk.temporary.send(None, "hi", CAPPED).conversation
    assert where(house).held_nano == MOST
    with pytest.raises(OverBudget):
        house.desk.temporary.send(None, "hi", CAPPED)
    hold.let_go.set()
    eventually(lambda: house.desk.running_in(chat) is None)
    assert (where(house).held_nano, where(house).spent_nano) == (0, 400_000)
    with pytest.raises(OverBudget):
        house.desk.temporary.send(chat, "more", CAPPED)
    assert [message.role for message in house.desk.temporary.messages(chat)] == ["user", "assistant"]
    assert house.desk.temporary.send(chat, "more", CAPPED, override=True).verdict
    eventually(lambda: house.desk.running_in(chat) is None)


@pytest.mark.parametrize(
    "failure", [NotFound("gateway"), BadInput("image_not_taken"), StoreError("gone"), ValueError()]
)
@pytest.mark.parametrize("where_it_fails", ["door", "make"])
def test_what_fails_between_holding_and_sending_gives_everything_back(
    open_house: Open, failure: Exception, where_it_fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway is gone, a file is missing, the database is, or there is a mistake in the program."""

    def fail(*asked: object, **more: object) -> object:
        raise failure

    door = ScriptedDoor(*WHOLE)
    house = limited(open_house(door), 10 * MOST)
    monkeypatch.setattr(house.doors if where_it_fails == "door" else house.desk._jobs, where_it_fails, fail)
    sent = house.desk.send(None, "hi", CAPPED)
    chat = house.desk.temporary.send(None, "hi", CAPPED).conversation
    house.end_of(sent.message or "")
    eventually(lambda: house.desk.running_in(chat) is None)
    eventually(lambda: where(house).held_nano == 0)
    assert (door.asked, where(house).spent_nano) == ([], 0)


def test_an_engine_that_closes_gives_everything_back(open_house: Open) -> None:
    house = limited(open_house(ScriptedDoor(*WHOLE)), 10 * MOST)
    house.engine.drain(0.1)
    house.desk.send(None, "hi", CAPPED)
    house.desk.temporary.send(None, "hi", CAPPED)
    assert (where(house).held_nano, where(house).spent_nano) == (0, 0)


def test_a_title_is_not_asked_for_over_a_budget(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = wanting(open_house(door))
    limited(house, 400_000)
    sent = house.desk.send(None, "hi", SETTINGS, override=True)
    house.end_of(sent.message or "")
    eventually(lambda: not house.engine.running())
    house.close()
    assert len(door.asked) == 1


def test_a_batch_ends_over_budget_and_never_overshoots(open_house: Open) -> None:
    table = Table(limited(open_house(ScriptedDoor(*WHOLE)), 1_000_000), 5, parallel=1)
    run = table.run(params=Params(max_tokens=20))
    table.work.start(run.public_id)
    table.at_end(run, "over_budget")
    assert table.states(run).count("done") == 2
    assert where(table.house).spent_nano == 800_000 and where(table.house).held_nano == 0


def test_the_demo_is_free(open_house: Open) -> None:
    house = limited(open_house(ScriptedDoor(*WHOLE)), 0)
    house.doors.demo = True
    assert house.ask("hi").state == "done"
    assert (where(house).spent_nano, where(house).n_unpriced) == (0, 0)


def test_a_killed_process_leaves_nothing_held(tmp_path: Path, open_house: Open) -> None:
    house = open_house(ScriptedDoor())
    limited(house, 10**12)
    house.close()
    killed_after(tmp_path / "data", 0.8)
    house = open_house(ScriptedDoor())
    assert where(house).held_nano > 0
    house.desk.recover(15_000)
    assert where(house).held_nano == 0 and where(house).spent_nano > 0


def test_cheaper_variants_are_offered_with_what_they_save(open_house: Open) -> None:
    house = limited(open_house(ScriptedDoor(*WHOLE)), MOST // 2)
    low = Prices(PRICES.input and PRICES.input // 4, PRICES.output and PRICES.output // 4)
    house.doors.cards = tuple(
        ModelCard(name, "m", "m", variant=variant, variant_label=variant.title())
        for name, variant in (("m", "standard"), ("m-low", "low"), ("m-free", "free"))
    )
    tariffs = {"m": TARIFF, "m-low": Tariff(low, "gateway"), "m-free": Tariff()}
    house.doors.tariff = lambda ref, at_ms=None: tariffs[ref.model]  # type: ignore[method-assign]
    house.doors.ref = lambda settings: ModelRef(7, settings.model or "", "m", "m")  # type: ignore[method-assign]
    (offer,) = house.desk.cheaper(None, "hi", CAPPED)
    assert (offer.model, offer.label, offer.estimate_nano, offer.saving_nano) == (
        "m-low",
        "Low",
        MOST // 4,
        MOST - MOST // 4,
    )
    charge, verdict = house.desk.standing(None, "hi", CAPPED)
    assert charge.high_nano == MOST and verdict and verdict.outcome == "stop"
    with pytest.raises(NotFound):
        house.desk.standing("nowhere", "hi", CAPPED)


def test_without_a_limit_the_answer_may_be_as_long_as_the_longest_lately() -> None:
    assert charge_of(100, (), Params(), Tariff()) == Charge()
    found = charge_of(100, (10, 30, 9_000), Params(), TARIFF)
    assert (found.nano, found.high_nano) == (100 * 2_000 + 30 * 10_000, 125 * 2_000 + 9_000 * 10_000)
    short_so_far = charge_of(100, (10, 30, 60), Params(), TARIFF)
    assert short_so_far.high_nano == 125 * 2_000 + LONGEST_ASSUMED * 10_000
    unknown = charge_of(100, (), Params(), TARIFF)
    assert unknown.high_nano == 125 * 2_000 + LONGEST_ASSUMED * 10_000
    capped = charge_of(100, (10, 30, 900), Params(max_tokens=50), TARIFF)
    assert capped.high_nano == 125 * 2_000 + 50 * 10_000


def test_a_chat_without_a_model_is_told_so(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    assert house.desk.standing(None, "hi", Settings(7, "m"))[1] is None
