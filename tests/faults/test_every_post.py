"""Every request that the gateway sees has exactly one row in the ledger: whole, failed, retried, stopped, cut."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lib.cards import DialectName
from tests.faults.chaos import STEADY, Chaos
from tests.faults.faults import FAULTS
from tests.faults.house import BOTH, House
from tests.faults.quirks import QUIRKS
from tests.faults.table import Fault, no
from tests.faults.ways import refuses

WHOLE = [name for name, fault in QUIRKS.items() if fault.expected.state == "done" and not fault.place]
HEAVY = ("f15-500-page-of-2-mb", "f30-event-of-2-mb", "f37-gzip-bomb", "f06-401-stalls")
FAILING = [name for name, fault in FAULTS.items() if not (fault.hasty or fault.place or name in HEAVY)]
MIXED: dict[str, Fault] = {
    **{name: QUIRKS[name] for name in WHOLE},
    **{name: FAULTS[name] for name in FAILING},
    "busy": Fault(refuses(503, "overloaded_error", "Overloaded", retry_after_ms="20"), no("overloaded", 3)),
}
STOPPED = "stopped"


def turns(number: int) -> list[tuple[int, str, DialectName]]:
    """A seeded mixture: a third whole, a third failing, some asked three times, the rest stopped."""
    chance = random.Random(23)
    makers: list[Callable[[], str]] = [
        lambda: chance.choice(WHOLE),
        lambda: chance.choice(FAILING),
        lambda: chance.choice(["busy", STOPPED]),
    ]
    drawn: list[tuple[int, str, DialectName]] = []
    for at in range(number):
        name = makers[at % 3]()
        known = MIXED[name].dialects if name in MIXED else BOTH
        drawn.append((at, name, chance.choice(known)))
    return drawn


def stopped(house: House, at: int, dialect: DialectName) -> str | None:
    """Stop before, at or after the first word; the answer's id."""
    sent = house.send(f"turn {at}", STEADY, dialect)
    time.sleep(random.Random(at).choice([0, 0.01, 0.1, 0.3]))
    house.services.desk.stop(sent.message or "")
    house.ended(sent)
    return sent.message


def test_every_post_has_exactly_one_row(
    tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    drawn = turns(count(60, 1000))
    with Chaos(MIXED) as chaos, House(tmp_path, {"chaos": chaos.base_url}) as house:
        house.listed("chaos")

        def one(turn: tuple[int, str, DialectName]) -> str | None:
            at, name, dialect = turn
            if name == STOPPED:
                return stopped(house, at, dialect)
            return house.ended(house.send(f"turn {at}", name, dialect)).message

        with ThreadPoolExecutor(24) as crowd:
            messages = list(crowd.map(one, drawn))
        rows, posts = house.rows(), Counter(post.question for post in chaos.posts)
        problems = house.store.ledger.verify(house.owner)
    by_message = Counter(row.message for row in rows)
    assert problems == []
    assert sum(by_message.values()) == sum(by_message[message] for message in messages)
    early = 0
    for (at, name, _), message in zip(drawn, messages, strict=True):
        if posts[f"turn {at}"] != by_message[message]:  # stopped while it was being sent: the row says that it may be
            assert (name, posts[f"turn {at}"], by_message[message]) == (STOPPED, 0, 1)
            assert [row.outcome for row in rows if row.message == message] == ["stopped"]
            early += 1
    outcomes = Counter(row.outcome for row in rows)
    measured(
        f"{len(drawn):,} mixed turns, {posts.total():,} POSTs, {len(rows):,} ledger rows: one for each POST"
        f" ({early} rows of requests that were stopped while being sent); "
        + ", ".join(f"{n} {name}" for name, n in outcomes.most_common())
    )


def test_a_double_stop_is_one_row(tmp_path: Path) -> None:
    with Chaos({}) as chaos, House(tmp_path, {"chaos": chaos.base_url}) as house:
        house.listed("chaos")
        sent = house.send("twice", STEADY)
        while not house.text_now(sent):
            time.sleep(0.01)
        pressed = [threading.Thread(target=house.services.desk.stop, args=(sent.message,)) for _ in range(8)]
        for thread in pressed:
            thread.start()
        for thread in pressed:
            thread.join()
        house.ended(sent)
        assert [(row.outcome, row.message) for row in house.rows()] == [("stopped", sent.message)]
        assert len(chaos.posts) == 1
