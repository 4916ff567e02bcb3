"""Reading what comes back, within limits."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator

import httpx

from lib.errors import GatewayError

_DRAIN_S = 0.2
_READABLE_CODINGS = ("", "identity", "gzip", "deflate")
_ANY_ZLIB = 47
"""Window bits with which zlib reads both gzip and deflate."""
_INFLATED_AT_ONCE = 256 * 1024


def request_id_of(response: httpx.Response) -> str:
    names = ("x-request-id", "request-id", "x-oneapi-request-id")
    return next((response.headers[name][:200] for name in names if response.headers.get(name)), "")


def is_readable(response: httpx.Response) -> bool:
    """Not compressed, or once and mildly: a second layer, or a stronger coding, can hide gigabytes in one read."""
    return response.headers.get("content-encoding", "").strip().lower() in _READABLE_CODINGS


async def pieces_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes, unpacked in small pieces: httpx would make 65 MB of one read of a bomb.

    Raises httpx.TransportError and httpx.DecodingError. A compressed body that stops early just ends.
    """
    if response.headers.get("content-encoding", "").strip().lower() in ("", "identity"):
        async for piece in response.aiter_raw():
            yield piece
        return
    inflate = zlib.decompressobj(_ANY_ZLIB)
    try:
        async for packed in response.aiter_raw():
            while packed and not inflate.eof:
                yield inflate.decompress(packed, _INFLATED_AT_ONCE)
                packed = inflate.unconsumed_tail
    except zlib.error as error:
        raise httpx.DecodingError("the body is not what its header says") from error


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
            async for piece in pieces_of(response):
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
