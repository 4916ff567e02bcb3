"""What a gathered answer is after its events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import GatewayError
from lib.events import (
    AttemptBegan,
    AttemptFailed,
    Event,
    Failed,
    Finished,
    Gathered,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UsageReported,
)
from lib.tokens import Usage

BUSY = GatewayError("overloaded", "busy", retryable=True)


def after(*events: Event) -> Gathered:
    gathered = Gathered()
    for event in events:
        gathered.take(event)
    return gathered


@settings(max_examples=60)
@given(pieces=st.lists(st.tuples(st.booleans(), st.text(max_size=5)), max_size=40), looks=st.integers(1, 7))
def test_text_and_reasoning_are_the_sum_of_their_pieces(pieces: list[tuple[bool, str]], looks: int) -> None:
    gathered = Gathered()
    for number, (is_text, piece) in enumerate(pieces):
        gathered.take(TextDelta(piece) if is_text else ReasoningDelta(piece))
        if number % looks == 0:
            assert gathered.text == gathered.text
    assert gathered.text == "".join(piece for is_text, piece in pieces if is_text)
    assert gathered.reasoning == "".join(piece for is_text, piece in pieces if not is_text)


def test_tool_calls_grow_by_their_number() -> None:
    gathered = after(
        ToolCallDelta(1, "b", "second", "{"),
        ToolCallDelta(0, "a", "first", "{}"),
        ToolCallDelta(1, arguments='"x":1}', thought_signature="s"),
    )
    assert gathered.tool_calls == [ToolCall("a", "first", "{}"), ToolCall("b", "second", '{"x":1}', "s")]
    assert gathered.has_content


def test_later_facts_fill_and_do_not_erase() -> None:
    gathered = after(Started(request_id="r"), Started("id", "m"), Started(model="m2"))
    assert (gathered.request_id, gathered.response_id, gathered.model) == ("r", "id", "m2")


def test_sealed_reasoning_is_kept_piece_by_piece() -> None:
    gathered = after(ReasoningSealed("sig"), ReasoningSealed(redacted="x"), ReasoningSealed(redacted="y"))
    assert (gathered.signature, gathered.redacted) == ("sig", ["x", "y"])


def test_an_answer_is_complete_only_when_it_finished_without_an_error() -> None:
    assert after(TextDelta("a"), Finished("stop")).complete
    assert not after(TextDelta("a")).complete
    assert not after(Finished("error"), Failed(BUSY)).complete
    assert after(Failed(BUSY)).error == BUSY


def test_usage_is_the_latest_known() -> None:
    gathered = after(UsageReported(Usage(input=5), "{1}"), UsageReported(Usage(output=2)))
    assert gathered.usage == Usage(input=5, output=2)
    assert gathered.usage_raw == "{1}"


def test_a_new_attempt_starts_without_what_the_failed_one_reported() -> None:
    gathered = after(
        AttemptBegan(1),
        Started("old", "m"),
        UsageReported(Usage(input=5), "{}"),
        Finished("error"),
        AttemptFailed(1, BUSY, 0.5),
        AttemptBegan(2, "top_p"),
    )
    assert (gathered.usage, gathered.usage_raw, gathered.finish, gathered.response_id) == (None, "", None, None)
    assert (gathered.attempt, gathered.repaired, gathered.error) == (2, ["top_p"], None)


def test_skipped_pieces_are_counted_and_a_refusal_is_content() -> None:
    gathered = after(Skipped("not JSON"), Skipped("not JSON"), RefusalDelta("I "), RefusalDelta("cannot"))
    assert (gathered.skipped, gathered.refusal, gathered.has_content) == (2, "I cannot", True)
    assert Gathered().refusal is None
    assert not Gathered().has_content
