"""Random conversations for the property tests, and small ones for the others."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from msgspec import structs

from lib.ids import new_public_id
from lib.ledger import AnswerState, Outcome, UsageSource
from lib.messages import ImagePart, Params, TextPart, ToolCallPart
from lib.tokens import TokenCount
from lib.transfer.document import AttemptCopy, ConversationCopy, CostCopy, GatewayCopy, MessageCopy, ModelCopy

AT = 1_750_000_000_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
GATEWAY = GatewayCopy("gateway-public-id", "Mine")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
ids = st.builds(lambda number: f"id-{number:022x}", st.integers(0, 2**64))
nanos = st.none() | st.integers(0, 10**12)
times = st.integers(AT, AT + 10**9)
ENDED = [state for state in get_args(AnswerState) if state != "running"]


def counts() -> st.SearchStrategy[TokenCount]:
    return st.builds(TokenCount, *[st.none() | st.integers(0, 10**6)] * 6)


@st.composite
def models(draw: st.DrawFn) -> ModelCopy:
    gateway = draw(st.sampled_from([GATEWAY, GatewayCopy("demo", "Demo", demo=True), None]))
    return ModelCopy(draw(texts) or "m", gateway, "base", "family", draw(st.sampled_from(["standard", "hc"])))


@st.composite
def attempts(draw: st.DrawFn) -> AttemptCopy:
    costs = st.builds(CostCopy, nano=nanos, currency=st.sampled_from(["USD", "CNY"]), created_ms=times, low_nano=nanos)
    return AttemptCopy(
        id=draw(ids),
        at_ms=draw(times),
        model=draw(models()),
        started_ms=draw(times),
        ended_ms=draw(times),
        outcome=draw(st.sampled_from(get_args(Outcome))),
        usage_source=draw(st.sampled_from(get_args(UsageSource))),
        error_message=draw(st.none() | texts),
        first_visible_ms=draw(st.none() | st.integers(0, 10**6)),
        count=draw(counts()),
        usage_raw=draw(texts),
        costs=tuple(draw(st.lists(costs, min_size=1, max_size=3))),
    )


@st.composite
def conversations(draw: st.DrawFn) -> ConversationCopy:
    """A whole tree: every message below an earlier one or a root."""
    names = draw(st.lists(ids, min_size=1, max_size=8, unique=True))
    messages: list[MessageCopy] = []
    for at, name in enumerate(names):
        above = draw(st.sampled_from([None, *names[:at]]))
        messages.append(draw(_messages(name, above)))
    children = {m.parent: m.id for m in messages if m.parent}
    messages = [_with(m, shown_child=children.get(m.id)) for m in messages]
    spent = draw(st.lists(attempts(), max_size=2, unique_by=lambda attempt: attempt.id))
    return ConversationCopy(
        id=draw(ids),
        title=draw(texts),
        created_ms=AT,
        last_ms=AT + draw(st.integers(0, 10**6)),
        active=draw(st.sampled_from(names)),
        messages=tuple(messages),
        title_source=draw(st.sampled_from(["", "user", "model"])),
        model=draw(st.none() | texts),
        gateway=draw(st.sampled_from([GATEWAY, None])),
        params=Params(temperature=draw(st.none() | st.sampled_from([0.0, 0.5, 1.0]))),
        system=draw(texts),
        spend=tuple(spent),
    )


@st.composite
def _messages(draw: st.DrawFn, name: str, above: str | None) -> MessageCopy:
    at_ms = draw(times)
    if draw(st.booleans()):
        said = draw(texts)
        more = draw(st.sampled_from([(), (ImagePart("image/png", PNG),)]))
        return MessageCopy(name, "user", at_ms, above, parts=(TextPart(said), *more), text=said, changed_ms=at_ms)
    asked = draw(st.booleans())
    return MessageCopy(
        name,
        "assistant",
        at_ms,
        above,
        parts=draw(st.sampled_from([(), (ToolCallPart("1", "look", '{"a": 1}'),)])),
        text=draw(texts),
        reasoning=draw(texts),
        changed_ms=at_ms,
        state=draw(st.sampled_from(ENDED)),
        error_message=draw(st.none() | texts),
        repaired=tuple(draw(st.lists(texts, max_size=2))),
        reasoning_ms=draw(st.none() | st.integers(0, 10**6)),
        model=draw(models()),
        params=Params(max_tokens=5) if asked else None,
        system="Be kind." if asked else "",
        attempts=tuple(draw(st.lists(attempts(), max_size=2, unique_by=lambda attempt: attempt.id))),
    )


def _with(message: MessageCopy, **changes: Any) -> MessageCopy:
    return structs.replace(message, **changes)


def said(*lines: str, title: str = "A chat", **fields: Any) -> ConversationCopy:
    """A conversation in which user and assistant say these lines in turn."""
    messages: list[MessageCopy] = []
    for at, line in enumerate(lines):
        above = messages[-1].id if messages else None
        name, at_ms = new_public_id(), AT + at * 1000
        if at % 2:
            model = ModelCopy("gpt-5.4-hc", GATEWAY, "gpt-5.4", "gpt-5.4", "hc")
            cost = CostCopy(nano=2_100_000, source="gateway")
            count = TokenCount(1204, None, None, None, 388)
            spent = AttemptCopy(f"spent-{name}", at_ms, model, count=count, usage_source="reported", costs=(cost,))
            message = MessageCopy(
                name, "assistant", at_ms, above, text=line, state="done", model=model, attempts=(spent,)
            )
        else:
            message = MessageCopy(name, "user", at_ms, above, parts=(TextPart(line),), text=line)
        messages.append(message)
    leaf = messages[-1].id if messages else None
    return ConversationCopy(new_public_id(), title, AT, AT, leaf, tuple(messages), **fields)
