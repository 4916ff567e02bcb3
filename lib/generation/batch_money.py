"""What the rows of a batch will cost, before they are asked, and whether a budget still allows the next one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil
from statistics import median

from msgspec import Struct

from lib.attachments.batch_fields import instruction
from lib.attachments.tokens import media_tokens
from lib.batch import Batch
from lib.cards import ModelCard
from lib.generation.asking import chars_of
from lib.generation.measure import Tariff
from lib.ledger import Attempt, Cost
from lib.messages import Params, Part, TextPart
from lib.pricing import estimate_range, guessed_ratio, measured_ratio, price
from lib.quote import ASSUMED_ANSWER, FEWEST_ANSWERS
from lib.store.measures import Past
from lib.tokens import TokenCount

_FEWEST_CHARS = 80


class RowSize(Struct, frozen=True):
    """What one row sends: characters of text, and tokens of pictures and video."""

    chars: int
    media: int = 0


class BatchQuote(Struct, frozen=True):
    """What a run over `n_rows` rows will probably take, in tokens and in nano-units of `currency`.

    `low_nano` and `high_nano` are a fifth less and a quarter more; all three are None when the model has no price.
    """

    n_rows: int = 0
    in_tokens: int = 0
    out_tokens: int = 0
    nano: int | None = 0
    low_nano: int | None = 0
    high_nano: int | None = 0
    currency: str = "USD"


def question(batch: Batch, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """What is asked about one row: its parts, then the prompt with what the answer must look like."""
    words = "\n\n".join(filter(None, (batch.prompt.strip(), instruction(batch.fields))))
    return (*parts, TextPart(words)) if words else parts


def size_of(parts: tuple[Part, ...], system: str, card: ModelCard) -> RowSize:
    """Of a request that asks these parts of a model."""
    return RowSize(len(system) + chars_of(parts), media_tokens(parts, card))


def expected(lengths: Sequence[int], params: Params, of_model: Sequence[int] = ()) -> int:
    """Tokens of the next answer: the median so far, else of this model's earlier answers, else what is allowed."""
    if lengths:
        length = round(median(lengths))
    elif len(of_model) >= FEWEST_ANSWERS:
        length = round(median(of_model))
    else:
        length = params.max_tokens or ASSUMED_ANSWER
    return length if params.max_tokens is None else min(length, params.max_tokens)


def ratio_of(learnt: Fraction | None, past: Past, text: str) -> Fraction:
    """Tokens per character: as this model counted before, else guessed from the script of `text`."""
    for pairs in (past.asked, past.answered):
        long_enough = [pair for pair in pairs if pair[1] >= _FEWEST_CHARS]
        if learnt is None and len(long_enough) >= FEWEST_ANSWERS:
            learnt = measured_ratio(long_enough)
    return learnt or guessed_ratio(text)


def cost_of(size: RowSize, answer: int, tariff: Tariff, ratio: Fraction) -> tuple[TokenCount, Cost]:
    """Expected tokens and cost of one row, with the range in which the cost may lie."""
    count = TokenCount(ceil(size.chars * ratio) + size.media, 0, 0, 0, answer, 0)
    cost = price(count, tariff.prices, source=tariff.source, reference=tariff.reference)
    return count, estimate_range(cost, count, tariff.prices, reference=tariff.reference)


def total(rows: Iterable[tuple[TokenCount, Cost]]) -> BatchQuote:
    """The quote for rows of one model. One row without a price leaves the whole without one."""
    found = list(rows)
    costs = [cost for _, cost in found]
    return BatchQuote(
        len(found),
        sum(count.input or 0 for count, _ in found),
        sum(count.output or 0 for count, _ in found),
        _sum(cost.nano for cost in costs),
        _sum(cost.low_nano for cost in costs),
        _sum(cost.high_nano for cost in costs),
        costs[0].currency if costs else "USD",
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


class Purse:
    """The budget of one run, in nano-units: what was spent at most, and what its running rows may still take.

    An attempt without a known cost that may have been billed counts with the estimate that was put aside for it.
    """

    def __init__(self, budget: int | None, spent: int = 0) -> None:
        self.budget = budget
        self.spent = spent
        self._aside: dict[str, int] = {}

    @property
    def aside(self) -> int:
        """Put aside for what runs now."""
        return sum(self._aside.values())

    def take(self, what: str, nano: int | None) -> bool:
        """Put aside the estimate for one request; False, and nothing put aside, when it might cross the budget.

        Without an estimate nobody knows, so it might.
        """
        if self.budget is not None and (nano is None or self.spent + self.aside + nano > self.budget):
            return False
        self._aside[what] = nano or 0
        return True

    def settle(self, what: str, attempts: Sequence[Attempt]) -> None:
        """What it cost at most, in place of what was put aside; a second call changes nothing."""
        if what in self._aside:
            put_aside = self._aside.pop(what)
            self.spent += sum(_at_most(attempt.cost, put_aside) for attempt in attempts)

    def forget(self, what: str) -> None:
        """It was not sent."""
        self._aside.pop(what, None)


def _at_most(cost: Cost, unknown: int) -> int:
    return unknown if cost.nano is None else max(cost.nano, cost.high_nano or 0)
