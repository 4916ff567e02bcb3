"""Which column of a bill holds what, and whose bill it is, told from the headings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lib.bills.line import BillForm, Column

_NAMES: dict[Column, tuple[str, ...]] = {
    "id": ("generation_id", "request_id", "response_id", "id", "请求id"),
    "id_too": ("response_id", "upstream_id", "request_id"),
    "time": ("created_at", "timestamp", "time", "date", "datetime", "created", "start_time", "zeit", "datum", "时间"),
    "model": ("model_permaslug", "model_name", "model", "model_id", "modell", "模型", "模型名称"),
    "tokens_in": ("tokens_prompt", "prompt_tokens", "input_tokens", "prompt", "input", "tokens_in", "提示", "输入"),
    "tokens_out": (
        "tokens_completion",
        "completion_tokens",
        "output_tokens",
        "completion",
        "output",
        "tokens_out",
        "补全",
        "输出",
    ),
    "tokens_cached": ("tokens_cached", "cached_tokens", "cache_read_tokens", "cached_input_tokens", "缓存"),
    "amount": (
        "cost_total",
        "quota",
        "cost",
        "amount",
        "total_cost",
        "charge",
        "price",
        "usage",
        "spend",
        "花费",
        "额度",
        "betrag",
    ),
    "currency": ("currency", "währung", "币种"),
    "kind": ("type", "kind", "类型"),
}
_MARKS = re.compile(r"[\s\-./]+")
_BRACKETS = re.compile(r"[(\[（].*?[)\]）]")
_AGGREGATED = frozenset({"requests", "request_count", "num_requests", "请求数"})


def plain(heading: str) -> str:
    """ "Prompt tokens (k)" as "prompt_tokens"."""
    return _MARKS.sub("_", _BRACKETS.sub("", heading).strip().lower()).strip("_")


def columns_of(headings: Sequence[str]) -> dict[Column, int]:
    """Where each field stands, the more telling names first; a column is used once."""
    names = [plain(heading) for heading in headings]
    found: dict[Column, int] = {}
    for column, known in _NAMES.items():
        at = next((names.index(name) for name in known if name in names), None)
        if at is not None and at not in found.values():
            found[column] = at
    return found


def form_of(headings: Sequence[str]) -> BillForm:
    """Whose export has these headings; "mapped" when it is no known one."""
    names = {plain(heading) for heading in headings}
    if {"generation_id", "cost_total"} <= names:
        return "openrouter"
    if "quota" in names and names & {"model_name", "prompt_tokens", "token_name"}:
        return "new-api"
    return "mapped"


def is_aggregated(headings: Sequence[str]) -> bool:
    """The table has a column that counts requests, so a line is not one request."""
    return bool(_AGGREGATED & {plain(heading) for heading in headings})
