"""Finding out how a gateway wants video: the same small question with a tiny clip in each spelling, and once without.

Gateways mostly drop a video whose spelling they do not know, and answer as if nothing had come. What tells is the
input that they report: a spelling works when it is longer than the question alone by at least a quarter of the tokens
that the clip should count. Every request is in the ledger under its own purpose.

`probe.mp4` shows red, green, blue and white for a second each (160 × 120, H.264, silent). It was encoded with PyAV
from frames of one colour, five a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal, Protocol

from msgspec import Struct

from lib.attachments.tokens import video_tokens
from lib.cards import ModelCard, VideoForm
from lib.generation.doors import Doors
from lib.generation.engine import Engine
from lib.generation.live import LiveAnswer
from lib.generation.run import Door, Job
from lib.generation.titles import NOWHERE
from lib.generation.unstored import Book, Unstored
from lib.ids import new_id, new_public_id
from lib.ledger import AnswerEnd, Attempt, ModelRef, Purpose, Turn
from lib.media_check import added_by_media
from lib.messages import Ask, Message, Params, Part, TextPart, VideoPart
from lib.pricing import price
from lib.store.rows import Settings
from lib.tokens import TokenCount

FORMS: Final[tuple[VideoForm, ...]] = ("image_url", "video_url", "video_url_string", "file")
"""In the order of how many gateways take them, so that most probes end early."""
CLIP_SECONDS: Final = 4.0
PATIENCE_S: Final = 120.0
_STOP_S: Final = 5.0
_MOST_TOKENS: Final = 100
_TEXT_TOKENS: Final = 40
_QUESTION: Final = "Which colours does the video show, one after the other? Answer with their names only."
_FINAL: Final = ("auth", "permission", "quota")
"""Why no further request can fare better."""

Outcome = Literal["seen", "ignored", "refused", "untold", "failed"]
"""untold: answered, but without saying how long the input was · failed: for a reason that is not the video's."""
Verdict = Literal["found", "none", "untold", "unclear", "failed"]
"""none: every form was ignored or refused · untold: the gateway does not report its input · unclear: some requests
failed, and the others did not work · failed: not even the question alone was answered."""


class Tried(Struct, frozen=True):
    """One request; `form` None is the question without the clip. `input` is in tokens as reported, `nano` the cost."""

    form: VideoForm | None
    outcome: Outcome
    input: int | None = None
    nano: int | None = None
    currency: str = "USD"
    error_kind: str | None = None
    error_message: str | None = None


class ProbeResult(Struct, frozen=True):
    """What each request did, in order. `works` is the form that the gateway understands, if one was found."""

    verdict: Verdict
    tried: tuple[Tried, ...]
    works: VideoForm | None = None

    @property
    def nano(self) -> int | None:
        """What all of it cost, in nano-units; None when a part of it has no price."""
        costs = [tried.nano for tried in self.tried]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def currency(self) -> str:
        return self.tried[-1].currency if self.tried else "USD"


class ProbeQuote(Struct, frozen=True):
    """What a probe takes at most: requests, tokens, and nano-units of `currency` (None without prices)."""

    requests: int
    input: int
    output: int
    nano: int | None
    currency: str


class ProbeDoors(Doors, Protocol):
    """What a probe needs of gateways (`lib.gateways.Gateways`)."""

    def door_for_video(self, gateway_id: int, video: VideoForm) -> Door: ...
    def set_video(self, gateway_id: int, video: VideoForm) -> None: ...


@cache
def clip() -> bytes:
    """The video that is sent: 2 kB of MP4, four seconds long."""
    return (Path(__file__).parent / "probe.mp4").read_bytes()


def video_models(cards: Iterable[ModelCard]) -> tuple[ModelCard, ...]:
    """The models that take video through Chat Completions, the cheapest to probe first, unpriced ones last."""
    able = [card for card in cards if card.openai.video and card.openai.listed is not False]
    return tuple(sorted(able, key=lambda card: (_cost(card, card) is None, _cost(card, card) or 0, card.id)))


def _cost(card: ModelCard, priced: ModelCard) -> int | None:
    return price(_most(card), priced.prices, source=priced.price_source).nano


def _most(card: ModelCard) -> TokenCount:
    """The tokens of a probe that has to try everything."""
    text, video = (1 + len(FORMS)) * _TEXT_TOKENS, len(FORMS) * video_tokens(card, CLIP_SECONDS)
    return TokenCount(text + video, 0, 0, 0, (1 + len(FORMS)) * _MOST_TOKENS, 0)


class Hold(Protocol):
    """Notes a request and reserves money for it, or raises OverBudget (`estimating.Estimates.hold`)."""

    def __call__(
        self,
        attempt_id: int,
        ref: ModelRef,
        messages: Sequence[Message],
        system: str,
        params: Params,
        *,
        purpose: Purpose,
    ) -> object: ...


def _unlimited(
    attempt_id: int, ref: ModelRef, messages: Sequence[Message], system: str, params: Params, *, purpose: Purpose
) -> None:
    """Without budgets nothing is reserved."""


class VideoProbe:
    """Probes one owner's gateways. Called from page threads; the requests run on the engine."""

    def __init__(self, book: Book, engine: Engine, doors: ProbeDoors, owner: int, hold: Hold = _unlimited) -> None:
        self._hold = hold
        self._book = book
        self._engine = engine
        self._doors = doors
        self._owner = owner

    def quote(self, gateway_id: int, model: str) -> ProbeQuote:
        """What a probe with this model costs at most, by today's prices. Raises NotFound."""
        count = _most(self._doors.model(gateway_id, model))
        tariff = self._doors.tariff(self._ref(gateway_id, model))
        cost = price(count, tariff.prices, source=tariff.source)
        return ProbeQuote(1 + len(FORMS), count.input or 0, count.output or 0, cost.nano, cost.currency)

    def run(self, gateway_id: int, model: str, told: Callable[[Tried], None] = lambda tried: None) -> ProbeResult:
        """Ask without the clip, then with it in one form after the other until one clearly works; remember that one.

        Takes seconds to minutes; `told` hears of each request as it ends, on this thread. Raises NotFound when there
        is no such gateway (any more), OverBudget when a budget stops one of the requests.
        """
        card, ref = self._doors.model(gateway_id, model), self._ref(gateway_id, model)
        plain = self._try(ref, card, None, None)
        told(plain)
        if plain.outcome == "failed" or plain.input is None:
            return ProbeResult("untold" if plain.outcome == "untold" else "failed", (plain,))
        tried = [plain]
        for form in FORMS:
            tried.append(self._try(ref, card, form, plain.input))
            told(tried[-1])
            if tried[-1].outcome == "seen":
                self._doors.set_video(gateway_id, form)
                return ProbeResult("found", tuple(tried), form)
            if tried[-1].error_kind in _FINAL:
                break
        return ProbeResult(_verdict(tried[1:]), tuple(tried))

    def _ref(self, gateway_id: int, model: str) -> ModelRef:
        return self._doors.ref(Settings(gateway_id, model, "openai", Params(max_tokens=_MOST_TOKENS)))

    def _try(self, ref: ModelRef, card: ModelCard, form: VideoForm | None, plain: int | None) -> Tried:
        """One request. `plain` is the reported input of the question alone; None while that is being found out."""
        parts: tuple[Part, ...] = (TextPart(_QUESTION),)
        if form is not None:
            parts = (VideoPart("video/mp4", clip(), name="clip.mp4", seconds=CLIP_SECONDS), *parts)
        end = self._asked(ref, card, parts, form or FORMS[0])
        if end is None:
            return Tried(form, "failed", error_kind="timeout")
        return _tried(form, end, plain, video_tokens(card, CLIP_SECONDS))

    def _asked(self, ref: ModelRef, card: ModelCard, parts: tuple[Part, ...], form: VideoForm) -> AnswerEnd | None:
        """The end of one answer; None when it did not come in time, not even after stopping it."""
        params = Params(max_tokens=_MOST_TOKENS)
        ask = Ask(ref.model, (Message("user", parts),), params=params)
        ends: list[AnswerEnd] = []
        ended = threading.Event()

        def take(end: AnswerEnd) -> None:
            ends.append(end)
            ended.set()

        attempt_id = new_id()
        self._hold(attempt_id, ref, ask.messages, "", params, purpose="probe")
        live = self._engine.start(
            LiveAnswer(new_id(), new_public_id(), NOWHERE),
            Turn(new_public_id(), NOWHERE, (), ref, params=params),
            attempt_id,
            job=lambda: Job(ask, "openai", card, self._doors.tariff(ref)),
            door=lambda: self._doors.door_for_video(ref.gateway_id, form),
            purpose="probe",
            diary=Unstored(self._book, self._owner, ref, take, attempt_id=attempt_id),
        )
        if not ended.wait(PATIENCE_S):
            self._engine.stop(live.message)
            ended.wait(_STOP_S)
        return ends[0] if ends else None


def _tried(form: VideoForm | None, end: AnswerEnd, plain: int | None, expected: int) -> Tried:
    last = end.attempts[-1] if end.attempts else None
    costs = [attempt.cost.nano for attempt in end.attempts]
    return Tried(
        form,
        _outcome(form, end, last, plain, expected),
        _reported(last),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        last.cost.currency if last else "USD",
        end.error_kind,
        end.error_message,
    )


def _reported(attempt: Attempt | None) -> int | None:
    """The input as the gateway reported it; an estimate of ours tells nothing about the gateway."""
    return attempt.count.input if attempt and attempt.usage_source == "reported" else None


def _outcome(form: VideoForm | None, end: AnswerEnd, last: Attempt | None, plain: int | None, expected: int) -> Outcome:
    if end.state != "done":
        return "refused" if form is not None and _is_refusal(end, last) else "failed"
    reported = _reported(last)
    if reported is None:
        return "untold"
    return "seen" if plain is None or added_by_media(reported, plain, expected) else "ignored"


def _is_refusal(end: AnswerEnd, last: Attempt | None) -> bool:
    """Whether the gateway said no to this very request: many answer a part that they cannot convert with 500."""
    about_it = end.error_kind in ("bad_request", "too_large", "not_found")
    return about_it or (last is not None and last.http_status in (415, 500, 501))


def _verdict(tried: Sequence[Tried]) -> Verdict:
    outcomes = {one.outcome for one in tried}
    if len(tried) == len(FORMS) and outcomes <= {"ignored", "refused"}:
        return "none"
    return "untold" if outcomes == {"untold"} else "unclear"
