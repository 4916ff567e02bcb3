"""What the usage dashboard asks the ledger: the same Filter for every view, so that each view equals the others."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from lib.insight_words import (
    ChatSpend,
    Choices,
    Cursor,
    Dimension,
    Filter,
    Grain,
    HeatCell,
    HourOfVariant,
    Order,
    Overview,
    PriceChange,
    ProjectSpend,
    Quantiles,
    Request,
    RequestPage,
    VariantRow,
)
from lib.ledger import LedgerRow, Tally
from lib.store.checking import mismatches_between
from lib.store.database import Database
from lib.store.insight_chats import costliest, folders_spend, tags_spend
from lib.store.insight_choices import found_choices, found_price_changes
from lib.store.insight_clock import heat_cells, hours_of_variants
from lib.store.insight_doubts import anomaly_counts, reported_models
from lib.store.insight_requests import page, stream, whole_request
from lib.store.insight_sums import sums_of
from lib.store.insight_times import first_visible, variant_rows
from lib.store.making_up import drop_demo, make_demo
from lib.store.rows import Mismatch


class Insight:
    """Reads of the dashboard, and the demo's data. Raises BadInput for an unknown zone or dimension."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def choices(self, owner: int, *, demo: bool = False) -> Choices:
        """What there is to choose from, in the real rows or the demo's."""
        return self._db.read(lambda connection: found_choices(connection, owner, demo))

    def tallies(self, owner: int, filter: Filter, by: tuple[Dimension, ...] = ()) -> list[Tally]:
        """Sums of the period, one Tally per combination of `by` and per currency."""
        return self._db.read(lambda connection: sums_of(connection, owner, filter, by))

    def series(
        self,
        owner: int,
        filter: Filter,
        by: tuple[Dimension, ...] = (),
        *,
        grain: Grain | None = None,
        most: int | None = None,
    ) -> list[Tally]:
        """Sums per bucket of `grain` (default: the filter's), per combination of `by` and per currency, in order.

        A Tally's `day` or, by hour, `at_ms` names its bucket; buckets without requests are absent. With `most` and
        one dimension, only so many values (the costliest, then the most asked) keep their name, the rest is one
        Tally named OTHER.
        """
        return self._db.read(lambda connection: sums_of(connection, owner, filter, by, grain or filter.grain, most))

    def overview(self, owner: int, filter: Filter) -> Overview:
        """The totals, those of the period before, and the course for sparklines."""

        def work(connection: Connection) -> Overview:
            now, before = (sums_of(connection, owner, one) for one in (filter, filter.before))
            return Overview(now, before, sums_of(connection, owner, filter, (), filter.grain))

        return self._db.read(work)

    def variants(self, owner: int, filter: Filter) -> list[VariantRow]:
        """One row per gateway, model (with its base and family), variant and currency, the costliest first."""
        return self._db.read(lambda connection: variant_rows(connection, owner, filter))

    def first_visible(self, owner: int, filter: Filter) -> Quantiles:
        """The times to the first visible token of all requests together, in any currency."""
        return self._db.read(lambda connection: first_visible(connection, owner, filter))

    def heat(self, owner: int, filter: Filter) -> list[HeatCell]:
        """The hours of the week that have requests."""
        return self._db.read(lambda connection: heat_cells(connection, owner, filter))

    def hours(self, owner: int, filter: Filter) -> list[HourOfVariant]:
        """The hours of the day that have requests, by variant."""
        return self._db.read(lambda connection: hours_of_variants(connection, owner, filter))

    def trust(self, owner: int, filter: Filter) -> list[Tally]:
        """Sums per outcome, usage source and whether a cost is known, with anomalies and the range of estimates."""
        return self.tallies(owner, filter, ("outcome", "usage_source", "priced"))

    def anomalies(self, owner: int, filter: Filter) -> list[tuple[str, int]]:
        """(code, requests) of figures that do not add up, the most frequent first. Reads the ledger."""
        return self._db.read(lambda connection: anomaly_counts(connection, owner, filter))

    def reported_models(self, owner: int, filter: Filter) -> list[tuple[str, str | None, str, int]]:
        """(asked for, reported, base, requests) where the two names differ, the most frequent first.

        Reads the ledger. A gateway may call the same model otherwise: see `lib.insight.anomalies.other_models`.
        """
        return self._db.read(lambda connection: reported_models(connection, owner, filter))

    def conversations(self, owner: int, filter: Filter, currency: str, limit: int = 50) -> list[ChatSpend]:
        """The conversations that cost most in the period, in one currency; also destroyed ones."""
        return self._db.read(lambda connection: costliest(connection, owner, filter, currency, limit))

    def folders(self, owner: int, filter: Filter) -> list[ProjectSpend]:
        """What the conversations of each folder used; those in none, or destroyed, are one row with key ''."""
        return self._db.read(lambda connection: folders_spend(connection, owner, filter))

    def tags(self, owner: int, filter: Filter) -> list[ProjectSpend]:
        """What the conversations with each tag used; those without any are not listed."""
        return self._db.read(lambda connection: tags_spend(connection, owner, filter))

    def price_changes(self, owner: int, filter: Filter) -> list[PriceChange]:
        """Prices that changed in the period, of the filter's gateways and models, the first change first."""
        return self._db.read(lambda connection: found_price_changes(connection, owner, filter))

    def requests(
        self,
        owner: int,
        filter: Filter,
        *,
        order: Order = "newest",
        cursor: Cursor | None = None,
        backwards: bool = False,
        limit: int = 50,
    ) -> RequestPage:
        """A page of requests after `cursor` (before it, with `backwards`; still in order)."""
        return self._db.read(
            lambda connection: page(connection, owner, filter, order, cursor, limit, backwards=backwards)
        )

    def request(self, owner: int, event_id: int) -> Request:
        """Everything of one request. Raises NotFound."""
        return self._db.read(lambda connection: whole_request(connection, owner, event_id))

    def export(self, owner: int, filter: Filter) -> Iterator[LedgerRow]:
        """Exactly the requests of the filter, oldest first, in bounded memory."""
        return stream(self._db, owner, filter)

    def check(self, owner: int, filter: Filter) -> list[Mismatch]:
        """Where the rollup is not the ledger on the days of the filter (its zone, start and end; real and demo)."""
        return self._db.read(lambda connection: mismatches_between(connection, owner, filter))

    def generate_demo(self, owner: int, days: int = 365, seed: int = 1) -> int:
        """Fill the last `days` days with plausible made-up requests, marked as demo; how many.

        They take the place of those made up before. The same seed makes the same requests at the same times of day.
        """
        return self._db.write(lambda connection: make_demo(connection, owner, days, seed), idempotent=True)

    def remove_demo(self, owner: int) -> int:
        """Remove exactly the made-up requests and their part of every sum; how many."""
        return self._db.write(lambda connection: drop_demo(connection, owner), idempotent=True)
