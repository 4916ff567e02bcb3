"""What the demo says. No model is called: an answer is computed from the request, and is the same for the same one.

Words at the start of a message choose the kind of answer (`echo`, `think`, `show`, `slow`, `long`). Anywhere in it
`n=<tokens>`, `tps=<tokens per second, or max>` and `wait=<seconds>` order an exact length and pace.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable
from typing import Final

from msgspec import Struct, structs

from lib.cards import ModelCard
from lib.embedded.attached import Document, documents_in, said_in
from lib.embedded.counting import count_text
from lib.embedded.filled import filled
from lib.embedded.pictures import describe
from lib.embedded.prose import long_text
from lib.embedded.sections import best_section, help_sections, show_sections
from lib.embedded.tooling import calls_for, results_answer
from lib.messages import Ask, ToolCallPart

NOTE: Final = "\n\n*This is a demo answer from Parlour's embedded gateway; no model was called.*"
_NOTE_FIRST: Final = "*Demo text; no model was called.*\n\n"
MAX_TOKENS: Final = 200_000
_CONTROL: Final = re.compile(
    r"(?<!\S)(?:n=(?P<n>\d{1,6})|tps=(?P<tps>\d{1,6}(?:\.\d+)?|max)|wait=(?P<wait>\d{1,3}(?:\.\d+)?))(?!\S)"
)
_COMMAND: Final = re.compile(r"\s*(echo|think|show|slow|long)\b[ :]*(.*)\Z", re.I | re.S)


class Script(Struct, frozen=True):
    """An answer before it is paced. `first_s` and `per_second` are set only where the request orders them."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCallPart, ...] = ()
    first_s: float | None = None
    per_second: float | None = None
    slowness: float = 1.0


class Controls(Struct, frozen=True):
    """The orders found in a message, and the message without them."""

    text: str
    tokens: int | None = None
    per_second: float | None = None
    wait_s: float | None = None


def controls_in(text: str) -> Controls:
    """Reads `n=`, `tps=` and `wait=`; of several the last counts."""
    found = Controls(text)
    for match in _CONTROL.finditer(text):
        if match["n"]:
            found = structs.replace(found, tokens=min(int(match["n"]), MAX_TOKENS))
        elif match["tps"]:
            pace = math.inf if match["tps"] == "max" else float(match["tps"])
            found = structs.replace(found, per_second=pace or math.inf)
        elif match["wait"]:
            found = structs.replace(found, wait_s=float(match["wait"]))
    return structs.replace(found, text=_CONTROL.sub("", text).strip()) if found != Controls(text) else found


def script_for(ask: Ask, card: ModelCard) -> Script:
    """The answer to a checked request."""
    last = ask.messages[-1] if ask.messages else None
    if last is not None and last.role == "tool":
        return Script(results_answer(ask.messages) + NOTE)
    controls = controls_in(said_in(last) if last is not None else "")
    calls = tuple(calls_for(ask))
    script = Script(calls=calls) if calls else _spoken(ask, card, controls)
    if not script.reasoning and ask.params.reasoning_effort not in (None, "none"):
        script = structs.replace(script, reasoning=_reasoning(controls.text, card))
    return structs.replace(script, first_s=controls.wait_s, per_second=controls.per_second)


def _spoken(ask: Ask, card: ModelCard, controls: Controls) -> Script:
    if controls.tokens is not None:
        return Script(_exactly(controls.tokens, controls.text))
    if (fields := filled(ask.messages)) is not None:
        return Script(fields)
    command = _COMMAND.match(controls.text)
    if command is not None:
        return _COMMANDS[command.group(1).lower()](command.group(2), card)
    last = ask.messages[-1] if ask.messages else None
    found = [describe(last), *map(_document, documents_in(last))] if last else []
    described = "\n\n".join(filter(None, found))
    return Script((described or _explained(controls.text, card)) + NOTE)


def _document(document: Document) -> str:
    lines, tokens = document.text.count("\n"), count_text(document.text)
    return f"A document, **{document.name}**: {_counted(lines, 'line')}, {_counted(tokens, 'token')}."


def _exactly(tokens: int, seed_text: str) -> str:
    rest = max(0, tokens - count_text(_NOTE_FIRST))
    return _NOTE_FIRST + long_text(rest, _seed(seed_text)) if rest else long_text(tokens, _seed(seed_text))


def _seed(text: str) -> int:
    return zlib.crc32(text.encode(errors="replace"))


def _echo(text: str, card: ModelCard) -> Script:
    return Script((text or "(nothing to echo)") + NOTE)


def _think(text: str, card: ModelCard) -> Script:
    topic = re.sub(r"^(about|of)\s+", "", text.strip(), flags=re.I)
    answer = f"I thought about {topic or 'nothing in particular'}; the steps are above."
    match = best_section(topic)
    return Script((match[0].text if match else answer) + NOTE, _reasoning(topic, card))


def _reasoning(text: str, card: ModelCard) -> str:
    """What the demo really does with a question, step by step."""
    words, match = len(text.split()), best_section(text)
    found = f"“{match[0].title}”, with {match[1]} points" if match else "none; it is not about Parlour"
    return (
        f"The question has {_counted(words, 'word')} and {_counted(count_text(text), 'token')}. "
        f"It was sent to {card.label or card.id} ({card.variant_label}), but no model is behind this gateway. "
        f"I compare its words with the {len(help_sections())} sections of Parlour's help. "
        f"The section that fits best: {found}. "
        f"{'I answer with that section.' if match else 'So I say honestly that I cannot answer it.'}"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _show(text: str, card: ModelCard) -> Script:
    wanted = text.strip().lower().rstrip(".!").removeprefix("me ").removeprefix("a ").rstrip("s")
    shown = show_sections()
    if wanted in shown:
        return Script(shown[wanted] + NOTE)
    if wanted in ("", "all", "everything"):
        return Script("\n\n".join(shown.values()) + NOTE)
    return Script(_explained(f"show {text}", card) + NOTE)


def _slow(text: str, card: ModelCard) -> Script:
    return Script("Slowly, then: " + long_text(120, _seed(text)).rstrip() + NOTE, slowness=12.0)


def _long(text: str, card: ModelCard) -> Script:
    count = re.search(r"\d{1,6}", text)
    return Script(_exactly(min(int(count.group()), MAX_TOKENS) if count else 1500, text))


_COMMANDS: Final[dict[str, Callable[[str, ModelCard], Script]]] = {
    "echo": _echo,
    "think": _think,
    "show": _show,
    "slow": _slow,
    "long": _long,
}


def _explained(text: str, card: ModelCard) -> str:
    match = best_section(text)
    if match is not None:
        return f"### {match[0].title}\n\n{match[0].text}"
    return (
        f"I am not {card.label or card.id}. Behind this gateway there is no model, so I cannot answer that; "
        f"your message was {count_text(text)} tokens long.\n\n"
        "I can explain Parlour (*How do I connect a gateway?*, *How do prices work?*, *Where is my data?*), "
        "`echo` your words, `show markdown`, `show code`, `show table`, `show math`, `think about …`, "
        "be `slow` or `long 2000`, and describe a picture that you attach."
    )
