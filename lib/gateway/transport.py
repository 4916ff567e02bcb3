"""Connections: whom they trust, and how they read chunked answers cheaply."""

from __future__ import annotations

import functools
import ssl
from typing import Any

import httpx

from lib.dialects.chunked import ChunkMerger


@functools.cache
def trusted() -> ssl.SSLContext:
    """The usual authorities, and those of this machine (or SSL_CERT_FILE): companies have their own."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class _MergedLine:
    """A connection of httpcore whose chunked answers arrive as one chunk per read."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._merger = ChunkMerger()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            data: bytes = await self._line.read(max_bytes, timeout)
            merged = self._merger.feed(data)
            if merged or not data:
                return merged

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._merger = ChunkMerger()  # what is read after a request is the head of its answer
        await self._line.write(buffer, timeout)

    async def start_tls(self, *given: Any, **named: Any) -> _MergedLine:
        return _MergedLine(await self._line.start_tls(*given, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)


class _MergedLines:
    """httpcore's way to connect, with `_MergedLine` around each connection."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    async def connect_tcp(self, *given: Any, **named: Any) -> _MergedLine:
        return _MergedLine(await self._backend.connect_tcp(*given, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def merging(transport: httpx.AsyncHTTPTransport) -> httpx.AsyncHTTPTransport:
    """The transport, reading cheaply. httpx has no public way to it: should its inside change, it reads as before."""
    pool: Any = getattr(transport, "_pool", None)
    if hasattr(pool, "_network_backend"):
        pool._network_backend = _MergedLines(pool._network_backend)
    return transport
