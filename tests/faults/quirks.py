"""What gateways in the field do differently: every quirk that concerns an answer, and what must come of it.

Sources: the WHATWG HTML standard (event streams), the API references of OpenAI and Anthropic, and the public issue
trackers of relays and clients. Quirks of requests, of buffering proxies and of answers that nobody asked to stream
have no place here; what a quirk shares with a fault (a redirect, a cut, a wait) is in `faults.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.faults.faults import cut_short
from tests.faults.speech import ANTHROPIC, HALF, N_IN, N_OUT, OPENAI, REST, WHOLE, Speech, packed, sse
from tests.faults.table import Doing, Expected, Fault, fine, no, only
from tests.faults.ways import (
    BUSY,
    PAGE,
    SOON,
    bare,
    drips,
    first_fails,
    in_chunks,
    labelled,
    page,
    refuses,
    relined,
    resets_later,
    sends,
    stalls,
)
from tests.gateway.raw_server import Behaviour, Line, Request, answers

NO_CHANNEL = "当前分组 default 下对于模型 x 无可用渠道"
THOUGHT = "First, think."
ARGUMENTS = '{"place": "Sydney"}'
CALL = (("weather", ARGUMENTS),)


def answer_with(more: Callable[[Speech], bytes]) -> Doing:
    """A whole answer with something odd in the middle of it."""
    return sends(lambda say: say.begun + more(say) + say.text(REST) + say.end())


def openai(*chunks: bytes, source: str = "reported", end: bool = True, **expected: Any) -> Fault:
    """A quirk of the OpenAI dialect alone, answered whole."""
    body = OPENAI.opening + b"".join(chunks) + (OPENAI.end() if end else b"")
    return only("openai", sends(lambda say: body), fine(**{"source": source, **expected}))


def anthropic(body: bytes, **expected: Any) -> Fault:
    return only("anthropic", sends(lambda say: body), fine(**expected))


def unlabelled(say: Speech) -> bytes:
    """Without `event:` lines."""
    return b"".join(line for line in say.answer.splitlines(keepends=True) if not line.startswith(b"event:"))


def glued(say: Speech) -> bytes:
    """No blank line between the two pieces of text."""
    return say.opening + say.text(HALF).rstrip() + b"\n" + say.text(REST) + say.end()


def halves(body: bytes, at: int) -> tuple[bytes, bytes]:
    return body[:at], body[at:]


def lines_of_json(say: Speech) -> bytes:
    """Newline-delimited JSON instead of an event stream."""
    lines = (line.removeprefix(b"data: ") for line in say.answer.split(b"\n") if line.startswith(b"data: {"))
    return b"".join(line + b"\n" for line in lines)


def in_other_events(say: Speech) -> bytes:
    return (
        sse({"documents": [1]}, "rag") + sse({"step": 2}, "progress") + b": ok\n\nevent: ping\n\ndata:\n\nid: 1\n\n\n"
    )


def then_hangs_up(say: Speech) -> Behaviour:
    """Answers on a connection that may be kept, and closes it afterwards without a word."""
    whole = answers(200, say.answer, kind="text/event-stream")

    def behave(line: Line, request: Request) -> None:
        whole(line, request)
        line.close()

    return behave


def stream_error(value: object, name: str = "") -> Doing:
    body = packed(value) if not isinstance(value, str) else json.dumps(value).encode()
    return sends(lambda say: say.begun + sse(body, name))


def tool(index: object, arguments: object, **more: object) -> bytes:
    """One fragment of a call; whatever is None is left out."""
    function = {
        key: value for key, value in (("name", more.pop("name", None)), ("arguments", arguments)) if value is not None
    }
    call = {"index": index, "type": "function", "function": function, **more}
    return OPENAI.chunk({"tool_calls": [{key: value for key, value in call.items() if value is not None}]})


def called(*chunks: bytes, calls: tuple[tuple[str, str], ...] = CALL, finish: str = "tool_calls") -> Fault:
    body = OPENAI.opening + b"".join(chunks) + OPENAI.end(finish)
    return only("openai", sends(lambda say: body), fine("", calls=calls))


FRAMING: dict[str, Fault] = {
    "q01-no-space": Fault(sends(lambda say: say.answer.replace(b"data: ", b"data:").replace(b"event: ", b"event:")), fine()),
    "q02-crlf-in-two-reads": Fault(in_chunks(lambda say: [part for event in relined(b"\r\n")(say).split(b"\n") for part in (event, b"\n")][:-1]), fine()),
    "q03-bom": Fault(sends(lambda say: b"\xef\xbb\xbf" + unlabelled(say)), fine()),
    "q04-comments": Fault(answer_with(lambda say: b": OPENROUTER PROCESSING\n\n" * 3), fine()),
    "q05-comments-as-data": Fault(answer_with(lambda say: b"data: : OPENROUTER PROCESSING\n\n" * 3), fine()),
    "q07-cut-in-a-character": Fault(in_chunks(lambda say: halves(say.answer, say.answer.index(b"\x9c"))), fine()),
    "q08-empty-events": Fault(answer_with(in_other_events), fine()),
    "q09-done-missing": Fault(sends(lambda say: say.opening + say.events() + say.finish()), fine()),
    "q10-nothing-at-the-end": cut_short(sends(lambda say: say.begun + say.text(REST)), text=WHOLE),
    "q11-after-the-end": Fault(sends(lambda say: say.answer + say.mark + say.text("ghost")), fine()),
    "q12-no-last-newline": Fault(sends(lambda say: say.answer.rstrip()), fine()),
    "q12-finish-without-newline": Fault(sends(lambda say: (say.opening + say.events() + say.finish()).rstrip()), fine()),
    "q13-no-blank-line": Fault(sends(glued), fine()),
    "q15-plain-text": Fault(labelled("text/plain"), fine()),
    "q15-octets": Fault(labelled("application/octet-stream"), fine()),
    "q15-html": Fault(labelled("text/html"), fine()),
    "q15-json": Fault(labelled("application/json"), fine()),
    "q15-nothing": Fault(labelled(None), fine()),
    "q16-one-bad-byte": Fault(sends(lambda say: say.opening + say.raw_text(b'"a\xffb"') * 5 + say.end()), fine("a\ufffdb" * 5)),
    "q17-halves-of-a-character": Fault(sends(lambda say: say.opening + say.raw_text(b'"a\\ud83d"') + say.raw_text(b'"\\ude00b"') + say.end()), fine("a😀b")),
    "q18-json-lines": Fault(labelled("application/x-ndjson", lines_of_json), fine()),
    "q20-one-malformed": Fault(answer_with(lambda say: b'data: {"broken\n\n'), fine()),
    "q21-foreign-events": Fault(answer_with(lambda say: sse({"documents": [1]}, "rag") + sse([1]) + sse({"step": 1})), fine()),
}  # fmt: skip

_U = OPENAI.usage()
_H, _R = OPENAI.text(HALF), OPENAI.text(REST)

PAYLOAD: dict[str, Fault] = {
    "q22-no-choices-first": openai(OPENAI.of([], prompt_filter_results=[]), _H, _R, text=WHOLE),
    "q23-choices-null": openai(OPENAI.of(None), sse({"id": "c-1", "object": "chat.completion.chunk"}), _H, _R, text=WHOLE),
    "q24-delta-null": openai(OPENAI.chunk(None), _H, OPENAI.of([{"index": 0}]), _R, text=WHOLE),
    "q25-nulls-everywhere": openai(
        *(OPENAI.of([{"index": 0, "delta": {"content": piece, "tool_calls": None, "refusal": None}, "finish_reason": ""}]) for piece in (None, HALF, None, REST)),
        text=WHOLE,
    ),
    "q26-role-in-every-chunk": openai(*(OPENAI.chunk({"role": "assistant", "content": piece}) for piece in (HALF, REST)), text=WHOLE),
    "q27-finish-with-text": openai(_H, OPENAI.chunk({"content": REST}, "stop"), OPENAI.of([], usage=_U), OPENAI.mark, end=False, text=WHOLE),
    "q28-finish-twice": openai(_H, _R, OPENAI.finish(usage=False), OPENAI.chunk({}, "stop", usage=_U), OPENAI.mark, end=False, text=WHOLE),
    "q29-usage-in-every-chunk": openai(
        *(OPENAI.chunk({"content": piece}, usage={**_U, "completion_tokens": n}) for n, piece in ((1, HALF), (3, REST))), text=WHOLE
    ),
    "q30-usage-in-the-choice": openai(
        _H, _R, OPENAI.of([{"index": 0, "delta": {}, "finish_reason": "stop", "usage": _U}]), OPENAI.mark, end=False, text=WHOLE
    ),
    "q31-usage-null": openai(
        _H, _R, OPENAI.finish(usage=False), OPENAI.of([], usage=dict.fromkeys(_U)), OPENAI.mark, end=False, text=WHOLE, source="estimated"
    ),
    "q31-usage-in-words": openai(
        _H, _R, OPENAI.finish(usage=False), OPENAI.of([], usage={name: str(n) for name, n in _U.items()}), OPENAI.mark, end=False, text=WHOLE
    ),
    "q31-usage-of-the-other": openai(
        _H, _R, OPENAI.finish(usage=False), OPENAI.of([], usage={"input_tokens": N_IN, "output_tokens": N_OUT}), OPENAI.mark, end=False, text=WHOLE
    ),
    "q32-message-at-the-end": openai(
        OPENAI.of([{"index": 0, "message": {"content": WHOLE}, "finish_reason": "stop"}], usage=_U), OPENAI.mark, end=False, text=WHOLE
    ),
    "q32-message-after-all": openai(
        _H, _R, OPENAI.of([{"index": 0, "message": {"content": WHOLE}, "finish_reason": "stop"}], usage=_U), OPENAI.mark, end=False, text=WHOLE
    ),
    "q33-the-same-again": Fault(sends(lambda say: say.opening + say.events(["ha", "ha", "haha"]) + say.end()), fine("hahahaha")),
    "q34-error-first": Fault(
        first_fails(sends(lambda say: sse(say.error(*BUSY)))), Expected("done", WHOLE, None, ("refused", "ok:reported"))
    ),
    "q34-error-first-final": Fault(sends(lambda say: sse(say.error("invalid_api_key", "no"))), no("auth")),
    "q34-error-midway": cut_short(sends(lambda say: say.begun + sse({"error": {"message": "gone", "code": 502}})), "server"),
    "q35-bare-error-event": cut_short(stream_error({"message": "Overloaded", "type": "overloaded_error"}, "error"), "overloaded"),
    "q36-error-as-text": cut_short(stream_error({"error": "upstream rate limit"}), "rate_limit"),
    "q36-error-in-a-text": cut_short(
        stream_error({"error": {"message": '500 {"error":{"message":"Overloaded","type":"overloaded_error"}}'}}), "overloaded"
    ),
    "q36-detail": Fault(bare(400, '{"detail":"bad field"}'), no("bad_request")),
    "q36-no-success": Fault(bare(200, '{"success":false,"message":"令牌无效"}'), no("auth")),
    "q36-message": Fault(bare(401, '{"message":"No"}'), no("auth")),
    "q36-msg": Fault(bare(429, '{"code":1302,"msg":"请求过于频繁"}'), no("rate_limit", 2)),
    "q37-error-in-200": Fault(lambda say: answers(200, packed(say.error("permission_error", "no"))), no("permission")),
    "q37-choices-null": only("openai", bare(200, '{"id":"c","choices":null,"error":{"message":"insufficient balance"}}'), no("quota")),
    "q38-dashboard": Fault(labelled("text/event-stream", lambda say: PAGE.encode()), no("not_json", outcome="unknown")),
    "q39-page-524": Fault(page(524), no("timeout", outcome="unknown")),
    "q39-page-502": Fault(page(502), no("server", outcome="unknown")),
    "q40-one-document": Fault(labelled("application/json", lambda say: say.whole), fine()),
    "q42-document-and-done": Fault(labelled("text/event-stream", lambda say: say.whole + b"\ndata: [DONE]\n\n"), fine()),
    "q42-document-as-event": Fault(labelled("text/event-stream", lambda say: b"data: " + say.whole + b"\n\ndata: [DONE]\n\n"), fine()),
    "q43-blank-lines-first": Fault(labelled("application/json", lambda say: b"\n \n\n" + say.whole), fine()),
    "q44-no-choice": only("openai", bare(200, '{"id":"c","object":"chat.completion","choices":[]}'), no("empty", outcome="unknown")),
    "q44-no-content": only("anthropic", bare(200, '{"type":"message","content":null}'), no("empty", outcome="unknown")),
    "q45-calls-without-index": called(
        tool(None, ARGUMENTS, id="a", name="weather"), tool(None, "{}", id="b", name="clock"), calls=(*CALL, ("clock", "{}")), finish="stop"
    ),
    "q46-fragments-without-index": called(tool(None, ARGUMENTS[:5], id="a", name="weather"), tool(None, ARGUMENTS[5:], id="")),
    "q47-id-in-every-fragment": called(*(tool(0, part, id="a", name="weather") for part in (ARGUMENTS[:5], ARGUMENTS[5:]))),
    "q48-same-index-new-id": called(
        tool(0, ARGUMENTS, id="a", name="weather"), tool(0, "{}", id="b", name="clock"), calls=(*CALL, ("clock", "{}"))
    ),
    "q49-arguments-as-object": called(tool(0, {"place": "Sydney"}, name="weather"), calls=(("weather", '{"place":"Sydney"}'),)),
    "q49-no-arguments": called(tool(0, "", name="clock"), calls=(("clock", "{}"),)),
    "q50-signature": called(tool(0, ARGUMENTS, id="a", name="weather", extra_content={"google": {"thought_signature": "s"}})),
    "q51-reasoning-under-three-names": openai(
        OPENAI.chunk({"reasoning_content": THOUGHT, "reasoning": THOUGHT, "reasoning_details": [{"text": THOUGHT}]}), _H, _R, text=WHOLE, reasoning=THOUGHT
    ),
    "q51-reasoning-changes-its-name": openai(
        OPENAI.chunk({"reasoning": "First, "}), OPENAI.chunk({"reasoning_content": "think."}), _H, _R, text=WHOLE, reasoning=THOUGHT
    ),
    "q52-think-tags": openai(*(OPENAI.text(part) for part in ("<th", "ink>First, ", "think.</thi", "nk>", HALF, REST)), text=WHOLE, reasoning=THOUGHT),
    "q52-think-never-closed": openai(OPENAI.text("<think>First, "), OPENAI.text("think."), text="", reasoning=THOUGHT),
    "q52-think-in-prose": openai(OPENAI.text("Write <think>x</think> so."), text="Write <think>x</think> so."),
    **{
        f"q53-finish-{word.lower()}": Fault(sends(lambda say, word=word: say.opening + say.events() + say.end(word)), fine())  # type: ignore[misc]
        for word in ("eos", "end_turn", "STOP", "max_tokens", "MAX_TOKENS", "SAFETY", "unheard_of")
    },
    "q54-no-channel": Fault(
        lambda say: answers(503, packed(say.error("new_api_error", NO_CHANNEL, code="model_not_found")), retry_after_ms="10"), no("no_channel", 3)
    ),
    "q55-429-in-chinese": Fault(refuses(429, "one_api_error", "当前分组上游负载已饱和，请稍后再试", **SOON), no("rate_limit", 3)),
    "q55-403-quota": Fault(refuses(403, "one_api_error", "用户额度不足", code="insufficient_user_quota"), no("quota")),
}  # fmt: skip

_TOOL_START = {"type": "tool_use", "id": "t", "name": "weather", "input": json.loads(ARGUMENTS)}
_A = ANTHROPIC

OF_ANTHROPIC: dict[str, Fault] = {
    "q56-no-event-lines": anthropic(unlabelled(_A)),
    "q56-blank-line-after-event": anthropic(_A.answer.replace(b"\ndata:", b"\n\ndata:")),
    "q57-no-block-start": anthropic(_A.start + _A.events() + _A.end()),
    "q57-indices-skip": anthropic(
        _A.start + _A.block({"type": "text", "text": HALF}, 4) + _A.delta({"type": "text_delta", "text": REST}, 4) + _A.end()
    ),
    "q58-input-in-the-start": anthropic(_A.start + _A.block(_TOOL_START) + _A.end("tool_use"), text="", calls=(("weather", '{"place":"Sydney"}'),)),
    "q58-thinking": anthropic(_A.start + _A.thought(THOUGHT) + _A.events() + _A.end(), reasoning=THOUGHT),
    "q58-refusal": anthropic(_A.opening + _A.events() + _A.end("refusal")),
    "q58-done-mark": anthropic(_A.answer + OPENAI.mark),
    "q58-pings": anthropic(_A.start + sse({"type": "ping"}, "ping") * 3 + _A.events() + sse({"type": "ping"}, "ping") + _A.end()),
    "q58-openai-error": only("anthropic", bare(400, packed(OPENAI.error("invalid_request_error", "no"))), no("bad_request")),
}  # fmt: skip

TRANSPORT: dict[str, Fault] = {
    "q59-reset-after-the-finish": Fault(
        sends(lambda say: say.opening + say.events() + say.finish(), resets_later), fine()
    ),
    "q60-open-after-the-end": Fault(sends(lambda say: say.answer, stalls), fine()),
    "q61-pings-before-the-first-word": Fault(
        drips(lambda say: b"", lambda say: sse({"type": "ping"}, "ping")), no("timeout", outcome="unknown"), hasty=True
    ),
    "q61-error-after-pings": Fault(
        sends(lambda say: b": ping\n\n" * 20 + sse(say.error("api_error", "upstream failed"))), no("server", outcome="unknown")
    ),
    "q63-503-in-ten-minutes": Fault(refuses(503, *BUSY, retry_after="600"), no("overloaded")),
    "q66-hangs-up-afterwards": Fault(then_hangs_up, fine(), place="alone"),
}  # fmt: skip

QUIRKS = {**FRAMING, **PAYLOAD, **OF_ANTHROPIC, **TRANSPORT}
