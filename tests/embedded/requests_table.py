"""Sound request bodies of both dialects, tiny media, and a way to break one thing at a time."""

from __future__ import annotations

import base64
import copy
import io
from typing import Any

from PIL import Image

Body = dict[str, Any]


def picture(size: tuple[int, int] = (8, 6), kind: str = "PNG", colour: str = "#2d5fd2") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def openai_body(text: str = "echo hello", model: str = "gpt-5.4", **fields: Any) -> Body:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


def anthropic_body(text: str = "echo hello", model: str = "claude-haiku-4-5", **fields: Any) -> Body:
    return {"model": model, "max_tokens": 500, "messages": [{"role": "user", "content": text}], **fields}


def openai_image(url: str, **fields: Any) -> Body:
    parts = [{"type": "text", "text": "what is this"}, {"type": "image_url", "image_url": {"url": url}}]
    return openai_body(**fields) | {"messages": [{"role": "user", "content": parts}]}


def anthropic_image(data: bytes, media_type: str = "image/png", **fields: Any) -> Body:
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    parts = [{"type": "text", "text": "what is this"}, {"type": "image", "source": source}]
    return anthropic_body(**fields) | {"messages": [{"role": "user", "content": parts}]}


WEATHER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city"],
}
OPENAI_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather", "parameters": WEATHER_SCHEMA},
}
ANTHROPIC_TOOL: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather",
    "input_schema": WEATHER_SCHEMA,
}


def without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}


def with_message(body: Body, **message: Any) -> Body:
    changed = copy.deepcopy(body)
    changed["messages"] = [message]
    return changed
