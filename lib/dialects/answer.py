"""What all decoders share: bytes become events, problems become a last `Failed`, the end is said exactly once.

A dialect's decoder adds two things: `_plain`, the quick reading of the commonest event (a piece of text and nothing
else), and `_take`, the patient reading of any object.
"""

from __future__ import annotations

from typing import Any, Final

from lib.dialects import loose
from lib.dialects.calls import Calls
from lib.dialects.endings import reason_for
from lib.dialects.faults import bounded, error_from_value, find_fault, html_title
from lib.dialects.framing import Frames
from lib.dialects.pieces import Surrogates, ThinkTags
from lib.dialects.sse import MAX_EVENT_BYTES, SseEvent
from lib.errors import ANSWER_SIZE, GatewayError, Where
from lib.events import (
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    UsageReported,
)
from lib.tokens import Usage

_FIRST_EVENTS: Final = 3
"""Events that are always read patiently, because ids and models come in them."""


class AnswerDecoder:
    """One response's bytes in, events out. A fresh object for every response; it never raises.

    The events are the same however the bytes are cut. After the end nothing more comes out.
    """

    def __init__(self, max_event: int = MAX_EVENT_BYTES, think_tags: bool = True) -> None:
        self.ended = False
        self._frames = Frames(max_event)
        self._out: list[Event] = []
        self._read = 0
        self._unread = 0
        self._foreign: Any = None
        self._started: Started | None = None
        self._text = Surrogates()
        self._think = ThinkTags()
        self._think.passing = not think_tags
        self._reasoning = Surrogates()
        self._has_text = False
        self._has_reasoning = False
        self._has_choice = False
        self._calls = Calls()
        self._usage: Usage | None = None
        self._finish: str | None = None
        self._whole = False

    @property
    def finishing(self) -> bool:
        """Whether the finish has been said: at most usage and the end mark may follow."""
        return self._finish is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes, in order."""
        out: list[Event] = []
        self._out = out
        if self.ended:
            return out
        frames = self._frames.feed(data)
        for frame in frames:
            if self._may_be_plain():
                text = self._plain(frame.data)
                if text:
                    out.append(TextDelta(text))
                    continue
            if not self._event(frame, last=False):
                return out
        if self._frames.too_large:
            too_large = GatewayError(
                "too_large", "one event of the answer is too large", where="stream", code=ANSWER_SIZE
            )
            self._fail(too_large)
        return out

    def close(self, cut: GatewayError | None = None) -> list[Event]:
        """The end of the bytes: what was held back, then `Finished` or `Failed` (once, whatever came before).

        `cut` is the transport's error when the connection broke; it becomes the `Failed` unless the gateway had
        already said that the answer is finished.
        """
        self._out = []
        if self.ended:
            return self._out
        goes_on = all(self._event(frame, last=True) for frame in self._frames.finish())
        if goes_on:
            self._close(cut)
        return self._out

    def _plain(self, data: bytes) -> str | None:
        """The text of an event that holds a piece of text and nothing else; None for every other event."""
        raise NotImplementedError

    def _take(self, value: dict[str, Any], name: str) -> None:
        """Reads one object. `name` is the event's name."""
        raise NotImplementedError

    def _may_be_plain(self) -> bool:
        return self._think.passing and self._has_text and self._read >= _FIRST_EVENTS and not self._text.held

    def _event(self, frame: SseEvent, last: bool) -> bool:
        """Reads one event patiently; whether the answer goes on after it."""
        values = loose.values(frame.data)
        if values is None:
            self._unread += 1
            if frame.name == "error" and not last:
                words = frame.data.decode("utf-8", "replace")
                self._fail(error_from_value(words, self._where, named=True) or self._nothing_error(done=False))
                return False
            if not last:
                self._out.append(Skipped("not JSON"))
        for value in values or ():
            self._read += 1
            self._value(value, frame.name)
            if self.ended:
                return False
        return True

    def _value(self, value: Any, name: str) -> None:
        if value == loose.DONE:
            self._done()
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict) and not self.ended:
                    self._object(item, name)
        elif isinstance(value, dict):
            self._object(value, name)

    def _object(self, value: dict[str, Any], name: str) -> None:
        """One object. An error in it ends the answer, after whatever else it carries has been read."""
        named = name == "error" and not self._is_ours(value)
        error = error_from_value(value, self._where, named)
        if not named:
            self._take(value, name)
        if error is not None and not self.ended:
            self._fail(error)

    def _is_ours(self, value: dict[str, Any]) -> bool:
        """Whether an event called `error` is nevertheless a piece of the answer."""
        raise NotImplementedError

    @property
    def _where(self) -> Where:
        return "body" if self._frames.is_json and not self._has_content else "stream"

    @property
    def _has_content(self) -> bool:
        return self._has_text or self._has_reasoning or len(self._calls) > 0

    def _start(self, response_id: Any, model: Any) -> None:
        """Reports the ids when they are first known; gateways may send an empty first piece."""
        old = self._started or Started()
        new = Started(old.response_id or loose.text(response_id) or None, old.model or loose.text(model) or None)
        if self._started is None or new != old:
            self._started = new
            self._out.append(new)

    def _add_text(self, text: str) -> None:
        text = self._text.take(text) if text else ""
        if not text:
            return
        reasoning, text = self._think.take(text)
        self._tell(reasoning, text)

    def _add_reasoning(self, text: str) -> None:
        text = self._reasoning.take(text) if text else ""
        self._tell(text, "")

    def _tell(self, reasoning: str, text: str) -> None:
        if reasoning:
            self._has_reasoning = True
            self._out.append(ReasoningDelta(reasoning))
        if text:
            self._has_text = True
            self._out.append(TextDelta(text))

    def _add_refusal(self, text: str) -> None:
        if text:
            self._out.append(RefusalDelta(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")))

    def _add_usage(self, usage: Usage | None, raw: Any) -> None:
        if usage is not None and usage != self._usage:
            self._usage = usage
            self._out.append(UsageReported(usage, loose.compact(raw)))

    def _set_finish(self, word: str | None) -> None:
        """The first word counts, except that a plain stop (which some send with every piece) gives way."""
        if word is not None and (self._finish is None or reason_for(self._finish, has_calls=False) == "stop"):
            self._finish = word

    def _flush(self, whole: bool) -> None:
        """What was held back in case more would come; half a character or tag of a cut answer is dropped."""
        if whole:
            self._tell(self._reasoning.rest(), "")
            self._tell(*self._think.take(self._text.rest()))
        self._tell(*self._think.rest(whole))

    def _done(self) -> None:
        """`[DONE]`: a clean end, unless the gateway never said anything before it."""
        if self._has_choice or self._finish or self._has_content:
            self._end()
        else:
            self._fail(self._nothing_error(done=True))

    def _end(self) -> None:
        self._flush(whole=True)
        response_id = self._started.response_id if self._started else None
        self._out.extend(self._calls.ended(whole=True, response_id=response_id))
        reason = reason_for(self._finish, has_calls=len(self._calls) > 0)
        self._out.append(Finished(reason, self._finish))
        if reason == "error":
            error = GatewayError("server", "the gateway ended the answer with an error", where="stream", retryable=True)
            self._out.append(Failed(error))
        self.ended = True

    def _fail(self, error: GatewayError) -> None:
        self._flush(whole=False)
        self._out.extend(self._calls.ended(whole=False, response_id=None))
        if self._finish is not None:
            self._out.append(Finished(reason_for(self._finish, has_calls=len(self._calls) > 0), self._finish))
        self._out.append(Failed(error))
        self.ended = True

    def _close(self, cut: GatewayError | None) -> None:
        if self._finish is not None or (self._whole and cut is None):
            self._end()
        elif cut is not None:
            self._fail(cut)
        elif self._has_choice or self._has_content:
            self._fail(GatewayError("truncated", "the answer ended in the middle", where="stream", retryable=True))
        else:
            self._fail(self._nothing_error(done=False))

    def _nothing_error(self, done: bool) -> GatewayError:
        """Why there is no answer in a 200: an error in a shape of its own, HTML, text, a cut document, or nothing."""
        where: Where = "stream" if self._frames.shape == "events" and self._read else "body"
        status = 200 if where == "body" else None
        if self._foreign is not None and (fault := find_fault(self._foreign)) is not None and fault.message:
            error = error_from_value(self._foreign, where, named=True)
            if error is not None:
                return error
        excerpt = self._frames.excerpt
        if self._frames.shape == "html":
            return GatewayError("not_json", html_title(excerpt.encode()), where="body", status=200)
        if self._started is not None and where == "stream" and not done:
            return GatewayError("truncated", "the answer ended before it began", where="stream", retryable=True)
        if self._unread and not self._read:
            cut = self._frames.is_json and excerpt.rstrip()[-1:] not in ("}", "]")
            if cut or not self._frames.is_json:
                return GatewayError("truncated", "the answer is incomplete", where=where, status=status, retryable=True)
            return GatewayError("not_json", bounded(excerpt), where="body", status=200)
        if not self._read and _is_prose(excerpt):
            return GatewayError("not_json", bounded(excerpt), where="body", status=200)
        return GatewayError("empty", "the gateway sent no answer", where=where, status=status, retryable=True)


def _is_prose(excerpt: str) -> bool:
    """Whether a body that held no event is something else than heartbeats."""
    fields = (":", "event:", "id:", "retry:", "data:")
    return any(line.strip() and not line.lstrip().startswith(fields) for line in excerpt.splitlines())
