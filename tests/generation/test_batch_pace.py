"""When a run slows down, rests or pauses; and a purse that never gives out more than there is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import GatewayError
from lib.generation.batch_money import Purse
from lib.generation.batch_pace import Pace
from lib.ledger import Attempt, Cost, Outcome


def attempt(nano: int | None = 0, high: int | None = None, outcome: Outcome = "ok", **more: object) -> Attempt:
    cost = Cost(nano=nano, high_nano=high)
    return Attempt(1, 1, 0, 1, outcome, "m", cost=cost, duration_ms=2_000, **more)  # type: ignore[arg-type]


def busy(retry_after_s: float | None) -> GatewayError:
    return GatewayError("rate_limit", "slow down", status=429, retry_after_s=retry_after_s)


def test_a_rest_is_as_long_as_the_gateway_asks_for_and_bounded() -> None:
    for asked, low, high in ((5.0, 4.5, 5.0), (86_400.0, 59.0, 60.0), (None, 1.5, 2.0), (-1.0, 0.0, 0.0)):
        pace = Pace(8)
        pace.rest(busy(asked))
        assert low <= pace.waits_s <= high


def test_each_rest_halves_and_each_whole_answer_gives_one_back() -> None:
    pace = Pace(8)
    widths = []
    for _ in range(5):
        pace.rest(busy(0.0))
        widths.append(pace.parallel)
    assert widths == [4, 2, 1, 1, 1]
    for _ in range(9):
        pace.went_well((attempt(),))
    assert pace.parallel == 8 and pace.row_s == 2.0


def test_rows_that_fail_during_a_rest_belong_to_it() -> None:
    pace = Pace(8)
    assert not any(pace.rest(busy(30.0)) for _ in range(20)) and pace.parallel == 4


def test_rests_without_an_answer_between_them_pause_the_run() -> None:
    pace = Pace(8)
    assert [pace.rest(busy(0.0)) for _ in range(8)] == [False] * 7 + [True]
    pace.went_well((attempt(),))
    assert not pace.rest(busy(0.0))


def test_a_row_that_may_have_been_billed_does_not_wait_again() -> None:
    pace = Pace(1)
    assert not pace.waits_again("row", (attempt(outcome="refused"), attempt(outcome="unknown")))
    assert [pace.waits_again("row", (attempt(outcome="refused"),)) for _ in range(4)] == [True] * 3 + [False]


def test_what_the_next_row_would_meet_too_pauses_sooner() -> None:
    assert [Pace(1).failed("auth")] == [False]
    pace = Pace(1)
    assert [pace.failed("auth") for _ in range(2)] == [False, True]
    pace = Pace(1)
    assert [pace.failed("server") for _ in range(5)] == [False] * 4 + [True]
    pace = Pace(1)
    assert not any(pace.failed(kind) for kind in ("server", "timeout") * 9)
    assert not any(pace.failed("context_length") for _ in range(9))


def test_a_whole_answer_between_failures_starts_the_count_anew() -> None:
    pace = Pace(1)
    assert not pace.failed("quota")
    pace.went_well((attempt(),))
    assert not pace.failed("quota")


@settings(max_examples=60)
@given(st.integers(0, 1_000), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100)), max_size=12))
def test_what_is_put_aside_and_spent_never_crosses_the_budget(budget: int, rows: list[tuple[int, int]]) -> None:
    """As long as a row costs no more than was put aside for it."""
    purse = Purse(budget)
    for at, (estimate, part) in enumerate(rows):
        if purse.take(str(at), estimate):
            assert purse.spent + purse.aside <= budget
            if part % 2:
                purse.settle(str(at), (attempt(estimate * part // 100),))
                purse.settle(str(at), (attempt(10**9),))
            elif part % 3:
                purse.forget(str(at))
    assert purse.spent + purse.aside <= budget


def test_an_unknown_cost_counts_with_what_was_put_aside() -> None:
    purse = Purse(1_000)
    assert purse.take("a", 400) and purse.take("b", 500) and not purse.take("c", 101)
    purse.settle("a", (attempt(None), attempt(0)))
    purse.settle("b", (attempt(100, 150),))
    assert (purse.spent, purse.aside) == (550, 0)
    assert Purse(None).take("a", 10**15)
