"""When a request is sent again: the whole table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import KINDS, GatewayError
from lib.retries import MAX_WAIT_S, wait_before_retry

NOT_SENT = GatewayError("server", where="transport", code="connect", retryable=True, sent=False)
BUSY = GatewayError("overloaded", status=503, retryable=True)


def http(status: int, kind: str = "rate_limit", after: float | None = None, *, retryable: bool = True) -> GatewayError:
    return GatewayError(kind, status=status, retryable=retryable, retry_after_s=after)  # type: ignore[arg-type]


def retries(error: GatewayError) -> int:
    return sum(wait_before_retry(error, attempt=number, content_seen=False) is not None for number in range(1, 6))


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (NOT_SENT, 2),
        (GatewayError("timeout", where="transport", code="connect", retryable=True, sent=False), 2),
        (GatewayError("server", where="transport", code="tls", sent=False), 0),
        (GatewayError("bad_request", where="transport", code="url", sent=False), 0),
        (http(429, after=1), 2),
        (http(429, after=0), 2),
        (http(429), 1),
        (http(429, after=MAX_WAIT_S + 1), 0),
        (http(429, "quota", 1, retryable=False), 0),
        (http(429, after=1, retryable=False), 0),
        (http(503, "overloaded"), 2),
        (http(503, "no_channel"), 2),
        (http(529, "overloaded"), 2),
        *((http(status, "server"), 0) for status in (408, 409, 500, 502, 504, 520)),
        *((http(status, "bad_request", retryable=False), 0) for status in (301, 400, 401, 402, 403, 404, 413, 422)),
        (GatewayError("overloaded", where="stream", retryable=True), 1),
        (GatewayError("rate_limit", where="body", status=200, retryable=True), 1),
        (GatewayError("server", where="stream", retryable=True), 0),
        (GatewayError("truncated", where="stream", retryable=True), 0),
        (GatewayError("truncated", where="transport", retryable=True), 0),
        (GatewayError("timeout", where="transport", retryable=True), 0),
        (GatewayError("empty", where="body", status=200, retryable=True), 0),
    ],
)
def test_how_often_each_failure_is_tried_again(error: GatewayError, times: int) -> None:
    assert retries(error) == times


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    status=st.none() | st.integers(200, 599),
    where=st.sampled_from(["http", "body", "stream", "transport"]),
    attempt=st.integers(1, 5),
    sent=st.booleans(),
)
def test_after_content_nothing_is_ever_sent_again(
    kind: str, status: int | None, where: str, attempt: int, sent: bool
) -> None:
    error = GatewayError(kind, status=status, where=where, retryable=True, sent=sent)  # type: ignore[arg-type]
    assert wait_before_retry(error, attempt=attempt, content_seen=True) is None


def test_the_waits_double_from_half_a_second() -> None:
    waits = [wait_before_retry(BUSY, attempt=number, content_seen=False) for number in (1, 2, 3)]
    assert waits == [0.5, 1.0, None]


@settings(max_examples=60)
@given(spread=st.floats(0, 1, exclude_max=True), attempt=st.integers(1, 2))
def test_the_spread_takes_off_up_to_a_quarter(spread: float, attempt: int) -> None:
    whole = wait_before_retry(BUSY, attempt=attempt, content_seen=False)
    wait = wait_before_retry(BUSY, attempt=attempt, content_seen=False, spread=spread)
    assert whole is not None
    assert wait is not None
    assert whole * 0.75 <= wait <= whole


@settings(max_examples=60)
@given(after=st.floats(0, 1e6), spread=st.floats(0, 1, exclude_max=True))
def test_a_wait_that_was_asked_for_is_kept_exactly_or_not_begun(after: float, spread: float) -> None:
    wait = wait_before_retry(http(429, after=after), attempt=1, content_seen=False, spread=spread)
    assert wait == (after if after <= MAX_WAIT_S else None)
