"""Budgets hold what requests may cost before they are sent: never more than the limit, given back exactly once."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import func, select

from lib.budgets import Budget, Scope
from lib.cards import GatewayCard
from lib.errors import NotFound, OverBudget, SettingsError
from lib.ids import id_at, new_id, now_ms
from lib.ledger import AnswerState, Cost, ModelRef
from lib.store import Store, budget_sums, open_store, schema
from lib.store.budget_rows import Charge, Standing
from lib.store.rows import Begun
from tests.store.acts import REF, answered, attempt, end, turn
from tests.store.conftest import Place

COST = Charge(80, 100)
MONTH = Budget("month", 1_000)


def sent(store: Store, charge: Charge = COST, *, chat: str | None = None, ref: ModelRef = REF) -> Begun:
    return store.answers.begin(
        store.owner(),
        turn(conversation=chat, ref=ref) if chat is None else turn(conversation=chat, ref=ref, lane="x"),
        epoch="here",
        charge=charge,
    )


def ended(store: Store, begun: Begun, cost: Cost, **fields: object) -> None:
    store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id, cost=cost, **fields)))


def nano(amount: int) -> Cost:
    return Cost(nano=amount, output_nano=amount, source="gateway")


def where(store: Store, at: int = 0) -> Standing:
    return store.budgets.standings(store.owner())[at]


def held_rows(store: Store) -> int:
    return store._db.read(lambda connection: connection.scalar(select(func.count()).select_from(schema.reservation)))


def test_what_a_request_may_cost_is_held_until_its_end_and_then_its_cost_counts(store: Store, owner: int) -> None:
    store.budgets.add(owner, MONTH)
    begun = sent(store)
    assert begun.verdict and (begun.verdict.outcome, begun.verdict.share_percent) == ("ok", 10)
    assert (where(store).held_nano, where(store).spent_nano) == (100, 0)
    ended(store, begun, nano(37))
    assert (where(store).held_nano, where(store).spent_nano) == (0, 37)
    ended(store, begun, nano(37))
    assert (where(store).spent_nano, held_rows(store)) == (37, 0)


def test_nothing_is_stored_when_a_budget_stops_a_message(store: Store, owner: int) -> None:
    kept = store.budgets.add(owner, structs.replace(MONTH, limit_nano=150))
    sent(store)
    with pytest.raises(OverBudget) as stopped:
        sent(store)
    facts = stopped.value.facts
    assert (facts["budget"], facts["scope"], facts["limit_nano"]) == (kept.public_id, "month", 150)
    assert (facts["held_nano"], facts["spent_nano"], facts["needed_nano"], facts["over_nano"]) == (100, 0, 100, 50)
    assert len(store.conversations.list(owner)) == 1 and held_rows(store) == 1


def test_at_eighty_percent_it_warns(store: Store, owner: int) -> None:
    store.budgets.add(owner, structs.replace(MONTH, limit_nano=250))
    assert [begun.verdict and begun.verdict.outcome for begun in (sent(store), sent(store))] == ["ok", "warn"]


def test_one_message_may_go_over_it_and_that_is_written_down(store: Store, owner: int) -> None:
    kept = store.budgets.add(owner, structs.replace(MONTH, limit_nano=60))
    begun = sent(store, structs.replace(COST, override=True))
    (noted,) = store.budgets.overrides(owner)
    assert (noted.budget, noted.over_nano, noted.estimate_nano) == (kept.public_id, 40, 100)
    assert (noted.conversation, noted.message, noted.model) == (begun.conversation, begun.message, REF.model)
    with pytest.raises(OverBudget):
        sent(store)
    assert len(store.budgets.overrides(owner)) == 1


def test_an_override_that_was_not_needed_is_not_noted(store: Store, owner: int) -> None:
    store.budgets.add(owner, MONTH)
    sent(store, structs.replace(COST, override=True))
    assert store.budgets.overrides(owner) == ()


def test_an_unknown_price_goes_through_or_not_as_the_budget_says(store: Store, owner: int) -> None:
    kept = store.budgets.add(owner, MONTH)
    begun = sent(store, Charge())
    assert begun.verdict and begun.verdict.outcome == "unpriced"
    ended(store, begun, Cost())
    assert where(store).n_unpriced == 1
    store.budgets.change(owner, kept.public_id, structs.replace(MONTH, unpriced="block"))
    with pytest.raises(OverBudget) as stopped:
        sent(store, Charge())
    assert stopped.value.facts["needed_nano"] is None


def test_a_request_whose_cost_stays_unknown_counts_with_what_it_held_until_it_is_known(
    store: Store, owner: int
) -> None:
    store.budgets.add(owner, MONTH)
    begun = sent(store)
    ended(store, begun, Cost(), outcome="unknown")
    assert (where(store).spent_nano, where(store).uncertain_nano, where(store).held_nano) == (100, 100, 0)
    store.ledger.add_cost(owner, begun.attempt_id, "manual", nano(12), "the bill says so")
    assert (where(store).spent_nano, where(store).uncertain_nano) == (12, 0)
    ended(store, sent(store), Cost(), outcome="unknown")
    assert store.budgets.forget_uncertain(owner) == 2 and where(store).spent_nano == 12


def test_a_refused_request_gives_everything_back(store: Store, owner: int) -> None:
    store.budgets.add(owner, MONTH)
    ended(store, sent(store), nano(0), outcome="refused")
    assert (where(store).spent_nano, where(store).held_nano, held_rows(store)) == (0, 0, 0)


def test_an_estimate_counts_with_its_high_end(store: Store, owner: int) -> None:
    begun = sent(store)
    store.budgets.add(owner, MONTH)
    store.budgets.add(owner, Budget("conversation", 1_000, subject=begun.conversation))
    cost = structs.replace(nano(40), low_nano=30, high_nano=70)
    ended(store, begun, cost, usage_source="estimated", outcome="stopped")
    ended(store, sent(store, chat=begun.conversation), nano(5))
    assert [one.spent_nano for one in store.budgets.standings(owner)] == [75, 75]


@pytest.mark.parametrize("scope", ["day", "month", "person", "gateway"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_its_days_are_those_of_its_zone_also_of_one_without_sums_of_its_own(
    store: Store, owner: int, scope: Scope, zone: str
) -> None:
    gateway = store.gateways.add(owner, GatewayCard(0, "G", "https://g.example"))
    subject = gateway.public_id if scope == "gateway" else ""
    kept = store.budgets.add(owner, Budget(scope, 10_000, zone=zone, subject=subject, period="day"))
    ref = structs.replace(REF, gateway_id=gateway.id)
    now = store.budgets.standing(owner, kept.public_id)
    assert now.to_ms is not None
    edges = (now.from_ms - 1, now.from_ms, now.to_ms - 1, now.to_ms)
    spent = (1, 10, 100, 1_000)
    rows = [attempt(id_at(at) | 5, cost=nano(amount)) for at, amount in zip(edges, spent, strict=True)]
    store.ledger.record(owner, ref, tuple(rows))
    store.ledger.record(owner, REF, (attempt(id_at(now.from_ms) | 6, cost=nano(7)),))
    assert where(store).spent_nano == 110 + (0 if scope == "gateway" else 7)
    always = store.budgets.change(owner, kept.public_id, structs.replace(kept.budget, period="always"))
    if scope in ("person", "gateway"):
        found = store.budgets.standing(owner, always.public_id).spent_nano
        assert found >= 111 + (0 if scope == "gateway" else 7)


def test_a_conversation_and_a_gateway_count_only_their_own(store: Store, owner: int) -> None:
    gateway = store.gateways.add(owner, GatewayCard(0, "G", "https://g.example"))
    ref = structs.replace(REF, gateway_id=gateway.id)
    first = sent(store, ref=ref)
    store.budgets.add(owner, Budget("conversation", 150, subject=first.conversation))
    store.budgets.add(owner, Budget("gateway", 150, subject=gateway.public_id))
    sent(store)
    ended(store, first, nano(60))
    assert [one.spent_nano for one in store.budgets.standings(owner)] == [60, 60]
    with pytest.raises(OverBudget) as stopped:
        sent(store, chat=first.conversation)
    assert stopped.value.facts["scope"] == "conversation"
    with pytest.raises(OverBudget) as stopped:
        sent(store, ref=ref)
    assert stopped.value.facts["scope"] == "gateway"


def test_currencies_are_never_added_and_the_demo_is_nobodys_money(store: Store, owner: int) -> None:
    store.budgets.add(owner, structs.replace(MONTH, limit_nano=100))
    demo = sent(store, Charge(900, 900), ref=structs.replace(REF, demo=True))
    ended(store, demo, nano(900))
    other = sent(store, Charge(900, 900, "EUR"))
    assert demo.verdict is None and other.verdict and other.verdict.outcome == "unpriced"
    ended(store, other, structs.replace(nano(900), currency="EUR"))
    assert where(store).spent_nano == 0


def test_fifty_at_once_never_overshoot(
    place: Place, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    """Each costs a tenth of what is left; some end at once, some after all have asked, some at a cost nobody knows."""
    store, rounds = place.open(), count(2, 20)
    owner = store.owner()
    kept = store.budgets.add(owner, structs.replace(MONTH, limit_nano=1))
    for number in range(rounds):
        standing = where(store)
        limit = standing.spent_nano + standing.held_nano + 1_000
        store.budgets.change(owner, kept.public_id, structs.replace(MONTH, limit_nano=limit))
        began, stopped = race(store, number)
        assert (len(began), stopped) == (10, 40)
        standing = where(store)
        assert standing.spent_nano + standing.held_nano == limit
        assert held_rows(store) == held_of(store, began)
        for at, begun in enumerate(began):
            ended(store, begun, nano(60) if at % 2 else Cost(), outcome="ok" if at % 2 else "unknown")
        assert where(store).spent_nano + where(store).held_nano <= limit
    assert not store.ledger.verify(owner)
    measured(
        f"{store.engine}: {rounds} rounds of 50 at once, each time 10 through and 40 stopped, overshoot 0, 0 unreserved"
    )


def race(store: Store, seed: int) -> tuple[list[Begun], int]:
    """Fifty at the same moment: those that began and are not over, and how many a budget stopped."""
    began: list[Begun] = []
    over: list[Begun] = []
    stopped: list[OverBudget] = []
    start = threading.Barrier(50)

    def go(at: int) -> None:
        start.wait()
        try:
            begun = sent(store)
        except OverBudget as error:
            stopped.append(error)
            return
        if (at + seed) % 3 == 0:
            ended(store, begun, nano(100))
            over.append(begun)
        else:
            began.append(begun)

    threads = [threading.Thread(target=go, args=(at,)) for at in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return began + over, len(stopped)


def held_of(store: Store, began: list[Begun]) -> int:
    """How many rows hold something: one for each answer that runs, and one for each uncertain end."""
    uncertain = where(store).uncertain_nano // COST.high_nano if COST.high_nano else 0
    return sum(store.answers.get(store.owner(), one.message).state == "running" for one in began) + uncertain


def test_after_a_crash_nothing_stays_held(place: Place) -> None:
    store = place.open()
    owner = store.owner()
    store.budgets.add(owner, MONTH)
    sent(store)
    store.budgets.reserve(owner, new_id(), REF, COST, epoch="here")
    assert where(store).held_nano == 200
    late = now_ms() + 86_400_000
    store.answers.sweep(
        epoch="there", now_ms=late, stale_ms=0, estimate=lambda row, one: structs.replace(one, cost=nano(9))
    )
    assert where(store).held_nano == 100
    assert store.budgets.sweep(epoch="here", now_ms=late) == 0
    assert store.budgets.sweep(epoch="there", now_ms=late) == 1
    assert (where(store).held_nano, where(store).spent_nano) == (0, 9)


def test_a_request_without_an_answer_is_held_and_settled_too(store: Store, owner: int) -> None:
    store.budgets.add(owner, structs.replace(MONTH, limit_nano=150))
    first, second = new_id(), new_id()
    store.budgets.reserve(owner, first, REF, COST, epoch="here")
    with pytest.raises(OverBudget):
        store.budgets.reserve(owner, second, REF, COST, epoch="here")
    store.ledger.record(owner, REF, (attempt(first, cost=nano(20)),), settles=first)
    assert (where(store).held_nano, where(store).spent_nano) == (0, 20)
    store.budgets.reserve(owner, second, REF, COST, epoch="here")
    store.budgets.release(owner, second)
    assert held_rows(store) == 0


def test_a_resting_or_removed_budget_stops_nothing(store: Store, owner: int) -> None:
    kept = store.budgets.add(owner, structs.replace(MONTH, limit_nano=10))
    store.budgets.switch(owner, kept.public_id, on=False)
    assert sent(store).verdict is None and not store.budgets.any_active(owner)
    store.budgets.switch(owner, kept.public_id, on=True)
    assert store.budgets.get(owner, kept.public_id).active
    store.budgets.remove(owner, kept.public_id)
    assert sent(store).verdict is None and store.budgets.list(owner) == []
    with pytest.raises(NotFound):
        store.budgets.get(owner, kept.public_id)


def test_a_budget_that_cannot_be_kept_is_refused(store: Store, owner: int) -> None:
    for wrong in (Budget("month", -1), Budget("gateway", 1), Budget("conversation", 1), Budget("day", 1, zone="Mars")):
        with pytest.raises(SettingsError):
            store.budgets.add(owner, wrong)
    with pytest.raises(NotFound):
        store.budgets.add(owner, Budget("conversation", 1, subject=answered(store).message))


Deed = tuple[str, int]
DEEDS = st.lists(
    st.tuples(st.sampled_from(("send", "end", "unknown", "fail", "correct", "crash")), st.integers(0, 400))
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=DEEDS)
def test_whatever_happens_money_is_held_and_given_back_once(deeds: list[Deed]) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(open_store("", Path(folder))) as store:
        owner, limit, open_, known = store.owner(), 1_000, list[tuple[Begun, int]](), dict[int, int]()
        store.budgets.add(owner, structs.replace(MONTH, limit_nano=limit))
        for deed, amount in deeds:
            before = where(store)
            if deed == "send":
                try:
                    open_.append((sent(store, Charge(amount, amount)), amount))
                except OverBudget:
                    assert before.spent_nano + before.held_nano + amount > limit or before.spent_nano >= limit
                else:
                    assert before.spent_nano + before.held_nano + amount <= limit
            elif deed == "correct" and known:
                event = sorted(known)[amount % len(known)]
                store.ledger.add_cost(owner, event, "manual", nano(amount), "bill")
                known[event] = amount
            elif deed == "crash":
                store.answers.sweep(epoch="there", now_ms=now_ms() + 86_400_000, stale_ms=0, estimate=_costing(3))
                known |= {begun.attempt_id: 3 for begun, _ in open_}
                open_.clear()
            elif open_ and deed != "correct":
                begun, most = open_.pop(amount % len(open_))
                cost, state = _end_of(deed, min(amount, most))
                ended(store, begun, cost, outcome=state)
                known[begun.attempt_id] = most if cost.nano is None else cost.nano
            now = where(store)
            assert (now.held_nano, now.spent_nano) == (sum(most for _, most in open_), sum(known.values()))


def _end_of(deed: str, amount: int) -> tuple[Cost, str]:
    if deed == "unknown":
        return Cost(), "unknown"
    return (nano(0), "refused") if deed == "fail" else (nano(amount), "ok")


def _costing(amount: int) -> Callable[..., object]:
    return lambda row, one: structs.replace(one, cost=nano(amount))


STATES: tuple[AnswerState, ...] = ("done", "stopped", "cut", "failed", "interrupted")


@pytest.mark.parametrize("state", STATES)
def test_every_end_settles(store: Store, owner: int, state: AnswerState) -> None:
    store.budgets.add(owner, MONTH)
    begun = sent(store)
    store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id), state=state))
    assert held_rows(store) == 0


def test_an_unknown_price_that_was_let_through_by_hand_is_written_down(store: Store, owner: int) -> None:
    kept = store.budgets.add(owner, structs.replace(MONTH, unpriced="block"))
    begun = sent(store, Charge(override=True))
    assert begun.verdict and begun.verdict.overridden
    (noted,) = store.budgets.overrides(owner)
    assert (noted.budget, noted.estimate_nano, noted.over_nano) == (kept.public_id, None, 0)
    store.budgets.change(owner, kept.public_id, MONTH)
    sent(store, Charge(override=True))
    assert len(store.budgets.overrides(owner)) == 1


def test_what_was_held_and_overridden_outlives_its_conversation(store: Store, owner: int) -> None:
    store.budgets.add(owner, structs.replace(MONTH, limit_nano=60))
    begun = sent(store, structs.replace(COST, override=True))
    ended(store, begun, Cost(), outcome="unknown")
    store.conversations.delete(owner, begun.conversation)
    store.trash.purge(owner, now_ms() + 1, 0)
    (noted,) = store.budgets.overrides(owner)
    assert (noted.over_nano, noted.conversation, noted.message) == (40, None, None)
    assert (where(store).spent_nano, where(store).uncertain_nano) == (100, 100)


def test_an_answer_that_ends_while_a_gateway_is_looked_at_is_never_missed(
    store: Store, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a zone without sums of its own two looks are needed; on PostgreSQL an answer may end between them."""
    gateway = store.gateways.add(owner, GatewayCard(0, "G", "https://g.example"))
    kept = store.budgets.add(owner, Budget("gateway", 150, zone="Asia/Tokyo", subject=gateway.public_id))
    ref = structs.replace(REF, gateway_id=gateway.id)
    begun = sent(store, ref=ref)
    whole = budget_sums._by_filter

    def slow(*asked: Any) -> tuple[int, int]:
        found = whole(*asked)
        if not store._db.sqlite:
            ended(store, begun, nano(90))
        return found

    monkeypatch.setattr(budget_sums, "_by_filter", slow)
    with pytest.raises(OverBudget):
        sent(store, ref=ref)
    assert store.budgets.standing(owner, kept.public_id).verdict.allowed
