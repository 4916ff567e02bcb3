"""Valid answers of both dialects, made at random: every way to write an event stream, every trap a text can hold.

The standard of event streams is WHATWG HTML, section 9.2; the shapes are those of OpenAI's and Anthropic's API
references. What an answer says is noted beside its bytes while it is written, so nothing has to be read to know it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

Kind = str
"""text, reasoning, arguments (with the number of the call), or "" for an event that says nothing."""

TRAPS = (
    *("a\u2028b", "a\u2029b", "a\u0085b", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\ufeff", "\u200b", "\xad", "\x00"),
    *("\n", "\n\n", "\r", "\r\n", "\r\n\r\n", "\t", " ", "  ", "\u3000", "\x7f", "\u202e", "\u2066", "e\u0301"),
    *("ü", "中文", "😀", "👩‍👩‍👧‍👦", "🇩🇪", "𝔘", "عربى", "שלום", "\U0010ffff", "\ufffd", "\ufffe", "ß" * 40, "x" * 700),
    *('"', "\\", '\\"', "\\n", "\\u2028", "\\ud83d", "{", "}", "[", "]", '{"error": 1}', '{"choices": []}', "<", "</"),
    *("data: ", "\ndata: [DONE]\n\n", "[DONE]", "event: error", ": x", "id: 1", "<thin", "<thinking>", "%s", "$x^2$"),
    *("```\n", "| a | b |", "**", "- [ ] ", "<b>", "&amp;", "null", "None", "true", "NaN", "\x1b[31m"),
)
WORDS = ("one", "two", "drei", "vier ", " five", "six. ", "seven,", "acht", "", "n", "zehn\n")
PAIRS = ("😀", "𝔘", "\U0010ffff")
ENDS = (b"\n", b"\r\n", b"\r")


class Say(NamedTuple):
    """One event: what is written, and what it says (`call` numbers a tool call)."""

    value: Any
    name: str = ""
    text: str = ""
    reasoning: str = ""
    call: int = -1
    arguments: str = ""


class Call(NamedTuple):
    id: str
    name: str
    arguments: str


class Valid(NamedTuple):
    """A whole answer. `says` are its events with the offset at which each one is complete.

    `text` and `reasoning` are as written: two halves of a character may lie side by side, and tags are still there.
    """

    dialect: str
    body: bytes
    says: tuple[tuple[int, Say], ...]
    calls: tuple[Call, ...]
    finish: str
    usage: dict[str, Any]

    def written(self, kind: str, before: int | None = None) -> str:
        """The text or the reasoning of all events, or of those complete at an offset."""
        said = (say for end, say in self.says if before is None or end <= before)
        return "".join(getattr(say, kind) for say in said)


class Style(NamedTuple):
    """What a stream may contain. The vendors' own clients do not take all of it (`test_against_the_sdks.py`)."""

    bom: bool = True
    nothing: bool = True
    """Events without data, and blank lines where no event ends."""
    nameless: bool = True
    """Anthropic's events without `event:` lines, as relays send them."""
    think_tags: bool = True
    lone_halves: bool = True


EVERYTHING = Style()


class Writer:
    """Writes events as bytes, in every spelling that means the same."""

    def __init__(self, dice: random.Random, style: Style) -> None:
        self._dice, self._style = dice, style
        self._ends = dice.choice([(end,) for end in ENDS] + [ENDS, (b"\n",), (b"\n",)])
        self._ascii = dice.random() < 0.5
        self._noise = dice.choice([0.0, 0.1, 0.5])
        self.body = b"\xef\xbb\xbf" if style.bom and dice.random() < 0.1 else b""

    def event(self, value: Any, name: str = "") -> None:
        """One event and its blank line; comments and fields that say nothing may stand around and in it."""
        dice = self._dice
        lines = [self._field("event", name)] if name else []
        lines += [self._field("data", line) for line in self._lines(value)]
        while dice.random() < self._noise:
            lines.insert(dice.randrange(len(lines) + 1), self._nothing())
        if self._style.nothing and dice.random() < self._noise / 8:
            self._put([b"data:", b""])
        self._put([*lines, b""])
        if self._style.nothing and dice.random() < self._noise / 4:
            self._put([b""])

    def _put(self, lines: list[bytes]) -> None:
        for line in lines:
            end = self._dice.choice(self._ends)
            glued = not line and end == b"\n" and self.body.endswith(b"\r")  # both would be the end of one line
            self.body += line + (b"\r" if glued else end)

    def _lines(self, value: Any) -> list[str]:
        if isinstance(value, str):
            return [value]
        spread = self._dice.random() < 0.08
        separators = self._dice.choice([(",", ":"), (", ", ": "), (" ,", " : ")])
        text = json.dumps(value, ensure_ascii=self._ascii, indent=1 if spread else None, separators=separators)
        if not self._ascii and any("\ud800" <= letter <= "\udfff" for letter in text):
            text = json.dumps(value, separators=separators)
        return text.split("\n")

    def _field(self, name: str, value: str) -> bytes:
        return f"{name}:{'' if self._dice.random() < 0.3 and value[:1] != ' ' else ' '}{value}".encode()

    def _nothing(self) -> bytes:
        some = [b": ping", b":", b": data: {}", b"id: 7", b"retry: 1000", "x: \u2028é".encode(), b"unknown"]
        return self._dice.choice(some)


def made(dialect: str, seed: str, style: Style = EVERYTHING) -> Valid:
    """The valid answer of a seed: the same one every time."""
    dice = random.Random(f"{dialect} {seed}")
    writer, calls = Writer(dice, style), some_calls(dice)
    says: list[tuple[int, Say]] = []
    finish, usage, events = MAKERS[dialect](dice, calls, style)
    for say in events:
        writer.event(say.value, say.name)
        says.append((len(writer.body), say))
    return Valid(dialect, writer.body, tuple(says), tuple(calls), finish, usage)


def some_pieces(dice: random.Random, style: Style, most: int = 8) -> list[str]:
    """A text in pieces; now and then a character is cut into its two halves, as escapes allow."""
    pieces: list[str] = []
    for _ in range(dice.randrange(most)):
        pieces.append("".join(dice.choice(dice.choice([TRAPS, WORDS, WORDS])) for _ in range(dice.randrange(1, 5))))
        if dice.random() < 0.08:
            high, low = halves(dice.choice(PAIRS))
            pieces[-1] += high
            pieces.append(low + dice.choice(WORDS))
        elif style.lone_halves and dice.random() < 0.03:
            pieces[-1] += "\ud83d!" if dice.random() < 0.5 else "\ude00"
    return pieces


def halves(letter: str) -> tuple[str, str]:
    units = letter.encode("utf-16-be")
    high, low = (chr(int.from_bytes(units[at : at + 2])) for at in (0, 2))
    return high, low


def some_calls(dice: random.Random) -> list[Call]:
    return [
        Call(f"call_{number}", dice.choice(["get_weather", "f", "suche"]), json.dumps(some_arguments(dice)))
        for number in range(dice.choice([0, 0, 0, 1, 2]))
    ]


def some_arguments(dice: random.Random) -> dict[str, Any]:
    values = [1, None, True, 0.5, "x", [1, 2], {"deep": {"a": "}"}}, *TRAPS[:40]]
    return {f"k{number}": dice.choice(values) for number in range(dice.randrange(1, 4))}


def cut(dice: random.Random, text: str) -> list[str]:
    """A text in pieces that are never empty."""
    bounds = sorted({0, len(text), *(dice.randrange(len(text) + 1) for _ in range(dice.randrange(4)))})
    return [text[start:end] for start, end in pairwise(bounds)]


# ---- Chat Completions ------------------------------------------------------------------------------------------------


def openai_events(dice: random.Random, calls: list[Call], style: Style) -> tuple[str, dict[str, Any], Iterator[Say]]:
    finish = "tool_calls" if calls else dice.choice(["stop", "stop", "length", "content_filter"])
    usage = openai_figures(dice)
    return finish, usage, openai_says(dice, calls, finish, usage, style)


def openai_says(
    dice: random.Random, calls: list[Call], finish: str, usage: dict[str, Any], style: Style
) -> Iterator[Say]:
    def chunk(delta: dict[str, Any], word: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": word}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "gpt-5.4"}
        return head | {"choices": [choice]} | more

    thinks = style.think_tags and dice.random() < 0.1
    yield Say(chunk({"role": "assistant", "content": ""}, usage=None))
    for piece in [] if thinks else some_pieces(dice, style, 4):
        yield Say(chunk({"reasoning_content": piece}), reasoning=piece)
    pieces = some_pieces(dice, style)
    if thinks:
        pieces = cut(dice, f"<think>\n{''.join(some_pieces(dice, style, 3))}</think>\n\n" + "".join(pieces))
    for piece in pieces:
        yield Say(chunk({"content": piece} | ({"refusal": None} if dice.random() < 0.2 else {})), text=piece)
        if dice.random() < 0.02:
            yield Say(chunk({"content": "of another choice"}, index=1))
    for number, call in enumerate(calls):
        function = {"name": call.name, "arguments": ""}
        begun = {"index": number, "id": call.id, "type": "function", "function": function}
        yield Say(chunk({"tool_calls": [begun]}))
        for piece in cut(dice, call.arguments):
            told = {"index": number, "function": {"arguments": piece}}
            yield Say(chunk({"tool_calls": [told]}), call=number, arguments=piece)
    yield Say(chunk({}, finish))
    if usage:
        yield Say(chunk({}) | {"choices": [], "usage": usage})
    yield Say("[DONE]")


def openai_figures(dice: random.Random) -> dict[str, Any]:
    if dice.random() < 0.3:
        return {}
    asked, told = dice.randrange(10, 10**6), dice.randrange(10, 10**5)
    usage: dict[str, Any] = {"prompt_tokens": asked, "completion_tokens": told, "total_tokens": asked + told}
    if dice.random() < 0.5:
        usage["prompt_tokens_details"] = {"cached_tokens": dice.randrange(asked)}
        usage["completion_tokens_details"] = {"reasoning_tokens": dice.randrange(told)}
    return usage


# ---- Messages --------------------------------------------------------------------------------------------------------


def anthropic_events(dice: random.Random, calls: list[Call], style: Style) -> tuple[str, dict[str, Any], Iterator[Say]]:
    finish = "tool_use" if calls else dice.choice(["end_turn", "end_turn", "max_tokens", "stop_sequence", "refusal"])
    usage = anthropic_figures(dice)
    named = not style.nameless or dice.random() < 0.9
    events = anthropic_says(dice, calls, finish, usage, style)
    return finish, usage, (say._replace(name=say.value["type"] if named else "") for say in events)


def anthropic_says(
    dice: random.Random, calls: list[Call], finish: str, usage: dict[str, Any], style: Style
) -> Iterator[Say]:
    begun = {name: value for name, value in usage.items() if name != "output_tokens"} | {"output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": []}
    yield Say({"type": "message_start", "message": message | {"stop_reason": None, "usage": begun}})
    blocks = [("thinking", "thinking_delta", "thinking")] if dice.random() < 0.5 else []
    blocks += [("text", "text_delta", "text")] * dice.choice([0, 1, 1, 1, 2])
    index = -1
    for index, (kind, delta, field) in enumerate(blocks):
        yield Say({"type": "content_block_start", "index": index, "content_block": {"type": kind, field: ""}})
        for piece in some_pieces(dice, style):
            said = {"text" if kind == "text" else "reasoning": piece}
            yield Say(block_delta(index, {"type": delta, field: piece}), **said)  # type: ignore[arg-type]
            if dice.random() < 0.05:
                yield Say({"type": "ping"})
        if kind == "thinking":
            yield Say(block_delta(index, {"type": "signature_delta", "signature": "c2lnbmVk"}))
        yield Say({"type": "content_block_stop", "index": index})
    for number, call in enumerate(calls):
        index += 1
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield Say({"type": "content_block_start", "index": index, "content_block": block})
        for piece in cut(dice, call.arguments):
            told = {"type": "input_json_delta", "partial_json": piece}
            yield Say(block_delta(index, told), call=number, arguments=piece)
        yield Say({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": finish, "stop_sequence": "END" if finish == "stop_sequence" else None}
    yield Say({"type": "message_delta", "delta": ended, "usage": {"output_tokens": usage["output_tokens"]}})
    yield Say({"type": "message_stop"})


def block_delta(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def anthropic_figures(dice: random.Random) -> dict[str, Any]:
    usage = {"input_tokens": dice.randrange(10**6), "output_tokens": dice.randrange(1, 10**5)}
    if dice.random() < 0.5:
        usage |= {
            "cache_read_input_tokens": dice.randrange(10**5),
            "cache_creation_input_tokens": dice.randrange(10**4),
        }
    return usage


Events = Callable[[random.Random, list[Call], Style], tuple[str, dict[str, Any], Iterator[Say]]]
MAKERS: dict[str, Events] = {"openai": openai_events, "anthropic": anthropic_events}
