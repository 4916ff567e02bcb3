"""Rules 19 to 24 of the OpenAI dialect: token caps, sampling, stop, streaming and tools.

Wording and codes follow the OpenAI API reference ("Create chat completion", "Error codes").
"""

from __future__ import annotations

import re
from typing import Any, Final

from lib.embedded.given import Given
from lib.embedded.refusals import Refusal, bad
from lib.embedded.rules import Rule
from lib.embedded.values import is_integer, is_number

_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_RANGES: Final = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def cap_is_sound(given: Given) -> Refusal | None:
    """Rule 19: one cap, spelt as the model wants it, a positive integer within the model's limit."""
    names = [name for name in ("max_tokens", "max_completion_tokens") if given.body.get(name) is not None]
    if "max_tokens" in names and given.card.family == "gpt":
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return bad(message, "unsupported_parameter", "max_tokens")
    if len(names) == 2:
        return bad("Set only one of 'max_tokens' and 'max_completion_tokens'.", "invalid_value", "max_tokens")
    return _cap(names[0], given.body[names[0]], given.card.max_output) if names else None


def _cap(name: str, value: Any, most: int | None) -> Refusal | None:
    if not is_integer(value):
        return bad(f"Invalid type for '{name}': expected an integer.", "invalid_type", name)
    if value < 1:
        message = f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value} instead."
        return bad(message, "integer_below_min_value", name)
    if most is not None and value > most:
        message = f"{name} is too large: {value}. This model supports at most {most} completion tokens."
        return bad(message, "integer_above_max_value", name)
    return None


def sampling_is_in_range(given: Given) -> Refusal | None:
    """Rule 20."""
    for name, (low, high) in _RANGES.items():
        value = given.body.get(name)
        if value is None:
            continue
        if not is_number(value):
            return bad(f"Invalid type for '{name}': expected a decimal.", "invalid_type", name)
        if not low <= value <= high:
            side, code = ("above maximum", "above_max") if value > high else ("below minimum", "below_min")
            return bad(f"Invalid '{name}': decimal {side} value.", f"decimal_{code}_value", name)
    return None


def reasons(given: Given) -> bool:
    """Whether a GPT model reasons on this request: by its effort, else by its default."""
    effort = given.body.get("reasoning_effort")
    return given.card.reasons_by_default if effort is None else effort != "none"


def sampling_suits_model(given: Given) -> Refusal | None:
    """Rule 21: what the upstream model itself refuses."""
    sampling, body = given.card.sampling, given.body
    temperature, top_p = body.get("temperature"), body.get("top_p")
    if sampling == "only_when_reasoning_none" and reasons(given):
        return _refused_while_reasoning(body)
    if sampling == "one_of_temperature_top_p" and temperature is not None and top_p is not None:
        message = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        return bad(message, "unsupported_value", "top_p")
    if sampling == "none":
        for name, value in (("temperature", temperature), ("top_p", top_p)):
            if value is not None and value != 1:
                return bad(f"`{name}` is deprecated for this model.", "unsupported_value", name)
    return None


def _refused_while_reasoning(body: dict[str, Any]) -> Refusal | None:
    temperature = body.get("temperature")
    if temperature is not None and temperature != 1:
        message = (
            f"Unsupported value: 'temperature' does not support {temperature} with this model. "
            "Only the default (1) value is supported."
        )
        return bad(message, "unsupported_value", "temperature")
    for name in ("top_p", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "stop"):
        if body.get(name) not in (None, False):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return bad(message, "unsupported_parameter", name)
    return None


def stop_is_sound(given: Given) -> Refusal | None:
    """Rule 22."""
    stop = given.body.get("stop")
    if stop is None:
        return None
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(item, str) for item in stops):
        return bad("Invalid type for 'stop': expected a string or an array of strings.", "invalid_type", "stop")
    if len(stops) > 4:
        message = (
            "Invalid 'stop': array too long. Expected an array with maximum length 4, "
            f"but got an array with length {len(stops)} instead."
        )
        return bad(message, "array_above_max_length", "stop")
    return None if all(stops) else bad("Invalid 'stop': a stop sequence is empty.", "invalid_value", "stop")


def stream_is_sound(given: Given) -> Refusal | None:
    """Rule 23, and what this gateway cannot make: several choices, JSON mode."""
    body = given.body
    if not isinstance(body.get("stream", False), bool | None):
        return bad("Invalid type for 'stream': expected a boolean.", "invalid_type", "stream")
    options = body.get("stream_options")
    if options is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return bad(message, None, "stream_options")
    if options is not None and not isinstance(options, dict):
        return bad("Invalid type for 'stream_options': expected an object.", "invalid_type", "stream_options")
    if body.get("n") not in (None, 1) or isinstance(body.get("n"), bool):
        return bad("Unsupported value: this gateway makes one choice.", "unsupported_value", "n")
    return _format_is_text(body)


def _format_is_text(body: dict[str, Any]) -> Refusal | None:
    wanted = body.get("response_format")
    if wanted is not None and not (isinstance(wanted, dict) and wanted.get("type") == "text"):
        return bad("Unsupported value: the demo answers in text only.", "unsupported_value", "response_format")
    return None


def effort_is_known(given: Given) -> Refusal | None:
    """The efforts of the reference; GPT-5.4 and 5.5 know no 'minimal'."""
    effort = given.body.get("reasoning_effort")
    known = tuple(name for name in _EFFORTS if name != "minimal" or given.card.family != "gpt")
    if effort is None or effort in known:
        return None
    names = ", ".join(f"'{name}'" for name in known)
    message = f"Invalid value: {str(effort)[:40]!r}. Supported values are: {names}."
    return bad(message, "invalid_value" if effort not in _EFFORTS else "unsupported_value", "reasoning_effort")


def tools_are_sound(given: Given) -> Refusal | None:
    """Rule 24, first half: function tools with a good name and a schema that is an object."""
    tools = given.body.get("tools")
    if tools is None:
        return None
    if not isinstance(tools, list) or not tools:
        return bad("Invalid 'tools': expected a non-empty array.", "empty_array", "tools")
    for at, tool in enumerate(tools):
        if (why := _tool_trouble(tool)) is not None:
            return bad(f"Invalid 'tools[{at}]{why[0]}': {why[1]}.", "invalid_value", f"tools[{at}]{why[0]}")
    return None


def _tool_trouble(tool: Any) -> tuple[str, str] | None:
    if not isinstance(tool, dict) or tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
        return "", "expected {'type': 'function', 'function': {...}}"
    function = tool["function"]
    if not isinstance(function.get("name"), str) or not _NAME.match(function["name"]):
        return ".function.name", "expected 1 to 64 of a-z, A-Z, 0-9, _ and -"
    if not isinstance(function.get("description", ""), str | None):
        return ".function.description", "expected a string"
    schema = function.get("parameters")
    if schema is not None and not (isinstance(schema, dict) and schema.get("type", "object") == "object"):
        return ".function.parameters", "expected a JSON schema of type 'object'"
    return None


def tool_choice_is_sound(given: Given) -> Refusal | None:
    """Rule 24, first half: a choice needs tools, and a name must be one of theirs."""
    choice = given.body.get("tool_choice")
    if choice is None or (choice == "none" and "tools" not in given.body):
        return None
    if not given.body.get("tools"):
        message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        return bad(message, None, "tool_choice")
    if choice in ("none", "auto", "required"):
        return None
    names = {tool["function"]["name"] for tool in given.body["tools"]}
    named = choice.get("function") if isinstance(choice, dict) and choice.get("type") == "function" else None
    if isinstance(named, dict) and isinstance(named.get("name"), str) and named["name"] in names:
        return None
    return bad("Invalid value for 'tool_choice': no such tool.", "invalid_value", "tool_choice")


PARAM_RULES: Final[tuple[Rule, ...]] = (
    cap_is_sound,
    sampling_is_in_range,
    sampling_suits_model,
    stop_is_sound,
    stream_is_sound,
    effort_is_known,
)
TOOL_RULES: Final[tuple[Rule, ...]] = (tools_are_sound, tool_choice_is_sound)
