"""How often the gateway is really asked, and when: what the table of retries allows, measured at the gateway."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from lib.cards import DialectName
from tests.faults.chaos import Chaos, Post
from tests.faults.house import BOTH, House
from tests.faults.speech import REST, WHOLE, Speech, sse
from tests.faults.table import Doing, Expected, Fault, no
from tests.faults.ways import BUSY, LIMITED, bare, first_fails, page, refuses, sends
from tests.gateway.raw_server import closes, resets

NOW = "Fri, 20 Nov 2026 12:00:00 GMT"
IN_2_S = "Fri, 20 Nov 2026 12:00:02 GMT"
IN_AN_HOUR = "Fri, 20 Nov 2026 13:00:00 GMT"


class Asked(NamedTuple):
    """How a first request fails, how often it may be asked in all, and the wait before each further request (None:
    half a second, doubled, less up to a quarter)."""

    does: Doing
    posts: int
    wait_s: float | None = None


def error_event(kind: str, before: Callable[[Speech], bytes]) -> Doing:
    return sends(lambda say: before(say) + sse(say.error(kind, "no"), "error"))


ASKED: dict[str, Asked] = {
    # rejected before any work: twice more, after the wait that was asked for
    "429-1-s": Asked(refuses(429, *LIMITED, retry_after="1"), 3, 1.0),
    "429-2-s": Asked(refuses(429, *LIMITED, retry_after="2"), 3, 2.0),
    "429-700-ms": Asked(refuses(429, *LIMITED, retry_after_ms="700"), 3, 0.7),
    "429-ms-before-s": Asked(refuses(429, *LIMITED, retry_after_ms="300", retry_after="60"), 3, 0.3),
    "429-date": Asked(refuses(429, *LIMITED, date=NOW, retry_after=IN_2_S), 3, 2.0),
    "429-past-date": Asked(refuses(429, *LIMITED, date=IN_2_S, retry_after=NOW), 3, 0.0),
    "503-1-s": Asked(refuses(503, *BUSY, retry_after="1"), 3, 1.0),
    "529-1-s": Asked(refuses(529, *BUSY, retry_after="1"), 3, 1.0),
    "503": Asked(refuses(503, *BUSY), 3),
    "529": Asked(refuses(529, *BUSY), 3),
    "429": Asked(refuses(429, *LIMITED), 2),
    "429-garbage": Asked(refuses(429, *LIMITED, retry_after="soon"), 2),
    "error-first": Asked(error_event("overloaded_error", lambda say: say.opening), 2),
    # a longer wait is told, not kept
    "429-61-s": Asked(refuses(429, *LIMITED, retry_after="61"), 1),
    "429-hour": Asked(refuses(429, *LIMITED, retry_after="3600"), 1),
    "429-date-in-an-hour": Asked(refuses(429, *LIMITED, date=NOW, retry_after=IN_AN_HOUR), 1),
    "503-ten-minutes": Asked(refuses(503, *BUSY, retry_after="600"), 1),
    "429-quota": Asked(refuses(429, "insufficient_quota", code="insufficient_quota", retry_after="1"), 1),
    "429-not-again": Asked(refuses(429, *LIMITED, retry_after="1", x_should_retry="false"), 1),
    # it may have been billed: never by itself
    "closes": Asked(lambda say: closes, 1),
    "resets": Asked(lambda say: resets, 1),
    **{str(status): Asked(page(status, retry_after="0"), 1) for status in (408, 409, 500, 502, 504, 520, 524)},
    "500-again": Asked(refuses(500, "api_error", retry_after="0", x_should_retry="true"), 1),
    "empty": Asked(bare(200), 1),
    "page": Asked(page(200), 1),
    "cut-first": Asked(sends(lambda say: say.opening), 1),
    "server-error-first": Asked(error_event("api_error", lambda say: say.opening), 1),
    # content has come: never
    "overloaded-midway": Asked(error_event("overloaded_error", lambda say: say.begun), 1),
    "limited-midway": Asked(error_event("rate_limit_error", lambda say: say.begun), 1),
    "limited-while-thinking": Asked(error_event("rate_limit_error", lambda say: say.opening + say.thought("Hm")), 1),
    "limited-in-a-call": Asked(error_event("rate_limit_error", lambda say: say.opening + say.call("f", "{}")), 1),
    "cut": Asked(sends(lambda say: say.begun + say.text(REST)), 1),
    # the same request cannot fare better
    **{str(status): Asked(refuses(status), 1) for status in (400, 401, 402, 403, 404, 405, 413, 415, 422, 451)},
    **{str(status): Asked(bare(status, location="http://127.0.0.1:9/"), 1) for status in (301, 302, 307, 308)},
}
FAULTS = {
    **{name: Fault(asked.does, no("any")) for name, asked in ASKED.items()},
    **{
        f"{name}-then-whole": Fault(first_fails(asked.does, asked.posts - 1), Expected("done", WHOLE))
        for name, asked in ASKED.items()
        if asked.posts > 1
    },
}
CASES = [(name, dialect) for name in FAULTS for dialect in BOTH]


@pytest.fixture(scope="module")
def posts(
    count: Callable[[int, int], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, DialectName], list[Post]]]:
    def one(case: tuple[str, DialectName]) -> None:
        answer = house.ended(house.send(f"{case}", *case))
        assert (answer.state == "done") is case[0].endswith("-then-whole"), case

    folder: Path = tmp_path_factory.mktemp("retries")
    with Chaos(FAULTS) as chaos, House(folder, {"chaos": chaos.base_url}) as house:
        house.listed("chaos")
        for timed in (True, False):  # what is measured is not disturbed by the rest
            with ThreadPoolExecutor(count(32, 8) if timed else 32) as crowd:
                list(crowd.map(one, [case for case in CASES if (asked_as(case[0]).wait_s is not None) is timed]))
        rows = house.rows()
        assert len(rows) == len(chaos.posts)
        yield {(name, dialect): chaos.posts_for(name, dialect) for name, dialect in CASES}


def asked_as(name: str) -> Asked:
    return ASKED[name.removesuffix("-then-whole")]


@pytest.mark.parametrize(("name", "dialect"), CASES)
def test_the_gateway_is_asked_as_often_as_the_table_says(
    posts: dict[tuple[str, DialectName], list[Post]], name: str, dialect: DialectName
) -> None:
    assert len(posts[name, dialect]) == asked_as(name).posts


def test_the_waits_are_those_that_were_asked_for(
    posts: dict[tuple[str, DialectName], list[Post]],
    count: Callable[[int, int], int],
    measured: Callable[[str], None],
) -> None:
    """The full run measures them to half a second; a daily run on a busy machine allows more at the upper end."""
    slack = count(50, 5) / 10
    off: list[float] = []
    for (name, _), sent in posts.items():
        announced = asked_as(name).wait_s
        for number, (one, after) in enumerate(itertools.pairwise(sent)):
            waited = after.at - one.at
            if announced is None:
                assert 0.75 * 0.5 * 2**number - 0.05 <= waited <= 0.5 * 2**number + slack, name
            else:
                off.append(waited - announced)
                assert -0.05 <= waited - announced <= slack, name
    measured(
        f"{len(posts)} turns of {len(ASKED)} kinds, {sum(map(len, posts.values()))} POSTs, each as the table says; "
        f"{len(off)} announced waits (seconds, dates, ms) kept, {min(off):+.2f} to {max(off):+.2f} s off; waits above "
        "60 s never begun"
    )
