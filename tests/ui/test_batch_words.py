"""What batches say: progress, money that is not known, fields that cannot be used."""

from __future__ import annotations

from typing import get_args

import pytest

from lib.attachments.batch_fields import MOST_FIELDS
from lib.batch import Batch, Field, FieldType, Result, RowState, Run, RunState
from lib.generation.batch_money import BatchQuote
from lib.generation.batches import Progress
from lib.ledger import ModelRef
from lib.store.batch_results import Spent
from lib.ui import batch_words as words
from lib.ui.batch_download import file_name
from lib.ui.batch_fields_editor import Line, read_fields

REF = ModelRef(1, "gpt-5.4", "gpt-5.4", "standard", "openai")


def test_every_state_and_type_has_its_words() -> None:
    assert set(words.ROW_STATES) == set(get_args(RowState))
    assert set(words.RUN_STATES) == set(get_args(RunState))
    assert set(words.FIELD_TYPES) == set(get_args(FieldType))


def test_a_quote_without_a_price_says_that_the_cost_will_not_be_known() -> None:
    said = words.quote_words(BatchQuote(2, 1_500, 400, None, None, None))
    assert said == "2 files ≈ 1,500 tokens in, ≈ 400 out: unpriced. What it costs will not be known."
    assert "$0" not in said


def test_a_quote_has_its_range() -> None:
    said = words.quote_words(BatchQuote(1, 10, 10, 20_000_000, 10_000_000, 30_000_000))
    assert said == "1 file ≈ 10 tokens in, ≈ 10 out: ≈ $0.0200 ($0.0100 to $0.0300)"


@pytest.mark.parametrize(
    ("budget", "said"), [(None, ""), (30, ""), (29, "The budget may stop"), (9, "The budget is smaller")]
)
def test_a_budget_below_the_estimate_is_said_before(budget: int | None, said: str) -> None:
    found = words.budget_words(BatchQuote(1, 10, 10, 20, 10, 30), budget)
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_progress_counts_what_came_and_what_can_be_asked_again() -> None:
    progress = Progress("running", {"done": 2, "failed": 1, "running": 1, "waiting": 3, "invalid": 1}, 1, eta_s=90)
    assert (
        words.progress_words(progress)
        == "4 of 8 done, 1 answering, 1 failed or stopped, 1 not as wanted, about 2 min left"
    )
    assert words.again(progress.counts) == 1


def test_unknown_costs_are_never_zero() -> None:
    assert words.spent_words([], None, "USD") == "$0"
    assert words.spent_words([Spent("USD", 0, 0, 2, 2)], 10**9, "USD") == "— of $1.00, 2 requests unpriced"
    assert words.spent_words([Spent("USD", 10**9, 10**9, 3, 1)], None, "USD") == "$1.00, 1 request unpriced"
    both = [Spent("EUR", 10**9, 10**9, 1, 0), Spent("USD", 10**9, 10**9, 1, 0)]
    assert words.spent_words(both, None, "USD") == "€1.00 + $1.00"


def test_an_interrupted_batch_says_that_nothing_is_asked_twice() -> None:
    said = words.state_words(Progress("interrupted", {"done": 2, "waiting": 1}))
    assert said.startswith("This batch was interrupted")
    assert "1 file waits; nothing is asked twice" in said
    assert words.state_words(Progress("stopped", {"done": 2})) == ""


def test_a_paused_batch_says_why() -> None:
    said = words.state_words(Progress("paused", {"waiting": 2}, reason="auth"))
    assert said == "The gateway does not accept this key. The batch pauses; 2 files wait."


def test_problems_are_sentences_with_the_fields_name() -> None:
    found = Result("a", "r", "invalid", problems=("missing:price", "not_a_date:day"), error_kind=None)
    assert words.problem_words(found) == "price is missing. day is not a date."
    assert words.problem_words(Result("a", "r", "failed", error_kind="auth")).startswith("The gateway does not accept")
    assert words.problem_words(Result("a", "r", problems=("odd:x",))) == "x is not as wanted."


def test_lines_become_fields_and_empty_ones_are_passed_over() -> None:
    fields, wrong = read_fields([Line(" price ", "number", " in USD "), Line(), Line("day", "date", "", False)])
    assert wrong == ""
    assert fields == (Field("price", "number", "in USD"), Field("day", "date", "", False))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([Line("", description="what")], "A field has a description, but no name."),
        ([Line("a"), Line("A")], "“A” is there twice."),
        ([Line("a{b}")], "“a{b}” has a character"),
        ([Line(f"f{at}") for at in range(MOST_FIELDS + 1)], f"“f{MOST_FIELDS}” is one too many"),
    ],
)
def test_a_field_that_cannot_be_used_is_said_in_words(lines: list[Line], said: str) -> None:
    assert read_fields(lines)[1].startswith(said)


def test_runs_of_one_model_are_told_apart() -> None:
    runs = [Run("a", REF), Run("b", REF), Run("c", REF)]
    assert words.run_words(runs, dict.fromkeys("abc", "GPT")) == {"a": "GPT", "b": "GPT (2)", "c": "GPT (3)"}


def test_a_file_name_is_safe_whatever_the_batch_is_called() -> None:
    assert file_name(Batch("x", "../../Über <b>“x”", ""), "GPT · Budget") == "batch-ber-b-x-gpt-budget"
    assert file_name(Batch("x", "…", ""), "") == "batch"
    assert len(file_name(Batch("x", "y" * 500, ""), "")) <= 80
