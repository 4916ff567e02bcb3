"""The parts of a statement.

They are what its hash is over: a field more or less is another form, and needs another number in `FORM`.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from lib.cards import Prices, PriceSource
from lib.ledger import Cost

FORM = 1
"""The version of the canonical form; a hash is only comparable within one."""


class Version(Protocol):
    """The row of the price book a cost was made with."""

    @property
    def id(self) -> int: ...
    @property
    def gateway_id(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def source(self) -> PriceSource: ...
    @property
    def prices(self) -> Prices: ...
    @property
    def valid_from_ms(self) -> int: ...


class CostRow(Protocol):
    """One cost a request ever had; the one with the highest `seq` is in force."""

    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def created_ms(self) -> int: ...
    @property
    def cost(self) -> Cost: ...


class Adjustment(Struct, frozen=True):
    """A correction of a request of an earlier statement; nano-units, None is unpriced.

    `request` is the ledger row's id, `month` the statement that it was in.
    """

    request: int
    month: str
    at_ms: int
    model: str
    currency: str
    before_nano: int | None
    after_nano: int | None
    made_ms: int
    reason: str = ""

    @property
    def nano(self) -> int:
        """What it adds to what was known: a request that gets its first price adds all of it."""
        return (self.after_nano or 0) - (self.before_nano or 0)


class Sum(Struct, frozen=True):
    """Requests together; `nano` is None when there are some and none has a known cost."""

    requests: int
    unpriced: int
    estimated: int
    tokens_in: int
    tokens_out: int
    nano: int | None


class ModelLine(Struct, frozen=True):
    """The requests of one model at one gateway in one currency."""

    gateway_id: int
    gateway: str
    model: str
    variant: str
    currency: str
    sum: Sum


class DayLine(Struct, frozen=True):
    """The requests of one local day ("2026-10-31") in one currency."""

    day: str
    currency: str
    sum: Sum


class Total(Struct, frozen=True):
    """A currency's month: the sum of its rows, its adjustments, and both together."""

    currency: str
    sum: Sum
    adjustments: int
    adjustments_nano: int

    @property
    def nano(self) -> int | None:
        """The amount of the statement; None when the rows have no known cost and nothing was adjusted."""
        if self.sum.nano is None and not self.adjustments:
            return None
        return (self.sum.nano or 0) + self.adjustments_nano


class PriceLine(Struct, frozen=True):
    """A version of the price book that a cost of the month was made with; pico-units per token."""

    id: int
    gateway_id: int
    model: str
    source: str
    valid_from_ms: int
    currency: str
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write_5m: int | None
    cache_write_1h: int | None


class Statement(Struct, frozen=True):
    """A closed month. `rows_hash` is over the `n_rows` ledger rows, `hash` over all the rest with it (SHA-256, hex)."""

    month: str
    zone: str
    from_ms: int
    to_ms: int
    totals: tuple[Total, ...]
    models: tuple[ModelLine, ...]
    days: tuple[DayLine, ...]
    adjustments: tuple[Adjustment, ...]
    prices: tuple[PriceLine, ...]
    n_rows: int
    rows_hash: str
    form: int = FORM
    hash: str = ""
