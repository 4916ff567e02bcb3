"""The words of the usage dashboard: which requests are looked at (`Filter`), and what is told about them.

Money is integer nano-units of a currency, amounts in different currencies are never added; None is unknown, never 0.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, get_args

from msgspec import Struct, structs

from lib.cards import Prices, PriceSource
from lib.ledger import Cost, LedgerRow, Tally

Dimension = Literal[
    "gateway", "model", "base", "family", "variant", "purpose", "outcome", "usage_source", "priced", "currency"
]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
Grain = Literal["hour", "day", "month"]
Only = Literal["all", "estimated", "unpriced", "odd"]
"""estimated: tokens that are a guess, wholly or in part · odd: with an anomaly."""
Order = Literal["newest", "oldest", "cost", "duration"]
"""cost, duration: the greatest first, unknown ones last."""
MONTHS_BEYOND_DAYS = 400
HOURS_WITHIN_DAYS = 2
OTHER = "\x1fother"
"""The name of what a folded series is not about."""


class Filter(Struct, frozen=True):
    """Which requests: those begun on the local days [start, end) of an IANA zone, real ones or the demo's.

    An empty tuple or None asks for all. `folder` is a folder's public id, '' what lies in none; `tag` a tag's name;
    `conversation` a public id. `from_ms`/`to_ms` narrow the days to a stretch of time [from, to), `weekday` (0 is
    Monday) and `hour` to what the zone's wall clock showed.
    """

    start: date
    end: date
    zone: str = "UTC"
    gateways: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    only: Only = "all"
    currency: str | None = None
    demo: bool = False
    folder: str | None = None
    tag: str | None = None
    conversation: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    weekday: int | None = None
    hour: int | None = None

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def before(self) -> Filter:
        """The same requests in the equally many days before."""
        return structs.replace(self, start=self.start - timedelta(days=self.days), end=self.start)

    @property
    def grain(self) -> Grain:
        """What a series of these days is drawn in."""
        if self.days <= HOURS_WITHIN_DAYS:
            return "hour"
        return "month" if self.days > MONTHS_BEYOND_DAYS else "day"


class Overview(Struct, frozen=True):
    """The figures of a period beside those of the equally long one before; one Tally per currency.

    `course` is the period in the filter's grain, one Tally per bucket with requests and currency.
    """

    now: list[Tally]
    before: list[Tally]
    course: list[Tally]


class Quantiles(Struct, frozen=True):
    """Of `n` measured times, in milliseconds; within a few percent. None without any."""

    n: int = 0
    p50: float | None = None
    p95: float | None = None


class VariantRow(Struct, frozen=True):
    """One family and variant at one gateway and model in one currency: its sums and its times.

    `first` is the time to the first visible token, `whole` the duration, of all its requests in any currency.
    """

    tally: Tally
    first: Quantiles = Quantiles()
    whole: Quantiles = Quantiles()


class HeatCell(Struct, frozen=True):
    """What was asked in one hour of the week as the wall clock shows it, weekday 0 is Monday; all currencies.

    Mean time to the first visible token = first_visible_ms / n_first_visible.
    """

    weekday: int
    hour: int
    n: int
    n_error: int
    first_visible_ms: int
    n_first_visible: int


class HourOfVariant(Struct, frozen=True):
    """How fast and reliable a variant was in one hour of the day as the wall clock shows it; all currencies.

    Tokens per second = 1000 × paced_tokens / paced_ms.
    """

    variant: str
    hour: int
    n: int
    n_error: int
    n_stopped: int
    first_visible_ms: int
    n_first_visible: int
    paced_tokens: int
    paced_ms: int


class ChatSpend(Struct, frozen=True):
    """What one conversation used in the period, in one currency. Of a destroyed one `conversation` is None, of one
    in the trash `deleted` is true. `key` tells them apart."""

    key: int
    conversation: str | None
    title: str
    deleted: bool
    last_ms: int
    currency: str
    n: int
    n_error: int
    n_unpriced: int
    n_estimated: int
    cost_nano: int
    in_tokens: int
    in_cache_read: int
    out_tokens: int


class ProjectSpend(Struct, frozen=True):
    """What the conversations of one folder, or with one tag, used in the period, in one currency.

    `key` is what `Filter.folder` or `Filter.tag` takes. A conversation with two tags counts under both. Nobody counts
    the `conversations` of the rest, which lies in no folder.
    """

    key: str
    name: str
    currency: str
    conversations: int | None
    n: int
    n_unpriced: int
    n_estimated: int
    cost_nano: int
    in_tokens: int
    out_tokens: int


class PriceChange(Struct, frozen=True):
    """A price that became another in the period; `before` None when it is the first one known of that source."""

    at_ms: int
    gateway_id: int
    gateway_name: str
    model: str
    source: PriceSource
    before: Prices | None
    after: Prices


class Cursor(Struct, frozen=True):
    """Where a page ends: the last row's id and its sorted value (None where that is unknown)."""

    id: int
    value: int | None = None


class RequestPage(Struct, frozen=True):
    """Some requests in the order asked for. `next` and `previous` continue; None at that end."""

    rows: list[LedgerRow]
    next: Cursor | None = None
    previous: Cursor | None = None


class CostStep(Struct, frozen=True):
    """One cost an event ever had: the first, or a correction ('reprice', 'reconcile', 'manual') and its reason."""

    seq: int
    kind: str
    reason: str
    created_ms: int
    cost: Cost


class PriceRow(Struct, frozen=True):
    """The row of the price book a cost was made with."""

    id: int
    model: str
    source: PriceSource
    prices: Prices
    valid_from_ms: int
    note: str = ""


class Request(Struct, frozen=True):
    """Everything that is known of one request. `costs` has the one in force last; texts are untrusted.

    `usage_raw` is the usage exactly as the gateway sent it, empty when it sent none.
    """

    row: LedgerRow
    number: int
    started_ms: int
    ended_ms: int
    first_byte_ms: int | None
    model_reported: str | None
    effort: str | None
    response_id: str | None
    request_id: str | None
    http_status: int | None
    error_message: str | None
    finish_reason: str | None
    anomaly: str | None
    semantic: str
    chars_in: int
    chars_out: int
    chars_reasoning: int
    max_out_cap: int | None
    title: str
    costs: tuple[CostStep, ...]
    price: PriceRow | None
    usage_raw: str


class Choices(Struct, frozen=True):
    """What a filter can ask for: the values that occur in the ledger, sorted, and the first and last day with requests.

    Both days are local ones of the reporting zone, None without any.
    """

    gateways: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
