"""What an answer says while it is produced: one closed family of frozen values, whatever the dialect.

Do not subclass these: code above matches on them with `assert_never`.
"""

from __future__ import annotations

from typing import Literal, assert_never

from msgspec import Struct

from lib.errors import GatewayError
from lib.tokens import Usage, merged

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error"]


class Started(Struct, frozen=True):
    """The first sign of the answer: the ids and the model as the gateway reports them (all optional on the wire)."""

    response_id: str | None = None
    model: str | None = None
    request_id: str | None = None


class TextDelta(Struct, frozen=True):
    text: str


class ReasoningDelta(Struct, frozen=True):
    text: str


class ReasoningSealed(Struct, frozen=True):
    """Signed or redacted reasoning, to be sent back byte for byte."""

    signature: str | None = None
    redacted: str | None = None


class RefusalDelta(Struct, frozen=True):
    text: str


class ToolCallDelta(Struct, frozen=True):
    """A piece of the call number `index` (0, 1, …). `id` and `name` replace, `arguments` are appended."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    thought_signature: str | None = None


class UsageReported(Struct, frozen=True):
    """Cumulative usage so far; a later one replaces an earlier one. `raw` is the wire's JSON text."""

    usage: Usage
    raw: str = ""


class Skipped(Struct, frozen=True):
    """A piece of the stream that could not be read and was passed over (counted, never fatal)."""

    why: str


class Finished(Struct, frozen=True):
    """The answer is whole. `raw` is the gateway's own word for `reason`, None when it sent none."""

    reason: FinishReason
    raw: str | None = None


class Failed(Struct, frozen=True):
    """The answer ended badly; what came before stays. Always the last event."""

    error: GatewayError


class AttemptBegan(Struct, frozen=True):
    """The door opens request number `number` (1, 2, …); `repaired` names the parameter it left out or renamed."""

    number: int
    repaired: str | None = None


class AttemptFailed(Struct, frozen=True):
    """Request number `number` failed before any content and is tried again in `retry_in_s` seconds."""

    number: int
    error: GatewayError
    retry_in_s: float


Event = (
    Started
    | TextDelta
    | ReasoningDelta
    | ReasoningSealed
    | RefusalDelta
    | ToolCallDelta
    | UsageReported
    | Skipped
    | Finished
    | Failed
    | AttemptBegan
    | AttemptFailed
)


class ToolCall(Struct):
    """A tool call as gathered so far."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    thought_signature: str | None = None


class Gathered:
    """The sum of an answer's events so far: feed it with `take`, read its fields.

    Text pieces are kept in lists and joined on reading, so 100,000 deltas cost no more than their bytes.
    """

    def __init__(self, *, keeps_text: bool = True) -> None:
        """Without `keeps_text` the text is somebody else's to keep, and here only that there is one."""
        self._keeps_text = keeps_text
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self.tool_calls: list[ToolCall] = []
        self.signature: str | None = None
        self.redacted: list[str] = []
        self.response_id: str | None = None
        self.model: str | None = None
        self.request_id: str | None = None
        self.usage: Usage | None = None
        self.usage_raw = ""
        self.finish: Finished | None = None
        self.error: GatewayError | None = None
        self.skipped = 0
        self.attempt = 0
        self.repaired: list[str] = []

    def take(self, event: Event) -> None:
        """Add one event."""
        match event:
            case TextDelta(text):
                if self._keeps_text:
                    self._text.append(text)
                elif not self._text:
                    self._text.append("")
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case ReasoningSealed(signature, redacted):
                self.signature = signature or self.signature
                if redacted:
                    self.redacted.append(redacted)
            case RefusalDelta(text):
                self._refusal.append(text)
            case ToolCallDelta():
                self._take_tool_call(event)
            case UsageReported(usage, raw):
                self.usage, self.usage_raw = merged(self.usage, usage), raw or self.usage_raw
            case Started(response_id, model, request_id):
                self.response_id, self.model = response_id or self.response_id, model or self.model
                self.request_id = request_id or self.request_id
            case Finished():
                self.finish = event
            case Failed(error):
                self.error = error
            case Skipped():
                self.skipped += 1
            case AttemptBegan(number, repaired):
                self.attempt = number
                if repaired:
                    self.repaired.append(repaired)
            case AttemptFailed():
                # What it reported of itself (a request that failed before any content) is not the next one's.
                self.usage, self.usage_raw, self.finish, self.response_id = None, "", None, None
            case _:
                assert_never(event)

    def _take_tool_call(self, delta: ToolCallDelta) -> None:
        while len(self.tool_calls) <= delta.index:
            self.tool_calls.append(ToolCall())
        call = self.tool_calls[delta.index]
        call.id, call.name = delta.id or call.id, delta.name or call.name
        call.arguments += delta.arguments
        call.thought_signature = delta.thought_signature or call.thought_signature

    @property
    def text(self) -> str:
        return _joined(self._text)

    @property
    def reasoning(self) -> str:
        return _joined(self._reasoning)

    @property
    def refusal(self) -> str | None:
        return _joined(self._refusal) or None

    @property
    def has_content(self) -> bool:
        """Whether anything that a gateway bills has arrived."""
        return bool(self._text or self._reasoning or self._refusal or self.tool_calls)

    @property
    def complete(self) -> bool:
        return self.finish is not None and self.error is None


def _joined(pieces: list[str]) -> str:
    if len(pieces) > 1:
        pieces[:] = ["".join(pieces)]
    return pieces[0] if pieces else ""
