"""What goes wrong on the way to a gateway and in its answers: every fault of the list, and what must come of it.

The name of a fault is the model that is asked for. What a gateway does *differently* rather than *wrong* is in
`quirks.py`.
"""

from __future__ import annotations

from tests.faults.speech import N_IN, N_OUT, REST, WHOLE, sse
from tests.faults.table import Doing, Expected, Fault, cut_short, fine, no, only
from tests.faults.ways import (
    BUSY,
    ENDLESS,
    LARGE,
    LIMITED,
    SOON,
    bare,
    deltas,
    drips,
    echoes_the_key,
    first_fails,
    in_chunks,
    labelled,
    late,
    many_lines,
    odd_things,
    page,
    promises_more,
    redirects,
    refuses,
    relined,
    resets_later,
    sends,
    silent,
    squeezed,
    squeezed_and_cut,
    stalls,
    told,
    usages,
)
from tests.gateway.raw_server import answers, closes, head, resets

INPUT_WAS_TOLD = ("unknown:reported_partial",)


def before_content(does: Doing, kind: str, *, hasty: bool = False) -> Fault:
    """It broke after the opening, which in Anthropic's dialect has told the input."""
    none = Expected("failed", "", kind, ("unknown",))
    return Fault(does, none, none._replace(rows=INPUT_WAS_TOLD), hasty=hasty)


# --- the list -------------------------------------------------------------------------------------------------------

CONNECTING: dict[str, Fault] = {
    "f01-refused": Fault(bare(200), no("connect", 3, "failed"), place="refused"),
    "f02-unknown-host": Fault(bare(200), no("dns", 3, "failed"), place="unknown"),
    "f03-blackhole": Fault(bare(200), no("connect", 3, "failed"), place="blackhole", hasty=True),
    "f04-expired": Fault(bare(200), no("tls", 1, "failed"), place="expired"),
    "f04-self-signed": Fault(bare(200), no("tls", 1, "failed"), place="self-signed"),
    "f04-wrong-host": Fault(bare(200), no("tls", 1, "failed"), place="wrong-host"),
}

ANSWERING: dict[str, Fault] = {
    "f05-closes": Fault(lambda say: closes, no("closed", outcome="unknown")),
    "f05-resets": Fault(lambda say: resets, no("closed", outcome="unknown")),
    "f06-401-echoes-the-key": Fault(echoes_the_key, no("auth")),
    "f06-401-stalls": Fault(
        lambda say: lambda line, request: (line.send(head(401, {"content-length": "99"}) + b'{"er'), stalls(line))[1],
        no("auth"),
    ),
    "f07-402": Fault(refuses(402, "billing_error", "Payment required"), no("quota")),
    "f07-402-page": Fault(page(402), no("quota")),
    "f08-403": Fault(refuses(403, "permission_error"), no("permission")),
    "f09-404-model": Fault(refuses(404, "not_found_error", code="model_not_found"), no("not_found")),
    "f09-404-page": Fault(page(404), no("not_found")),
    "f10-408": Fault(refuses(408), no("timeout", outcome="unknown")),
    "f10-409": Fault(refuses(409), no("server", outcome="unknown")),
    "f11-413": Fault(bare(413), no("too_large")),
    "f12-422": Fault(
        bare(422, '{"detail":[{"loc":["body","messages",0],"msg":"bad","type":"x"}]}'), no("bad_request")
    ),
    "f12-400": Fault(refuses(400, "invalid_request_error"), no("bad_request")),
    "f13-429-seconds": Fault(refuses(429, *LIMITED, retry_after="1"), no("rate_limit", 3)),
    "f13-429-date": Fault(
        refuses(
            429, *LIMITED, date="Fri, 20 Nov 2026 12:00:00 GMT", retry_after="Fri, 20 Nov 2026 12:00:01 GMT"
        ),
        no("rate_limit", 3),
    ),
    "f13-429-ms": Fault(refuses(429, *LIMITED, retry_after_ms="300", retry_after="9"), no("rate_limit", 3)),
    "f13-429-zero": Fault(refuses(429, *LIMITED, retry_after="0"), no("rate_limit", 3)),
    "f13-429-garbage": Fault(refuses(429, *LIMITED, retry_after="soon"), no("rate_limit", 2)),
    "f13-429-negative": Fault(refuses(429, *LIMITED, retry_after="-5"), no("rate_limit", 2)),
    "f13-429-an-hour": Fault(refuses(429, *LIMITED, retry_after="3600"), no("rate_limit")),
    "f13-429-then-whole": Fault(
        first_fails(refuses(429, *LIMITED, **SOON), 2), Expected("done", WHOLE, None, ("refused", "refused", "ok:reported"))
    ),
    "f14-429-without": Fault(refuses(429, *LIMITED), no("rate_limit", 2)),
    "f14-429-quota": Fault(refuses(429, "insufficient_quota", code="insufficient_quota"), no("quota")),
    "f14-429-not-again": Fault(refuses(429, *LIMITED, x_should_retry="false", **SOON), no("rate_limit")),
    "f15-500-page-of-2-mb": Fault(page(500, "x" * 2_000_000), no("server", outcome="unknown")),
    "f15-500": Fault(refuses(500, "api_error", **SOON), no("server", outcome="unknown")),
    "f16-502": Fault(page(502), no("server", outcome="unknown")),
    "f16-504": Fault(page(504), no("timeout", outcome="unknown")),
    "f17-529": Fault(refuses(529, *BUSY, **SOON), no("overloaded", 3)),
    "f17-503": Fault(refuses(503, *BUSY, **SOON), no("overloaded", 3)),
    "f17-503-then-whole": Fault(
        first_fails(refuses(503, *BUSY, **SOON)), Expected("done", WHOLE, None, ("refused", "ok:reported"))
    ),
    **{
        f"f18-{status}": Fault(redirects(status), no("redirect"))
        for status in (301, 302, 303, 307, 308)
    },
    "f18-302-to-nowhere": Fault(bare(302, location="http://gw.example:port/"), no("redirect")),
    "f19-page": Fault(page(200), no("not_json", outcome="unknown")),
    "f20-json": Fault(lambda say: answers(200, say.whole), fine()),
    "f21-204": Fault(lambda say: lambda line, request: line.send(head(204)), no("empty", outcome="unknown")),
    "f21-nothing": Fault(bare(200), no("empty", outcome="unknown")),
}  # fmt: skip

STREAMING: dict[str, Fault] = {
    "f22-late": Fault(late(1.5), fine()),
    "f22-never": Fault(lambda say: silent, no("timeout", outcome="unknown"), hasty=True),
    "f23-stall-first": before_content(sends(lambda say: say.opening, stalls), "timeout", hasty=True),
    "f23-stall": cut_short(sends(lambda say: say.begun, stalls), "timeout", hasty=True),
    "f24-comments-first": before_content(drips(lambda say: say.opening, lambda say: b": wait\n\n"), "timeout", hasty=True),
    "f24-comments": cut_short(drips(lambda say: say.begun, lambda say: b": wait\n\n"), "timeout", hasty=True),
    "f24-pings": cut_short(
        drips(lambda say: say.begun, lambda say: sse({"type": "ping"}, "ping")), "timeout", hasty=True
    ),
    "f25-reset": cut_short(sends(lambda say: say.begun + say.text(REST)[:-9], resets_later)),
    "f25-reset-first": before_content(sends(lambda say: say.opening, resets_later), "truncated"),
    "f26-closes-clean": cut_short(sends(lambda say: say.begun)),
    "f26-closes-first": before_content(sends(lambda say: say.opening), "truncated"),
    "f27-short-length": cut_short(promises_more),
    "f27-broken-chunk": cut_short(in_chunks(lambda say: [say.begun], b"zz\r\n", closing=True)),
    "f27-no-last-chunk": cut_short(in_chunks(lambda say: [say.begun], b"", closing=True)),
    "f28-malformed": Fault(
        sends(lambda say: say.begun + b'data: {"choices": [\n\ndata: {{{\n\n' + say.text(REST) + say.end()), fine()
    ),
    "f29-odd-things": Fault(
        sends(lambda say: say.begun + odd_things(say) + say.text(REST) + odd_things(say) + say.end()), fine()
    ),
    "f30-event-of-2-mb": Fault(sends(lambda say: say.opening + say.text(LARGE) + say.end()), fine(LARGE)),
    "f31-endless": cut_short(
        drips(lambda say: say.opening, lambda say: say.text(ENDLESS)), "timeout", ENDLESS + "*", hasty=True
    ),
    "f32-not-utf8": Fault(
        sends(lambda say: say.opening + say.raw_text(b'"a\xffb\xc3(\xe2\x82"') + say.end()), fine("a\ufffdb\ufffd(\ufffd")
    ),
    "f33-split-characters": Fault(in_chunks(lambda say: [bytes([byte]) for byte in say.answer]), fine()),
    "f34-line-separators": Fault(
        sends(lambda say: say.opening + say.text("a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg") + say.end()),
        fine("a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg"),
    ),
    "f35-cr": Fault(sends(relined(b"\r")), fine()),
    "f35-crlf": Fault(sends(relined(b"\r\n")), fine()),
    "f35-mixed": Fault(
        sends(lambda say: b"".join(
            event.replace(b"\n", b"\r\n" if at % 3 else b"\r") + (b"\r\n\r\n", b"\r\r", b"\n\n")[at % 3]
            for at, event in enumerate(say.answer.split(b"\n\n"))
        )),
        fine(),
    ),
    "f35-bom": Fault(sends(lambda say: b"\xef\xbb\xbf" + say.answer), fine()),
    "f35-many-lines": Fault(sends(many_lines), fine()),
    "f36-latin-1": Fault(labelled("text/event-stream; charset=iso-8859-1"), fine()),
    "f36-utf-16": Fault(labelled("text/event-stream; charset=utf-16"), fine()),
    "f37-gzip": Fault(squeezed(lambda say: say.answer), fine()),
    "f37-gzip-cut": cut_short(squeezed_and_cut),
    "f37-gzip-bomb": before_content(
        squeezed(lambda say: say.opening + (b": " + b" " * 999_997 + b"\n") * 140), "answer_too_large"
    ),
    "f37-gzip-twice": Fault(squeezed(lambda say: say.answer, "gzip, gzip", 2), no("not_json", outcome="unknown")),
    "f37-brotli": Fault(squeezed(lambda say: say.answer, "br"), no("not_json", outcome="unknown")),
    "f38-error": cut_short(
        sends(lambda say: say.begun + sse(say.error(*BUSY), "error") + say.text(REST) + say.end()), "overloaded"
    ),
    "f38-error-first": Fault(
        sends(lambda say: say.opening + sse(say.error(*BUSY), "error")),
        no("overloaded", 2),
        Expected("failed", "", "overloaded", INPUT_WAS_TOLD * 2),
    ),
    "f39-usage-absent": Fault(
        sends(lambda say: say.opening + say.events() + say.end(usage=False)),
        fine(source="estimated"),
        fine(source="reported_partial"),
    ),
    "f39-usage-twice": only("openai", usages(told(N_IN, N_OUT), told(N_IN, N_OUT)), fine()),
    "f39-usage-grows": only("openai", usages(told(1, 1), told(N_IN, N_OUT)), fine()),
    "f39-usage-negative": only("openai", usages(told(-5, -1)), fine(source="estimated")),
    "f39-usage-huge": only("openai", usages(told(10**30, 10**30)), fine(source="estimated")),
    "f39-usage-vast": only("openai", usages(told(2**62, 2**62)), fine()),
    "f39-usage-odd": only("openai", usages(told(True, [1]), told("many", {}), told(1.5, "1.5")), fine(source="estimated")),
    "f39-deltas-fall": only(
        "anthropic", deltas({"output_tokens": N_OUT}, {"output_tokens": 0, "input_tokens": 0}), fine()
    ),
    "f39-deltas-odd": only(
        "anthropic", deltas({"output_tokens": -3}, {"output_tokens": 10**30}, {"output_tokens": N_OUT}), fine()
    ),
    "f40-text-after-finish": Fault(
        sends(lambda say: say.begun + say.finish() + say.text(REST) + say.mark), fine()
    ),
    "f40-text-after-end": Fault(
        sends(lambda say: say.answer + say.text("ghost") + say.end()), fine()
    ),
}  # fmt: skip

FAULTS = {**CONNECTING, **ANSWERING, **STREAMING}
