"""Ids grow, carry their time, fit into 63 bits, and public ones tell nothing."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import ids


def test_ids_of_one_process_only_grow() -> None:
    made = [ids.new_id() for _ in range(5000)]
    assert made == sorted(set(made))


def test_threads_never_get_the_same_id() -> None:
    made: list[int] = []

    def make() -> None:
        made.extend([ids.new_id() for _ in range(2000)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16_000


def test_an_id_fits_a_signed_64_bit_column() -> None:
    assert 0 < ids.new_id() < 2**63
    assert ids.id_at(8_000_000_000_000) < 2**63  # the year 2223


def test_ids_grow_although_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id()
    monkeypatch.setattr(ids, "now_ms", lambda: ids.ms_of(before) - 3_600_000)
    made = [ids.new_id() for _ in range(3000)]
    assert made == sorted(set(made))
    assert made[0] > before


def test_an_id_remembers_its_moment() -> None:
    before = ids.now_ms()
    made = ids.new_id()
    assert before <= ids.ms_of(made) <= ids.now_ms() + 10


@settings(max_examples=60)
@given(ms=st.integers(0, 4_000_000_000_000), rest=st.integers(0, 2**20 - 1))
def test_the_first_id_of_a_moment_is_a_filter_for_time(ms: int, rest: int) -> None:
    made = ms << 20 | rest
    assert ids.id_at(ms) <= made < ids.id_at(ms + 1)
    assert ids.ms_of(made) == ms


def test_a_public_id_is_random_and_fit_for_a_url() -> None:
    made = {ids.new_public_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[\w-]{22}", one) for one in made)
