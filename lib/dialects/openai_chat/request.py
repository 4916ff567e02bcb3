"""An ask as the body of `POST /v1/chat/completions`: only what the user set, spelt as the gateway wants it.

Sources: OpenAI API reference ("Create chat completion"); video parts: OpenRouter ("video_url"), new-api and LiteLLM
relays (`image_url` with a video data URL, bare-string `video_url`, `file`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lib.cards import ModelCard, WireForm
from lib.dialects.file_text import file_text, joined
from lib.dialects.wire_parts import common_headers, image_url, require_abilities, video_url
from lib.errors import BadInput
from lib.messages import (
    Ask,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from lib.secret import Secret

path: Final = "/v1/chat/completions"


def headers(key: Secret, form: WireForm) -> dict[str, str]:
    """The request's headers: Bearer by default, `x-api-key` where the gateway wants that instead."""
    return common_headers(key, form)


def adjusted(ask: Ask, card: ModelCard | None = None) -> tuple[str, ...]:
    """Names of parameters that are sent with another value than the user set: none in this dialect."""
    return ()


def body(ask: Ask, form: WireForm, card: ModelCard | None = None) -> dict[str, Any]:
    """The request as a dictionary ready for JSON.

    `form.dropped` names parameters that are left out. Raises BadInput('image_not_taken' / 'video_not_taken') when the
    card says that the model does not take such a part here.
    """
    sent: dict[str, Any] = {
        "model": ask.model,
        "messages": _system(ask) + [item for message in ask.messages for item in _messages(message, form, card)],
        "stream": ask.stream,
    }
    sent.update((name, value) for name, value in _parameters(ask, form).items() if name not in form.dropped)
    if "tools" not in sent:
        sent.pop("tool_choice", None)
    return sent


def _system(ask: Ask) -> list[dict[str, Any]]:
    return [{"role": "system", "content": ask.system}] if ask.system.strip() else []


def _parameters(ask: Ask, form: WireForm) -> dict[str, Any]:
    params = ask.params
    named: dict[str, Any] = {
        "stream_options": {"include_usage": True} if ask.stream and form.include_usage else None,
        form.max_tokens_name: params.max_tokens,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "stop": list(params.stop) or None,
        "reasoning_effort": params.reasoning_effort,
        "tools": [_tool(tool) for tool in ask.tools] or None,
        "tool_choice": _choice(ask.tool_choice) if ask.tools else None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def _choice(choice: str | None) -> str | dict[str, Any] | None:
    if choice is None or choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _messages(message: Message, form: WireForm, card: ModelCard | None) -> Iterable[dict[str, Any]]:
    """One turn as wire messages: an assistant's turn, or tool results followed by what the user says."""
    if message.role == "assistant":
        turn = _assistant(message)
        return [turn] if turn else []
    results = [_result(part) for part in message.parts if isinstance(part, ToolResultPart)]
    content = _content(message.parts, form, card)
    return results + ([{"role": "user", "content": content}] if content else [])


def _result(part: ToolResultPart) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": part.call_id, "content": part.text}


def _assistant(message: Message) -> dict[str, Any] | None:
    """An answer that goes back; one without text and calls (stopped before its first word) is left out."""
    _refuse_media(message.parts)
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCallPart)]
    if calls:
        return {"role": "assistant", "content": message.text or None, "tool_calls": calls}
    return {"role": "assistant", "content": message.text} if message.text else None


def _refuse_media(parts: tuple[Part, ...]) -> None:
    """The assistant's own turns hold text and calls only in this dialect."""
    for part in parts:
        if isinstance(part, ImagePart | VideoPart):
            raise BadInput("image_not_taken" if isinstance(part, ImagePart) else "video_not_taken")


def _call(part: ToolCallPart) -> dict[str, Any]:
    call: dict[str, Any] = {
        "id": part.id,
        "type": "function",
        "function": {"name": part.name, "arguments": part.arguments or "{}"},
    }
    if part.thought_signature is not None:
        call["extra_content"] = {"google": {"thought_signature": part.thought_signature}}
    return call


def _content(parts: tuple[Part, ...], form: WireForm, card: ModelCard | None) -> str | list[dict[str, Any]]:
    """Plain text as a string, which every gateway takes; a list of parts as soon as there is more than text."""
    media = any(isinstance(part, ImagePart | VideoPart) for part in parts)
    if not media:
        return joined([text for part in parts if (text := _text(part))])
    return [wired for part in parts for wired in _wired(part, form, card)]


def _text(part: Part) -> str:
    """What a part is in words: a document's text too."""
    if isinstance(part, FilePart):
        return file_text(part)
    return part.text if isinstance(part, TextPart) else ""


def _wired(part: Part, form: WireForm, card: ModelCard | None) -> list[dict[str, Any]]:
    if isinstance(part, ImagePart | VideoPart):
        require_abilities(part, "openai", card)
    if isinstance(part, VideoPart):
        return [_video(part, form)]
    if isinstance(part, ImagePart):
        return [*_said(part.caption), _image(part)]
    return _said(_text(part))


def _said(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text else []


def _image(part: ImagePart) -> dict[str, Any]:
    image: dict[str, Any] = {"url": image_url(part)}
    if part.detail is not None:
        image["detail"] = part.detail
    return {"type": "image_url", "image_url": image}


def _video(part: VideoPart, form: WireForm) -> dict[str, Any]:
    """OpenAI has no video part; gateways take one of four spellings and mostly ignore the other three silently."""
    url = video_url(part)
    match form.video:
        case "image_url":
            return {"type": "image_url", "image_url": {"url": url}}
        case "video_url":
            return {"type": "video_url", "video_url": {"url": url}}
        case "video_url_string":
            return {"type": "video_url", "video_url": url}
        case "file":
            return {"type": "file", "file": {"filename": part.name, "file_data": url}}
