"""Rules 7 to 18 and 25 of the Anthropic dialect: version, model, messages, media, prompt size.

The parameters and tools: `rules_anthropic_params`. Wording follows the Anthropic API reference ("Messages", "Errors",
"Versions").
"""

from __future__ import annotations

from typing import Any, Final

from lib.dialects.anthropic_messages.server import ask_from
from lib.embedded.counting import count_ask
from lib.embedded.given import Given
from lib.embedded.refusals import Refusal, bad
from lib.embedded.rules import Rule
from lib.embedded.rules_anthropic_params import PARAM_RULES, TOOL_RULES
from lib.embedded.rules_media import image_is_sound, image_is_within_limits

VERSIONS: Final = ("2023-06-01", "2026-10-21")
_WITHOUT_SAMPLING: Final = "2026-10-21"
_NO_PREFILL: Final = ("claude-opus-4-6", "claude-opus-4-7", "claude-sonnet-4-6")
_TAGS: Final = {
    "user": ("text", "image", "tool_result"),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
}
_WANTED: Final[dict[str, dict[str, type]]] = {
    "thinking": {"thinking": str, "signature": str},
    "redacted_thinking": {"data": str},
    "tool_use": {"id": str, "name": str, "input": dict},
}
_SAMPLING: Final = frozenset(("temperature", "top_p", "top_k"))
_FIELDS: Final = (
    "model messages max_tokens system stream stop_sequences tools tool_choice thinking output_config metadata "
    "service_tier cache_control container inference_geo diagnostics speed user_profile_id workspace_id"
)
_KNOWN: Final = _SAMPLING | frozenset(_FIELDS.split())


def version_is_known(given: Given) -> Refusal | None:
    """Rule 7; no version at all is accepted, since the gateway's documentation does not ask for one."""
    if given.version is None or given.version in VERSIONS:
        return None
    return bad(f'anthropic-version: "{given.version[:40]}" is not a valid version')


def model_is_named(given: Given) -> Refusal | None:
    """Rule 8."""
    model = given.body.get("model")
    if isinstance(model, str) and model:
        return None
    return bad("model: Field required" if model is None else "model: Input should be a valid string")


def model_exists(given: Given) -> Refusal | None:
    """Rule 9."""
    name = given.body["model"]
    return None if name in given.models else Refusal(404, f"model: {name[:200]}")


def model_is_served_here(given: Given) -> Refusal | None:
    """Rule 10."""
    if given.card.anthropic.listed:
        return None
    return bad(f"model: {given.card.id} is not available on the Messages API; use /v1/chat/completions")


def fields_are_known(given: Given) -> Refusal | None:
    """Always strict, as the vendor is; version 2026-10-21 has no sampling parameters."""
    known = _KNOWN - _SAMPLING if given.version == _WITHOUT_SAMPLING else _KNOWN
    unknown = next((name for name in given.body if name not in known), None)
    return None if unknown is None else bad(f"{unknown[:100]}: Extra inputs are not permitted")


def messages_are_there(given: Given) -> Refusal | None:
    """Rule 11."""
    rows = given.body.get("messages")
    if rows is None:
        return bad("messages: Field required")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return bad("messages: Input should be a valid list of objects")
    return None if rows else bad("messages: at least one message is required")


def roles_are_known(given: Given) -> Refusal | None:
    """Rule 12."""
    for at, row in enumerate(given.rows):
        role = row.get("role")
        if role == "system":
            return bad(f"messages.{at}.role: unexpected role 'system'; use the top-level `system` parameter")
        if role not in ("user", "assistant"):
            return bad(f"messages.{at}.role: Input should be 'user' or 'assistant'")
    return None


def turns_begin_and_end_well(given: Given) -> Refusal | None:
    """Rule 13."""
    if given.rows[0]["role"] != "user":
        return bad('messages: first message must use the "user" role')
    if given.rows[-1]["role"] == "assistant" and given.card.base in _NO_PREFILL:
        return bad(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    return None


def content_is_sound(given: Given) -> Refusal | None:
    """Rule 14."""
    if (found := _system(given.body.get("system"))) is not None:
        return found
    rows = enumerate(given.rows)
    found = next((found for at, row in rows if (found := _content(f"messages.{at}.content", row)) is not None), None)
    return found or _ending(given.rows[-1])


def _system(system: Any) -> Refusal | None:
    if system is None or isinstance(system, str):
        return None
    if not isinstance(system, list):
        return bad("system: Input should be a valid string or list")
    blocks = enumerate(system)
    return next((found for at, block in blocks if (found := _block(f"system.{at}", block, ("text",)))), None)


def _content(where: str, row: dict[str, Any]) -> Refusal | None:
    content = row.get("content")
    if content is None:
        return bad(f"{where}: Field required")
    if isinstance(content, str):
        return None if content else bad(f"{where}: messages must have non-empty content")
    if not isinstance(content, list):
        return bad(f"{where}: Input should be a valid string or list")
    if not content:
        return bad(f"{where}: messages must have non-empty content")
    blocks = enumerate(content)
    tags = _TAGS[row["role"]]
    return next((found for at, block in blocks if (found := _block(f"{where}.{at}", block, tags))), None)


def _block(where: str, block: Any, tags: tuple[str, ...]) -> Refusal | None:
    if not isinstance(block, dict):
        return bad(f"{where}: Input should be an object")
    tag = block.get("type")
    if tag not in tags:
        names = ", ".join(f"'{name}'" for name in tags)
        return bad(
            f"{where}: Input tag {str(tag)[:40]!r} found using 'type' does not match any of the expected tags: {names}"
        )
    match tag:
        case "text":
            return _text(where, block.get("text"))
        case "image":
            return _source(where, block.get("source"))
        case "tool_result":
            return _result(where, block)
        case _:
            return _fields(where, block, str(tag))


def _text(where: str, text: Any) -> Refusal | None:
    if not isinstance(text, str):
        return bad(f"{where}.text.text: Input should be a valid string")
    return None if text.strip() else bad("messages: text content blocks must be non-empty")


def _source(where: str, source: Any) -> Refusal | None:
    if not isinstance(source, dict):
        return bad(f"{where}.image.source: Field required")
    if source.get("type") not in ("base64", "url", "file"):
        return bad(f"{where}.image.source: Input tag does not match any of the expected tags: 'base64', 'url', 'file'")
    if source["type"] != "base64":
        return None
    held = isinstance(source.get("media_type"), str) and isinstance(source.get("data"), str)
    return None if held else bad(f"{where}.image.source.base64: media_type and data are required")


def _result(where: str, block: dict[str, Any]) -> Refusal | None:
    if not isinstance(block.get("tool_use_id"), str):
        return bad(f"{where}.tool_result.tool_use_id: Field required")
    content = block.get("content")
    if content is None or isinstance(content, str):
        return None
    if not isinstance(content, list):
        return bad(f"{where}.tool_result.content: Input should be a valid string or list")
    blocks = enumerate(content)
    inner = f"{where}.tool_result.content"
    return next((found for at, part in blocks if (found := _block(f"{inner}.{at}", part, ("text", "image")))), None)


def _fields(where: str, block: dict[str, Any], tag: str) -> Refusal | None:
    missing = next((name for name, kind in _WANTED[tag].items() if not isinstance(block.get(name), kind)), None)
    return None if missing is None else bad(f"{where}.{tag}.{missing}: Field required")


def _ending(row: dict[str, Any]) -> Refusal | None:
    content = row["content"]
    if row["role"] != "assistant":
        return None
    last = content if isinstance(content, str) else content[-1].get("text") or ""
    if last != last.rstrip():
        return bad("messages: final assistant content cannot end with trailing whitespace")
    return None


def images_are_seen(given: Given) -> Refusal | None:
    """Rule 15: GPT takes no images on this endpoint."""
    if given.card.anthropic.image or not given.media:
        return None
    at, part = given.media[0].path
    return bad(f"messages.{at}.content.{part}: this model does not support image input on this endpoint")


def prompt_fits(given: Given) -> Refusal | None:
    """Rule 25."""
    tokens, context = count_ask(ask_from(given.body), given.card), given.card.context
    if context is None or tokens <= context:
        return None
    return bad(f"prompt is too long: {tokens} tokens > {context} maximum")


RULES: Final[tuple[Rule, ...]] = (
    version_is_known,
    model_is_named,
    model_exists,
    model_is_served_here,
    fields_are_known,
    messages_are_there,
    roles_are_known,
    turns_begin_and_end_well,
    content_is_sound,
    images_are_seen,
    image_is_sound,
    image_is_within_limits,
    *PARAM_RULES,
    *TOOL_RULES,
    prompt_fits,
)
