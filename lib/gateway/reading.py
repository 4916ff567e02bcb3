"""Reading what comes back, within limits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx

from lib.errors import GatewayError

_DRAIN_S = 0.2
_READABLE_CODINGS = ("", "identity", "gzip", "deflate")


def request_id_of(response: httpx.Response) -> str:
    names = ("x-request-id", "request-id", "x-oneapi-request-id")
    return next((response.headers[name][:200] for name in names if response.headers.get(name)), "")


def is_readable(response: httpx.Response) -> bool:
    """Not compressed, or once and mildly: a second layer, or a stronger coding, can hide gigabytes in one read."""
    return response.headers.get("content-encoding", "").strip().lower() in _READABLE_CODINGS


async def drain(pieces: AsyncIterator[bytes]) -> None:
    """Read a finished answer's last bytes, but not for long: only a connection read to its end can be used again."""
    with contextlib.suppress(TimeoutError, httpx.TransportError, httpx.DecodingError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in pieces:
                pass


async def limited(response: httpx.Response, limit: int, *, within: float | None = None, whole: bool = False) -> bytes:
    """The body, cut at `limit` bytes or after `within` seconds; the response is closed.

    Of an error's body any part will do. Raises GatewayError when the connection breaks and `whole` was wanted.
    """
    parts: list[bytes] = []
    size = 0
    if not is_readable(response):
        await response.aclose()
        return b""
    try:
        async with asyncio.timeout(within) as clock:
            async for piece in response.aiter_bytes():
                parts.append(piece[: limit - size])
                size += len(piece)
                if size >= limit:
                    break
    except (httpx.TransportError, httpx.DecodingError) as error:
        if whole:
            raise GatewayError("truncated", "the connection broke", where="transport", retryable=True) from error
    except TimeoutError:
        if not clock.expired():
            raise
    finally:
        await response.aclose()
    return b"".join(parts)
