"""Errors in every shape that gateways answer with, and what is read from their headers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.dialects.faults import MAX_MESSAGE, error_from_response, error_from_value

DATE = "Fri, 20 Nov 2026 12:00:00 GMT"


def kind(status: int, body: Any = b"", **headers: str) -> str:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_response(status, headers, data).kind


def openai(message: str = "m", code: Any = None, type: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "expected", "retryable"),
    [
        (301, "redirect", False),
        (400, "bad_request", False),
        (401, "auth", False),
        (402, "quota", False),
        (403, "permission", False),
        (404, "not_found", False),
        (408, "timeout", True),
        (413, "too_large", False),
        (418, "bad_request", False),
        (422, "bad_request", False),
        (429, "rate_limit", True),
        (500, "server", True),
        (501, "server", False),
        (502, "server", True),
        (503, "overloaded", True),
        (504, "timeout", True),
        (524, "timeout", True),
        (529, "overloaded", True),
        (999, "server", True),
    ],
)
def test_a_status_without_words_speaks_for_itself(status: int, expected: str, retryable: bool) -> None:
    for body in (b"", b"{}", b"<html><head><title>nginx</title></head></html>", b"no"):
        error = error_from_response(status, {}, body)
        assert (error.kind, error.retryable, error.status, error.where) == (expected, retryable, status, "http")
        assert error.message


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, openai("You exceeded your current quota", "insufficient_quota"), "quota"),
        (429, openai("Your credit balance is too low"), "quota"),
        (429, openai("当前分组上游负载已饱和，请稍后再试", type="one_api_error"), "rate_limit"),
        (403, openai("用户额度不足", "insufficient_user_quota", "new_api_error"), "quota"),
        (403, openai("该令牌额度已用尽", type="new_api_error"), "quota"),
        (401, openai("无效的令牌"), "auth"),
        (401, openai("该令牌额度已用尽 TokenStatusExhausted", "invalid_token"), "quota"),
        (400, openai("API key not valid. Please pass a valid API key.", 400), "auth"),
        (503, openai("无可用渠道", "model_not_found", "new_api_error"), "no_channel"),
        (503, openai("The model x", "model_not_found"), "no_channel"),
        (404, openai("The model `x` does not exist", "model_not_found"), "not_found"),
        (400, openai("The model `x` does not exist"), "not_found"),
        (400, openai("This model's maximum context length is 8 tokens."), "context_length"),
        (
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}},
            "context_length",
        ),
        (400, openai("x", "context_length_exceeded"), "context_length"),
        (413, {"type": "error", "error": {"type": "request_too_large", "message": "x"}}, "too_large"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        (402, {"type": "error", "error": {"type": "billing_error", "message": "x"}}, "quota"),
        (504, {"type": "error", "error": {"type": "timeout_error", "message": "x"}}, "timeout"),
        (500, {"type": "error", "error": {"type": "api_error", "message": "x"}}, "server"),
        (400, openai("Unsupported parameter", "unsupported_parameter", "invalid_request_error"), "bad_request"),
        (400, openai("`max_tokens` is too large", "integer_above_max_value"), "bad_request"),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"}]}, "bad_request"),
        (400, [{"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT"}}], "bad_request"),
        (500, openai("rate limit reached", type="server_error"), "server"),
    ],
)
def test_words_refine_what_the_status_says(status: int, body: Any, expected: str) -> None:
    assert kind(status, body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "plain"}, "plain"),
        ({"error": {"message": "a"}}, "a"),
        ({"error": {"error": {"message": "b"}}}, "b"),
        ({"error": True, "message": "c"}, "c"),
        ({"detail": "d"}, "d"),
        ({"detail": {"error": "e"}}, "e"),
        ({"detail": [{"loc": ["body", 0], "msg": "f"}, {"msg": "g"}]}, "body.0: f; g"),
        ({"success": False, "message": "h"}, "h"),
        ({"message": "i"}, "i"),
        ({"code": 7, "msg": "j"}, "j"),
        ({"errors": [{"message": "k"}]}, "k"),
        ([{"error": {"message": "l"}}], "l"),
        ({"error": {"message": '{"error":{"message":"m"}}'}}, "m"),
        ({"error": {"message": '400 {"type":"error","error":{"type":"x","message":"n"}}'}}, "n"),
        ({"error": json.dumps({"error": json.dumps({"message": "o"})})}, "o"),
        ({"error": {"message": "p {not json}"}}, "p {not json}"),
        ({"error": {"message": "q", "metadata": {"raw": "r"}}}, "q – r"),
    ],
)
def test_the_message_is_found_in_every_shape(body: Any, message: str) -> None:
    assert error_from_response(500, {}, json.dumps(body).encode()).message == message


def test_plain_text_and_event_streams_carry_messages_too() -> None:
    assert error_from_response(500, {}, b"upstream connect error").message == "upstream connect error"
    stream = b'event: error\r\ndata: {"error":{"message":"no","code":"insufficient_quota"}}\r\n\r\n'
    error = error_from_response(400, {}, stream)
    assert (error.message, error.kind) == ("no", "quota")


def test_html_is_told_by_its_title_and_never_shown() -> None:
    error = error_from_response(502, {}, b"\xef\xbb\xbf <html><title>\n 502 &amp; out </title><body>x</body>")
    assert error.message == "502 & out"
    assert error_from_response(502, {}, b"<p>x</p>").message == "HTTP 502 Bad Gateway"
    assert error_from_response(200, {}, b"<!doctype html><title>New API</title>").kind == "not_json"


def test_code_type_and_param_are_kept_as_text() -> None:
    error = error_from_response(400, {}, b'{"error":{"message":"m","type":"t","param":"p","code":42}}')
    assert (error.code, error.type, error.param) == ("42", "t", "p")


def test_long_and_ugly_messages_are_bounded_to_one_line() -> None:
    error = error_from_response(500, {}, json.dumps({"error": "a\n\x00b\x1b[31m" + "x" * 10_000}).encode())
    assert error.message.startswith("a b [31mxxx")
    assert len(error.message) == MAX_MESSAGE
    assert len(error_from_response(500, {}, b"y" * 3_000_000).message) == MAX_MESSAGE


def test_the_request_id_is_found_in_headers_body_or_message() -> None:
    body = b'{"error":{"message":"no (request id: 2026abc)"},"request_id":"req_b"}'
    assert error_from_response(500, {"X-Request-Id": "req_h"}, body).request_id == "req_h"
    assert error_from_response(500, {"request-id": "req_h"}, b"").request_id == "req_h"
    assert error_from_response(500, {"x-oneapi-request-id": "req_h"}, b"").request_id == "req_h"
    assert error_from_response(500, {}, b'{"error":{"message":"no"},"request_id":"req_b"}').request_id == "req_b"
    assert error_from_response(500, {}, b'{"error":{"message":"no (request id: 2026abc)"}}').request_id == "2026abc"
    assert error_from_response(500, {}, b"{}").request_id is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"Retry-After": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "3600"}, 3600.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT", "date": DATE}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 -0000", "date": DATE}, 30.0),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert error_from_response(429, headers, b"").retry_after_s == seconds


def test_a_gateway_may_say_itself_whether_to_retry() -> None:
    assert not error_from_response(500, {"x-should-retry": "false"}, b"").retryable
    assert error_from_response(400, {"x-should-retry": "true"}, b"").retryable


def test_a_redirect_names_where_to() -> None:
    error = error_from_response(308, {"Location": "https://x.example/v1"}, b"<html>moved</html>")
    assert (error.kind, "https://x.example/v1" in error.message) == ("redirect", True)


def test_inside_a_200_the_words_decide() -> None:
    def found(value: Any, named: bool = False) -> str | None:
        error = error_from_value(value, "stream", named)
        return error.kind if error else None

    assert found({"error": {"message": "m", "code": 502}}) == "server"
    assert found({"error": {"message": "m", "code": "504"}}) == "timeout"
    assert found({"error": {"message": "m", "code": 429}}) == "rate_limit"
    assert found({"error": {"message": "m", "type": "invalid_request_error"}}) == "bad_request"
    assert found({"error": {"message": "m"}}) == "server"
    assert found({"message": "Overloaded"}, named=True) == "overloaded"
    assert found({"message": "no claim"}) is None
    assert found({"choices": [], "error": None}) is None
