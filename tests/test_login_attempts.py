"""How often a password may be wrong: exact to the second, with a clock that the test turns."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.errors import TooSoon
from lib.login.attempts import ADDRESS, FORGOTTEN_AFTER_S, MOST_KEPT, NAME, PAIR, Attempts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def wait_of(attempts: Attempts, name: str = "anna", address: str = "10.0.0.1") -> int:
    """0 when a password would be looked at, which then counts as wrong; else how many seconds to wait."""
    try:
        attempts.begin(name, address)
    except TooSoon as error:
        return int(error.facts["wait_s"] or 0)
    return 0


def waits(attempts: Attempts, clock: Clock, number: int, names: Callable[[int], str], places: Callable[[int], str]):
    """The exact seconds until each next attempt is looked at, when nobody waits longer than they have to."""
    found = []
    for at in range(number):
        began = clock.now
        while wait_of(attempts, names(at), places(at)):
            clock.now += 0.25
        found.append(clock.now - began)
    return found


def test_five_wrong_ones_are_free_and_then_the_waits_double_up_to_a_minute(
    attempts: Attempts, clock: Clock, measured: Callable[[str], None]
) -> None:
    found = waits(attempts, clock, 14, lambda _: "anna", lambda _: "10.0.0.1")
    assert found == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    measured("5 wrong passwords free, then 1, 2, 4 … 60 s, to the second; nobody else waits")


def test_what_is_too_soon_is_not_counted(attempts: Attempts, clock: Clock) -> None:
    for _ in range(5):
        assert wait_of(attempts) == 0
    assert [wait_of(attempts) for _ in range(50)] == [1] * 50
    clock.now += 1
    assert wait_of(attempts) == 0


def test_a_right_password_forgets_the_wrong_ones(attempts: Attempts) -> None:
    for _ in range(20):
        for _ in range(4):
            assert wait_of(attempts) == 0
        assert wait_of(attempts) == 0
        attempts.succeeded("anna", "10.0.0.1")


def test_others_are_never_held_up(attempts: Attempts) -> None:
    while not wait_of(attempts):
        pass
    assert wait_of(attempts, "bernd", "10.0.0.1") == 0
    assert wait_of(attempts, "bernd", "10.0.0.2") == 0
    assert wait_of(attempts, "anna", "10.0.0.2") == 0


def test_a_name_that_is_guessed_at_from_many_addresses_waits_ten_seconds_at_most(
    attempts: Attempts, clock: Clock
) -> None:
    found = waits(attempts, clock, 40, lambda _: "anna", lambda at: f"10.0.1.{at}")
    assert found == [0] * NAME.free + [1, 2, 4, 8] + [10] * 16


def test_an_address_that_guesses_at_many_names_waits_half_a_minute_at_most(attempts: Attempts, clock: Clock) -> None:
    found = waits(attempts, clock, 30, lambda at: f"name {at}", lambda _: "10.0.0.1")
    assert found == [0] * ADDRESS.free + [1, 2, 4, 8, 16] + [30] * 5


def test_the_addresses_of_one_subscriber_are_one(attempts: Attempts, clock: Clock) -> None:
    found = waits(attempts, clock, 22, lambda at: f"name {at}", lambda at: f"2001:db8:1:2:{at:x}::7")
    assert found == [0] * ADDRESS.free + [1, 2]
    assert wait_of(attempts, "anna", "2001:db8:1:3::7") == 0
    found = waits(attempts, clock, 7, lambda _: "bernd", lambda at: ("192.0.2.1", "::ffff:192.0.2.1")[at % 2])
    assert found == [0] * PAIR.free + [1, 2]
    assert wait_of(attempts, "bernd", "::ffff:192.0.2.2") == 0


def test_who_has_been_here_before_is_not_held_up_by_strangers_behind_the_same_proxy(attempts: Attempts) -> None:
    attempts.begin("anna", "10.0.0.1")
    attempts.succeeded("anna", "10.0.0.1")
    for at in itertools.count():
        if wait_of(attempts, f"name {at}", "10.0.0.1"):
            break
    for at in itertools.count():
        if wait_of(attempts, "anna", f"10.0.2.{at}"):
            break
    assert wait_of(attempts, "anna", "10.0.0.1") == 0
    assert wait_of(attempts, "bernd", "10.0.0.1") > 0


def test_attempts_at_the_same_moment_are_counted_exactly(attempts: Attempts) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: wait_of(attempts), range(200)))
    assert found.count(0) == PAIR.free


def test_an_own_account_does_not_buy_guesses_at_others(attempts: Attempts) -> None:
    looked_at = 0
    for at in range(200):
        looked_at += wait_of(attempts, f"name {at}", "10.0.0.1") == 0
        if wait_of(attempts, "mallory", "10.0.0.1") == 0:
            attempts.succeeded("mallory", "10.0.0.1")
    assert looked_at == ADDRESS.free


def test_it_is_forgotten_after_a_quarter_of_an_hour(attempts: Attempts, clock: Clock) -> None:
    while not wait_of(attempts):
        pass
    clock.now += FORGOTTEN_AFTER_S + 1
    assert [wait_of(attempts) for _ in range(PAIR.free)] == [0] * PAIR.free
    assert wait_of(attempts) > 0


def test_memory_is_bounded(attempts: Attempts) -> None:
    for at in range(MOST_KEPT + 100):
        wait_of(attempts, f"name {at}", f"address {at}")
    assert len(attempts._counts) <= MOST_KEPT
