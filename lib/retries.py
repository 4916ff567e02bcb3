"""When one request may be sent again without asking the user.

A chat request is not idempotent and may be billed, so it is repeated only when the gateway certainly did no work:
nothing was sent, or it said so (429, 503, 529). After the first byte of content: never. RFC 9110 section 9.2.2.
"""

from __future__ import annotations

from lib.errors import GatewayError

MAX_WAIT_S = 60.0
"""A gateway that asks for a longer wait is not obeyed silently: the user is told the time instead."""


def wait_before_retry(error: GatewayError, *, attempt: int, content_seen: bool, spread: float = 0.0) -> float | None:
    """Seconds to wait before attempt number `attempt + 1`, or None for 'do not'.

    `attempt` counts from 1; `spread` in [0, 1) shortens the wait by up to a quarter, so that many answers do not
    return at the same moment.
    """
    if content_seen or attempt > _retries(error):
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= MAX_WAIT_S else None
    return float(min(8.0, 0.5 * 2 ** (attempt - 1))) * (1 - spread / 4)


def _retries(error: GatewayError) -> int:
    """How many automatic retries this failure allows."""
    if error.kind == "quota" or not error.retryable:
        return 0  # the same request cannot fare better, or the gateway said not to try (`x-should-retry`)
    if not error.sent:
        return 2
    if error.where in ("stream", "body"):
        return 1 if error.kind in ("overloaded", "rate_limit") else 0
    if error.where == "http" and error.status in (429, 503, 529):
        return 1 if error.status == 429 and error.retry_after_s is None else 2
    return 0
