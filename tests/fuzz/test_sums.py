"""Whatever a ledger is divided by, the parts add up to the whole, and both to a plain addition of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from msgspec import structs

from lib.insight_words import Filter
from lib.ledger import Tally
from lib.store import Store
from tests.fuzz.ledger_made import SUMS, ZONES, Plain, filled
from tests.store.naive import FAR

OTHER_ZONES = (
    *("UTC", "America/St_Johns", "America/Los_Angeles", "America/Havana", "Asia/Kolkata", "Asia/Beirut"),
    "Pacific/Chatham",
)
GROUPS: tuple[tuple[Any, ...], ...] = (
    (),
    ("gateway",),
    ("model",),
    ("base", "family"),
    ("variant",),
    ("purpose",),
    ("outcome",),
    ("usage_source", "priced"),
    ("gateway", "model", "base", "family", "variant"),
)
GRAINS: tuple[Any, ...] = (None, "hour", "day", "month")
SPANS = (
    FAR,
    {"start": date(2026, 3, 8), "end": date(2026, 4, 13)},
    {"start": date(2026, 3, 29), "end": date(2026, 3, 30)},
    {"start": date(2026, 4, 5), "end": date(2026, 10, 26)},
)


class Made:
    """A store, its rows, and how many comparisons were made."""

    def __init__(self, store: Store, plain: Plain) -> None:
        self.store, self.plain, self.owner, self.compared = store, plain, store.owner(), 0
        self.rows = len(plain.table)
        self._seen: dict[str, pd.DataFrame] = {}

    def at(self, filter: Filter) -> pd.DataFrame:
        """The rows of a filter's days."""
        if filter.zone not in self._seen:
            self._seen = {filter.zone: self.plain.at(filter.zone)}
        table = self._seen[filter.zone]
        return table[(table["day"] >= filter.start) & (table["day"] < filter.end)]

    def same(self, tallies: list[Tally], rows: pd.DataFrame, by: tuple[str, ...]) -> None:
        """The tallies are what plain addition says, group by group."""
        self.compared += 1
        fields = ["gateway_id" if name == "gateway" else "day" if name == "month" else name for name in by]
        found = {(*(getattr(one, name) for name in fields), one.currency): figures(one) for one in tallies}
        columns = ["gateway_id" if name == "gateway" else name for name in by]
        wanted = rows.groupby([*columns, "currency"])[list(SUMS)].sum()
        assert found == {as_key(key): tuple(map(int, sums)) for key, *sums in wanted.itertuples()}

    def adds_up(self, parts: list[Tally], whole: list[Tally]) -> None:
        """The parts are the whole, currency by currency."""
        self.compared += 1
        assert by_currency(parts) == by_currency(whole)


def figures(tally: Tally) -> tuple[int, ...]:
    return tuple(getattr(tally, name) for name in SUMS)


def as_key(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def by_currency(tallies: list[Tally]) -> dict[str, list[int]]:
    sums: dict[str, list[int]] = {}
    for tally in tallies:
        sums[tally.currency] = [a + b for a, b in zip(sums.get(tally.currency, [0] * 99), figures(tally), strict=False)]
    return sums


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, count: Callable[[int, int], int]) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("sums")
    with closing(filled(folder, count(20_000, 1_000_000))) as store:
        yield Made(store, Plain(folder))


def test_the_rollup_is_the_ledger(made: Made) -> None:
    """It was counted when the store was opened, and the corrections came on top."""
    assert made.store.ledger.verify(made.owner) == []


@pytest.mark.parametrize("zone", [*ZONES, *OTHER_ZONES])
def test_every_grouping_in_every_grain_is_the_plain_sum(
    made: Made, zone: str, measured: Callable[[str], None], count: Callable[[int, int], int]
) -> None:
    """In the zones with a rollup of their own and in others; with the days on which clocks are turned."""
    made.compared, first = 0, (*ZONES, *OTHER_ZONES).index(zone)
    for number, by in list(enumerate(GROUPS))[first % count(4, 3) :: count(4, 3)]:
        filter = Filter(**SPANS[number % len(SPANS)], zone=zone)
        rows, whole = made.at(filter), made.store.insight.tallies(made.owner, filter)
        for grain in GRAINS:
            found = made.store.insight.series(made.owner, filter, by, grain=grain) if grain else (
                made.store.insight.tallies(made.owner, filter, by))  # fmt: skip
            made.adds_up(found, whole)
            if grain != "hour":
                made.same(found, rows, (*([grain] if grain else []), *by))
    measured(f"{zone}: {made.rows:,} rows, {made.compared} sums by model, family, time …, difference 0")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "America/Havana"])
def test_days_hours_and_other_filters_divide_the_whole(made: Made, zone: str, measured: Callable[[str], None]) -> None:
    made.compared, insight = 0, made.store.insight
    whole = Filter(date(2026, 3, 20), date(2026, 4, 20), zone)
    total = insight.tallies(made.owner, whole)
    for parts in divisions(whole):
        made.adds_up([tally for part in parts for tally in insight.tallies(made.owner, part)], total)
    measured(f"{zone}: {made.rows:,} rows divided {made.compared} ways, difference 0")


def divisions(whole: Filter) -> Iterator[list[Filter]]:
    """Ways to cut a filter into parts that have nothing in common."""
    days = [whole.start + timedelta(days=at) for at in range(whole.days + 1)]
    yield [structs.replace(whole, start=day, end=day + timedelta(days=1)) for day in days[:-1]]
    weeks = [*days[::7], whole.end]
    yield [structs.replace(whole, start=a, end=b) for a, b in pairwise(weeks)]
    for field, values in {
        "weekday": range(7), "hour": range(24), "gateways": [(7,), (8,)], "variants": [("standard", "hc"), ("low", "fd")],
        "families": [("gpt-5.4",), ("claude", "gemini")], "purposes": [("chat",), ("title", "compare")],
        "currency": ["USD", "CNY", "EUR", "JPY", "CHF"], "outcomes": [("ok",), ("stopped", "failed", "cut")],
    }.items():  # fmt: skip
        yield [structs.replace(whole, **{field: value}) for value in values]


def test_the_clock_of_the_wall_shows_all_hours(made: Made) -> None:
    for zone in (*ZONES, *OTHER_ZONES):
        filter = Filter(**FAR, zone=zone)
        cells = {(one.weekday, one.hour): one.n for one in made.store.insight.heat(made.owner, filter)}
        assert cells == made.at(filter).groupby(["weekday", "hour"])["n"].sum().to_dict(), zone


def test_conversations_folders_and_tags_add_up(made: Made) -> None:
    insight, filter = made.store.insight, Filter(**FAR, zone="Asia/Kathmandu")
    for tally in insight.tallies(made.owner, filter):
        chats = insight.conversations(made.owner, filter, tally.currency, 1_000)
        rows = made.at(filter)
        loose = rows[(rows["conversation_id"] == 0) & (rows["currency"] == tally.currency)]["cost_nano"].sum()
        assert sum(one.cost_nano for one in chats) + loose == tally.cost_nano
        folders = [one for one in insight.folders(made.owner, filter) if one.currency == tally.currency]
        assert (sum(one.n for one in folders), sum(one.cost_nano for one in folders)) == (tally.n, tally.cost_nano)
        for one in [*folders, *insight.tags(made.owner, filter)]:
            field = "folder" if one in folders else "tag"
            (same,) = insight.tallies(made.owner, structs.replace(filter, currency=one.currency, **{field: one.key}))
            assert (same.n, same.cost_nano) == (one.n, one.cost_nano)
