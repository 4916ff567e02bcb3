"""What an event stream of any bytes can say at most: read slowly and plainly, by other means than the decoders.

The events are cut as the WHATWG HTML standard says (section 9.2: decode, split into lines, gather `data`, dispatch at a
blank line). Beyond the standard, whatever JSON object stands whole in the data of an event, in a line of its own, or in
the unfinished last event, counts as something the bytes say. The result is everything that may be delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple


class Sayable(NamedTuple):
    """Pieces in the order of the bytes; `both` are those of text and reasoning."""

    text: list[str]
    reasoning: list[str]
    arguments: list[str]
    both: list[str]


def sayable(body: bytes) -> Sayable:
    """All that could be delivered of `body` as text, reasoning, and arguments of calls."""
    said = Sayable([], [], [], [])
    for value in values_of(body):
        for object_ in value if isinstance(value, list) else [value]:
            if isinstance(object_, dict):
                say_openai(object_, said)
                say_anthropic(object_, said)
    return said


# ---- from bytes to values --------------------------------------------------------------------------------------------


def values_of(body: bytes) -> Iterator[Any]:
    for data in events_of(body):
        yield from values_in(data)
    yield from whole(body.decode("utf-8", "replace").removeprefix("\ufeff"))


def events_of(body: bytes) -> Iterator[str]:
    """The data of each event; lines that are no field but look like JSON stand for themselves."""
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n").removeprefix("\ufeff").lstrip(" \t\r\n")
    data: list[str] = []
    for line in [*re.split("\r\n|\r|\n", text), ""]:
        field, _, value = line.partition(":")
        if line == "" or line[:1] in "{[":
            yield "\n".join(data)
            yield line
            data = []
        elif field == "data":
            data.append(value.removeprefix(" "))


def values_in(data: str) -> list[Any]:
    """The one value, or else the objects that stand one after another in each line."""
    return whole(data) or [value for line in data.split("\n") for value in one_after_another(line)]


def whole(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []


def one_after_another(line: str) -> Iterator[Any]:
    at = 0
    while (at := min((found for found in (line.find("{", at), line.find("[", at)) if found >= 0), default=-1)) >= 0:
        try:
            value, at = json.JSONDecoder().raw_decode(line, at)
        except (ValueError, RecursionError):
            at += 1
        else:
            yield value


# ---- from values to what they say ------------------------------------------------------------------------------------


def tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def put(said: Sayable, value: Any, *, thought: bool = False) -> None:
    if isinstance(value, str) and value:
        (said.reasoning if thought else said.text).append(value)
        said.both.append(value)


def say_openai(value: dict[str, Any], said: Sayable) -> None:
    for choice in [*tables(value.get("choices")), value]:
        put(said, choice.get("text"))
        for words in [*tables(choice.get("delta")), *tables(choice.get("message"))]:
            say_words(words, said)


def say_words(words: dict[str, Any], said: Sayable) -> None:
    for name in ("reasoning_content", "reasoning", "thinking", "reasoning_details"):
        put(said, words.get(name), thought=True)
    put(said, words.get("content"))
    for call in [*tables(words.get("tool_calls")), {"function": words.get("function_call")}]:
        for function in tables(call.get("function")):
            say_arguments(function.get("arguments"), said)


def say_anthropic(value: dict[str, Any], said: Sayable) -> None:
    messages = [*tables(value.get("message")), value]
    blocks = [block for message in messages for block in tables(message.get("content"))]
    for block in [*tables(value.get("delta")), *tables(value.get("content_block")), *blocks]:
        put(said, block.get("text"))
        put(said, block.get("thinking"), thought=True)
        say_arguments(block.get("partial_json"), said)
        say_arguments(block.get("input"), said)
    put(said, value.get("content"))


def say_arguments(value: Any, said: Sayable) -> None:
    if value not in (None, "", {}):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        said.arguments.append(value if isinstance(value, str) else text)


# ---- whether something delivered is explained by what could be said --------------------------------------------------


def explained(delivered: str, pieces: list[str]) -> bool:
    """Whether `delivered` is some of the pieces, in their order, each of them whole.

    Half a character that stayed alone may have become U+FFFD, or be missing at the end of a piece when the answer ended
    there.
    """
    units = units_of(delivered)
    reached = {0}
    for piece in pieces:
        written = units_of(piece)
        reached |= {at + len(written) for at in reached if same(units[at : at + len(written)], written)}
        if 0xD800 <= written[-1] <= 0xDBFF:
            short = written[:-1]
            reached |= {at + len(short) for at in reached if same(units[at : at + len(short)], short)}
    return len(units) in reached


def units_of(text: str) -> list[int]:
    """UTF-16 code units: in these, two halves side by side are the character."""
    data = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


def same(told: list[int], written: list[int]) -> bool:
    return told == written or (
        len(told) == len(written)
        and all(a == b or (a == 0xFFFD and 0xD800 <= b <= 0xDFFF) for a, b in zip(told, written, strict=True))
    )


def in_order(delivered: str, pieces: list[str]) -> bool:
    """Whether every letter that is no blank stands in the pieces, in this order."""
    written = iter(units_of("".join("".join(pieces).split())))
    return all(any(same([told], [unit]) for unit in written) for told in units_of("".join(delivered.split())))


def joined_halves(text: str) -> str:
    """Two halves side by side as their character, a half alone as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def split_at_tags(text: str) -> tuple[str, str]:
    """(reasoning, text) of an unfinished text that may open with `<think>`; half a tag at its end is not told yet."""
    start = text.lstrip()
    if "<think>".startswith(start):
        return "", ""
    if not start.startswith("<think>"):
        return "", text
    thought, tag, rest = start.removeprefix("<think>").partition("</think>")
    if tag:
        return thought.strip(), rest.lstrip()
    return re.sub(r"\s*(<(/(t(h(i(n(k)?)?)?)?)?)?)?\Z", "", thought.lstrip()), ""
