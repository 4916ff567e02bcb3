"""Token usage as gateways spell it, read into `lib.tokens.Usage`.

Names: OpenAI `CompletionUsage`, Anthropic `Usage`, DeepSeek and Moonshot cache fields, OpenRouter `cost`.
Missing and null stay None; a reported 0 is 0. Nothing here adds one report to another: usage in a stream is cumulative.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from msgspec import structs

from lib.dialects.loose import count, table
from lib.tokens import Usage

_INPUT: Final = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count")
_OUTPUT: Final = ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count")
_IN_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details")
_OUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details")
_CACHED: Final = ("cached_tokens", "cache_read_input_tokens", "cache_read_tokens", "prompt_cache_hit_tokens")
_WRITTEN: Final = ("cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens")
_REASONING: Final = ("reasoning_tokens", "thinking_tokens")
_COST: Final = ("cost", "response_cost", "total_cost")


def openai_usage(raw: dict[str, Any]) -> Usage | None:
    """The usage of a Chat Completions answer, or None when it holds no figure.

    `prompt_tokens` includes cached tokens; where the figures prove otherwise (cached > prompt, or the total) they are
    added and the anomaly is kept. Anthropic's field names are read with Anthropic's meaning.
    """
    if _is_anthropic(raw):
        return anthropic_usage(raw)
    usage = Usage(
        input=_first(raw, _INPUT),
        output=_first(raw, _OUTPUT),
        total=_first(raw, ("total_tokens", "totalTokenCount")),
        cached_input=_within(raw, _IN_DETAILS, _CACHED),
        cache_write=_within(raw, _IN_DETAILS, _WRITTEN),
        reasoning=_within(raw, _OUT_DETAILS, _REASONING),
    )
    return _priced(_reconciled(usage), raw) if usage.known or usage.total is not None else None


def anthropic_usage(raw: dict[str, Any]) -> Usage | None:
    """The usage of a Messages answer: the whole input is `input_tokens` + cache creation + cache read."""
    fresh, output = _first(raw, _INPUT), _first(raw, _OUTPUT)
    read, written = _first(raw, _CACHED), _first(raw, _WRITTEN)
    if fresh is None and output is None and read is None and written is None:
        return None
    whole = None if fresh is None and read is None and written is None else (fresh or 0) + (read or 0) + (written or 0)
    usage = Usage(
        input=whole,
        output=output,
        total=None if whole is None or output is None else whole + output,
        cached_input=read,
        cache_write=written,
        cache_write_1h=count(table(raw.get("cache_creation")).get("ephemeral_1h_input_tokens")),
        reasoning=_within(raw, _OUT_DETAILS, _REASONING),
        semantic="anthropic_excl",
    )
    return _priced(usage, raw)


def largest(known: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Each figure of two cumulative reports at its maximum: relays send 0 first and the truth later, or the reverse."""
    merged = dict(known)
    for name, value in new.items():
        if isinstance(value, dict):
            merged[name] = largest(table(known.get(name)), value)
        elif (figure := count(value)) is not None:
            merged[name] = max(figure, count(known.get(name)) or 0)
        elif name in _COST and value is not None:
            merged[name] = value
    return merged


def _is_anthropic(raw: dict[str, Any]) -> bool:
    names = ("cache_read_input_tokens", "cache_creation_input_tokens")
    return "prompt_tokens" not in raw and "input_tokens" in raw and any(count(raw.get(name)) for name in names)


def _first(raw: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next((figure for name in names if (figure := count(raw.get(name))) is not None), None)


def _within(raw: dict[str, Any], details: tuple[str, ...], names: tuple[str, ...]) -> int | None:
    """The first figure in one of the detail objects, else beside them."""
    for detail in details:
        if (figure := _first(table(raw.get(detail)), names)) is not None:
            return figure
    return _first(raw, names)


def _reconciled(usage: Usage) -> Usage:
    """Figures that contradict each other, put right where the total or simple logic tells how; the anomaly is named."""
    whole, output, total = usage.input, usage.output, usage.total
    if whole is None or output is None:
        return usage
    cached, reasoning = usage.cached_input or 0, usage.reasoning or 0
    anomaly, semantic = None, usage.semantic
    if cached > whole or (cached and total == whole + cached + (usage.cache_write or 0) + output):
        anomaly, semantic = "cached_outside_input", "ambiguous"
        whole += cached + (usage.cache_write or 0)
    elif reasoning and (reasoning > output or total == whole + output + reasoning):
        anomaly = "reasoning_outside_output"
        output += reasoning
    elif total is not None and total != whole + output:
        anomaly = "total_differs"
    total = whole + output if total is None else total
    return structs.replace(usage, input=whole, output=output, total=total, anomaly=anomaly, semantic=semantic)


def _priced(usage: Usage, raw: dict[str, Any]) -> Usage:
    cost = next((cost for name in _COST if (cost := _decimal(raw.get(name))) is not None), None)
    if cost is None:
        return usage
    currency = raw.get("currency")
    known = isinstance(currency, str) and currency.isalpha() and len(currency) == 3
    return structs.replace(usage, cost=cost, currency=str(currency).upper() if known else None)


def _decimal(value: Any) -> str | None:
    """A charge as plain decimal text; None for what is no amount. (`repr` of a float is the text that was sent.)"""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(value.strip() if isinstance(value, str) else repr(value))
    except InvalidOperation:
        return None
    sane = amount.is_finite() and amount >= 0 and -30 < amount.adjusted() < 12
    return format(amount, "f") if sane else None
