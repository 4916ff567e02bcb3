"""The recorded answers of `tests/corpus`, and the ways to feed them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from lib.dialects import DIALECTS, Dialect
from lib.errors import GatewayError
from lib.events import Event, Gathered, ReasoningDelta, TextDelta

CORPUS = Path(__file__).parent.parent / "corpus"


class Case(NamedTuple):
    id: str
    dialect: str
    body: bytes
    status: int
    headers: dict[str, str]
    chunking: str | list[int]
    reset: bool
    expect: dict[str, Any]


def _load(entry: dict[str, Any]) -> Case:
    facts = json.loads((CORPUS / entry["expect"]).read_text())
    response = facts["response"]
    body = (CORPUS / entry["body"]).read_bytes()
    if response["headers"].get("content-encoding") == "gzip":
        body = gzip.decompress(body)  # the door's work
    return Case(
        entry["id"],
        entry["dialect"],
        body,
        response["status"],
        response["headers"],
        response["chunking"],
        response["ending"] == "reset",
        facts["expect"],
    )


CASES = [_load(entry) for entry in json.loads((CORPUS / "index.json").read_text())["cases"]]
ANSWERS = [case for case in CASES if case.dialect != "models" and case.status == 200]
REFUSALS = [case for case in CASES if case.dialect != "models" and case.status != 200]
MODEL_LISTS = [case for case in CASES if case.dialect == "models"]

CUT = GatewayError("truncated", "peer closed connection", where="transport", retryable=True)


def dialect_of(case: Case) -> Dialect:
    return DIALECTS[case.dialect]  # type: ignore[index]


def in_pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def at_offsets(body: bytes, offsets: list[int]) -> list[bytes]:
    bounds = [0, *offsets, len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


def as_recorded(case: Case) -> list[bytes]:
    if isinstance(case.chunking, list):
        return at_offsets(case.body, case.chunking)
    return [case.body] if case.chunking == "whole" else in_pieces(case.body, int(case.chunking.removeprefix("bytes:")))


def chunkings(case: Case) -> Iterator[list[bytes]]:
    yield [case.body]
    yield as_recorded(case)
    for size in (1, 3, 64):
        yield in_pieces(case.body, size)
    if len(case.body) < 2000:
        for cut in range(1, len(case.body)):
            yield at_offsets(case.body, [cut])


def events_of(dialect: Dialect, pieces: list[bytes], cut: GatewayError | None = None) -> list[Event]:
    decoder = dialect.decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.close(cut)


def joined(events: list[Event]) -> list[Event]:
    """The events with neighbouring pieces of text put together."""
    whole: list[Event] = []
    for event in events:
        last = whole[-1] if whole else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            whole[-1] = TextDelta(last.text + event.text)
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            whole[-1] = ReasoningDelta(last.text + event.text)
        else:
            whole.append(event)
    return whole


def gathered(events: list[Event]) -> Gathered:
    sum_of = Gathered()
    for event in events:
        sum_of.take(event)
    return sum_of


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One Chat Completions event."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c1", "model": "m", "choices": [choice], **more}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
STOP = chunk(finish="stop") + DONE
