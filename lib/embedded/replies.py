"""How answers leave: refusals as one body, answers whole or as a stream, and never a moment longer than the peer stays.

The peer's hanging up is listened for while the answer is produced, so it also ends an answer that has not begun.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lib.dialects.served import Facts
from lib.embedded.faults import IN_STREAM, STEPS_BEFORE, Fault, error_in_stream
from lib.embedded.plan import Pace, Plan, paced
from lib.embedded.refusals import Refusal
from lib.embedded.request_log import Entry
from lib.embedded.wires import Wire
from lib.events import Event, Failed, Started, UsageReported

_KEEPALIVE_S: Final = 10.0


def refused(refusal: Refusal, wire: Wire, request_id: str) -> Response:
    """A refusal in the wire's own shape."""
    kind = refusal.type or wire.error_type(refusal.status)
    body = wire.error_body(refusal.message, kind, refusal.code, refusal.param, request_id)
    headers = {wire.request_id_header: request_id, **dict(refusal.headers)}
    return Response(body, refusal.status, headers, media_type="application/json")


class Prepared(Struct, frozen=True):
    """An answer ready to be sent."""

    wire: Wire
    facts: Facts
    plan: Plan
    pace: Pace
    stream: bool
    request_id: str
    fault: Fault | None = None


class Answer(Response):
    """An ASGI response that sends a prepared answer at its pace and stops when the peer hangs up."""

    def __init__(self, prepared: Prepared, entry: Entry) -> None:
        kind = "text/event-stream; charset=utf-8" if prepared.stream else "application/json"
        headers = {
            prepared.wire.request_id_header: prepared.request_id,
            "content-type": kind,
            "cache-control": "no-cache",
        }
        super().__init__(None, 200, headers)
        self._prepared = prepared
        self._entry = entry
        # The length is not known yet: Starlette's own header would say 0.
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        produce = self._stream if self._prepared.stream else self._whole
        work = asyncio.create_task(produce(send))
        gone = asyncio.create_task(_hung_up(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self._entry.end("disconnected")
        except asyncio.CancelledError:
            self._entry.end("cut")
            raise
        finally:
            await _cancelled(work, gone)
        if not work.cancelled() and work.exception() is not None:
            self._entry.end("broken")
            work.result()
        self._entry.end("done" if self._prepared.fault not in IN_STREAM else "faulted")

    async def _whole(self, send: Send) -> None:
        prepared = self._prepared
        await asyncio.sleep(prepared.pace.first_s)
        async for batch in self._steps():
            self._entry.tokens += len(batch)
        if prepared.fault == "cut":
            return
        body = prepared.wire.whole_body(prepared.facts, prepared.plan.events())
        self.raw_headers.append((b"content-length", str(len(body)).encode()))
        await self._start(send)
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Send) -> None:
        prepared, plan = self._prepared, self._prepared.plan
        writer = prepared.wire.writer(prepared.facts)
        await self._start(send)
        await _say(send, b"")
        await _wait(prepared.pace.first_s, send, writer.keepalive())
        opening = (UsageReported(plan.input), Started(prepared.facts.id, prepared.facts.model))
        frames = b"".join(writer.frames(event) for event in opening)
        async for batch in self._steps():
            frames += b"".join(writer.frames(event) for event in batch)
            self._mark(len(batch))
            await _say(send, frames)
            frames = b""
        if prepared.fault == "cut":
            return
        if prepared.fault == "error":
            frames += writer.frames(Failed(error_in_stream(prepared.wire.name)))
        else:
            frames += b"".join(writer.frames(event) for event in plan.ending())
        await _say(send, frames, more=False)

    async def _steps(self) -> AsyncIterator[tuple[Event, ...]]:
        plan, fault = self._prepared.plan, self._prepared.fault
        steps = plan.steps[:STEPS_BEFORE] if fault in IN_STREAM else plan.steps
        async for batch in paced(steps, self._prepared.pace.per_second):
            yield batch
        if fault == "stall":
            await asyncio.Event().wait()

    def _mark(self, tokens: int) -> None:
        self._entry.tokens += tokens
        if self._entry.first is None:
            self._entry.first = time.monotonic()

    async def _start(self, send: Send) -> None:
        self._entry.status = 200
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})


async def _say(send: Send, frames: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": frames, "more_body": more})


async def _wait(seconds: float, send: Send, keepalive: bytes) -> None:
    """Waits, with a sign of life every ten seconds as the vendors send it."""
    while seconds > _KEEPALIVE_S:
        await asyncio.sleep(_KEEPALIVE_S)
        seconds -= _KEEPALIVE_S
        await _say(send, keepalive)
    await asyncio.sleep(seconds)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
