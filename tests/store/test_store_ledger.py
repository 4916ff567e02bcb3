"""The ledger adds up: over days, zones, groupings, corrections and currencies, on both databases."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from lib.errors import BadInput, NotFound
from lib.ids import id_at
from lib.ledger import Attempt, Cost, Tally
from lib.store import Store, open_store
from lib.store.days import day_of, start_of
from lib.store.tallies import DIMENSIONS
from lib.tokens import TokenCount
from tests.store.acts import answered, attempt, begin, end, with_ledger

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # turns its clock at midnight
    "America/St_Johns",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Beirut",  # skips midnight in March
    "Australia/Lord_Howe",  # turns it by half an hour
    "Pacific/Chatham",
    "Pacific/Apia",
)
FROM, TO = date(2026, 1, 1), date(2027, 1, 1)
TURNS = ("2026-03-29", "2026-04-05", "2026-03-08", "2026-10-04", "2026-10-25", "2026-11-01", "2026-12-31")


def ms_at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def at(ms: int, salt: int = 0, **fields: object) -> Attempt:
    return attempt(id_at(ms) + salt, **fields)


def random_attempts(seed: int, count: int) -> list[Attempt]:
    """Attempts of every kind, most of them near a moment when some clock is turned."""
    dice = random.Random(seed)
    some = lambda: dice.choice([None, 0, dice.randrange(10**6)])  # noqa: E731
    return [
        at(
            ms_at(dice.choice(TURNS)) + dice.randrange(-40 * 3_600_000, 40 * 3_600_000),
            number,
            model_requested=dice.choice(["gpt-5.4", "gpt-5.4-hc", "claude-opus-5-low"]),
            outcome=dice.choice(["ok", "ok", "stopped", "cut", "failed", "refused", "unknown"]),
            purpose=dice.choice(["chat", "title"]),
            count=TokenCount(some(), some(), some(), some(), some(), some()),
            usage_source=dice.choice(["reported", "estimated", "none"]),
            cost=Cost(nano=some(), currency=dice.choice(["USD", "CNY"]), reported_nano=some()),
            first_visible_ms=some(),
            duration_ms=some(),
        )
        for number in range(count)
    ]


SUMMED = (
    *("n", "n_error", "n_unpriced", "n_estimated", "n_reported_cost", "cost_nano", "est_cost_nano", "in_uncached"),
    *("in_cache_read", "in_cache_write", "out_visible", "out_reasoning", "duration_ms", "first_visible_ms"),
    "n_first_visible",
)


def naive(attempts: list[Attempt], zone: str, by: tuple[str, ...]) -> dict[tuple[object, ...], dict[str, int]]:
    """What the tallies must be, by adding up in the plainest way."""
    sums: dict[tuple[object, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in attempts:
        facts = {
            "day": datetime.fromtimestamp((row.id >> 20) / 1000, ZoneInfo(zone)).date(),
            "model": row.model_requested,
        }
        facts |= {"outcome": row.outcome, "purpose": row.purpose}
        sum_ = sums[(*(facts[name] for name in by), row.cost.currency)]
        sum_["n"] += 1
        sum_["n_error"] += row.outcome not in ("ok", "stopped")
        sum_["n_unpriced"] += row.cost.nano is None
        sum_["n_estimated"] += row.usage_source == "estimated"
        sum_["n_reported_cost"] += row.cost.reported_nano is not None
        sum_["cost_nano"] += row.cost.nano or 0
        sum_["est_cost_nano"] += (row.cost.nano or 0) if row.usage_source == "estimated" else 0
        for name in ("in_uncached", "in_cache_read", "out_visible", "out_reasoning"):
            sum_[name] += getattr(row.count, name) or 0
        sum_["in_cache_write"] += (row.count.in_cache_write_5m or 0) + (row.count.in_cache_write_1h or 0)
        sum_["duration_ms"] += row.duration_ms or 0
        sum_["first_visible_ms"] += row.first_visible_ms or 0
        sum_["n_first_visible"] += row.first_visible_ms is not None
    return {key: dict(values) for key, values in sums.items()}


def told(tallies: list[Tally], by: tuple[str, ...]) -> dict[tuple[object, ...], dict[str, int]]:
    measures = [name for name in Tally.__struct_fields__ if name in SUMMED]
    return {
        (*(getattr(tally, name) for name in by), tally.currency): {name: getattr(tally, name) for name in measures}
        for tally in tallies
    }


GROUPINGS = ((), ("day",), ("model",), ("day", "model", "outcome"), ("purpose", "outcome"))


@pytest.mark.parametrize("configured", [True, False], ids=["rollup", "ledger"])
def test_tallies_equal_a_naive_sum_in_every_zone(store: Store, owner: int, configured: bool) -> None:
    attempts = random_attempts(1, 160)
    with_ledger(store, *attempts)
    if configured:
        store.ledger.set_zones(owner, ZONES)
    for zone in ZONES if configured else ZONES[4:]:
        for by in GROUPINGS if zone in ZONES[:3] else GROUPINGS[:2]:
            found = store.ledger.tallies(owner, date(2025, 1, 1), date(2028, 1, 1), zone, by)
            assert told(found, by) == naive(attempts, zone, by), (zone, by)
    assert store.ledger.verify(owner) == []


@pytest.mark.parametrize("zone", ZONES)
def test_single_days_add_up_to_the_range(store: Store, owner: int, zone: str) -> None:
    with_ledger(store, *random_attempts(2, 60))
    start = date(2026, 10, 20)
    days = [start + timedelta(days=number) for number in range(15)]
    singles = [tally for day in days for tally in store.ledger.tallies(owner, day, day + timedelta(days=1), zone)]
    whole = store.ledger.tallies(owner, start, days[-1] + timedelta(days=1), zone)
    for currency in ("USD", "CNY"):
        one = [(tally.n, tally.cost_nano) for tally in whole if tally.currency == currency]
        parts = [(tally.n, tally.cost_nano) for tally in singles if tally.currency == currency]
        assert tuple(map(sum, zip(*parts, strict=True))) == one[0]


@given(st.integers(0, 2**32), st.sampled_from(ZONES), st.sampled_from(GROUPINGS))
@settings(max_examples=12, deadline=None)
def test_any_ledger_adds_up(seed: int, zone: str, by: tuple[str, ...]) -> None:
    attempts = random_attempts(seed, 25)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("", Path(folder), zone=zone)
        with_ledger(store, *attempts)
        found = store.ledger.tallies(store.owner(), date(2025, 1, 1), date(2028, 1, 1), zone, by)  # type: ignore[arg-type]
        assert told(found, by) == naive(attempts, zone, by)
        assert store.ledger.verify(store.owner()) == []
        store.close()


@given(st.sampled_from(ZONES), st.integers(ms_at("2005-01-01"), ms_at("2037-01-01")))
@settings(max_examples=200, deadline=None)
def test_a_day_is_the_stretch_between_two_midnights(zone: str, ms: int) -> None:
    info = ZoneInfo(zone)
    day = day_of(ms, info)
    assert start_of(day, info) <= ms < start_of(day + timedelta(days=1), info)


def test_an_hour_shown_twice_around_midnight_belongs_to_one_day() -> None:
    zone = ZoneInfo("America/St_Johns")  # in 2010 at 00:01 the clock went back to 23:01 of the day before
    again = ms_at("2010-11-07T02:45")
    assert datetime.fromtimestamp(again / 1000, zone).date() == date(2010, 11, 6)
    assert day_of(again, zone) == date(2010, 11, 7) and start_of(date(2010, 11, 7), zone) < again


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 1), 24)])
def test_days_on_which_the_clock_is_turned_have_their_own_length(day: date, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert start_of(day + timedelta(days=1), zone) - start_of(day, zone) == hours * 3_600_000


def test_long_ranges_use_months_and_stay_exact(store: Store, owner: int) -> None:
    attempts = random_attempts(3, 80)
    with_ledger(store, *attempts)
    for start, end_ in (
        (date(2026, 3, 29), date(2026, 12, 31)),
        (date(2026, 1, 1), date(2027, 1, 1)),
        (date(2026, 1, 31), date(2026, 10, 5)),
    ):
        inside = [row for row in attempts if start <= datetime.fromtimestamp((row.id >> 20) / 1000, UTC).date() < end_]
        assert told(store.ledger.tallies(owner, start, end_, "UTC"), ()) == naive(inside, "UTC", ())


def test_every_dimension_can_be_asked_for(store: Store, owner: int) -> None:
    answered(store)
    for zone in ("UTC", "Asia/Kathmandu"):
        (tally,) = store.ledger.tallies(owner, FROM.replace(year=2020), TO.replace(year=2100), zone, DIMENSIONS[1:])
        told_ = (tally.model, tally.variant, tally.family, tally.base, tally.gateway_id, tally.purpose, tally.outcome)
        assert told_ == ("gpt-5.4-hc", "hc", "gpt-5.4", "gpt-5.4", 7, "chat", "ok")


def test_an_unknown_zone_or_dimension_is_bad_input(store: Store, owner: int) -> None:
    for zone, by in (("Mars/Olympus", ()), ("../etc/passwd", ()), ("UTC", ("nano; DROP TABLE",))):
        with pytest.raises(BadInput):
            store.ledger.tallies(owner, FROM, TO, zone, by)  # type: ignore[arg-type]
    assert store.ledger.tallies(owner, TO, FROM, "UTC") == []


def test_unknown_stays_unknown_and_zero_stays_zero(store: Store, owner: int) -> None:
    unknown = attempt(count=TokenCount(), cost=Cost(), usage_source="none", first_visible_ms=None)
    zero = attempt(count=TokenCount(0, 0, 0, 0, 0, 0), cost=Cost(nano=0))
    begun = with_ledger(store, unknown, zero)
    second, first = store.ledger.latest(owner)
    assert (first.count, first.cost.nano, first.first_visible_ms) == (TokenCount(), None, None)
    assert (second.count, second.cost.nano) == (TokenCount(0, 0, 0, 0, 0, 0), 0)
    (total,) = store.conversations.get(owner, begun.conversation).totals
    assert (total.n, total.n_unpriced, total.nano) == (2, 1, 0)


def test_an_answer_without_any_price_has_no_cost(store: Store, owner: int) -> None:
    begun = with_ledger(store, attempt(cost=Cost()))
    line = store.conversations.transcript(owner, begun.conversation).messages[-1].cost
    assert line is not None and line.nano is None and line.n_unpriced == 1


def test_a_correction_is_a_new_row_and_moves_every_sum(store: Store, owner: int) -> None:
    begun = with_ledger(store, attempt(cost=Cost()), attempt())
    event = store.ledger.latest(owner)[1].id
    store.ledger.add_cost(owner, event, "reprice", Cost(nano=7, source="entered"), "price entered later")
    store.ledger.add_cost(owner, event, "manual", Cost(nano=9, currency="EUR", source="entered"), "it was euros")
    assert [cost.nano for cost in store.ledger.costs(owner, event)] == [None, 7, 9]
    assert store.ledger.event(owner, event).cost.nano == 9
    totals = {
        total.currency: (total.n, total.nano) for total in store.conversations.get(owner, begun.conversation).totals
    }
    assert totals == {"EUR": (1, 9), "USD": (1, 1000)}
    assert store.ledger.verify(owner) == []
    with pytest.raises(NotFound):
        store.ledger.add_cost(owner, 1, "manual", Cost(), "")


def test_deleting_conversations_leaves_every_total(store: Store, owner: int) -> None:
    begun = answered(store)
    before = store.ledger.tallies(owner, date(2020, 1, 1), date(2100, 1, 1), "UTC", ("model",))
    assert store.ledger.latest(owner)[0].conversation == begun.conversation
    store.conversations.delete(owner, begun.conversation)
    assert store.ledger.tallies(owner, date(2020, 1, 1), date(2100, 1, 1), "UTC", ("model",)) == before
    (row,) = store.ledger.latest(owner)
    assert (row.conversation, row.message, row.cost.nano) == (None, None, 1_000)


def test_a_price_change_leaves_old_rows_alone(store: Store, owner: int) -> None:
    from lib.cards import GatewayCard, ListedModel, Prices

    gateway = store.gateways.add(owner, GatewayCard(0, "g", "https://g.example")).id
    store.prices.note_list(owner, gateway, [ListedModel("gpt-5.4", Prices(1, 2))], 100)
    version = store.prices.current(owner, gateway, "gpt-5.4", 100)
    assert version is not None
    with_ledger(store, attempt(cost=Cost(nano=12, price_version_id=version.version_id, source="gateway")))
    store.prices.note_list(owner, gateway, [ListedModel("gpt-5.4", Prices(100, 200))], 200)
    (row,) = store.ledger.latest(owner)
    kept = store.prices.version(owner, row.cost.price_version_id or 0)
    assert row.cost.nano == 12 and kept is not None and kept.prices == Prices(1, 2)


def test_the_demo_is_never_mixed_with_money(store: Store, owner: int) -> None:
    answered(store)
    with_ledger(store, attempt(cost=Cost(nano=10**9)), demo=True)
    span = (date(2020, 1, 1), date(2100, 1, 1))
    for zone in ("UTC", "Asia/Kathmandu"):
        assert [tally.cost_nano for tally in store.ledger.tallies(owner, *span, zone)] == [1_000]
        assert [tally.cost_nano for tally in store.ledger.tallies(owner, *span, zone, demo=True)] == [10**9]
    assert [row.demo for row in store.ledger.latest(owner)] == [False]
    assert [row.demo for row in store.ledger.latest(owner, demo=None)] == [True, False]


def test_the_latest_rows_come_page_by_page(store: Store, owner: int) -> None:
    with_ledger(store, *(at(ms_at("2026-05-05") + number) for number in range(5)))
    first = store.ledger.latest(owner, 2)
    rest = store.ledger.latest(owner, 9, before_id=first[-1].id)
    assert [row.at_ms - ms_at("2026-05-05") for row in first + rest] == [4, 3, 2, 1, 0]


def test_raw_usage_is_kept_aside(store: Store, owner: int) -> None:
    begun = with_ledger(store, attempt(usage_raw='{"prompt_tokens": 1}'))
    assert begun and store.ledger.raw_usage(owner, store.ledger.latest(owner)[0].id) == '{"prompt_tokens": 1}'


def test_absurd_counts_do_not_break_a_sum(store: Store, owner: int) -> None:
    with_ledger(store, attempt(count=TokenCount(in_uncached=10**30)), attempt(count=TokenCount(in_uncached=-(10**30))))
    assert store.ledger.verify(owner) == []


def test_times_to_the_first_token_are_a_histogram(store: Store, owner: int) -> None:
    times = [0, 1, 250, 251, 90_000]
    with_ledger(store, *(at(ms_at("2026-05-05"), number, first_visible_ms=ms) for number, ms in enumerate(times)))
    speeds = store.ledger.speeds(owner, date(2026, 5, 5), date(2026, 5, 6))
    assert sum(speed.n for speed in speeds) == len(times)
    assert all(any(speed.low_ms <= ms < speed.high_ms for speed in speeds) for ms in times)
    assert store.ledger.speeds(owner, date(2026, 5, 6), date(2026, 5, 7)) == []


def test_a_broken_rollup_is_seen_and_mended(store: Store, owner: int) -> None:
    with_ledger(store, *random_attempts(5, 30))
    store._db.write(
        lambda connection: connection.execute(
            text("UPDATE usage_rollup SET cost_nano = cost_nano + 1 WHERE kind = 'd'")
        )
    )
    found = store.ledger.verify(owner)
    assert {(wrong.kind, wrong.measure) for wrong in found} == {("d", "cost_nano")}
    before = store.ledger.speeds(owner, FROM, TO)
    store.ledger.rebuild(owner)
    assert store.ledger.verify(owner) == [] and store.ledger.speeds(owner, FROM, TO) == before


def test_the_zones_are_chosen_by_the_owner(store: Store, owner: int) -> None:
    answered(store)
    assert store.ledger.zones(owner) == ("UTC",)
    store.ledger.set_zones(owner, ("Asia/Kathmandu", "UTC", "UTC"))
    assert store.ledger.zones(owner) == ("Asia/Kathmandu", "UTC")
    assert store.ledger.verify(owner) == []
    for names in ((), ("Nowhere",)):
        with pytest.raises(BadInput):
            store.ledger.set_zones(owner, names)


def test_one_attempt_id_is_one_row_whatever_answer_brings_it(store: Store, owner: int) -> None:
    row = attempt()
    with_ledger(store, row)
    begun = begin(store)
    store.answers.finish(begun.answer_id, end(row))
    assert len(store.ledger.latest(owner)) == 1 and store.ledger.verify(owner) == []
