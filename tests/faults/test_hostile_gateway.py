"""A gateway that means harm: whatever its answers hold is text, nothing is done because of it, nobody else is asked.

How such text is drawn is tested elsewhere; here it must come through Services as text, with one POST for one
question, no further connection of this process, and a process that answers the next question.
"""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lib.cards import DialectName
from lib.messages import ToolCallPart
from lib.store.rows import AnswerRow
from tests.faults.chaos import NEXT_ANSWER, Chaos
from tests.faults.house import BOTH, House
from tests.faults.speech import ANTHROPIC, OPENAI, Speech, packed, sse
from tests.faults.table import Doing, Fault, fine
from tests.faults.ways import TRAP
from tests.gateway.raw_server import streams

LONG = "i" * 1_000_000
URL = f"http://127.0.0.1:9{TRAP}/fetch"
EVIL = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    f"![x]({URL})",
    f"[x]: {URL}",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "../../../../etc/passwd",
    "'; DROP TABLE message; --",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "=HYPERLINK(1)",
    "\x1b]0;owned\x07\x1b[2J",
    "\u202eevil\u202c\u200b",
    "$(touch /tmp/owned)`id`",
    "ccswitch://v1/import?resource=provider",
    "__proto__",
    "%s%s%n %x",
)
NUMBERS: tuple[Any, ...] = (-1, 0, 1e308, -0.0, 2**63, 10**40, "NaN", "1e9", [], {}, None, True, "\u0667")
EVENTS = (
    "execute", "tool", "navigate", "open", "redirect", "set-cookie", "chat:title", "confirmation", "input", "citation",
    "files", "status", "source", "notification", "__event_call__", "message_start2", "eval",
)  # fmt: skip


class Hostile(NamedTuple):
    """What one response does, and the text that must come of it."""

    does: Doing
    text: str


def around(text: str, *between: bytes, end: str | None = None) -> Hostile:
    """A whole answer of that text with something else in the middle."""
    return Hostile(
        lambda say: streams(say.opening + say.text(text) + b"".join(between) + say.end(end, usage=True)), text
    )


def with_fields(say: Speech, text: str, more: dict[str, Any]) -> bytes:
    """A piece of text whose object, and the objects in it, have further fields."""
    event = json.loads(say.text(text).partition(b"data: ")[2])
    inner = event["choices"][0] if "choices" in event else event
    inner["delta"] |= {name: value for name, value in more.items() if name not in inner["delta"]}
    return sse({**more, **event}, "content_block_delta" if "type" in event else "")


def extra(text: str, more: dict[str, Any]) -> Hostile:
    return Hostile(lambda say: streams(say.opening + with_fields(say, text, more) + say.end()), text)


def renamed(evil: str) -> Hostile:
    """Ids, model names and finish words that are not what they should be."""

    def doing(say: Speech) -> Any:
        spelt = json.dumps(evil, ensure_ascii=False).encode()
        body = (say.opening + say.text("plain")).replace(b'"said"', spelt)
        for known in (b'"c-1"', b'"m-1"', b'"assistant"'):
            body = body.replace(known, spelt)
        return streams(body + say.end(evil if len(evil) < 1000 else None))

    return Hostile(doing, "plain")


def numbered(value: Any) -> Hostile:
    """Odd numbers wherever a number is expected."""

    def doing(say: Speech) -> Any:
        usage = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "cost"), value)
        chunk = OPENAI.of([{"index": 0, "delta": {}, "finish_reason": None}], usage=usage, created=value)
        delta = sse({"type": "message_delta", "delta": {}, "usage": {**usage, "output_tokens": value}}, "message_delta")
        other = chunk if say.name == "openai" else ANTHROPIC.delta({"type": "text_delta", "text": ""}) + delta
        return streams(say.opening + say.text("plain") + other + say.end())

    return Hostile(doing, "plain")


def called(name: str, arguments: str) -> Hostile:
    return Hostile(
        lambda say: streams(say.opening + say.text("plain") + say.call(name, arguments) + say.end(None)), "plain"
    )


def corpus() -> dict[str, Hostile]:
    """Some 200 responses, the same ones every time."""
    made: dict[str, Hostile] = {}
    for number, evil in enumerate(EVIL):
        made[f"text-{number}"] = around(evil)
        made[f"name-{number}"] = renamed(evil)
        made[f"call-{number}"] = called(evil[:60], json.dumps({"url": URL, "code": evil}))
        made[f"field-{number}"] = extra("plain", {evil: evil, "url": URL, "html": evil, "image_url": {"url": URL}})
        made[f"event-{number}"] = around(
            evil, sse({"type": evil, "data": {"url": URL, "code": evil}}, evil.split("\n")[0])
        )
    for number, value in enumerate(NUMBERS):
        made[f"number-{number}"] = numbered(value)
        made[f"index-{number}"] = around("plain", sse({"choices": [{"index": value, "delta": {"role": value}}]}))
        made[f"typed-{number}"] = extra("plain", {"error": None, "url": value, "annotations": value, "audio": value})
    for event in EVENTS:
        action = {"type": event, "data": {"url": URL, "code": "alert(1)", "content": "ghost"}, "event": {"type": event}}
        made[f"event-{event.lower()}"] = around("plain", sse(action, event), sse({"event": event, "url": URL}))
        made[f"action-{event.lower()}"] = around("plain", sse({**action, "choices": []}), sse({"tool_calls": [action]}))
    for number, name in enumerate(("id", "model", "system_fingerprint", "service_tier", "x" * 10_000)):
        made[f"long-{number}"] = extra("plain", {name: LONG})
    made["long-id"] = renamed(LONG)
    made["long-call"] = called("f", json.dumps({"x": LONG[:200_000]}))
    made["deep"] = around(
        "plain", sse(("[" * 5000 + "]" * 5000).encode()), sse(('{"a":' * 5000 + "1" + "}" * 5000).encode())
    )
    chance = random.Random(55)
    while len(made) < 200:
        evil = " ".join(chance.sample(EVIL, 4))
        made[f"mixed-{len(made)}"] = extra(evil, {chance.choice(EVENTS): evil, "url": URL})
    return made


CORPUS = corpus()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, DialectName], AnswerRow]]:
    """Every response once, its dialects in turn; all connections that this process makes are watched."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    faults = {name: Fault(hostile.does, fine()) for name, hostile in CORPUS.items()}
    connected: list[object] = []
    with (
        pytest.MonkeyPatch.context() as patch,
        Chaos(faults) as chaos,
        House(folder, {"chaos": chaos.base_url}) as house,
    ):
        known = socket.socket.connect

        def connect(self: socket.socket, address: Any) -> None:
            connected.append(address)
            known(self, address)

        patch.setattr(socket.socket, "connect", connect)
        house.listed("chaos")

        def one(case: tuple[str, DialectName]) -> AnswerRow:
            return house.ended(house.send(f"{case}", *case))

        cases = [(name, BOTH[number % 2]) for number, name in enumerate(CORPUS)]
        with ThreadPoolExecutor(24) as crowd:
            found = dict(zip(cases, crowd.map(one, cases), strict=True))
        assert len(chaos.posts) == len(cases) == len(house.rows())
        assert chaos.trap.requests == []
        assert {request.path.rpartition("/v1")[2] for request in chaos.endpoint.requests} == {
            "/chat/completions", "/messages", "/models",
        }  # fmt: skip
        port = int(chaos.base_url.rpartition(":")[2].partition("/")[0])
        assert {address[1] for address in connected if isinstance(address, tuple)} == {port}
        again = house.ended(house.send("NEXT", "text-0", "openai"))
        assert (again.state, again.text) == ("done", NEXT_ANSWER)
        assert house.store.ledger.verify(house.owner) == []
        yield found


def test_what_a_hostile_gateway_says_is_text_and_nothing_more(
    answers: dict[tuple[str, DialectName], AnswerRow], measured: Callable[[str], None]
) -> None:
    for (name, dialect), answer in answers.items():
        assert (answer.state, answer.text) == ("done", CORPUS[name].text.replace("\x00", "␀")), (name, dialect)
        for part in answer.parts:  # kept to be sent back, carried out by nobody
            assert isinstance(part, ToolCallPart)
            assert name.startswith(("call-", "long-call"))
    measured(
        f"{len(answers)} hostile responses (unknown events and fields, markup in names, tool calls, URLs, ids of 10^6 "
        "characters, odd numbers): text kept as text, 1 POST each, 0 other requests, 0 actions"
    )


def test_a_hostile_list_of_models_is_only_names(tmp_path: Path) -> None:
    listed = [{"id": evil, "url": URL, "owned_by": evil, "context_length": 10**40} for evil in (*EVIL, LONG)]
    body = packed({"data": listed, "next": URL, "links": {"next": URL}, "first_id": URL})
    with Chaos({}) as chaos, House(tmp_path, {"chaos": chaos.base_url}) as house:
        seen: list[str] = []

        def behave(line: Any, request: Any) -> None:
            seen.append(request.path)
            line.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

        chaos.endpoint.behaviour = behave
        house.listed("chaos")
        names = {card.id for card in house.services.gateways.models(house.ids["chaos"])}
        assert {path.rpartition("/v1")[2] for path in seen} == {"/models"}
        assert chaos.trap.requests == []
        assert "<script>alert(1)</script>" in names
