"""The life of an answer, on both databases."""

from __future__ import annotations

import pytest

from lib.errors import AnswerRunning, BadInput, NotFound
from lib.ids import new_id, now_ms
from lib.ledger import Attempt, Cost
from lib.messages import ImagePart, Params, TextPart, ToolCallPart
from lib.store import Store
from lib.store.rows import AnswerRow, Settings
from tests.store.acts import REF, answered, attempt, begin, end, kept, turn
from tests.store.conftest import Place


def test_begin_commits_the_question_before_anything_is_sent(store: Store, owner: int) -> None:
    begun = begin(store, "  What is\nthis?  ", params=Params(temperature=0.5), system="be brief")
    conversation = store.conversations.get(owner, begun.conversation)
    question, answer = store.conversations.transcript(owner, begun.conversation).messages
    assert (conversation.title, conversation.n_messages, conversation.running) == ("What is this?", 2, True)
    assert conversation.settings == Settings(7, REF.model, "openai", Params(temperature=0.5), "be brief")
    assert (question.role, question.text, question.public_id) == ("user", "  What is\nthis?  ", begun.user_message)
    assert (answer.state, answer.text, answer.public_id, answer.ref) == ("running", "", begun.message, REF)
    assert answer.parent == question.public_id


def test_the_same_key_begins_one_answer(store: Store, owner: int) -> None:
    asked = turn()
    first = store.answers.begin(owner, asked, epoch="e")
    again = store.answers.begin(owner, asked, epoch="e")
    assert again.replayed and not first.replayed
    assert (again.answer_id, again.attempt_id, again.message) == (first.answer_id, first.attempt_id, first.message)
    assert len(store.conversations.list(owner)) == 1


def test_a_key_is_remembered_after_the_answer_ended(store: Store, owner: int) -> None:
    asked = turn()
    begun = store.answers.begin(owner, asked, epoch="e")
    store.answers.finish(begun.answer_id, end())
    assert store.answers.begin(owner, asked, epoch="e").replayed


def test_one_answer_runs_per_conversation(store: Store) -> None:
    begun = begin(store)
    with pytest.raises(AnswerRunning):
        begin(store, "and?", conversation=begun.conversation, parent=begun.message)
    store.answers.finish(begun.answer_id, end())
    begin(store, "and?", conversation=begun.conversation, parent=begun.message)


def test_a_refused_begin_leaves_nothing_behind(store: Store, owner: int) -> None:
    begun = begin(store)
    with pytest.raises(AnswerRunning):
        begin(store, "lost?", conversation=begun.conversation, parent=begun.message)
    assert store.conversations.get(owner, begun.conversation).n_messages == 2


def test_lanes_run_side_by_side(store: Store, owner: int) -> None:
    begun = begin(store, lane="left")
    other = begin(store, "", conversation=begun.conversation, parent=begun.user_message, lane="right")
    assert {row.message for row in store.answers.running(owner)} == {begun.message, other.message}


@pytest.mark.parametrize("text", ["", "hello"])
def test_an_unknown_parent_is_not_found(store: Store, text: str) -> None:
    begun = answered(store)
    with pytest.raises(NotFound):
        begin(store, text, conversation=begun.conversation, parent="nowhere")


def test_an_empty_turn_needs_a_question(store: Store) -> None:
    with pytest.raises(BadInput):
        begin(store, "")
    begun = answered(store)
    with pytest.raises(BadInput):
        begin(store, "", conversation=begun.conversation, parent=begun.message)


def test_a_deleted_conversation_takes_no_more_questions(store: Store, owner: int) -> None:
    begun = answered(store)
    store.conversations.delete(owner, begun.conversation)
    with pytest.raises(NotFound):
        begin(store, "more", conversation=begun.conversation, parent=begun.message)


def test_a_checkpoint_is_read_by_followers(store: Store, owner: int) -> None:
    begun = begin(store)
    assert store.answers.checkpoint(begun.answer_id, "Hel", "hm", (ToolCallPart("c1", "look"),)) is False
    row = store.answers.get(owner, begun.message)
    assert (row.state, row.text, row.reasoning, row.parts) == ("running", "Hel", "hm", (ToolCallPart("c1", "look"),))
    assert store.conversations.transcript(owner, begun.conversation).messages[-1].text == "Hel"


def test_stop_is_seen_at_the_next_checkpoint_and_heartbeat(store: Store, owner: int) -> None:
    begun = begin(store)
    assert store.answers.heartbeat(begun.answer_id) is False
    assert store.answers.request_stop(owner, begun.message) is True
    assert store.answers.heartbeat(begun.answer_id) is True
    assert store.answers.checkpoint(begun.answer_id, "x") is True


def test_deleting_a_conversation_stops_its_answer(store: Store, owner: int) -> None:
    begun = begin(store)
    store.conversations.delete(owner, begun.conversation)
    assert store.answers.heartbeat(begun.answer_id) is True
    assert store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id))) is True
    assert len(store.ledger.latest(owner)) == 1


def test_an_ended_answer_takes_no_checkpoint(store: Store, owner: int) -> None:
    begun = answered(store, answer="whole")
    assert store.answers.checkpoint(begun.answer_id, "late") is True
    assert store.answers.request_stop(owner, begun.message) is False
    assert store.answers.get(owner, begun.message).text == "whole"


def test_finish_writes_everything_the_end_says(store: Store, owner: int) -> None:
    begun = begin(store)
    last = end(
        attempt(begun.attempt_id),
        state="cut",
        reasoning="thought",
        error_kind="truncated",
        error_message="no finish",
        finish_reason="length",
        reasoning_ms=1200,
        repaired=("temperature",),
    )
    assert store.answers.finish(begun.answer_id, last) is True
    message = store.conversations.transcript(owner, begun.conversation).messages[-1]
    assert (message.state, message.text, message.reasoning) == ("cut", "an answer", "thought")
    assert (message.error_kind, message.error_message, message.finish_reason) == ("truncated", "no finish", "length")
    assert (message.reasoning_ms, message.repaired) == (1200, ("temperature",))
    assert message.cost is not None
    assert (message.cost.nano, message.cost.currency, message.cost.source) == (1_000, "USD", "gateway")
    assert (message.cost.count.input, message.cost.count.output) == (124, 60)
    assert (message.cost.first_visible_ms, message.cost.duration_ms) == (300, 2_000)
    conversation = store.conversations.get(owner, begun.conversation)
    assert conversation.unread and not conversation.running
    store.conversations.mark_read(owner, begun.conversation)
    assert not store.conversations.get(owner, begun.conversation).unread


def test_finishing_twice_makes_one_row(store: Store, owner: int) -> None:
    begun = begin(store)
    last = end(attempt(begun.attempt_id))
    assert [store.answers.finish(begun.answer_id, last) for _ in range(3)] == [True, False, False]
    assert len(store.ledger.latest(owner)) == 1
    assert store.conversations.get(owner, begun.conversation).totals[0].nano == 1_000
    assert store.ledger.verify(owner) == []


def test_finish_of_an_unknown_answer_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.answers.finish(new_id(), end())


def test_every_attempt_has_its_row(store: Store, owner: int) -> None:
    begun = begin(store)
    refused = attempt(begun.attempt_id, outcome="refused", error_kind="rate_limit", cost=Cost(nano=0), http_status=429)
    second, third = new_id(), new_id()
    store.answers.new_attempt(begun.answer_id, second, 2, ended=refused)
    assert [row.outcome for row in store.ledger.latest(owner)] == ["refused"]
    failed = attempt(second, number=2, outcome="failed", error_kind="server", cost=Cost())
    ok = attempt(third, number=3)
    store.answers.finish(begun.answer_id, end(refused, failed, ok))
    assert [row.outcome for row in store.ledger.latest(owner)] == ["ok", "failed", "refused"]
    cost = store.answers.get(owner, begun.message), store.conversations.transcript(owner, begun.conversation)
    line = cost[1].messages[-1].cost
    assert line is not None
    assert (line.n_attempts, line.n_unpriced, line.nano) == (3, 1, 1_000)


def test_a_late_end_still_brings_its_missing_rows(store: Store, owner: int) -> None:
    begun = begin(store)
    store.answers.finish(begun.answer_id, end(state="interrupted", text="so far"))
    assert store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id), text="all")) is False
    assert store.answers.get(owner, begun.message).text == "so far"
    assert len(store.ledger.latest(owner)) == 1


def test_the_sweep_ends_what_another_process_left(place: Place) -> None:
    store = place.open()
    begun = begin(store)
    store.answers.checkpoint(begun.answer_id, "half an ans", "hm")
    place.close()
    store = place.open()
    swept = store.answers.sweep(epoch="next process", now_ms=now_ms() + 60_000, stale_ms=15_000)
    assert [row.message for row in swept] == [begun.message]
    row = store.answers.get(store.owner(), begun.message)
    assert (row.state, row.text, row.reasoning) == ("interrupted", "half an ans", "hm")
    (event,) = store.ledger.latest(store.owner())
    assert (event.id, event.outcome, event.cost.nano) == (begun.attempt_id, "unknown", None)
    assert store.answers.sweep(epoch="next process", now_ms=now_ms() + 60_000, stale_ms=15_000) == []
    assert store.ledger.verify(store.owner()) == []


def test_the_sweep_prices_what_its_caller_can_estimate(store: Store, owner: int) -> None:
    begun = begin(store)
    store.answers.checkpoint(begun.answer_id, "four")

    def estimate(row: AnswerRow, left: Attempt) -> Attempt:
        assert (row.message, left.chars_out) == (begun.message, 4)
        return attempt(left.id, outcome="unknown", usage_source="estimated")

    store.answers.sweep(epoch="next", now_ms=now_ms() + 60_000, stale_ms=1_000, estimate=estimate)
    assert store.ledger.latest(owner)[0].usage_source == "estimated"


def test_the_sweep_leaves_its_own_process_alone(store: Store, owner: int) -> None:
    begun = begin(store)
    assert store.answers.sweep(epoch="this process", now_ms=now_ms() + 10**9, stale_ms=1) == []
    assert store.answers.get(owner, begun.message).state == "running"


@pytest.mark.postgres
def test_another_living_process_keeps_its_answers(postgres: str, tmp_path: object) -> None:
    place = Place(postgres, tmp_path)  # type: ignore[arg-type]
    here, there = place.open(), place.open()
    begun = begin(here)
    assert there.answers.sweep(epoch="other", now_ms=now_ms(), stale_ms=15_000) == []
    assert there.answers.request_stop(there.owner(), begun.message) is True
    assert here.answers.checkpoint(begun.answer_id, "x") is True
    place.close()


def test_a_queued_message_is_taken_when_its_answer_begins(store: Store, owner: int) -> None:
    begun = begin(store)
    item = store.queue.add(owner, begun.conversation, (TextPart("next"),), REF)
    store.answers.finish(begun.answer_id, end())
    asked = turn("next", conversation=begun.conversation, parent=begun.message, key=item.public_id)
    first = store.answers.begin(owner, asked, epoch="e", from_queue=item.public_id)
    assert store.queue.list(owner, begun.conversation) == []
    assert store.answers.begin(owner, asked, epoch="e", from_queue=item.public_id).message == first.message


def test_a_queued_message_stays_when_its_answer_cannot_begin(store: Store, owner: int) -> None:
    begun = begin(store)
    item = store.queue.add(owner, begun.conversation, (TextPart("next"),), REF)
    asked = turn("next", conversation=begun.conversation, parent=begun.message)
    with pytest.raises(AnswerRunning):
        store.answers.begin(owner, asked, epoch="e", from_queue=item.public_id)
    assert store.queue.list(owner, begun.conversation) == [item]


def test_bytes_of_an_image_come_back_and_are_kept_once(store: Store, owner: int) -> None:
    image = ImagePart("image/png", b"\x89PNG" * 100)
    begun = answered(store, parts=(TextPart("see"), image))
    other = answered(store, parts=(image,))
    for where, parts in ((begun, (TextPart("see"), image)), (other, (image,))):
        found = store.conversations.transcript(owner, where.conversation).messages[0].parts
        assert all(part.data == b"" and part.size == 400 for part in found if isinstance(part, ImagePart))
        assert store.attachments.filled(owner, found) == kept(*parts)
