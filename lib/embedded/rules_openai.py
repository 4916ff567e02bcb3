"""Rules 8 to 25 of the OpenAI dialect: model, messages, tool turns, prompt size. The parameters: `rules_openai_params`.

Wording and codes follow the OpenAI API reference ("Create chat completion", "Error codes").
"""

from __future__ import annotations

from typing import Any, Final

from lib.dialects.openai_chat.server import ask_from
from lib.embedded.counting import count_ask
from lib.embedded.given import Given
from lib.embedded.refusals import Refusal, bad
from lib.embedded.rules import Rule
from lib.embedded.rules_media import image_is_sound, image_is_within_limits, video_is_welcome
from lib.embedded.rules_openai_params import PARAM_RULES, TOOL_RULES

_ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_MEDIA: Final = ("image_url", "video_url", "file")
_PARTS: Final = {"user": ("text", *_MEDIA), "assistant": ("text", "refusal")}
_FIELDS: Final = (
    "model messages temperature top_p stream stream_options max_completion_tokens max_tokens stop tools tool_choice "
    "parallel_tool_calls n seed logit_bias logprobs top_logprobs presence_penalty frequency_penalty reasoning_effort "
    "response_format metadata store service_tier prompt_cache_key prompt_cache_retention safety_identifier user "
    "verbosity prediction modalities audio web_search_options functions function_call"
)
_KNOWN: Final = frozenset(_FIELDS.split())


def model_is_named(given: Given) -> Refusal | None:
    """Rule 8."""
    if isinstance(given.body.get("model"), str) and given.body["model"]:
        return None
    return bad("you must provide a model parameter", "missing_required_parameter", "model")


def model_exists(given: Given) -> Refusal | None:
    """Rule 9."""
    name = given.body["model"]
    if name in given.models:
        return None
    message = f"The model `{name[:200]}` does not exist or you do not have access to it."
    return Refusal(404, message, "model_not_found", "model")


def model_is_served_here(given: Given) -> Refusal | None:
    """Rule 10."""
    if given.card.openai.listed:
        return None
    return bad(f"{given.card.id} is not available on chat completions", "unsupported_value", "model")


def fields_are_known(given: Given) -> Refusal | None:
    """The reference's fields only, where the gateway was told to be strict."""
    unknown = next((name for name in given.body if name not in _KNOWN), None) if given.reject_unknown else None
    if unknown is None:
        return None
    return bad(f"Unrecognized request argument supplied: {unknown[:100]}", None, unknown[:100])


def messages_are_there(given: Given) -> Refusal | None:
    """Rule 11."""
    rows = given.body.get("messages")
    if rows is None:
        return bad("Missing required parameter: 'messages'.", "missing_required_parameter", "messages")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return bad("Invalid type for 'messages': expected an array of objects.", "invalid_type", "messages")
    return None if rows else bad("[] is too short - 'messages'", "empty_array", "messages")


def roles_are_known(given: Given) -> Refusal | None:
    """Rule 12."""
    for at, row in enumerate(given.rows):
        if row.get("role") not in _ROLES:
            names = ", ".join(f"'{role}'" for role in _ROLES)
            message = f"Invalid value: {str(row.get('role'))[:40]!r}. Supported values are: {names}."
            return bad(message, "invalid_value", f"messages[{at}].role")
    return None


def content_is_sound(given: Given) -> Refusal | None:
    """Rule 14: content of the right type, parts of known types, each on a role that may carry it."""
    rows = enumerate(given.rows)
    return next((found for at, row in rows if (found := _content(f"messages[{at}]", row)) is not None), None)


def _content(where: str, row: dict[str, Any]) -> Refusal | None:
    content = row.get("content")
    if row["role"] == "assistant":
        if (found := _calls(where, row.get("tool_calls"))) is not None:
            return found
        if content is None and (row.get("tool_calls") or isinstance(row.get("refusal"), str)):
            return None
    if row["role"] == "tool" and not isinstance(row.get("tool_call_id"), str):
        return bad(f"Missing parameter '{where}.tool_call_id'.", "missing_required_parameter", f"{where}.tool_call_id")
    if isinstance(content, str):
        return None
    if content is None:
        return bad(f"Missing required parameter: '{where}.content'.", "missing_required_parameter", f"{where}.content")
    if not isinstance(content, list):
        message = f"Invalid type for '{where}.content': expected a string or an array of parts."
        return bad(message, "invalid_type", f"{where}.content")
    if not content:
        return bad(f"[] is too short - '{where}.content'", "empty_array", f"{where}.content")
    allowed = _PARTS.get(row["role"], ("text",))
    parts = enumerate(content)
    return next((found for at, part in parts if (found := _part(f"{where}.content[{at}]", part, allowed))), None)


def _part(where: str, part: Any, allowed: tuple[str, ...]) -> Refusal | None:
    if not isinstance(part, dict):
        return bad(f"Invalid type for '{where}': expected an object.", "invalid_type", where)
    kind = part.get("type")
    if kind not in allowed:
        names = ", ".join(f"'{name}'" for name in allowed)
        message = f"Invalid value: {str(kind)[:40]!r}. Supported values are: {names}."
        return bad(message, "invalid_value", f"{where}.type")
    if kind in ("text", "refusal"):
        holds = isinstance(part.get(kind), str)
    elif kind == "file":
        holds = isinstance(part.get("file"), dict) and isinstance(part["file"].get("file_data"), str)
    else:
        holder = part.get(kind)
        holds = isinstance(holder, str) or (isinstance(holder, dict) and isinstance(holder.get("url"), str))
    return None if holds else bad(f"Missing or wrong '{where}.{kind}'.", "invalid_type", f"{where}.{kind}")


def _calls(where: str, calls: Any) -> Refusal | None:
    if calls is None:
        return None
    if not isinstance(calls, list) or not calls:
        return bad(f"Invalid '{where}.tool_calls': expected a non-empty array.", "invalid_type", f"{where}.tool_calls")
    for at, call in enumerate(calls):
        if not _is_call(call):
            return bad(f"Invalid '{where}.tool_calls[{at}]'.", "invalid_type", f"{where}.tool_calls[{at}]")
    return None


def _is_call(call: Any) -> bool:
    if not isinstance(call, dict) or not isinstance(call.get("id"), str) or not isinstance(call.get("function"), dict):
        return False
    function = call["function"]
    return isinstance(function.get("name"), str) and isinstance(function.get("arguments", ""), str)


def images_are_seen(given: Given) -> Refusal | None:
    """Rule 15."""
    image = next((medium for medium in given.media if medium.kind == "image"), None)
    if image is None or given.card.openai.image:
        return None
    where = f"messages[{image.path[0]}].content[{image.path[1]}]"
    return bad("this model does not support image input on this endpoint", "unsupported_media", where)


def tool_turns_fit(given: Given) -> Refusal | None:
    """Rule 24, second half: every call is answered before anything else, every answer has its call."""
    open_calls: set[str] = set()
    for at, row in enumerate(given.rows):
        if row["role"] == "tool":
            if row["tool_call_id"] not in open_calls:
                message = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                return bad(f"Invalid parameter: {message}", None, f"messages[{at}].role")
            open_calls.discard(row["tool_call_id"])
        elif open_calls:
            return _unanswered(open_calls, at)
        else:
            open_calls = {call["id"] for call in row.get("tool_calls") or () if row["role"] == "assistant"}
    return _unanswered(open_calls, len(given.rows) - 1) if open_calls else None


def _unanswered(open_calls: set[str], at: int) -> Refusal:
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(sorted(open_calls))}"
    )
    return bad(message, None, f"messages[{at}].role")


def prompt_fits(given: Given) -> Refusal | None:
    """Rule 25."""
    tokens, context = count_ask(ask_from(given.body), given.card), given.card.context
    if context is None or tokens <= context:
        return None
    message = (
        f"This model's maximum context length is {context} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages."
    )
    return bad(message, "context_length_exceeded", "messages")


RULES: Final[tuple[Rule, ...]] = (
    model_is_named,
    model_exists,
    model_is_served_here,
    fields_are_known,
    messages_are_there,
    roles_are_known,
    content_is_sound,
    images_are_seen,
    image_is_sound,
    image_is_within_limits,
    video_is_welcome,
    *PARAM_RULES,
    *TOOL_RULES,
    tool_turns_fit,
    prompt_fits,
)
