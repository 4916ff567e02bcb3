"""Every sentence about batches: how a row and a run stand, what a run will take, what is wrong with a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lib.attachments.batch_fields import MOST_FIELDS, problem_parts
from lib.batch import FieldType, Result, RowState, Run, RunState
from lib.generation.batch_money import BatchQuote
from lib.generation.batches import Progress
from lib.money import money
from lib.store.batch_results import Spent
from lib.ui.notices import notice_for_kind

ROW_STATES: dict[RowState, str] = {
    "waiting": "○ Waiting",
    "running": "◐ Answering",
    "done": "✓ Done",
    "invalid": "△ Not as wanted",
    "stopped": "□ Stopped",
    "cut": "✕ Cut off",
    "failed": "✕ Failed",
    "interrupted": "□ Interrupted",
}
RUN_STATES: dict[RunState, str] = {
    "ready": "Not started",
    "running": "Running",
    "paused": "Paused",
    "stopped": "Stopped",
    "done": "Finished",
    "over_budget": "Stopped by the budget",
    "interrupted": "Interrupted",
}
FIELD_TYPES: dict[FieldType, str] = {
    "text": "Text",
    "number": "Number",
    "integer": "Whole number",
    "yes_no": "Yes or no",
    "date": "Date",
    "list": "List of texts",
}
_FIELD_PROBLEMS = {
    "empty": "has a description, but no name",
    "too_long": "has a name of more than 60 characters",
    "bad_letter": "has a character in its name that cannot be used; letters, digits, spaces and _-./()%#&+' can",
    "twice": "is there twice",
    "too_many": f"is one too many; {MOST_FIELDS} are the most",
}
_VALUE_PROBLEMS = {
    "no_json": "The answer holds no values.",
    "several": "The answer holds different values for the same fields.",
    "missing": "{name} is missing.",
    "null": "{name} is empty.",
    "wrong_type": "{name} is of another type.",
    "not_a_date": "{name} is not a date.",
    "too_large": "{name} is too large.",
}
BILLED_AGAIN = "What these cost before may be billed again."


def field_words(name: str, problem: str) -> str:
    """Why one line of the fields cannot be used."""
    called = f"“{name.strip()}”" if name.strip() else "A field"
    return f"{called} {_FIELD_PROBLEMS.get(problem, 'cannot be used')}."


def problem_words(result: Result) -> str:
    """What is wrong with one row, in a sentence or a few; empty when nothing is."""
    sentences = [notice_for_kind(result.error_kind).text] if result.error_kind else []
    for problem in result.problems:
        code, name = problem_parts(problem)
        sentences.append(_VALUE_PROBLEMS.get(code, "{name} is not as wanted.").format(name=name or "The answer"))
    return " ".join(sentences)


def count_words(number: int, what: str) -> str:
    """'1 file', '1,204 files'."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def quote_words(quote: BatchQuote) -> str:
    """'5 files ≈ 8,300 tokens in, ≈ 1,500 out: ≈ $0.0123 ($0.0098 to $0.0154)'."""
    tokens = f"{count_words(quote.n_rows, 'file')} ≈ {quote.in_tokens:,} tokens in, ≈ {quote.out_tokens:,} out"
    if quote.nano is None:
        return f"{tokens}: unpriced. What it costs will not be known."
    low, high = money(quote.low_nano, quote.currency), money(quote.high_nano, quote.currency)
    between = f" ({low} to {high})" if low != high else ""
    return f"{tokens}: ≈ {money(quote.nano, quote.currency)}{between}"


def budget_words(quote: BatchQuote, budget_nano: int | None) -> str:
    """What a budget means for this quote; empty when it is enough, or not there."""
    if budget_nano is None or quote.high_nano is None or budget_nano >= quote.high_nano:
        return ""
    if quote.low_nano is not None and budget_nano < quote.low_nano:
        return "The budget is smaller than the estimate: the batch will stop before its end, and can go on later."
    return "The budget may stop the batch before its end; it can go on later."


def left_out_words(number: int) -> str:
    return f"{count_words(number, 'file')} will be left out, and {'stays' if number == 1 else 'stay'} here:"


def ended(counts: Mapping[RowState, int]) -> int:
    """Rows of which something came, good or bad."""
    return sum(number for state, number in counts.items() if state not in ("waiting", "running"))


def again(counts: Mapping[RowState, int]) -> int:
    """Rows that can be asked again."""
    return sum(counts.get(state, 0) for state in ("failed", "cut", "interrupted", "stopped"))


def progress_words(progress: Progress) -> str:
    """'3 of 5 done, 1 answering, about 12 s left'."""
    words = [f"{ended(progress.counts):,} of {progress.n_rows:,} done"]
    if progress.running:
        words.append(f"{progress.running} answering")
    if failed := again(progress.counts):
        words.append(f"{failed} failed or stopped")
    if invalid := progress.counts.get("invalid", 0):
        words.append(f"{invalid} not as wanted")
    if progress.eta_s is not None and progress.state == "running":
        words.append(f"about {_time(progress.eta_s)} left")
    if progress.waits_s > 0 and progress.state == "running":
        words.append(f"the gateway asks to wait {progress.waits_s:.0f} s")
    return ", ".join(words)


def spent_words(spent: Sequence[Spent], budget_nano: int | None, currency: str) -> str:
    """'$0.0123 of $0.10', with what is not known."""
    known = [f"{money(one.nano, one.currency)}" for one in spent if one.n > one.n_unpriced]
    words = " + ".join(known) or ("—" if any(one.n for one in spent) else money(0, currency))
    if budget_nano is not None:
        words += f" of {money(budget_nano, currency)}"
    unpriced = sum(one.n_unpriced for one in spent)
    return f"{words}, {count_words(unpriced, 'request')} unpriced" if unpriced else words


def state_words(progress: Progress) -> str:
    """Why a run rests, and what can be done; empty while it runs and when it is finished."""
    waiting = progress.counts.get("waiting", 0)
    rest = f"{count_words(waiting, 'file')} {'waits' if waiting == 1 else 'wait'}"
    match progress.state:
        case "ready":
            return "Nothing has been asked yet."
        case "paused" | "stopped" if not waiting and not progress.reason:
            return ""
        case "paused" if progress.reason:
            return f"{notice_for_kind(progress.reason).what} The batch pauses; {rest}."
        case "paused":
            goes_on = " What is being answered goes on to its end." if progress.running else ""
            return f"Paused; {rest}.{goes_on}"
        case "stopped":
            return f"Stopped; {rest}."
        case "over_budget":
            return f"The next answer could have crossed the budget, so the batch stopped; {rest}."
        case "interrupted":
            return f"This batch was interrupted: Parlour was closed while it ran. {rest}; nothing is asked twice."
    return ""


def run_words(runs: Sequence[Run], names: Mapping[str, str]) -> dict[str, str]:
    """What each run is called, by public id: its model, numbered where one was asked more than once."""
    said: dict[str, str] = {}
    for run in runs:
        name = names[run.public_id]
        earlier = sum(names[other.public_id] == name for other in runs[: runs.index(run)])
        said[run.public_id] = name if not earlier else f"{name} ({earlier + 1})"
    return said


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes / 60:.1f} h"
