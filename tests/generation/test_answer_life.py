"""How an answer lives and ends: what is stored, and which row the ledger gets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from lib.errors import GatewayError, StoreBusy, StoreUnwritable
from lib.events import (
    AttemptBegan,
    Failed,
    Finished,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from lib.generation import Tariff
from lib.generation.run import Diary
from lib.tokens import Usage
from tests.generation.scripted import (
    PRICES,
    REJECTED,
    WHOLE,
    Hold,
    House,
    ScriptedDoor,
    broken,
    eventually,
    retried,
)

Open = Callable[..., House]


def test_a_whole_answer_is_done_and_costs_what_was_reported(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    row = house.ask()
    [paid] = house.ledger()
    assert (row.state, row.text) == ("done", "Hello world")
    assert (paid.outcome, paid.usage_source, paid.count.input, paid.count.output) == ("ok", "reported", 100, 20)
    assert paid.cost.nano == 100 * 2_000 + 20 * 10_000
    assert paid.cost.low_nano is None and not paid.demo


def test_the_message_is_committed_before_the_door_is_asked(open_house: Open) -> None:
    seen: list[list[str]] = []
    door = ScriptedDoor(lambda: seen.append([row.state for row in house.store.answers.running(house.owner)]), *WHOLE)
    house = open_house(door)
    assert house.ask().state == "done"
    assert seen == [["running"]]


class BrokenDiary:
    """A store's diary of which some methods fail while `failing` says so."""

    def __init__(self, diary: Diary, *methods: str, error: Exception | None = None, times: int = 10**9) -> None:
        self._diary, self._methods, self._error = diary, methods, error or StoreBusy("busy")
        self.times = times
        self.calls = 0

    def __getattr__(self, name: str) -> object:
        real = getattr(self._diary, name)
        return self._broken(real) if name in self._methods else real

    def _broken(self, real: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object, **named: object) -> object:
            self.calls += 1
            if self.calls <= self.times:
                raise self._error
            return real(*arguments, **named)

        return called


def test_nothing_is_sent_when_the_message_cannot_be_committed(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    house.store.answers = BrokenDiary(house.store.answers, "begin", error=StoreUnwritable("full"))  # type: ignore[assignment]
    with pytest.raises(StoreUnwritable):
        house.send()
    assert not door.asked


def test_a_second_attempt_that_cannot_be_committed_is_not_sent(open_house: Open) -> None:
    door = ScriptedDoor(*retried(), *WHOLE)
    house = open_house(door, diary=lambda diary: BrokenDiary(diary, "new_attempt"))
    row = house.ask()
    assert (row.state, row.error_kind, len(door.asked)) == ("failed", "StoreBusy", 1)
    assert [paid.outcome for paid in house.ledger()] == ["refused"]


def test_text_is_in_the_store_within_half_a_second(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(TextDelta("so far"), ReasoningDelta("hm"), hold, *WHOLE[3:]))
    sent = house.send()
    assert hold.reached.wait(2)
    came_at = time.monotonic()
    row = eventually(lambda: (row := house.row(sent.message)).text and row)
    assert time.monotonic() - came_at < 0.6  # half a second and a slow machine
    assert (row.state, row.text, row.reasoning) == ("running", "so far", "hm")
    hold.let_go.set()
    assert house.end_of(sent.message).state == "done"


def test_what_must_go_back_to_the_gateway_is_kept_with_the_text(open_house: Open) -> None:
    hold = Hold()
    call = ToolCallDelta(0, "c1", "look", '{"a":1}')
    house = open_house(ScriptedDoor(ReasoningDelta("hm"), ReasoningSealed("seal"), call, hold, Finished("tool_calls")))
    sent = house.send()
    parts = eventually(lambda: house.row(sent.message).parts)
    hold.let_go.set()
    assert house.end_of(sent.message).parts == parts
    assert [type(part).__name__ for part in parts] == ["ReasoningPart", "ToolCallPart"]


def test_a_refusal_in_words_is_kept_after_the_text_before_it(open_house: Open) -> None:
    house = open_house(ScriptedDoor(TextDelta("Well. "), RefusalDelta("I will not."), Finished("stop")))
    assert house.ask().text == "Well. I will not."


def test_a_cut_stream_keeps_its_text_and_an_estimate(open_house: Open) -> None:
    error = GatewayError("truncated", "ended early", where="stream")
    house = open_house(ScriptedDoor(Started(), TextDelta("x" * 400), Failed(error)))
    row = house.ask("y" * 40)
    [paid] = house.ledger()
    assert (row.state, row.error_kind, len(row.text)) == ("cut", "truncated", 400)
    assert (paid.outcome, paid.usage_source, paid.count.input, paid.count.output) == ("cut", "estimated", 10, 100)
    assert paid.cost.low_nano is not None and paid.cost.high_nano is not None
    assert paid.cost.low_nano < (paid.cost.nano or 0) < paid.cost.high_nano


@pytest.mark.parametrize(
    ("error", "outcome", "nano"),
    [
        (GatewayError("auth", "no", status=401), "refused", 0),
        (GatewayError("redirect", "", status=302), "refused", 0),
        (GatewayError("overloaded", "busy", status=529), "refused", 0),
        (GatewayError("no_channel", "none", status=503), "refused", 0),
        (GatewayError("overloaded", "busy", where="stream"), "refused", 0),
        (GatewayError("server", "", where="transport", code="dns", sent=False), "failed", 0),
        (GatewayError("timeout", "", status=408), "unknown", None),
        (GatewayError("bad_request", "", status=409), "unknown", None),
        (GatewayError("server", "oops", status=500), "unknown", None),
        (GatewayError("server", "", status=504), "unknown", None),
        (GatewayError("timeout", "", where="transport"), "unknown", None),
        (GatewayError("server", "", where="transport", code="closed"), "unknown", None),
        (GatewayError("server", "oops", where="stream"), "unknown", None),
    ],
)
def test_an_error_before_content_is_failed_and_priced_only_when_the_outcome_is_known(
    open_house: Open, error: GatewayError, outcome: str, nano: int | None
) -> None:
    house = open_house(ScriptedDoor(*broken(error)))
    row = house.ask()
    [paid] = house.ledger()
    code = error.code if error.where == "transport" else None
    assert (row.state, row.error_kind) == ("failed", code or error.kind)
    assert (paid.outcome, paid.cost.nano, paid.count.input) == (outcome, nano, None)


def test_every_attempt_has_a_ledger_row_of_its_own(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*retried(), *WHOLE))
    house.ask()
    first, second = house.ledger()
    assert (first.outcome, first.error_kind, first.cost.nano) == ("refused", "rate_limit", 0)
    assert (second.outcome, second.cost.nano) == ("ok", 400_000)


def test_the_row_of_a_failed_attempt_is_there_before_the_next_is_sent(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(*retried(), hold, *WHOLE))
    sent = house.send()
    assert hold.reached.wait(2)
    assert [paid.outcome for paid in house.ledger()] == ["refused"]
    hold.let_go.set()
    house.end_of(sent.message)
    assert len(house.ledger()) == 2


def test_usage_of_a_failed_attempt_is_not_mixed_into_the_next(open_house: Open) -> None:
    begun = UsageReported(Usage(input=900, output=1, cached_input=800, semantic="anthropic_excl"), "{}")
    overloaded = GatewayError("overloaded", "busy", where="stream")
    first, *rest = retried(overloaded)
    house = open_house(ScriptedDoor(first, begun, *rest, *WHOLE))
    house.ask()
    attempts = house.ledger()
    assert [paid.count.input for paid in attempts] == [900, 100]
    assert [paid.outcome for paid in attempts] == ["unknown", "ok"]  # the first may have been billed: it counted


def test_an_answer_without_usage_is_estimated(open_house: Open) -> None:
    house = open_house(ScriptedDoor(TextDelta("x" * 40), Finished("stop")))
    row = house.ask("y" * 8)
    [paid] = house.ledger()
    assert (row.state, paid.outcome, paid.usage_source) == ("done", "ok", "estimated")
    assert (paid.count.input, paid.count.output) == (2, 10)
    assert paid.cost.low_nano is not None


def test_without_a_price_the_cost_is_unknown_and_not_zero(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    house.doors.priced = Tariff()
    house.ask()
    [paid] = house.ledger()
    assert (paid.count.output, paid.cost.nano) == (20, None)


def test_the_price_is_the_one_of_the_beginning(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(hold, *WHOLE))
    sent = house.send()
    assert hold.reached.wait(2)
    house.doors.priced = Tariff(PRICES.__class__(input=1, output=1), "gateway")
    hold.let_go.set()
    house.end_of(sent.message)
    assert house.ledger()[0].cost.nano == 400_000


def test_demo_answers_are_flagged(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    house.doors.demo = True
    house.ask()
    assert [paid.demo for paid in house.ledger()] == [True]
    assert house.store.ledger.latest(house.owner) == []


def test_three_reported_answers_teach_the_tokens_per_character(open_house: Open) -> None:
    whole = TextDelta("x" * 100), UsageReported(Usage(input=10, output=50)), Finished("stop")
    door = ScriptedDoor(*whole)
    house = open_house(door)
    for _ in range(3):
        house.ask()
    door.script = (TextDelta("x" * 100), Finished("stop"))
    house.ask()
    assert [paid.count.output for paid in house.ledger()] == [50, 50, 50, 50]
    assert house.ledger()[-1].usage_source == "estimated"


SECRET = "the prompt nobody may log"


def test_a_defect_in_the_door_keeps_the_text_and_logs_no_prompt(
    open_house: Open, caplog: pytest.LogCaptureFixture
) -> None:
    house = open_house(ScriptedDoor(TextDelta("so far"), RuntimeError(SECRET)))
    with caplog.at_level(logging.DEBUG):
        row = house.ask(SECRET)
    assert (row.state, row.error_kind, row.text) == ("failed", "internal", "so far")
    assert [paid.outcome for paid in house.ledger()] == ["unknown"]
    assert "RuntimeError" in caplog.text and "scripted.py" in caplog.text
    assert SECRET not in caplog.text


def test_a_defect_in_measuring_costs_the_numbers_and_not_the_answer(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    house.doors.priced = Tariff(prices="not prices", source="gateway")  # type: ignore[arg-type]
    assert house.ask().text == "Hello world"
    [paid] = house.ledger()
    assert (paid.outcome, paid.cost.nano) == ("unknown", None)


def test_a_door_that_ends_without_an_end_is_cut_or_empty(open_house: Open) -> None:
    door = ScriptedDoor(TextDelta("half"))
    house = open_house(door)
    assert (row := house.ask()).state == "cut" and row.error_kind == "truncated"
    door.script = (AttemptBegan(1),)
    assert (row := house.ask()).state == "failed" and row.error_kind == "empty"


def test_a_gateway_that_keeps_the_stream_open_does_not_keep_a_whole_answer_waiting(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.generation.run.LINGER_S", 0.05)
    house = open_house(ScriptedDoor(*WHOLE, 60.0))
    assert house.ask().state == "done"
    assert house.ledger()[0].outcome == "ok"


def test_a_checkpoint_that_fails_does_not_end_the_answer(open_house: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.generation.run.CHECKPOINT_S", 0.01)
    diaries: list[BrokenDiary] = []

    def failing(diary: Diary) -> Diary:
        diaries.append(BrokenDiary(diary, "checkpoint", "heartbeat"))
        return diaries[0]  # type: ignore[return-value]

    hold = Hold()
    house = open_house(ScriptedDoor(TextDelta("a"), hold, *WHOLE), diary=failing)
    sent = house.send()
    eventually(lambda: diaries[0].calls >= 3)
    hold.let_go.set()
    assert house.end_of(sent.message).text == "aHello world"


def test_an_end_that_cannot_be_stored_stays_readable_and_is_stored_later(open_house: Open) -> None:
    diaries: list[BrokenDiary] = []

    def failing(diary: Diary) -> Diary:
        diaries.append(BrokenDiary(diary, "finish", error=StoreUnwritable("full")))
        return diaries[0]  # type: ignore[return-value]

    house = open_house(ScriptedDoor(*WHOLE), diary=failing)
    sent = house.send()
    live = eventually(lambda: house.desk.unsaved_in(sent.conversation))
    assert (live.over, live.state, live.texts()[0]) == (True, "done", "Hello world")
    assert house.desk.text_of(sent.message) == "Hello world"
    assert house.desk.running_in(sent.conversation) is None
    assert house.row(sent.message).state == "running"
    diaries[0].times = 0
    assert house.end_of(sent.message).text == "Hello world"
    eventually(lambda: not live.unsaved)
    assert len(house.ledger()) == 1


def test_an_end_that_breaks_the_store_is_written_without_its_trimmings(open_house: Open) -> None:
    broken_once = lambda diary: BrokenDiary(diary, "finish", error=ValueError("odd"), times=1)  # noqa: E731
    house = open_house(ScriptedDoor(*WHOLE), diary=broken_once)
    assert house.ask().text == "Hello world"
    assert len(house.ledger()) == 1


def test_what_fails_before_the_first_attempt_has_no_ledger_row(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    house.doors.prepare = lambda: (_ for _ in ()).throw(REJECTED)
    row = house.ask()
    assert row.state == "failed" and not house.ledger()  # nothing was sent: nothing is counted
