"""Batches over a scripted door: every row once, bounded, paused, stopped, repaired, within the budget."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lib.batch import Batch, Field, Result, Run
from lib.cards import Abilities, ModelCard, Prices
from lib.errors import BadInput, GatewayError, NotFound
from lib.events import AttemptBegan, Failed, Finished, Started, TextDelta, UsageReported
from lib.generation import Tariff
from lib.generation.batches import Progress
from lib.ledger import ModelRef
from lib.messages import FilePart, ImagePart, Params
from lib.tokens import Usage
from tests.generation.scripted import WHOLE, Hold, House, ScriptedDoor, eventually

Open = Callable[..., House]
REF = ModelRef(7, "m", "m", "m")
FIELDS = (Field("title"), Field("pages", "integer"))
BUSY = GatewayError("rate_limit", "slow down", status=429, retryable=True, retry_after_s=0.0)
DENIED = GatewayError("auth", "no such key", status=401)
GOOD, BAD = '{"title": "A", "pages": 3}', '{"title": "A", "pages": "three"}'


def said(text: str, tokens: int = 20) -> tuple[object, ...]:
    usage = UsageReported(Usage(input=100, output=tokens))
    return (AttemptBegan(1), Started("r", "m"), TextDelta(text), usage, Finished("stop"))


def refused(error: GatewayError) -> tuple[object, ...]:
    return (AttemptBegan(1), Failed(error))


class Table:
    """A batch of `n` small documents in a house, and its runs."""

    def __init__(self, house: House, n: int = 3, *, fields: tuple[Field, ...] = (), parallel: int = 2) -> None:
        self.house = house
        self.store, self.owner, self.work = house.store, house.owner, house.desk.batches
        self.batch: Batch = self.store.batches.create(
            self.owner, "Letters", "What is it?", fields=fields, parallel=parallel
        )
        self.store.batches.add_rows(
            self.owner,
            self.batch.public_id,
            [(f"{at}.txt", (FilePart(f"{at}.txt", f"letter {at}"),)) for at in range(n)],
        )

    @property
    def door(self) -> ScriptedDoor:
        assert isinstance(self.house.doors.behind, ScriptedDoor)
        return self.house.doors.behind

    def run(self, budget: int | None = None, ref: ModelRef = REF, params: Params | None = None) -> Run:
        return self.store.batches.add_run(self.owner, self.batch.public_id, ref, params, budget_nano=budget)

    def started(self, budget: int | None = None) -> Run:
        run = self.run(budget)
        self.work.start(run.public_id)
        return run

    def at_end(self, run: Run, state: str = "done") -> list[Result]:
        """The results once the run is in `state` and nothing of it is being written."""
        eventually(lambda: self.state(run) == state and not self.house.engine.running())
        eventually(lambda: all(result.state != "running" for result in self.results(run)))
        return self.results(run)

    def state(self, run: Run) -> str:
        return self.progress(run).state

    def progress(self, run: Run) -> Progress:
        return self.work.progress(run.public_id)

    def results(self, run: Run) -> list[Result]:
        return self.store.batches.results(self.owner, run.public_id)

    def states(self, run: Run) -> list[str]:
        return [result.state for result in self.results(run)]


def test_every_row_is_asked_once_with_its_file_and_the_prompt(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*WHOLE)), 5)
    results = table.at_end(table.started())
    assert [(found.state, found.text, found.tries) for found in results] == [("done", "Hello world", 1)] * 5
    asked = sorted(ask.messages[0].parts[0].text for ask in table.door.asked)
    assert asked == [f"letter {at}" for at in range(5)]
    assert {ask.messages[0].text for ask in table.door.asked} == {"What is it?"}
    assert table.door.most_busy <= 2
    rows = table.house.ledger()
    assert [row.purpose for row in rows] == ["batch"] * 5 and len({row.message for row in rows}) == 5
    assert not table.store.conversations.list(table.owner)


def test_no_title_is_asked_for_and_nothing_waits_behind(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    house.store.preferences.set(house.owner, "model_titles", True)
    house.doors.cards = (ModelCard("m", "m", "m", prices=Prices(1, 1), price_source="gateway"),)
    table = Table(house)
    table.at_end(table.started())
    assert len(table.door.asked) == 3


def test_another_run_answers_the_same_questions_beside_the_first(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*WHOLE)))
    first, second = table.started(), None
    table.at_end(first)
    second = table.run(ref=ModelRef(7, "other", "m", "m", "hc"))
    table.work.start(second.public_id)
    table.at_end(second)
    assert [ask.model for ask in table.door.asked] == ["m"] * 3 + ["other"] * 3
    assert {result.message for result in table.results(first)}.isdisjoint(
        result.message for result in table.results(second)
    )
    opened = table.store.batches.open_row(table.owner, table.results(first)[0].row, second.public_id)
    shown = table.store.conversations.transcript(table.owner, opened).messages
    assert len(shown) == 2 and shown[1].sibling_count == 2 and shown[1].ref and shown[1].ref.model == "other"


def test_two_runs_ask_about_the_same_row_at_the_same_time(open_house: Open) -> None:
    hold, door = Hold(), ScriptedDoor(*WHOLE)
    table = Table(open_house(door), 2, parallel=1)
    table.at_end(table.started())
    door.script = (hold, *WHOLE)
    runs = [table.started(), table.started()]
    assert len({live.conversation for live in table.house.engine.running() if not live.over}) == 1
    eventually(lambda: len(table.house.engine.running()) == 2)
    hold.let_go.set()
    assert [[found.state for found in table.at_end(run)] for run in runs] == [["done"] * 2] * 2


def test_an_answer_in_the_wrong_shape_is_asked_for_once_more(open_house: Open) -> None:
    door = ScriptedDoor(*said(GOOD))
    table = Table(open_house(door), 1, fields=FIELDS)
    door.scripts = [said(BAD)]
    [result] = table.at_end(table.started())
    assert (result.state, result.tries, result.values) == ("done", 2, {"title": "A", "pages": 3})
    first, again = door.asked
    assert "JSON" in first.messages[0].text and [message.role for message in again.messages][1:] == [
        "assistant",
        "user",
    ]
    assert "pages" in again.messages[2].text
    assert result.cost_nano == 2 * (100 * 2_000 + 20 * 10_000)
    assert [row.purpose for row in table.house.ledger()] == ["batch", "batch"]


def test_twice_wrong_is_invalid_and_keeps_what_is_right(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*said(BAD))), 1, fields=FIELDS)
    [result] = table.at_end(table.started())
    assert (result.state, result.tries, result.problems) == ("invalid", 2, ("wrong_type:pages",))
    assert result.values["title"] == "A" and len(table.door.asked) == 2


def test_pause_lets_running_rows_end_and_resume_takes_the_rest(open_house: Open) -> None:
    hold = Hold()
    door = ScriptedDoor(hold, *WHOLE)
    table = Table(open_house(door), 5)
    run = table.started()
    eventually(lambda: len(table.house.engine.running()) == 2)
    table.work.pause(run.public_id)
    hold.let_go.set()
    assert sorted(result.state for result in table.at_end(run, "paused")) == ["done"] * 2 + ["waiting"] * 3
    table.work.resume(run.public_id)
    table.at_end(run)
    assert table.states(run) == ["done"] * 5 and len(door.asked) == 5


def test_stop_stops_what_is_being_written(open_house: Open) -> None:
    hold = Hold()
    table = Table(open_house(ScriptedDoor(TextDelta("so far"), hold)), 4)
    run = table.started()
    eventually(lambda: [live.texts()[0] for live in table.house.engine.running()] == ["so far"] * 2)
    table.work.stop(run.public_id)
    results = table.at_end(run, "stopped")
    assert [(found.state, found.text) for found in results] == [("stopped", "so far")] * 2 + [("waiting", "")] * 2
    table.door.script = WHOLE
    table.work.resume(run.public_id)
    assert [found.state for found in table.at_end(run)] == ["stopped"] * 2 + ["done"] * 2
    assert table.work.retry_failed(run.public_id) == 2
    assert [found.state for found in table.at_end(run)] == ["done"] * 4 and len(table.door.asked) == 6


def test_a_run_cannot_be_started_twice(open_house: Open) -> None:
    hold = Hold()
    table = Table(open_house(ScriptedDoor(hold, *WHOLE)))
    run = table.started()
    with pytest.raises(BadInput, match="run_running"):
        table.work.start(run.public_id)
    hold.let_go.set()
    table.at_end(run)
    assert len(table.door.asked) == 3


def test_the_row_that_might_cross_the_budget_is_not_asked(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*said("x" * 80, 500))), 6, parallel=1)
    each = 100 * 2_000 + 500 * 10_000
    estimate = round(500 * 1.25) * 10_000 + 30 * 2_000
    run = table.started(budget=2 * each + estimate)
    results = table.at_end(run, "over_budget")
    assert [found.state for found in results] == ["done"] * 3 + ["waiting"] * 3
    assert sum(found.cost_nano or 0 for found in results) <= 2 * each + estimate
    assert len(table.door.asked) == 3 and table.progress(run).aside_nano == 0


def test_a_larger_budget_lets_it_go_on(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*said("x", 500))), 3, parallel=1)
    run = table.started(budget=1)
    assert table.state(run) == "over_budget" and not table.door.asked
    table.work.set_budget(run.public_id, 10**9)
    table.work.resume(run.public_id)
    assert {found.state for found in table.at_end(run)} == {"done"}
    assert table.progress(run).budget_nano == 10**9


def test_what_was_spent_before_counts_after_a_restart(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*said("x", 500))), 2, parallel=1)
    each = 100 * 2_000 + 500 * 10_000
    run = table.started(budget=each + 1_500_000)
    table.at_end(run, "over_budget")
    table.house.close()
    house = open_house(ScriptedDoor(*said("x", 500)))
    house.desk.batches.resume(run.public_id)
    assert house.desk.batches.progress(run.public_id).state == "over_budget"
    assert isinstance(house.doors.behind, ScriptedDoor) and not house.doors.behind.asked


def test_what_runs_is_put_aside_before_the_next_is_asked(open_house: Open) -> None:
    hold = Hold()
    table = Table(open_house(ScriptedDoor(hold, *said("x", 500))), 6, parallel=6)
    run = table.started(budget=2 * 7_000_000)
    assert table.state(run) == "running" and len(table.house.engine.running()) == 2
    assert table.progress(run).aside_nano > 12_000_000
    hold.let_go.set()
    assert [found.state for found in table.at_end(run, "over_budget")] == ["done"] * 2 + ["waiting"] * 4


def test_a_budget_needs_a_price_in_its_currency(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    table = Table(house)
    house.doors.priced = Tariff()
    with pytest.raises(BadInput, match="unpriced_budget"):
        table.started(budget=10**9)
    house.doors.priced = Tariff(Prices(1, 1, currency="CNY"), "gateway")
    with pytest.raises(BadInput, match="budget_currency"):
        table.started(budget=10**9)
    assert not table.door.asked
    table.at_end(table.started())


def test_a_busy_gateway_gets_a_rest_and_fewer_rows_at_once(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    table = Table(open_house(door), 4, parallel=2)
    door.scripts = [refused(BUSY), refused(BUSY)]
    run = table.started()
    results = table.at_end(run)
    assert [found.state for found in results] == ["done"] * 4 and len(door.asked) == 6
    assert sorted(row.outcome for row in table.house.ledger()) == ["ok"] * 4 + ["refused"] * 2


def test_a_gateway_that_stays_busy_fails_the_row_and_then_pauses(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*refused(BUSY))), 9, parallel=1)
    run = table.started()
    table.at_end(run, "paused")
    assert table.progress(run).reason == "rate_limit" and table.states(run).count("waiting") >= 3


def test_a_refused_key_pauses_the_run_with_the_reason(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*refused(DENIED))), 9, parallel=1)
    run = table.started()
    results = table.at_end(run, "paused")
    assert [found.state for found in results] == ["failed"] * 2 + ["waiting"] * 7
    assert table.progress(run).reason == "auth" and results[0].error_kind == "auth"
    table.door.script = WHOLE
    assert table.work.retry_failed(run.public_id) == 2
    assert {found.state for found in table.at_end(run)} == {"done"}


def test_a_row_that_the_model_does_not_take_fails_without_being_sent(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    house.doors.cards = (ModelCard("m", "m", "m", openai=Abilities(True, False, False)),)
    table = Table(house, 2)
    picture = ImagePart("image/png", b"\x89PNG", width=10, height=10)
    table.store.batches.add_rows(table.owner, table.batch.public_id, [("cat.png", (picture,))])
    results = table.at_end(table.started())
    assert [found.state for found in results] == ["done", "done", "failed"]
    assert results[2].problems == ("image_not_taken",) and len(table.door.asked) == 2


def test_a_killed_run_waits_for_resume_and_never_asks_again_by_itself(open_house: Open) -> None:
    """As after a crash: another process's name, and answers that nobody writes any more."""
    hold = Hold()
    table = Table(open_house(ScriptedDoor(TextDelta("so far"), hold)), 5)
    run = table.started()
    eventually(lambda: [live.texts()[0] for live in table.house.engine.running()] == ["so far"] * 2)
    eventually(lambda: [found.text for found in table.results(run)[:2]] == ["so far"] * 2)
    table.house.close(0.0)
    house = open_house(ScriptedDoor(*WHOLE))
    house.desk.recover(15_000)
    again = house.desk.batches
    results = house.store.batches.results(house.owner, run.public_id)
    assert [found.state for found in results] == ["interrupted"] * 2 + ["waiting"] * 3
    assert again.progress(run.public_id).state == "interrupted"
    again.resume(run.public_id)
    eventually(lambda: again.progress(run.public_id).state == "done")
    results = house.store.batches.results(house.owner, run.public_id)
    assert [(found.state, found.text) for found in results[:2]] == [("interrupted", "so far")] * 2
    assert [found.state for found in results[2:]] == ["done"] * 3
    assert isinstance(house.doors.behind, ScriptedDoor) and len(house.doors.behind.asked) == 3
    assert again.retry_failed(run.public_id) == 2
    eventually(lambda: again.progress(run.public_id).counts == {"done": 5})


def test_the_quote_is_known_before_the_start(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    table = Table(house, 4)
    quote = table.work.quote(table.batch.public_id, REF)
    assert (quote.n_rows, quote.out_tokens) == (4, 4 * 500)
    assert quote.nano == quote.in_tokens * 2_000 + quote.out_tokens * 10_000
    assert quote.low_nano and quote.high_nano and quote.low_nano < quote.nano < quote.high_nano
    capped = table.work.quote(table.batch.public_id, REF, Params(max_tokens=50))
    assert capped.out_tokens == 4 * 50
    house.doors.priced = Tariff()
    assert table.work.quote(table.batch.public_id, REF).nano is None


def test_a_batch_of_nothing_is_done_at_once(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*WHOLE)), 0)
    assert table.at_end(table.started()) == []


def test_a_run_that_is_paused_elsewhere_asks_nothing_more(open_house: Open) -> None:
    hold = Hold()
    table = Table(open_house(ScriptedDoor(hold, *WHOLE)), 4)
    run = table.started()
    eventually(lambda: len(table.house.engine.running()) == 2)
    table.store.batches.set_run_state(table.owner, run.public_id, "paused")
    hold.let_go.set()
    assert [found.state for found in table.at_end(run, "paused")] == ["done"] * 2 + ["waiting"] * 2
    table.work.resume(run.public_id)
    assert {found.state for found in table.at_end(run)} == {"done"} and len(table.door.asked) == 4


def test_a_batch_that_is_deleted_meanwhile_stops(open_house: Open) -> None:
    hold = Hold()
    table = Table(open_house(ScriptedDoor(hold, *WHOLE)), 6)
    table.started()
    eventually(lambda: len(table.door.asked) == 2)
    table.store.batches.delete(table.owner, table.batch.public_id)
    eventually(lambda: not table.house.engine.running())
    hold.let_go.set()
    assert len(table.door.asked) == 2 and len(table.house.ledger()) == 2


def test_an_answer_that_nobody_recorded_is_judged_when_the_run_goes_on(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*said(GOOD)))
    table = Table(house, 2, fields=FIELDS, parallel=1)
    house.engine.after_end = lambda live, ref, end: None
    run = table.started()
    eventually(lambda: [row.outcome for row in house.ledger()] == ["ok"])
    assert table.states(run) == ["running", "waiting"]
    house.close()
    again = open_house(ScriptedDoor(*said(GOOD)))
    again.desk.recover(15_000)
    found = again.store.batches.results(again.owner, run.public_id)
    assert [(one.state, one.values.get("pages")) for one in found] == [("done", 3), ("waiting", None)]


def test_only_the_chosen_rows_are_asked_again(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*refused(GatewayError("bad_request", "no", status=400)))), 3)
    run = table.started()
    first, *_ = table.at_end(run)
    table.door.script = WHOLE
    assert table.work.retry_failed(run.public_id, rows=(first.row,)) == 1
    assert [found.state for found in table.at_end(run)] == ["done", "failed", "failed"]


def test_a_batch_conversation_that_was_opened_is_a_chat_like_others(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*WHOLE)), 1)
    [result] = table.at_end(table.started())
    chat = table.store.batches.open_row(table.owner, result.row)
    sent = table.house.send("and then?", chat)
    assert table.house.end_of(sent.message or "").state == "done"
    assert [row.purpose for row in table.house.ledger()] == ["batch", "chat"]
    assert [found.state for found in table.results(table.store.batches.get(table.owner, table.batch.public_id).runs[0])]


def test_progress_says_how_far_it_is(open_house: Open) -> None:
    hold = Hold()
    door = ScriptedDoor(hold, *said("x", 20))
    table = Table(open_house(door), 4, parallel=1)
    door.scripts = [said("x", 20)]
    run = table.started()
    now = eventually(lambda: (now := table.progress(run)).counts.get("done") == 1 and now.running == 1 and now)
    assert (now.state, now.n_rows, now.parallel, now.counts["waiting"]) == ("running", 4, 1, 2)
    assert now.eta_s is not None and [one.nano for one in now.spent] == [100 * 2_000 + 20 * 10_000]
    hold.let_go.set()
    table.at_end(run)


def test_a_run_whose_gateway_is_gone_pauses_and_does_not_start(open_house: Open) -> None:
    hold = Hold()
    table = Table(open_house(ScriptedDoor(hold, *WHOLE)), 4)
    run = table.started()
    eventually(lambda: len(table.door.asked) == 2)

    def gone() -> None:
        raise NotFound("gateway")

    table.house.doors.prepare = gone
    hold.let_go.set()
    results = table.at_end(run, "paused")
    assert [found.state for found in results] == ["done"] * 2 + ["waiting"] * 2
    assert table.progress(run).reason == "not_found"
    with pytest.raises(NotFound):
        table.work.resume(run.public_id)
    assert table.state(run) == "paused"


def test_asking_again_when_nothing_failed_starts_nothing(open_house: Open) -> None:
    table = Table(open_house(ScriptedDoor(*WHOLE)), 2)
    run = table.run()
    assert table.work.retry_failed(run.public_id) == 0
    assert table.state(run) == "ready" and not table.door.asked


def test_a_price_that_goes_away_pauses_a_run_with_a_budget(open_house: Open) -> None:
    hold = Hold()
    table = Table(open_house(ScriptedDoor(hold, *said("x", 500)[1:])), 4, parallel=1)
    run = table.started(budget=10**9)
    eventually(lambda: len(table.door.asked) == 1)
    table.house.doors.priced = Tariff()
    hold.let_go.set()
    assert table.at_end(run, "paused")[1].state == "waiting"
    assert table.progress(run).reason == "unpriced_budget" and len(table.door.asked) == 1
