"""CPU per 100,000 streamed chunks: our way from socket to events beside the openai SDK and httpx with json.

All read the same bytes from the same upstream, each in a process of its own; only the process that reads is counted
(user and system time, without its imports). In bursts the bytes come at socket speed; paced, eight streams of 100
tokens a second run at once, as eight readers of a chat would have them.

    python -m bench.chunks ours|openai|httpx URL STREAMS TOKENS TPS     one reading; prints JSON
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench.figures import Figure, spread
from bench.processes import ROOT, Upstream

BURST = 100_000
PACED_STREAMS, PACED_TOKENS, PACED_TPS = 8, 1_000, 100
_KEY = "sk-bench-0123456789abcdef"
_MODEL = "bench-model"


def measure(upstream: Upstream) -> Iterator[Figure]:
    """The figures, with the promise for bursts: at least ten times less than the openai SDK."""
    burst = _rounds(upstream, 1, BURST, 0, rounds=3)
    yield from _figures("in bursts", burst, 10.0)
    paced = _rounds(upstream, PACED_STREAMS, PACED_TOKENS, PACED_TPS, rounds=1)
    yield from _figures("paced, 8 × 100 tokens/s", paced, None)


def _figures(how: str, seconds: dict[str, list[float]], target: float | None) -> list[Figure]:
    ours, sdk, plain = (median(seconds[name]) for name in ("ours", "openai", "httpx"))
    note = f"openai SDK {sdk:.2f} s, httpx + json {plain:.2f} s"
    return [
        Figure(f"CPU per 100k chunks {how}", ours, "s", note=f"{note}; {spread(seconds['ours'])}"),
        Figure(f"less than the openai SDK {how}", sdk / ours, "×", target, at_least=True),
    ]


def _rounds(upstream: Upstream, streams: int, tokens: int, tps: int, *, rounds: int) -> dict[str, list[float]]:
    """CPU seconds per 100,000 chunks of every reader, the readers in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in _READERS}
    for _ in range(rounds):
        for name, found in seconds.items():
            found.append(_in_own_process(name, upstream.url, streams, tokens, tps))
    return seconds


def _in_own_process(name: str, url: str, streams: int, tokens: int, tps: int) -> float:
    command = [sys.executable, "-m", "bench.chunks", name, url, str(streams), str(tokens), str(tps)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found = json.loads(done.stdout)
    if found["chars"] != streams * len("".join(_expected(tokens))):
        raise RuntimeError(f"{name} read another text: {found}")
    return float(found["cpu_s"]) / (streams * tokens) * 100_000


def _expected(tokens: int) -> tuple[str, ...]:
    from bench.upstream import tokens as made

    return made("c0", tokens)


# --- the readers: (url, streams, prompt of a stream) to characters read -------------------------------------------


def _ours(url: str, prompts: list[str]) -> int:
    from lib.cards import GatewayCard
    from lib.events import Event, Gathered
    from lib.gateway import Gateway
    from lib.messages import Ask, user
    from lib.secret import Secret

    async def read(gateway: Gateway, prompt: str) -> int:
        gathered = Gathered()

        def take(events: list[Event]) -> None:
            for event in events:
                gathered.take(event)

        await gateway.answer(Ask(_MODEL, (user(prompt),)), "openai", take)
        return len(gathered.text) if gathered.complete else -1

    async def read_all() -> int:
        gateway = Gateway(GatewayCard(0, "bench", url, ("openai",)), Secret(_KEY))
        sizes = await asyncio.gather(*(read(gateway, prompt) for prompt in prompts))
        await gateway.aclose()
        return sum(sizes)

    return asyncio.run(read_all())


def _openai(url: str, prompts: list[str]) -> int:
    from openai import OpenAI

    client = OpenAI(base_url=f"{url}/v1", api_key=_KEY, max_retries=0)

    def read(prompt: str) -> int:
        parts: list[str] = []
        stream = client.chat.completions.create(
            model=_MODEL,
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
        )
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                parts.append(chunk.choices[0].delta.content)
        return len("".join(parts))

    return _in_threads(read, prompts)


def _httpx(url: str, prompts: list[str]) -> int:
    import httpx

    client = httpx.Client(timeout=60)

    def read(prompt: str) -> int:
        parts: list[str] = []
        body = {"model": _MODEL, "messages": [{"role": "user", "content": prompt}], "stream": True}
        with client.stream("POST", f"{url}/v1/chat/completions", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:])["choices"]
                    if choices:
                        parts.append(choices[0]["delta"].get("content") or "")
        return len("".join(parts))

    return _in_threads(read, prompts)


def _in_threads(read: Callable[[str], int], prompts: list[str]) -> int:
    if len(prompts) == 1:
        return read(prompts[0])
    with ThreadPoolExecutor(len(prompts)) as threads:
        return sum(threads.map(read, prompts))


_READERS: dict[str, Callable[[str, list[str]], int]] = {"openai": _openai, "httpx": _httpx, "ours": _ours}


def _main(name: str, url: str, streams: int, tokens: int, tps: int) -> None:
    _READERS[name](url, ["id=warm n=50 tps=0"])
    prompts = [f"id=c{number} n={tokens} tps={tps}" for number in range(streams)]
    cpu, wall = time.process_time(), time.monotonic()
    chars = _READERS[name](url, prompts)
    print(json.dumps({"cpu_s": time.process_time() - cpu, "wall_s": time.monotonic() - wall, "chars": chars}))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
