"""Rules 19 to 24 of the Anthropic dialect: token cap, sampling, stop sequences, streaming, thinking and tools.

Wording follows the Anthropic API reference ("Messages", "Extended thinking", "Tool use").
"""

from __future__ import annotations

import re
from typing import Any, Final

from lib.embedded.given import Given
from lib.embedded.refusals import Refusal, bad
from lib.embedded.rules import Rule
from lib.embedded.values import is_integer, is_number

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_ONLY_BUDGET: Final = ("claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5")
_ONLY_ADAPTIVE: Final = ("claude-opus-4-7",)


def cap_is_sound(given: Given) -> Refusal | None:
    """Rule 19: required. Zero (warm the cache, say nothing) exists from version 2026-10-21 on."""
    cap, most = given.body.get("max_tokens"), given.card.max_output
    if cap is None:
        return bad("max_tokens: Field required")
    if not is_integer(cap):
        return bad("max_tokens: Input should be a valid integer")
    least = 0 if given.version == "2026-10-21" else 1
    if cap < least:
        return bad(f"max_tokens: Input should be greater than or equal to {least}")
    if most is not None and cap > most:
        return bad(
            f"max_tokens: {cap} > {most}, which is the maximum allowed number of output tokens for {given.card.id}"
        )
    return None


def sampling_is_in_range(given: Given) -> Refusal | None:
    """Rule 20."""
    for name in ("temperature", "top_p"):
        value = given.body.get(name)
        if value is None:
            continue
        if not is_number(value):
            return bad(f"{name}: Input should be a valid number")
        if not 0 <= value <= 1:
            return bad(f"{name}: range: 0..1")
    top_k = given.body.get("top_k")
    if top_k is not None and not (is_integer(top_k) and top_k >= 0):
        return bad("top_k: Input should be a non-negative integer")
    return None


def sampling_suits_model(given: Given) -> Refusal | None:
    """Rule 21."""
    body, sampling = given.body, given.card.sampling
    if sampling == "one_of_temperature_top_p" and None not in (body.get("temperature"), body.get("top_p")):
        return bad("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if sampling == "none":
        named = next((name for name in ("temperature", "top_p", "top_k") if body.get(name) not in (None, 1)), None)
        return None if named is None else bad(f"`{named}` is deprecated for this model.")
    if sampling == "only_when_reasoning_none" and given.card.reasons_by_default:
        named = next((name for name in ("temperature", "top_p") if body.get(name) not in (None, 1)), None)
        return None if named is None else bad(f"`{named}` is not supported with this model while it reasons.")
    return None


def stop_is_sound(given: Given) -> Refusal | None:
    """Rule 22."""
    stops = given.body.get("stop_sequences")
    if stops is None:
        return None
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        return bad("stop_sequences: Input should be a valid list of strings")
    if not all(stop.strip() for stop in stops):
        return bad("stop_sequences: each stop sequence must contain non-whitespace")
    return None


def stream_is_sound(given: Given) -> Refusal | None:
    """Rule 23, and what this gateway cannot make: output of a given format."""
    if not isinstance(given.body.get("stream", False), bool | None):
        return bad("stream: Input should be a valid boolean")
    config = given.body.get("output_config")
    if config is None:
        return None
    if not isinstance(config, dict):
        return bad("output_config: Input should be an object")
    if config.get("effort") not in (None, *_EFFORTS):
        names = ", ".join(f"'{name}'" for name in _EFFORTS)
        return bad(f"output_config.effort: Input should be {names}")
    return bad("output_config.format: the demo answers in text only") if config.get("format") else None


def thinking_is_sound(given: Given) -> Refusal | None:
    """Rule 24: the kind of thinking suits the model, a budget is at least 1024 tokens and below max_tokens."""
    thinking = given.body.get("thinking")
    if thinking is None:
        return None
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in ("enabled", "adaptive", "disabled"):
        return bad("thinking: Input tag does not match any of the expected tags: 'enabled', 'adaptive', 'disabled'")
    if kind == "disabled":
        return None
    if given.card.base in (_ONLY_ADAPTIVE if kind == "enabled" else _ONLY_BUDGET):
        return bad(f"thinking.type: '{kind}' is not supported for this model")
    if given.body.get("temperature") not in (None, 1):
        return bad("`temperature` may only be set to 1 when thinking is enabled")
    return _budget(thinking.get("budget_tokens"), given.body["max_tokens"]) if kind == "enabled" else None


def _budget(budget: Any, cap: int) -> Refusal | None:
    if not is_integer(budget):
        return bad("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        return bad("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    return bad("`max_tokens` must be greater than `thinking.budget_tokens`") if budget >= cap else None


def tools_are_sound(given: Given) -> Refusal | None:
    """Rule 24: client tools with a good name and an object schema."""
    tools = given.body.get("tools")
    if tools is None:
        return None
    if not isinstance(tools, list):
        return bad("tools: Input should be a valid list")
    for at, tool in enumerate(tools):
        if (why := _tool_trouble(tool)) is not None:
            return bad(f"tools.{at}.custom.{why}")
    return None


def _tool_trouble(tool: Any) -> str | None:
    if not isinstance(tool, dict) or tool.get("type") not in (None, "custom"):
        return "type: the demo takes client tools only"
    if not isinstance(tool.get("name"), str) or not _NAME.match(tool["name"]):
        return f"name: String should match pattern '^{_NAME.pattern[:-2]}$'"
    if not isinstance(tool.get("description", ""), str | None):
        return "description: Input should be a valid string"
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        return "input_schema: Field required"
    return None if schema.get("type") == "object" else "input_schema.type: Input should be 'object'"


def tool_choice_is_sound(given: Given) -> Refusal | None:
    """Rule 24: a choice needs tools, and a name must be one of theirs."""
    choice = given.body.get("tool_choice")
    if choice is None:
        return None
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in ("auto", "any", "tool", "none"):
        return bad("tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
    tools = given.body.get("tools") or ()
    if not tools and kind != "none":
        return bad("tool_choice: may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in [tool["name"] for tool in tools]:
        return bad(f"tool_choice: Tool {str(choice.get('name'))[:60]!r} not found in provided tools")
    return None


def tool_turns_fit(given: Given) -> Refusal | None:
    """Rule 24: every tool_use is answered at the start of the next turn, every tool_result has its tool_use."""
    open_ids: set[str] = set()
    for at, row in enumerate(given.rows):
        blocks = row["content"] if isinstance(row["content"], list) else []
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        stray = next((use_id for use_id in results if use_id not in open_ids), None)
        if stray is not None:
            return bad(f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {stray[:80]}")
        if open_ids - set(results):
            return _unanswered(at - 1, open_ids - set(results))
        if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
            return bad(f"messages.{at}: `tool_result` blocks must come first in the content")
        open_ids = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return _unanswered(len(given.rows) - 1, open_ids) if open_ids else None


def _unanswered(at: int, open_ids: set[str]) -> Refusal:
    names = ", ".join(sorted(open_ids))
    return bad(
        f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {names[:200]}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


PARAM_RULES: Final[tuple[Rule, ...]] = (
    cap_is_sound,
    sampling_is_in_range,
    sampling_suits_model,
    stop_is_sound,
    stream_is_sound,
)
TOOL_RULES: Final[tuple[Rule, ...]] = (
    thinking_is_sound,
    tools_are_sound,
    tool_choice_is_sound,
    tool_turns_fit,
)
