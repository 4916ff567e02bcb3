"""The deep link with which CC Switch takes over a gateway for Claude Code or OpenCode.

CC Switch keeps the gateways of several coding programs and writes them into the configuration of each. It takes one
in from an address of the form `ccswitch://v1/import?resource=provider&app=…`; the parameters are those of its manual
(farion1231/cc-switch, "Deep link import"). The link holds the key, so it is a `Secret` like the key itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from lib.cards import DialectName, ModelCard
from lib.errors import BadInput
from lib.secret import Secret

Program = Literal["claude", "opencode"]
"""Whom CC Switch sets up: Claude Code speaks Messages, OpenCode speaks Chat Completions."""

DIALECTS: dict[Program, DialectName] = {"claude": "anthropic", "opencode": "openai"}
FIRST_CHOICE = "gpt-5.4-low"
"""What the gateway's documentation puts first."""
LONGEST_NAME = 80

_VERSIONED = re.compile(r"/v\d+[a-z]*\d*(?:/openai)?\Z")
_HIDDEN_KEY = "•••"


class Import(Struct, frozen=True):
    """What is handed over. Claude Code has four models: its main one, and one behind each of its three sizes;
    OpenCode takes the main one only. An empty name of a model is left out."""

    program: Program
    name: str
    base_url: str
    main: str
    haiku: str = ""
    sonnet: str = ""
    opus: str = ""


def link(wanted: Import, key: Secret) -> Secret:
    """The deep link, key and all. Raises BadInput: `no_key`, or as `preview` does."""
    if not key:
        raise BadInput("no_key")
    return Secret(_link(wanted, _quoted(key.reveal())))


def preview(wanted: Import) -> str:
    """The link with dots in place of the key. Raises BadInput: `no_model`, or `versioned_base` without `endpoint`."""
    return _link(wanted, _HIDDEN_KEY)


def endpoint(program: Program, base_url: str) -> str | None:
    """The address that the program is given; None when it cannot reach this gateway.

    Claude Code adds `/v1/messages` itself, whatever the address ends with; OpenCode adds `/chat/completions` only.
    CC Switch reads a comma as the beginning of a second address, so a comma in a path stays percent-encoded.
    """
    versioned = _VERSIONED.search(base_url.partition("://")[2]) is not None
    if program == "claude":
        return None if versioned else base_url.replace(",", "%2C")
    return (base_url if versioned else f"{base_url}/v1").replace(",", "%2C")


def first_choice(ids: Sequence[str]) -> int:
    """Where the choice of a model begins among `ids`: `gpt-5.4-low` when it is there, else the first."""
    return ids.index(FIRST_CHOICE) if FIRST_CHOICE in ids else 0


def takes_no_images(card: ModelCard) -> bool:
    """Whether a picture pasted into Claude Code fails with this model: so it is with every GPT through Messages."""
    known = card.abilities("anthropic").image
    return known is False or (known is None and card.family == "gpt")


def _link(wanted: Import, quoted_key: str) -> str:
    address = endpoint(wanted.program, wanted.base_url)
    if address is None:
        raise BadInput("versioned_base")
    if not wanted.main:
        raise BadInput("no_model")
    fields = [("resource", "provider"), ("app", wanted.program), ("name", _name(wanted)), ("endpoint", address)]
    before = "&".join(f"{name}={_quoted(value)}" for name, value in fields)
    after = "".join(f"&{name}={_quoted(value)}" for name, value in _models(wanted) if value)
    return f"ccswitch://v1/import?{before}&apiKey={quoted_key}{after}&enabled=true"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _models(wanted: Import) -> list[tuple[str, str]]:
    if wanted.program == "opencode":
        return [("model", wanted.main)]
    return [
        ("model", wanted.main),
        ("haikuModel", wanted.haiku),
        ("sonnetModel", wanted.sonnet),
        ("opusModel", wanted.opus),
    ]


def _name(wanted: Import) -> str:
    """The name without what cannot be seen (line breaks, text that runs backwards); never empty."""
    seen = "".join(" " if letter.isspace() else letter for letter in wanted.name if _is_visible(letter))
    return " ".join(seen.split())[:LONGEST_NAME].rstrip() or wanted.base_url.partition("://")[2].partition("/")[0]


def _is_visible(letter: str) -> bool:
    return letter.isspace() or not unicodedata.category(letter).startswith("C")
