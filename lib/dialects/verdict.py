"""A gathered answer in plain words: the one form that tests and the command line compare and print."""

from __future__ import annotations

from typing import Any

from lib.errors import GatewayError
from lib.events import Gathered, ToolCall
from lib.tokens import Usage


def outcome(gathered: Gathered) -> dict[str, Any]:
    """`text, reasoning, refusal, tool_calls, finish_reason, raw_finish_reason, usage, complete, error`.

    Token counts are the gateway's; a subset (cached, written, reasoning) that it did not report shows as 0 beside
    figures that it did.
    """
    finish = gathered.finish
    return {
        "text": gathered.text,
        "reasoning": gathered.reasoning,
        "refusal": gathered.refusal,
        "tool_calls": [_call(call) for call in gathered.tool_calls],
        "finish_reason": finish.reason if finish else None,
        "raw_finish_reason": finish.raw if finish else None,
        "usage": _usage(gathered.usage),
        "complete": gathered.complete,
        "error": error_as_plain(gathered.error) if gathered.error else None,
    }


def error_as_plain(error: GatewayError) -> dict[str, Any]:
    """A gateway's error as a dictionary of its facts."""
    return {
        "kind": error.kind,
        "message": error.message,
        "status": error.status,
        "retryable": error.retryable,
        "where": error.where,
        "code": error.code,
        "type": error.type,
        "retry_after_s": error.retry_after_s,
        "request_id": error.request_id,
    }


def _call(call: ToolCall) -> dict[str, Any]:
    plain = {"id": call.id, "name": call.name, "arguments": call.arguments}
    return plain if call.thought_signature is None else {**plain, "thought_signature": call.thought_signature}


def _usage(usage: Usage | None) -> dict[str, int | None] | None:
    if usage is None:
        return None
    return {
        "input": usage.input,
        "output": usage.output,
        "total": usage.total,
        "cached_input": usage.cached_input or 0,
        "cache_write": usage.cache_write or 0,
        "reasoning": usage.reasoning or 0,
    }
