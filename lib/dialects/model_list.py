"""`GET /v1/models` of any gateway (and its relatives) as `ListedModel` rows. What a list does not say stays None.

Shapes read: OpenAI, Anthropic, OpenRouter, Vercel, Together (a bare array), DeepInfra, Requesty, Groq, LiteLLM
`/v1/model/info`, Gemini's own list, new-api (list and `/api/pricing` with its ratios), and flat price fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from lib.cards import ListedModel
from lib.dialects import price_text
from lib.dialects.faults import error_from_response, error_from_value, find_fault, looks_like_html
from lib.dialects.list_prices import prices_of
from lib.dialects.loose import items, table, text
from lib.errors import GatewayError

_ROW_NAMES: Final = ("data", "models", "result", "items")
_ID_NAMES: Final = ("id", "model_name", "model", "name", "slug")
_CONTEXT: Final = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_context",
    "max_context_tokens",
    "context_size",
    "context_window_size",
    "context",
    "max_input_tokens",
    "inputTokenLimit",
    "max_model_len",
    "n_ctx",
)
_MAX_OUTPUT: Final = (
    "max_output_tokens",
    "max_completion_tokens",
    "outputTokenLimit",
    "max_output",
    "max_tokens",
)
_SIZE: Final = re.compile(r"\s*([\d.,_]+)\s*([kKmM])?\w*\s*\Z")
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f]")
_MAX_ID: Final = 256


def read_model_list(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> list[ListedModel]:
    """The models in an answer, in its order, the first of duplicates.

    Raises GatewayError when the answer is an error (also one inside a 200), HTML, or nothing that holds a list.
    """
    if status != 200 or looks_like_html(body) or not body.strip():
        raise error_from_response(status, headers or {}, body)
    answer = _parsed(body)
    rows = _rows(answer)
    error = error_from_value(answer, "body") if rows is None or not rows else None
    if error is not None:
        raise error
    if rows is None:
        raise _no_list(answer)
    found: dict[str, ListedModel] = {}
    for row in rows:
        model = _model(row, table(answer))
        if model is not None:
            found.setdefault(model.id, model)
    return list(found.values())


def as_plain(model: ListedModel) -> dict[str, Any]:
    """A model as plain values, prices per 1M tokens: the form that the command line prints."""
    return {
        "id": model.id,
        "input_per_m": _per_million(model.prices.input),
        "output_per_m": _per_million(model.prices.output),
        "cache_read_per_m": _per_million(model.prices.cache_read),
        "context": model.context,
        "max_output": model.max_output,
        "owned_by": model.owned_by,
        "image": model.image,
        "video": model.video,
    }


def _per_million(pico: int | None) -> int | float | None:
    """Pico-units per token are micro-units per million tokens."""
    if pico is None:
        return None
    return pico // 10**6 if pico % 10**6 == 0 else float(Decimal(pico).scaleb(-6))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise GatewayError("not_json", "the model list is not JSON", where="body", status=200) from error


def _rows(answer: Any) -> list[Any] | None:
    if isinstance(answer, list):
        return answer
    for name in _ROW_NAMES:
        rows = table(answer).get(name)
        if isinstance(rows, list):
            return rows
        if isinstance(rows, dict) and isinstance(rows.get("data", rows.get("models")), list):
            return items(rows.get("data", rows.get("models")))
    return None


def _no_list(answer: Any) -> GatewayError:
    if find_fault(answer) is not None:
        error = error_from_value(answer, "body", named=True)
        if error is not None:
            return error
    return GatewayError("empty", "the answer holds no model list", where="body", status=200, retryable=True)


def _model(row: Any, answer: dict[str, Any]) -> ListedModel | None:
    fields = {"id": row} if isinstance(row, str) else table(row)
    name = _id(fields)
    if name is None:
        return None
    info, metadata = table(fields.get("model_info")), table(fields.get("metadata"))
    top = table(fields.get("top_provider"))
    image, video = _senses(fields, info, metadata)
    return ListedModel(
        id=name,
        prices=prices_of(fields, info, metadata, answer),
        context=_size_in((fields, info, metadata, top), _CONTEXT),
        max_output=_size_in((top,), ("max_completion_tokens",)) or _size_in((fields, info, metadata), _MAX_OUTPUT),
        owned_by=_owner(fields, info),
        image=image,
        video=video,
    )


def _id(fields: dict[str, Any]) -> str | None:
    for name in _ID_NAMES:
        value = _UNSEEN.sub("", text(fields.get(name))).strip().removeprefix("models/")
        if value:
            return value if len(value) <= _MAX_ID else None
    return None


def _owner(fields: dict[str, Any], info: dict[str, Any]) -> str | None:
    for value in (fields.get("owned_by"), fields.get("organization"), info.get("litellm_provider")):
        if text(value).strip():
            return text(value).strip()[:_MAX_ID]
    return None


def _size_in(places: tuple[dict[str, Any], ...], names: tuple[str, ...]) -> int | None:
    """The first positive size under one of `names`; a name counts in all places before the next name does."""
    sizes = (_size(place.get(name)) for name in names for place in places)
    return next((size for size in sizes if size), None)


def _size(value: Any) -> int | None:
    """A number of tokens; `128K` and `1M` are read as thousands and millions."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    match = _SIZE.match(str(value)[:40])
    number = price_text.amount(match.group(1).replace("_", "")) if match else None
    if match is None or number is None:
        return None
    unit = {"k": 10**3, "m": 10**6}.get((match.group(2) or "").lower(), 1)
    return int(number * unit) or None


def _senses(fields: dict[str, Any], info: dict[str, Any], metadata: dict[str, Any]) -> tuple[bool | None, bool | None]:
    """`(image, video)` input: what a list of modalities says, else single marks, else unknown."""
    architecture = table(fields.get("architecture"))
    for listed in (
        architecture.get("input_modalities"),
        fields.get("input_modalities"),
        table(fields.get("modalities")).get("input"),
        info.get("input_modalities"),
    ):
        if isinstance(listed, list) and listed:
            known = {text(word).lower() for word in listed}
            return "image" in known, "video" in known
    tags = {text(tag).lower() for place in (fields, metadata) for tag in items(place.get("tags"))}
    inputs = table(fields.get("capabilities"))
    image = _mark(fields, info, "supports_vision", table(inputs.get("image_input")).get("supported"))
    video = _mark(fields, info, "supports_video_input", table(inputs.get("video_input")).get("supported"))
    return (True if "vision" in tags else image), (True if "video" in tags else video)


def _mark(fields: dict[str, Any], info: dict[str, Any], name: str, capability: Any) -> bool | None:
    for value in (fields.get(name), info.get(name), capability):
        if isinstance(value, bool):
            return value
    return None
