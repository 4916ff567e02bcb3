"""Every view of the usage page equals a plain addition of the ledger, whatever is asked, on both databases."""

from __future__ import annotations

import math
import tempfile
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import text

from lib.errors import BadInput
from lib.ids import new_id
from lib.insight_words import OTHER, Filter
from lib.ledger import Cost, Tally
from lib.store import Store, open_store
from lib.store.days import month_start
from lib.store.insight_months import cover
from lib.store.schema import MEASURES
from lib.store.steps import BOUNDS, quantiles, step_bounds, step_of
from tests.store.naive import FAR, Told, chosen, days_of, random_told, record, sums

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Havana",  # turns its clock at midnight
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Beirut",  # skips midnight in March
    "Australia/Lord_Howe",  # turns it by half an hour
    "Pacific/Chatham",
)
GROUPINGS: tuple[tuple[Any, ...], ...] = (
    (),
    ("family",),
    ("gateway", "model", "variant"),
    ("outcome", "usage_source", "priced"),
    ("purpose", "model", "outcome"),
    ("usage_source", "base"),
)
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"variants": ("hc", "low"), "gateways": (7,)},
    {"outcomes": ("ok", "failed"), "purposes": ("chat",)},
    {"only": "unpriced", "families": ("gpt-5.4",)},
    {"only": "estimated", "currency": "USD"},
    {"only": "odd"},
    {"weekday": 6},
    {"hour": 2, "models": ("gpt-5.4-hc",)},
)
SPANS = (
    FAR,
    {"start": date(2026, 3, 1), "end": date(2026, 5, 20)},
    {"start": date(2026, 3, 28), "end": date(2026, 11, 2)},
    {"start": date(2026, 10, 25), "end": date(2026, 10, 26)},
)


def said(tallies: list[Tally], by: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, int]]:
    fields = ["gateway_id" if name == "gateway" else "day" if name == "month" else name for name in by]
    return {
        (*(getattr(tally, name) for name in fields), tally.currency): {
            name: getattr(tally, name) for name in MEASURES.split()
        }
        for tally in tallies
    }


def check_sums(store: Store, told: list[Told], filter: Filter, by: tuple[Any, ...]) -> None:
    owner, kept = store.owner(), chosen(told, filter)
    assert said(store.insight.tallies(owner, filter, by), by) == sums(kept, filter.zone, by)
    for grain in ("day", "month"):
        found = store.insight.series(owner, filter, by, grain=grain)
        assert said(found, (grain, *by)) == sums(kept, filter.zone, (grain, *by))


def check_clock(store: Store, told: list[Told], filter: Filter) -> None:
    owner, kept = store.owner(), chosen(told, filter)
    cells = {(cell.weekday, cell.hour): cell for cell in store.insight.heat(owner, filter)}
    found: dict[Any, list[dict[str, int]]] = defaultdict(list)
    for one in kept:
        facts = one.facts(filter.zone)
        found[facts["weekday"], facts["hour"]].append(one.measures())
        found[facts["variant"], facts["hour"], "variant"].append(one.measures())
    names = ("n", "n_error", "first_visible_ms", "n_first_visible")
    assert {key: tuple(getattr(cell, name) for name in names) for key, cell in cells.items()} == {
        key: tuple(sum(one[name] for one in rows) for name in names) for key, rows in found.items() if len(key) == 2
    }
    hours = {(one.variant, one.hour, "variant"): one for one in store.insight.hours(owner, filter)}
    names = (*names, "n_stopped", "paced_tokens", "paced_ms")
    assert {key: tuple(getattr(one, name) for name in names) for key, one in hours.items()} == {
        key: tuple(sum(one[name] for one in rows) for name in names) for key, rows in found.items() if len(key) == 3
    }


def check_chats(store: Store, told: list[Told], filter: Filter, names: dict[str, str]) -> None:
    spent: dict[str, int] = defaultdict(int)
    for one in chosen(told, filter):
        if one.cost.currency == "USD":
            spent[names[one.chat]] += one.cost.nano or 0
    found = store.insight.conversations(store.owner(), filter, "USD")
    assert {one.conversation: one.cost_nano for one in found} == dict(spent)
    assert [one.cost_nano for one in found] == sorted(spent.values(), reverse=True)


def check_requests(store: Store, told: list[Told], filter: Filter) -> None:
    owner, kept = store.owner(), chosen(told, filter)
    ids = sorted(one.attempt.id for one in kept)
    assert [row.id for row in store.insight.export(owner, filter)] == ids
    orders: dict[Any, Any] = {
        "newest": lambda one: -one.attempt.id,
        "cost": lambda one: (one.cost.nano is None, -(one.cost.nano or 0), -one.attempt.id),
        "duration": lambda one: (one.attempt.duration_ms is None, -(one.attempt.duration_ms or 0), -one.attempt.id),
    }
    for order, key in orders.items():
        wanted = [one.attempt.id for one in sorted(kept, key=key)]
        pages, cursor = [], None
        while True:
            page = store.insight.requests(owner, filter, order=order, cursor=cursor, limit=7)
            pages.append(page)
            cursor = page.next
            if cursor is None:
                break
        assert [row.id for page in pages for row in page.rows] == wanted
        if len(pages) > 1:
            back = store.insight.requests(
                owner, filter, order=order, cursor=pages[-1].previous, backwards=True, limit=7
            )
            assert [row.id for row in back.rows] == [row.id for row in pages[-2].rows]


@pytest.mark.parametrize("configured", [True, False], ids=["rollup", "other zones"])
def test_every_view_is_the_plain_sum_in_ten_zones(store: Store, owner: int, configured: bool) -> None:
    told = random_told(11, 70)
    names = record(store, told)
    if configured:
        store.ledger.set_zones(owner, ZONES)
    for at, zone in enumerate(ZONES):
        filter = Filter(**SPANS[at % 4], zone=zone, **FILTERS[at % len(FILTERS)])
        check_sums(store, told, filter, GROUPINGS[at % len(GROUPINGS)])
        check_clock(store, told, filter)
        check_sums(store, told, Filter(**FAR, zone=zone), ())
        check_clock(store, told, Filter(**FAR, zone=zone))
        check_chats(store, told, filter, names)
    assert store.ledger.verify(owner) == []
    store.ledger.rebuild(owner)
    assert store.ledger.verify(owner) == []


@given(
    st.integers(0, 2**32), st.sampled_from(ZONES), st.sampled_from(ZONES), st.sampled_from(GROUPINGS),
    st.sampled_from(FILTERS), st.sampled_from(SPANS),
)  # fmt: skip
@settings(max_examples=8, deadline=None)
def test_any_question_to_any_ledger(
    seed: int, home: str, zone: str, by: tuple[str, ...], asked: dict[str, Any], span: dict[str, Any]
) -> None:
    told = random_told(seed, 40)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("", Path(folder), zone=home)
        names = record(store, told)
        filter = Filter(**span, zone=zone, **asked)
        check_sums(store, told, filter, by)
        check_clock(store, told, filter)
        check_chats(store, told, filter, names)
        check_requests(store, told, filter)
        assert store.ledger.verify(store.owner()) == []
        store.close()


def test_pages_of_requests_are_the_filtered_ledger(store: Store) -> None:
    told = random_told(12, 40)
    record(store, told)
    for asked in FILTERS:
        check_requests(store, told, Filter(**FAR, zone="Europe/Berlin", **asked))


def test_single_days_add_up_to_the_range(store: Store, owner: int) -> None:
    record(store, random_told(13, 50))
    for zone in ZONES:
        filter = Filter(date(2026, 10, 20), date(2026, 11, 5), zone)
        whole = {tally.currency: (tally.n, tally.cost_nano) for tally in store.insight.tallies(owner, filter)}
        parts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for day in days_of(filter):
            for tally in store.insight.tallies(owner, day):
                parts[tally.currency][0] += tally.n
                parts[tally.currency][1] += tally.cost_nano
        assert whole and {currency: tuple(sums_) for currency, sums_ in parts.items()} == whole


def test_the_hours_of_a_day_add_up_also_when_it_has_twentyfive(store: Store, owner: int) -> None:
    told = random_told(14, 90)
    record(store, told)
    store.ledger.set_zones(owner, ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"))
    for zone, day in (("Europe/Berlin", date(2026, 10, 25)), ("Australia/Lord_Howe", date(2026, 4, 5)),
                      ("Asia/Kathmandu", date(2026, 10, 4)), ("America/Los_Angeles", date(2026, 11, 1))):  # fmt: skip
        filter = Filter(day, day + timedelta(days=1), zone)
        assert filter.grain == "hour"
        for by in ((), ("variant",), ("outcome",), ("model", "outcome")):
            hours = store.insight.series(owner, filter, by)
            assert [hour.at_ms for hour in hours] == sorted(hour.at_ms or 0 for hour in hours)
            assert sum(hour.n for hour in hours) == len(chosen(told, filter))
            assert sum(hour.cost_nano for hour in hours) == sum(one.cost.nano or 0 for one in chosen(told, filter))


def test_the_rest_of_a_folded_series_is_one_line(store: Store, owner: int) -> None:
    told = random_told(15, 60)
    record(store, told)
    filter = Filter(**FAR, currency="USD")
    folded = store.insight.series(owner, filter, ("model",), most=1)
    assert len({tally.model for tally in folded}) == 2 and OTHER in {tally.model for tally in folded}
    assert sum(tally.cost_nano for tally in folded) == sum(one.cost.nano or 0 for one in chosen(told, filter))
    assert {tally.gateway_id for tally in store.insight.series(owner, filter, ("gateway",), most=1)} > {-1}


def test_an_overview_has_the_period_before(store: Store, owner: int) -> None:
    told = random_told(16, 60)
    record(store, told)
    filter = Filter(date(2026, 10, 22), date(2026, 11, 12))
    found = store.insight.overview(owner, filter)
    assert filter.before.end == filter.start and filter.before.days == filter.days
    assert said(found.now, ()) == sums(chosen(told, filter), "UTC", ())
    assert said(found.before, ()) == sums(chosen(told, filter.before), "UTC", ())
    assert said(found.course, ("day",)) == sums(chosen(told, filter), "UTC", ("day",))


def test_variants_have_their_times(store: Store, owner: int) -> None:
    told = random_told(17, 100)
    record(store, told)
    for asked in ({}, {"outcomes": ("ok", "stopped", "cut")}, {"only": "unpriced"}):
        filter = Filter(**FAR, **asked)
        for row in store.insight.variants(owner, filter):
            mine = [
                one.attempt for one in chosen(told, filter)
                if (one.ref.gateway_id, one.ref.model) == (row.tally.gateway_id, row.tally.model)
            ]  # fmt: skip
            times = sorted(one.first_visible_ms for one in mine if one.first_visible_ms is not None)
            assert row.first.n == len(times)
            assert row.whole.n == sum(one.duration_ms is not None for one in mine)
            if times:
                middle = times[int(0.5 * (len(times) - 1))]
                low, high = step_bounds(step_of(middle))
                assert row.first.p50 is not None and low <= row.first.p50 <= high


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=300))
@settings(max_examples=60)
def test_a_quantile_is_within_its_step(times: list[int]) -> None:
    counts: dict[int, int] = defaultdict(int)
    for ms in times:
        counts[step_of(ms)] += 1
    found = quantiles(counts)
    for part, value in ((0.5, found.p50), (0.95, found.p95)):
        exact = sorted(times)[math.floor(part * (len(times) - 1))]
        assert value is not None and step_bounds(step_of(exact))[0] <= value <= step_bounds(step_of(exact))[1]
    assert all(step_bounds(step_of(ms))[0] <= ms < step_bounds(step_of(ms))[1] for ms in times)
    assert list(BOUNDS) == sorted(set(BOUNDS))


def test_what_looks_wrong_is_counted_within_the_filter(store: Store, owner: int) -> None:
    told = random_told(19, 60)
    for at, one in enumerate(told):
        reported = (None, one.attempt.model_requested, "gpt-5.4-mini", "gpt-5.4-mini")[at % 4]
        code = (None, "total_differs", "media_ignored")[at % 3]
        one.attempt = structs.replace(one.attempt, model_reported=reported, anomaly=code)
    record(store, told)
    for asked in ({}, {"currency": "USD"}, {"only": "unpriced"}, {"only": "odd"}, {"models": ("gpt-5.4",)}):
        filter = Filter(**FAR, **asked)
        codes, models = Counter[Any](), Counter[Any]()
        for one in chosen(told, filter):
            said_ = one.attempt.model_reported
            codes[one.attempt.anomaly] += 1
            models[one.ref.model, said_, one.ref.base] += said_ not in (None, one.ref.model)
        del codes[None]
        found = store.insight.anomalies(owner, filter)
        assert dict(found) == codes and [n for _, n in found] == sorted(codes.values(), reverse=True)
        seen = store.insight.reported_models(owner, filter)
        assert {tuple(names): n for *names, n in seen} == +models
    assert store.insight.anomalies(new_id(), Filter(**FAR)) == []


def test_folders_and_tags_are_the_projects(store: Store, owner: int) -> None:
    told = random_told(18, 60)
    names = record(store, told)
    folder = store.folders.add(owner, "Thesis")
    store.organising.move(owner, [names["one"]], folder.public_id)
    store.organising.tag(owner, [names["one"], names["two"]], "Paper")
    filter = Filter(**FAR, currency="USD")
    kept = chosen(told, filter)
    by_chat = {name: [one for one in kept if one.chat == name] for name in names}
    cost = {name: sum(one.cost.nano or 0 for one in rows) for name, rows in by_chat.items()}
    found = {(one.key, one.name): one for one in store.insight.folders(owner, filter)}
    assert {key: one.cost_nano for key, one in found.items()} == {
        (folder.public_id, "Thesis"): cost["one"],
        ("", ""): cost["two"] + cost["three"],
    }
    assert found[folder.public_id, "Thesis"].conversations == 1
    (tag,) = store.insight.tags(owner, filter)
    assert (tag.key, tag.name, tag.cost_nano, tag.conversations) == ("paper", "Paper", cost["one"] + cost["two"], 2)
    for narrow, wanted in (({"folder": folder.public_id}, ["one"]), ({"folder": ""}, ["two", "three"]),
                           ({"tag": "paper"}, ["one", "two"]), ({"conversation": names["two"]}, ["two"])):  # fmt: skip
        some = structs.replace(filter, **narrow)
        rows = [one for name in wanted for one in by_chat[name]]
        assert said(store.insight.tallies(owner, some, ("model",)), ("model",)) == sums(rows, "UTC", ("model",))
        assert len(list(store.insight.export(owner, some))) == len(rows)


RAGGED = (
    {"start": date(2026, 10, 1), "end": date(2026, 11, 10)},
    {"start": date(2026, 10, 3), "end": date(2026, 10, 28)},
    {"start": date(2026, 10, 25), "end": date(2026, 10, 26)},
    {"start": date(2026, 3, 9), "end": date(2026, 3, 29)},
    {"start": date(2026, 3, 30), "end": date(2026, 11, 2)},
    {"start": date(2026, 3, 8), "end": date(2026, 4, 12)},
    FAR,
)


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ledger is large, and is looked at in small steps."""
    for name, value in (("_FEW", 0), ("_MANY", 0), ("_REQUESTS_PER_LOOK", 0.1)):
        monkeypatch.setattr(f"lib.store.insight_chats.{name}", value)
    monkeypatch.setattr("lib.store.insight_months._FIRST_LOOK", 2)
    monkeypatch.setattr("lib.store.insight_months._LONGEST_LOOK", 3)


def check_dearest(store: Store, told: list[Told], filter: Filter, names: dict[str, str], limit: int = 3) -> None:
    """The first few, by cost and then by requests, with all that is said of each."""
    for currency in ("USD", "CNY"):
        mine: dict[str, list[Told]] = defaultdict(list)
        for one in chosen(told, structs.replace(filter, currency=currency)):
            mine[names[one.chat]].append(one)
        found = store.insight.conversations(store.owner(), filter, currency, limit)
        wanted = sorted(((sum(one.cost.nano or 0 for one in rows), len(rows)) for rows in mine.values()), reverse=True)
        assert [(one.cost_nano, one.n) for one in found] == wanted[:limit]
        for row in found:
            rows = mine[row.conversation or ""]
            plain = [one.measures() for one in rows]
            for name in ("n_error", "n_unpriced", "n_estimated", "in_cache_read"):
                assert getattr(row, name) == sum(one[name] for one in plain)
            assert row.in_tokens == sum(
                one["in_uncached"] + one["in_cache_read"] + one["in_cache_write"] for one in plain
            )
            assert row.out_tokens == sum(one["out_visible"] + one["out_reasoning"] for one in plain)
            assert row.last_ms == max(one.attempt.id >> 20 for one in rows)


def check_projects(
    store: Store,
    told: list[Told],
    filter: Filter,
    names: dict[str, str],
    lies: dict[str, str],
    worn: dict[str, set[str]],
) -> None:
    """Folders (`lies`: chat to folder) and tags (`worn`: tag to chats), with what lies in no folder."""
    for currency in ("USD", "CNY"):
        kept = chosen(told, structs.replace(filter, currency=currency))
        folders: dict[str, list[Told]] = defaultdict(list)
        for one in kept:
            folders[lies.get(one.chat, "")].append(one)
        tags = {tag: rows for tag, chats in worn.items() if (rows := [one for one in kept if one.chat in chats])}
        for rows, found in (
            (folders, store.insight.folders(store.owner(), filter)),
            (tags, store.insight.tags(store.owner(), filter)),
        ):
            assert {
                one.key: (one.n, one.cost_nano, one.n_unpriced, one.conversations)
                for one in found if one.currency == currency
            } == {
                key: (
                    len(some), sum(one.cost.nano or 0 for one in some), sum(one.cost.nano is None for one in some),
                    len({one.chat for one in some}) if key else None,
                )
                for key, some in rows.items()
            }  # fmt: skip


@pytest.mark.usefixtures("walked")
def test_many_conversations_are_walked_from_the_dearest(store: Store, owner: int) -> None:
    told = random_told(19, 80, tuple(f"chat {number}" for number in range(14)))
    names = record(store, told)
    for at, span in enumerate(RAGGED):
        for zone in ("UTC", ZONES[at + 1], ZONES[at - 3]):
            check_dearest(store, told, Filter(**span, zone=zone), names)
    check_dearest(store, told, Filter(**FAR), names, limit=20)
    for narrow in ({"variants": ("hc",)}, {"only": "estimated"}, {"hour": 2}):
        check_dearest(store, told, Filter(**RAGGED[4], **narrow), names)


@pytest.mark.usefixtures("walked")
def test_projects_and_dearest_follow_moves_corrections_and_deletions(store: Store, owner: int) -> None:
    told = random_told(25, 60, tuple(f"chat {number}" for number in range(8)))
    names = record(store, told)
    one, two = (store.folders.add(owner, name).public_id for name in ("One", "Two"))
    lies = {"chat 0": one, "chat 1": one, "chat 2": two}
    worn = {"red": {"chat 0", "chat 2", "chat 3"}, "blue": {"chat 2", "chat 7"}}
    for chat, folder in lies.items():
        store.organising.move(owner, [names[chat]], folder)
    for tag, chats in worn.items():
        store.organising.tag(owner, [names[chat] for chat in sorted(chats)], tag)

    def check() -> None:
        for at, span in enumerate(RAGGED):
            filter = Filter(**span, zone=ZONES[at])
            check_projects(store, told, filter, names, lies, worn)
            check_dearest(store, told, filter, names)

    check()
    store.organising.move(owner, [names["chat 1"]], two)
    store.organising.move(owner, [names["chat 2"]], None)
    lies = {"chat 0": one, "chat 1": two}
    for at, cost in enumerate((Cost(nano=10**9), Cost(currency="CNY", nano=7), Cost(), Cost(nano=0))):
        store.ledger.add_cost(owner, told[at].attempt.id, "manual", cost, "the bill says so")
        told[at].cost = cost
    check()
    store.conversations.delete(owner, names["chat 0"])
    check()
    store.ledger.rebuild(owner)
    check()
    refund = Cost(nano=-(10**12))  # what a part cost may now be more than the whole
    store.ledger.add_cost(owner, told[9].attempt.id, "manual", refund, "a refund")
    told[9].cost = refund
    check()
    assert store.ledger.verify(owner) == []


@given(st.integers(0, 800 * 86_400), st.integers(1, 500 * 86_400))
@settings(max_examples=200)
def test_whole_months_and_their_ends_make_up_any_period(first: int, length: int) -> None:
    low = 1_750_000_000_000 + first * 1000
    there = cover(low, low + length * 1000)
    spent = month_start(there.last) - month_start(there.first) if there.first < there.last else 0
    assert spent + sum(one.sign * (one.high - one.low) for one in there.stretches) == length * 1000
    assert there.start <= there.first <= there.last <= there.end
    assert month_start(there.start) <= low < low + length * 1000 <= month_start(there.end)
    assert all(month_start(one.month) <= one.low < one.high <= month_start(one.month + 1) for one in there.stretches)
    assert sum(one.high - one.low for one in there.stretches) <= 2 * 16 * 86_400_000


def test_deleting_conversations_leaves_every_total(store: Store, owner: int) -> None:
    told = random_told(20, 30)
    names = record(store, told)
    filter = Filter(**FAR)
    before = store.insight.tallies(owner, filter, ("model",)), store.insight.heat(owner, filter)
    dearest = store.insight.conversations(owner, filter, "USD")
    for name in names.values():
        store.conversations.delete(owner, name)
    assert all(one.deleted for one in store.insight.conversations(owner, filter, "USD"))
    store.trash.purge(owner, 1 << 50, 0)
    assert (store.insight.tallies(owner, filter, ("model",)), store.insight.heat(owner, filter)) == before
    after = store.insight.conversations(owner, filter, "USD")
    assert [one.cost_nano for one in after] == [one.cost_nano for one in dearest]
    assert {one.conversation for one in after} == {None}


def test_a_correction_moves_exactly_the_difference(store: Store, owner: int) -> None:
    told = random_told(21, 25)
    record(store, told)
    for one, cost in (
        (told[0], Cost(nano=77, input_nano=70)),
        (told[1], Cost(currency="EUR", nano=5)),
        (told[2], Cost()),
    ):
        store.ledger.add_cost(owner, one.attempt.id, "manual", cost, "the bill says so")
        one.cost = cost
    for zone in ("UTC", "Asia/Kathmandu"):
        check_sums(store, told, Filter(**FAR, zone=zone), ("model", "priced"))
    request = store.insight.request(owner, told[0].attempt.id)
    assert [step.kind for step in request.costs] == ["initial", "manual"] and request.costs[-1].cost.nano == 77
    assert request.costs[-1].reason == "the bill says so" and request.row.cost.nano == 77
    assert store.ledger.verify(owner) == []


def test_a_check_of_some_days_finds_what_is_wrong_there(store: Store, owner: int) -> None:
    told = random_told(22, 40)
    record(store, told)
    october, may = Filter(date(2026, 10, 1), date(2026, 11, 1)), Filter(date(2026, 5, 1), date(2026, 6, 1))
    assert store.insight.check(owner, october) == store.insight.check(owner, Filter(**FAR, zone="Asia/Kathmandu")) == []
    day = date(2026, 10, 4).toordinal()
    broken = text(f"UPDATE usage_rollup SET n = n + 1 WHERE kind = 'd' AND bucket BETWEEN {day - 2} AND {day + 2}")
    store._db.write(lambda connection: connection.execute(broken))
    assert {(wrong.kind, wrong.measure) for wrong in store.insight.check(owner, october)} == {("d", "n")}
    assert store.insight.check(owner, may) == []


def test_choices_are_what_occurs(store: Store, owner: int) -> None:
    assert store.insight.choices(owner).first is None
    told = random_told(23, 60)
    record(store, told)
    found = store.insight.choices(owner)
    assert found.models == tuple(sorted({one.ref.model for one in told}))
    assert (
        found.currencies == ("CNY", "USD") and found.gateways == (7, 8) and found.variants == ("hc", "low", "standard")
    )
    days = [one.at.date() for one in told]
    assert (found.first, found.last) == (min(days), max(days))
    assert store.insight.choices(owner, demo=True).models == ()


def test_wrong_questions_are_bad_input_and_empty_ones_empty(store: Store, owner: int) -> None:
    for zone, by in (("Mars/Olympus", ()), ("UTC", ("nano; DROP TABLE",))):
        with pytest.raises(BadInput):
            store.insight.tallies(owner, Filter(**FAR, zone=zone), by)  # type: ignore[arg-type]
    nothing = Filter(FAR["end"], FAR["start"])
    assert store.insight.tallies(owner, nothing) == store.insight.variants(owner, nothing) == []
    assert store.insight.heat(owner, nothing) == list(store.insight.export(owner, nothing)) == []
    assert store.insight.conversations(owner, nothing, "USD") == store.insight.folders(owner, nothing) == []


def test_a_year_of_made_up_requests_comes_and_goes_without_a_trace(store: Store, owner: int) -> None:
    told = random_told(24, 20)
    record(store, told)
    before = _everything(store)
    count = store.insight.generate_demo(owner, 60, 5)
    assert count > 500 and store.ledger.verify(owner) == []
    assert said(store.insight.tallies(owner, Filter(**FAR), ("model",)), ("model",)) == sums(told, "UTC", ("model",))
    made_up = store.insight.tallies(owner, Filter(date(2020, 1, 1), date(2100, 1, 1), demo=True))
    assert sum(tally.n for tally in made_up) == count
    assert {row.gateway_name for row in store.ledger.latest(owner, 5, demo=True)} == {"Demo data"}
    again = store.insight.generate_demo(owner, 60, 5)
    assert abs(again - count) <= 5  # the clock went on meanwhile
    assert store.insight.remove_demo(owner) == again and store.insight.remove_demo(owner) == 0
    assert _everything(store) == before and store.ledger.verify(owner) == []


def _everything(store: Store) -> dict[str, list[Any]]:
    """All that is not zero in the ledger and its rollup."""
    return {
        table: sorted(
            tuple(row) for row in store._db.read(
                lambda connection, table=table, where=where: connection.execute(
                    text(f"SELECT * FROM {table} {where}")).all()
            )
        )
        for table, where in (("usage_rollup", "WHERE n <> 0"), ("usage_speed", "WHERE n <> 0"),
                             ("conversation_total", ""), ("conversation_month", ""))
    }  # fmt: skip
