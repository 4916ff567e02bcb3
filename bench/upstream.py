"""A gateway that is nothing but a clock: Chat Completions over raw asyncio, every moment of a request recorded.

    python -m bench.upstream PORT

The newest message of the user orders the answer: `id=a1 n=4000 tps=100 first=500` is 4,000 tokens at 100 a second,
the first after 500 ms, one event and one HTTP chunk per token; `tps=0` is socket speed. The answer begins with the
word `FIRST-a1` and ends with `LAST-a1`. `GET /seen/a1` tells what happened, in seconds of `time.time()`:
`received` (the request is read), `first` and `last` (content written), `done` (the last byte), `gone` (closed by peer);
and `n`, `sent` (tokens ordered and written) and `posts`. `GET /seen` tells it of all.

`fault=` makes trouble: `cut` closes and `reset` resets the connection after half of the answer, `stall` says nothing
for `STALL_S` there, `malformed` writes an event there that is no JSON, `busy` refuses the first try with 429, `broken`
every one with 500.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

MODEL = "bench-model"
_ORDER = re.compile(r"(id|n|tps|first|fault)=(\w+)")
STALL_S = 15.0
_TOKEN = re.compile(r"\s*\w{1,5}|\s*[^\w\s]|\s+")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_SLICE = 256
_PROSE = """a calm chat keeps every answer because a reader who closes the tab comes back and wants the text exactly
where it was while money is counted in small whole units so that sums agree with rows and rows agree with the price
list which changes over time without changing the past"""
_WORDS = _PROSE.split()

seen: dict[str, dict[str, Any]] = {}


def tokens(name: str, n: int) -> tuple[str, ...]:
    """`n` tokens of Markdown (headings, prose, lists, code, tables), the same for every `name` but for its ends."""
    return (f"FIRST-{name}", "\n\n", *_filling(max(0, n - 4)), "\n\n", f"LAST-{name}")


@lru_cache(maxsize=8)
def _filling(n: int) -> tuple[str, ...]:
    found, written = list[str](), _blocks(random.Random(7))
    while len(found) < n:
        found += _TOKEN.findall(next(written) + "\n\n")
    return tuple(found[:n])


def markdown(chance: random.Random, chars: int) -> str:
    """At least so many characters of the same kinds of Markdown, whole blocks only."""
    found, size, written = list[str](), 0, _blocks(chance)
    while size < chars:
        found.append(next(written))
        size += len(found[-1]) + 2
    return "\n\n".join(found)


def _blocks(chance: random.Random) -> Iterator[str]:
    for block in itertools.cycle((_heading, _prose, _listing, _prose, _code, _prose, _grid)):
        yield block(chance)


def _sentence(chance: random.Random, least: int = 8, most: int = 20) -> str:
    words = chance.choices(_WORDS, k=chance.randint(least, most))
    words[3] = f"**{words[3]}**"
    return " ".join(words).capitalize() + "."


def _heading(chance: random.Random) -> str:
    return f"## {' '.join(chance.choices(_WORDS, k=3)).capitalize()}"


def _prose(chance: random.Random) -> str:
    return " ".join(_sentence(chance) for _ in range(4))


def _listing(chance: random.Random) -> str:
    return "\n".join(f"- {_sentence(chance, 6, 12)}" for _ in range(5))


def _code(chance: random.Random) -> str:
    lines = [f"    total += {chance.choice(_WORDS)}[{line}] * {chance.randint(2, 99)}" for line in range(8)]
    return "\n".join(["```python", "def add(total: int) -> int:", *lines, "    return total", "```"])


def _grid(chance: random.Random) -> str:
    rows = [f"| {chance.choice(_WORDS)} | {chance.randint(1, 999)} | {chance.random():.3f} |" for _ in range(6)]
    return "\n".join(["| name | count | share |", "|---|---:|---:|", *rows])


def _chunk(data: str) -> bytes:
    event = f"data: {data}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(event), event)


def _event(delta: dict[str, Any], finish: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    """About 330 bytes, as OpenAI writes them."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _chunk(
        json.dumps(
            {
                "id": "chatcmpl-C2bench00000000000000000000000",
                "object": "chat.completion.chunk",
                "created": 1790000000,
                "model": MODEL,
                "service_tier": "default",
                "system_fingerprint": "fp_0123456789",
                "choices": [] if usage else [choice],
                "usage": usage,
                "obfuscation": "aZ3kQ9",
            }
        )
    )


@lru_cache(maxsize=4)
def _burst(name: str, n: int) -> bytes:
    return b"".join(_event({"content": token}) for token in tokens(name, n))


async def _answer(order: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Write the answer; whether the connection can be used again."""
    name, n, tps = order.get("id", "none"), int(order.get("n", 20)), float(order.get("tps", 0))
    posts, fault = seen.get(name, {}).get("posts", 0) + 1, order.get("fault", "")
    record: dict[str, Any] = {"received": time.time(), "posts": posts, "n": n, "sent": 0}
    seen[name] = record
    if fault == "broken" or (fault == "busy" and posts == 1):
        _refuse(fault, writer)
        return True
    watch = asyncio.create_task(_until_gone(reader, record))
    writing = asyncio.create_task(_write(name, n, tps, int(order.get("first", 0)) / 1000, writer, record, fault))
    await asyncio.wait({watch, writing}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watch, writing):
        task.cancel()
    await asyncio.gather(watch, writing, return_exceptions=True)
    return "done" in record and "gone" not in record


async def _until_gone(reader: asyncio.StreamReader, record: dict[str, Any]) -> None:
    with suppress(OSError):
        if await reader.read(1):
            await asyncio.Event().wait()  # nobody sends a second request before the first is answered
    record["gone"] = time.time()


async def _write(
    name: str, n: int, tps: float, pause_s: float, writer: asyncio.StreamWriter, record: dict[str, Any], fault: str
) -> None:
    writer.write(_HEAD + _event({"role": "assistant", "content": ""}))
    await asyncio.sleep(pause_s)
    record["first"] = time.time()
    if tps:
        events = [_event({"content": token}) for token in tokens(name, n)]
        if fault:
            await _paced(events[: n // 2], tps, writer, record)
            if await _trouble(fault, writer):
                return
            events = events[n // 2 :]
        await _paced(events, tps, writer, record)
    else:
        burst = _burst(name, n)
        for at in range(0, len(burst), _SLICE * 1024):
            writer.write(burst[at : at + _SLICE * 1024])
            await writer.drain()
        record["sent"] = n
    record["last"] = time.time()
    usage = {"prompt_tokens": 20, "completion_tokens": n, "total_tokens": 20 + n}
    writer.write(_event({}, "stop") + _event({}, usage=usage) + _chunk("[DONE]") + b"0\r\n\r\n")
    await writer.drain()
    record["done"] = time.time()


async def _trouble(fault: str, writer: asyncio.StreamWriter) -> bool:
    """Do it; whether the connection is to be closed now."""
    if fault == "stall":
        await asyncio.sleep(STALL_S)
    elif fault == "malformed":
        writer.write(_chunk('{"choices": [{"delta": {"content": "half'))
    elif fault == "reset":
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return fault in {"cut", "reset"}


def _refuse(fault: str, writer: asyncio.StreamWriter) -> None:
    said = b'{"error": {"message": "in trouble", "type": "server_error"}}'
    line = b"429 Too Many Requests\r\nRetry-After: 1" if fault == "busy" else b"500 Internal Server Error"
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % (line, len(said)) + said)


async def _paced(events: list[bytes], tps: float, writer: asyncio.StreamWriter, record: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, event in enumerate(events):
        await asyncio.sleep(max(0.0, began + number / tps - loop.time()))
        record["sent"] += 1
        writer.write(event)
        await writer.drain()


def _say(writer: asyncio.StreamWriter, value: Any) -> None:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError, asyncio.IncompleteReadError):
        while await _one(reader, writer):
            pass
    writer.close()


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Read one request and answer it; whether the connection can be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    size = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
    body = await reader.readexactly(int(size[1]) if size else 0)
    path = head.split(" ", 2)[1]
    if path.endswith("/chat/completions"):
        words = json.loads(body)["messages"][-1]["content"]
        words = words if isinstance(words, str) else words[-1]["text"]
        return await _answer(dict(_ORDER.findall(words)), reader, writer)
    if path.endswith("/models"):
        _say(writer, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "bench"}]})
    else:
        _say(writer, seen if path == "/seen" else seen.get(path.rpartition("/")[2], {}))
    return True


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1])))
