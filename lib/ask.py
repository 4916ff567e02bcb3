"""Ask a gateway from the command line: the whole way from request to events, without a page or a database.

    python -m lib.ask --base-url URL --dialect openai --model ID [--key-env NAME] [--no-stream] "text"

The text goes to standard output as it arrives; the last line on standard error is one JSON object with `text,
reasoning, tool_calls, finish_reason, complete, usage, timing, error`. The exit status is 0 only for a complete
answer, 1 for an incomplete one, 2 when nothing could be asked, 130 after Ctrl-C. `--models` prints the normalised
model list as JSON instead.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from lib.cards import DialectName, GatewayCard
from lib.dialects.model_list import as_plain
from lib.dialects.verdict import error_as_plain, outcome
from lib.errors import BadInput, GatewayError, SettingsError
from lib.events import Event, Gathered, ReasoningDelta, Started, TextDelta
from lib.gateway import Gateway
from lib.messages import Ask, Params, user
from lib.secret import Secret, redact
from lib.settings import clean_base_url, key_in_environment

_USUAL_KEY: dict[str, str] = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_AUTH_TOKEN"}


class Stopwatch:
    """When what came, in milliseconds since the request was made ready."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.first_byte_ms: int | None = None
        self.first_text_ms: int | None = None

    def ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def note(self, event: Event) -> None:
        """Keep the first moments."""
        if isinstance(event, Started | TextDelta | ReasoningDelta) and self.first_byte_ms is None:
            self.first_byte_ms = self.ms()
        if isinstance(event, TextDelta) and self.first_text_ms is None:
            self.first_text_ms = self.ms()

    def plain(self) -> dict[str, int | None]:
        return {"first_byte_ms": self.first_byte_ms, "first_text_ms": self.first_text_ms, "total_ms": self.ms()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args(arguments)
    _speak_utf8()
    try:
        card = GatewayCard(0, "ask", clean_base_url(options.base_url), (options.dialect,))
        key = key_in_environment(options.key_env or _USUAL_KEY[options.dialect])
    except SettingsError as error:
        return _refuse(f"{error.field}: {error.message}")
    if options.models:
        return asyncio.run(_list(card, key))
    if not options.model or options.text is None:
        return _refuse("--model and a text are needed, or --models")
    ask = Ask(
        options.model,
        (user(options.text),),
        options.system,
        Params(options.temperature, options.top_p, options.max_tokens, tuple(options.stop)),
        stream=not options.no_stream,
    )
    return _run(card, key, ask, options.dialect)


def _speak_utf8() -> None:
    """Whatever the locale says: an answer must not fail because a console cannot spell it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _refuse(why: str) -> int:
    """Nothing was asked: still a verdict, so that a program reading the last line needs no second way."""
    gathered = Gathered()
    gathered.error = GatewayError("bad_request", redact(why), where="transport", sent=False)
    _print_verdict({**outcome(gathered), "timing": None})
    return 2


def _run(card: GatewayCard, key: Secret, ask: Ask, dialect: DialectName) -> int:
    gathered, watch = Gathered(), Stopwatch()
    try:
        asyncio.run(_ask(card, key, ask, dialect, gathered, watch))
    except BadInput as error:
        return _refuse(error.message)
    except KeyboardInterrupt:
        _print_verdict({**outcome(gathered), "timing": watch.plain()})
        return 130
    except BrokenPipeError:  # the reader of our output went away; Python's own flush at exit must not fail again
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (stays open until the exit)
        return 1
    _print_verdict({**outcome(gathered), "timing": watch.plain()})
    return 0 if gathered.complete else 1


async def _ask(
    card: GatewayCard, key: Secret, ask: Ask, dialect: DialectName, gathered: Gathered, watch: Stopwatch
) -> None:
    def take(events: list[Event]) -> None:
        for event in events:
            gathered.take(event)
            watch.note(event)
            if isinstance(event, TextDelta):
                sys.stdout.write(_shown(event.text))
        sys.stdout.flush()

    gateway = Gateway(card, key, pace_s=0)
    try:
        await gateway.answer(ask, dialect, take)
    finally:
        await gateway.aclose()
    sys.stdout.write("\n")
    sys.stdout.flush()


def _shown(text: str) -> str:
    """The text as it may be written: into a file as it is, on a terminal without the characters that steer it."""
    if not sys.stdout.isatty():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


async def _list(card: GatewayCard, key: Secret) -> int:
    gateway = Gateway(card, key)
    try:
        models = await gateway.models()
    except GatewayError as error:
        _print_verdict({"error": error_as_plain(error)})
        return 1
    finally:
        await gateway.aclose()
    sys.stdout.write(json.dumps([as_plain(model) for model in models], ensure_ascii=False, indent=1) + "\n")
    return 0


def _print_verdict(verdict: dict[str, Any]) -> None:
    sys.stderr.write(json.dumps(verdict, ensure_ascii=True) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.ask", description="Ask a gateway from the command line.")
    parser.add_argument("text", nargs="?")
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--dialect", choices=get_args(DialectName), default="openai")
    parser.add_argument("--model")
    parser.add_argument("--key-env", metavar="NAME", help="the environment variable that holds the key")
    parser.add_argument("--no-stream", action="store_true")
    parser.add_argument("--system", default="")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--top-p", type=float)
    parser.add_argument("--max-tokens", type=int)
    parser.add_argument("--stop", action="append", default=[])
    parser.add_argument("--models", action="store_true", help="print the normalised model list as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
