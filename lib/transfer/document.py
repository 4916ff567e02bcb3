"""Parlour's own export format, version 2: conversations with their whole tree, and every attempt with its costs.

A file is `{"format": "parlour", "version": 2, "conversations": […], "spend": […], "files": […]}`. Identities are public
ones; ids of the database, base URLs and keys are not part of it. Times are UTC epoch milliseconds, money integer
nano-units, bytes base64. New fields are added with a default; anything else raises `version`. Version 1 had the bytes
of pictures and video in their parts; since version 2 they are in `files`, once.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from lib.cards import DialectName, PriceSource
from lib.ledger import AnswerState, Outcome, Purpose, UsageSource
from lib.messages import Params, Part, Role
from lib.tokens import Semantic, TokenCount

FORMAT = "parlour"
VERSION = 2


class GatewayCopy(Struct, frozen=True, omit_defaults=True):
    """Which gateway: a public id and the name it had. The demo is always `demo`."""

    id: str
    name: str = ""
    demo: bool = False


class ModelCopy(Struct, frozen=True, omit_defaults=True):
    """Which model answered; `gateway` is None for what another program wrote."""

    model: str
    gateway: GatewayCopy | None = None
    base: str = ""
    family: str = ""
    variant: str = "standard"
    dialect: DialectName = "openai"
    effort: str | None = None


class CostCopy(Struct, frozen=True, omit_defaults=True):
    """One row of an attempt's costs; the last of them is in force. None is unpriced, never free."""

    kind: str = "initial"
    reason: str = ""
    created_ms: int = 0
    currency: str = "USD"
    source: PriceSource | None = None
    cache_price_assumed: bool = False
    nano: int | None = None
    input_nano: int | None = None
    cache_read_nano: int | None = None
    cache_write_nano: int | None = None
    output_nano: int | None = None
    other_nano: int | None = None
    reported_nano: int | None = None
    low_nano: int | None = None
    high_nano: int | None = None


class AttemptCopy(Struct, frozen=True, omit_defaults=True):
    """One row of the ledger. `id` says which attempt of which installation this is, so it is never counted twice."""

    id: str
    at_ms: int
    model: ModelCopy
    number: int = 1
    started_ms: int = 0
    ended_ms: int = 0
    purpose: Purpose = "chat"
    outcome: Outcome = "unknown"
    usage_source: UsageSource = "none"
    semantic: Semantic = "openai_incl"
    model_reported: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    http_status: int | None = None
    error_kind: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    anomaly: str | None = None
    first_byte_ms: int | None = None
    first_visible_ms: int | None = None
    duration_ms: int | None = None
    max_out_cap: int | None = None
    chars_in: int = 0
    media_in: int = 0
    chars_out: int = 0
    chars_reasoning: int = 0
    count: TokenCount = TokenCount()
    usage_raw: str = ""
    costs: tuple[CostCopy, ...] = ()

    @property
    def cost(self) -> CostCopy:
        """The cost in force."""
        return self.costs[-1] if self.costs else CostCopy()


class MessageCopy(Struct, frozen=True, omit_defaults=True):
    """One version of one message. `shown_child` is the version below it that was last looked at.

    `params` and `system` are what an answer was asked with; `edited`, `copied` (by a fork), `kept_chars` and
    `continues` say how a version came to be.
    """

    id: str
    role: Role
    created_ms: int
    parent: str | None = None
    shown_child: str | None = None
    parts: tuple[Part, ...] = ()
    text: str = ""
    reasoning: str = ""
    changed_ms: int | None = None
    state: AnswerState | None = None
    error_kind: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    repaired: tuple[str, ...] = ()
    reasoning_ms: int | None = None
    model: ModelCopy | None = None
    params: Params | None = None
    system: str = ""
    edited: bool = False
    copied: bool = False
    kept_chars: int = 0
    continues: str | None = None
    attempts: tuple[AttemptCopy, ...] = ()


class ConversationCopy(Struct, frozen=True, omit_defaults=True):
    """A conversation with every branch; parents come before their children, versions oldest first.

    `active` is the last message of the branch that is shown. `spend` are attempts that belong to no message of it
    (a model-written title, versions deleted since).
    """

    id: str
    title: str
    created_ms: int
    last_ms: int
    active: str | None = None
    messages: tuple[MessageCopy, ...] = ()
    title_source: str = ""
    folder: str = ""
    tags: tuple[str, ...] = ()
    pinned_ms: int | None = None
    archived_ms: int | None = None
    model: str | None = None
    gateway: GatewayCopy | None = None
    dialect: DialectName = "openai"
    params: Params = Params()
    system: str = ""
    spend: tuple[AttemptCopy, ...] = ()

    @property
    def branch(self) -> tuple[MessageCopy, ...]:
        """The messages that are shown, from the first to `active`."""
        by_id = {message.id: message for message in self.messages}
        at = by_id.get(self.active or "")
        path: list[MessageCopy] = []
        while at is not None and len(path) < len(self.messages):
            path.append(at)
            at = by_id.get(at.parent or "")
        return tuple(reversed(path))

    @property
    def attempts(self) -> tuple[AttemptCopy, ...]:
        """Every attempt of the conversation."""
        return (*(attempt for message in self.messages for attempt in message.attempts), *self.spend)


class Found(Struct, frozen=True):
    """A conversation of an import. `source_id` is how its own program calls it; `left_out` files did not come along."""

    source: str
    source_id: str
    conversation: ConversationCopy
    left_out: int = 0


class Skipped(Struct, frozen=True):
    """Something of an import that cannot be taken, with a reason code (`lib/ui/transfer_words.py` has the words)."""

    reason: str
    title: str = ""


class Spend(Struct, frozen=True):
    """Attempts of an own export that belong to no conversation in it."""

    attempts: tuple[AttemptCopy, ...]


def content_hash(conversation: ConversationCopy) -> str:
    """What is said and in which tree, whatever it is called and whenever it was: the same in two exports."""
    places = {message.id: place for place, message in enumerate(conversation.messages)}
    digest = hashlib.sha256()
    for message in conversation.messages:
        line = (message.role, message.text, places.get(message.parent or "", -1))
        digest.update(msgspec.json.encode(line))
    return digest.hexdigest()
