"""Batches: rows that are asked about once, whatever dies when; what they made and what it cost."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lib.attachments.attachment import Attachment, Form
from lib.batch import Batch, Field, Row, Run
from lib.errors import BadInput, NotFound
from lib.ids import new_public_id, now_ms
from lib.ledger import Cost
from lib.messages import ImagePart, Part, TextPart
from lib.search import parse
from lib.store import Store
from lib.store.rows import Begun
from tests.store.acts import REF, attempt, bytes_kept, end, turn
from tests.store.conftest import Place

FIELDS = (Field("total", "number", "the sum"), Field("due", "date", required=False))


def picture(name: str) -> ImagePart:
    return ImagePart("image/png", name.encode(), name=name)


def batch_of(store: Store, n: int) -> tuple[Batch, list[Row], Run]:
    """A batch of `n` pictures and a running run over them."""
    owner = store.owner()
    batch = store.batches.create(owner, "Invoices", "What is the total?", fields=FIELDS, system="Be brief.", parallel=2)
    rows = store.batches.add_rows(owner, batch.public_id, [(f"{at}.png", (picture(f"{at}"),)) for at in range(n)])
    return batch, rows, a_run(store, batch)


def a_run(store: Store, batch: Batch, **fields: Any) -> Run:
    run = store.batches.add_run(store.owner(), batch.public_id, REF, **fields)
    store.batches.set_run_state(store.owner(), run.public_id, "running", epoch="this process")
    return run


def ask(store: Store, run: Run, **fields: Any) -> Begun:
    """Begin the answer of the next row that waits, as a runner does."""
    owner = store.owner()
    (waiting,) = store.batches.next_waiting(owner, run.public_id)
    parts: tuple[Part, ...] = () if waiting.asked else (*waiting.row.parts, TextPart("What is the total?"))
    asked = turn(parts=parts, conversation=waiting.row.conversation, parent=waiting.asked, lane=run.public_id, **fields)
    mark = (run.public_id, waiting.row.public_id)
    return store.answers.begin(owner, asked, epoch="this process", purpose="batch", batch_row=mark)


def told(store: Store, begun: Begun, text: str = "12", **fields: Any) -> None:
    store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id, purpose="batch"), text=text, **fields))


def test_a_batch_has_rows_and_runs(store: Store, owner: int) -> None:
    batch, rows, run = batch_of(store, 3)
    found = store.batches.get(owner, batch.public_id)
    assert (found.name, found.prompt, found.fields, found.system) == (batch.name, batch.prompt, FIELDS, "Be brief.")
    assert (found.parallel, found.n_rows, [each.state for each in found.runs]) == (2, 3, ["running"])
    assert (
        [row.name for row in rows]
        == ["0.png", "1.png", "2.png"]
        == [row.name for row in store.batches.rows(owner, batch.public_id)]
    )
    assert store.batches.list(owner) == [found]
    store.batches.rename(owner, batch.public_id, "Bills")
    assert store.batches.get(owner, batch.public_id).name == "Bills"
    assert store.batches.batch_of(owner, run.public_id) == batch.public_id
    assert store.attachments.served(owner, rows[1].public_id, 0).read(0, 9) == b"1"


def test_attachments_stop_waiting_when_they_become_rows(store: Store, owner: int) -> None:
    forms = (Form("standard", (picture("standard"),)), Form("small", (picture("small"),)))
    one = Attachment("a.png", "image", "image/png", 9, forms, "small", thumb=picture("thumb"))
    two = Attachment("b.zip", "document", "application/zip", 9, problem="archive_bomb")
    waiting = [store.attachments.add(owner, "batch", each) for each in (one, two)]
    batch = store.batches.create(owner, "", "x")
    (row,) = store.batches.add_rows(owner, batch.public_id, waiting)
    assert row.name == "a.png" and store.attachments.filled(owner, row.parts)[0].data == b"small"  # type: ignore[union-attr]
    assert [each.name for each in store.attachments.list(owner, "batch")] == ["b.zip"]
    assert store.attachments.used_bytes(owner) == 5
    store.batches.remove_row(owner, row.public_id)
    assert bytes_kept(store) == (0, 0)


def test_each_row_is_asked_about_once(store: Store, owner: int) -> None:
    _, rows, run = batch_of(store, 2)
    first = ask(store, run)
    mark = (run.public_id, rows[0].public_id)
    with pytest.raises(BadInput, match="row_taken"):
        store.answers.begin(owner, turn(), epoch="this process", batch_row=mark)
    second = ask(store, run)
    assert first.conversation != second.conversation
    assert store.batches.next_waiting(owner, run.public_id) == []
    assert store.batches.counts(owner, run.public_id) == {"running": 2}
    with pytest.raises(BadInput, match="row_taken"):
        store.batches.remove_row(owner, rows[0].public_id)


def test_the_same_key_begins_a_row_once(store: Store, owner: int) -> None:
    _, rows, run = batch_of(store, 1)
    mark = (run.public_id, rows[0].public_id)
    asked = turn(parts=rows[0].parts)
    first = store.answers.begin(owner, asked, epoch="this process", purpose="batch", batch_row=mark)
    again = store.answers.begin(owner, asked, epoch="this process", purpose="batch", batch_row=mark)
    assert again.replayed and again.message == first.message
    assert store.batches.results(owner, run.public_id)[0].tries == 1


def test_many_who_ask_about_one_row_get_one_answer(store: Store, owner: int) -> None:
    _, rows, run = batch_of(store, 1)
    mark, begun, refused = (run.public_id, rows[0].public_id), [], []

    def ask_it() -> None:
        try:
            begun.append(store.answers.begin(owner, turn(), epoch="this process", purpose="batch", batch_row=mark))
        except BadInput as error:
            refused.append(error.reason)

    threads = [threading.Thread(target=ask_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 1 and refused == ["row_taken"] * 5
    assert len(store.answers.running(owner)) == 1


def test_a_run_that_is_held_asks_nothing(store: Store, owner: int) -> None:
    _, rows, run = batch_of(store, 1)
    assert store.batches.set_run_state(owner, run.public_id, "paused", only_from=("running",))
    assert not store.batches.set_run_state(owner, run.public_id, "done", only_from=("running",))
    with pytest.raises(BadInput, match="run_held"):
        ask(store, run)
    assert store.batches.rows(owner, store.batches.batch_of(owner, run.public_id))[0].conversation is None
    assert store.conversations.list(owner) == [] and [row.public_id for row in rows] == [
        waiting.row.public_id for waiting in store.batches.next_waiting(owner, run.public_id)
    ]


def test_the_result_is_what_the_answer_says_and_all_tries_cost(store: Store, owner: int) -> None:
    _, rows, run = batch_of(store, 2)
    begun = ask(store, run)
    told(store, begun, "no JSON")
    mark = (run.public_id, rows[0].public_id)
    more = turn("once more", conversation=begun.conversation, parent=begun.message, lane=run.public_id)
    again = store.answers.begin(owner, more, epoch="this process", purpose="batch", batch_row=mark)
    guess = attempt(again.attempt_id, usage_source="estimated", cost=Cost(nano=50, low_nano=20, high_nano=90))
    store.answers.finish(again.answer_id, end(guess, text='{"total": 12}'))
    stale = {"state": "failed", "message": begun.message}
    assert not store.batches.record_result(owner, *mark, **stale)  # type: ignore[arg-type]
    assert store.batches.record_result(owner, *mark, state="done", values={"total": 12}, message=again.message)
    found, waits = store.batches.results(owner, run.public_id)
    assert (found.state, found.text, found.values, found.tries) == ("done", '{"total": 12}', {"total": 12}, 2)
    assert (found.message, found.cost_nano, found.cost_low_nano, found.cost_high_nano) == (
        again.message,
        1050,
        1020,
        1090,
    )
    assert (found.estimated, found.in_tokens, found.out_tokens, found.duration_ms) == (True, 248, 120, 4000)
    assert (waits.state, waits.message, waits.cost_nano, waits.text) == ("waiting", None, None, "")
    assert store.batches.result(owner, *mark) == found
    (spent,) = store.batches.spent(owner, run.public_id)
    assert (spent.nano, spent.high_nano, spent.n, spent.n_unpriced) == (1050, 1090, 2, 0)


def test_death_between_two_rows_asks_neither_twice(place: Place) -> None:
    store = place.open()
    owner = store.owner()
    _, rows, run = batch_of(store, 4)
    done, whole = ask(store, run), ask(store, run)
    for begun in (done, whole):
        told(store, begun)
    store.batches.record_result(owner, run.public_id, rows[0].public_id, state="done", values={"total": 1})
    ask(store, run)  # and the process dies
    place.close()
    store = place.open()
    store.answers.sweep(epoch="the next", now_ms=now_ms() + 60_000, stale_ms=15_000)
    at = {"now_ms": now_ms() + 60_000, "stale_ms": 15_000}
    assert store.batches.interrupted_runs(owner, epoch="this process", **at) == []
    (found,) = store.batches.interrupted_runs(owner, epoch="the next", **at)
    assert (found.public_id, found.state) == (run.public_id, "interrupted")
    assert [each.state for each in store.batches.results(owner, run.public_id)] == [
        *("done", "running", "interrupted", "waiting")
    ]
    assert [(each.row, each.text) for each in store.batches.unsettled(owner, run.public_id)] == [
        (rows[1].public_id, "12"),
        (rows[2].public_id, ""),
    ]
    assert [each.row.public_id for each in store.batches.next_waiting(owner, run.public_id, 9)] == [rows[3].public_id]


def test_what_failed_is_tried_again_beside_its_first_answer(store: Store, owner: int) -> None:
    _, rows, run = batch_of(store, 1)
    first = ask(store, run)
    told(store, first, "", state="failed")
    store.batches.record_result(owner, run.public_id, rows[0].public_id, state="failed")
    assert store.batches.retry(owner, run.public_id) == 1
    again = ask(store, run)
    assert (again.conversation, again.user_message) == (first.conversation, first.user_message)
    told(store, again)
    store.batches.record_result(owner, run.public_id, rows[0].public_id, state="done")
    (found,) = store.batches.results(owner, run.public_id)
    assert (found.tries, found.cost_nano) == (2, 2_000)
    assert store.batches.retry(owner, run.public_id) == 0


def test_another_run_answers_beside_the_first(store: Store, owner: int) -> None:
    batch, rows, run = batch_of(store, 1)
    first = ask(store, run)
    other = a_run(store, batch, budget_nano=5, currency="EUR")
    second = ask(store, other)  # while the first still runs
    assert (second.conversation, second.user_message) == (first.conversation, first.user_message)
    told(store, first, "one")
    told(store, second, "two")
    assert [store.batches.results(owner, each.public_id)[0].text for each in (run, other)] == ["one", "two"]
    assert store.batches.get_run(owner, other.public_id).budget_nano == 5
    chat = store.batches.open_row(owner, rows[0].public_id, run.public_id)
    assert [each.text for each in store.conversations.transcript(owner, chat).messages][1:] == ["one"]


def test_rows_stay_out_of_sight_until_they_are_opened(store: Store, owner: int) -> None:
    batch, rows, run = batch_of(store, 1)
    begun = ask(store, run)
    told(store, begun, "kranich")

    def seen() -> tuple[int, int, int]:
        hits = store.search.find(owner, parse("kranich")).hits
        return len(store.conversations.list(owner)), len(hits), len(store.transfers.ids(owner))

    assert seen() == (0, 0, 0)
    assert len(store.transfers.loose_spend(owner)[0]) == 1
    assert store.batches.open_row(owner, rows[0].public_id) == begun.conversation
    assert seen() == (1, 1, 1) and store.transfers.loose_spend(owner)[0] == []
    assert store.conversations.get(owner, begun.conversation).title == "0.png"
    assert store.batches.results(owner, run.public_id)[0].text == "kranich"
    other = a_run(store, batch)
    assert ask(store, other).conversation != begun.conversation
    with pytest.raises(NotFound):
        store.batches.open_row(owner, new_public_id())


def test_a_deleted_batch_comes_back_whole_or_goes_whole(store: Store, owner: int) -> None:
    batch, rows, run = batch_of(store, 2)
    told(store, ask(store, run))
    opened = store.batches.open_row(owner, rows[0].public_id)
    running = ask(store, run)
    store.batches.delete(owner, batch.public_id)
    assert store.batches.list(owner) == [] and store.trash.list(owner) == []
    assert [each.public_id for each in store.batches.list(owner, deleted=True)] == [batch.public_id]
    assert store.answers.heartbeat(running.answer_id)
    with pytest.raises(NotFound):
        store.conversations.get(owner, running.conversation)
    store.batches.restore(owner, batch.public_id)
    assert store.batches.get(owner, batch.public_id).runs[0].state == "stopped"
    assert store.conversations.get(owner, running.conversation).running
    store.batches.delete(owner, batch.public_id)
    store.trash.purge(owner, now_ms() + 1, 0)
    assert store.batches.list(owner, deleted=True)  # its last answer is still being written
    told(store, running)
    store.trash.purge(owner, now_ms() + 1, 0)
    assert store.batches.list(owner, deleted=True) == []
    assert store.conversations.get(owner, opened).n_messages == 2
    assert bytes_kept(store) == (1, 1)  # the opened one keeps its picture
    assert len(store.ledger.latest(owner)) == 2 and store.ledger.verify(owner) == []


def test_a_batch_outlives_an_opened_conversation(store: Store, owner: int) -> None:
    batch, rows, run = batch_of(store, 1)
    told(store, ask(store, run))
    store.batches.record_result(owner, run.public_id, rows[0].public_id, state="done", values={"total": 3})
    store.conversations.delete(owner, store.batches.open_row(owner, rows[0].public_id))
    store.trash.purge(owner, now_ms() + 1, 0)
    (found,) = store.batches.results(owner, run.public_id)
    assert (found.state, found.values, found.message, found.cost_nano) == ("done", {"total": 3}, None, 1_000)
    assert store.batches.rows(owner, batch.public_id)[0].conversation is None
    with pytest.raises(NotFound):
        store.batches.open_row(owner, rows[0].public_id)
    assert bytes_kept(store) == (1, 1)
