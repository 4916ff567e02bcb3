"""What the store hands out: plain values, never rows of the database library.

`public_id` fields are what a browser may see; `id` fields stay on the server. Times are UTC epoch milliseconds,
money nano-units of the currency beside it.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from lib.budgets import Verdict
from lib.cards import DialectName, Prices, PriceSource
from lib.ledger import AnswerState, ModelRef, Purpose, UsageSource, left_out_media
from lib.messages import Params, Part, Role
from lib.tokens import TokenCount


class Settings(Struct, frozen=True):
    """What a conversation asks with."""

    gateway_id: int | None = None
    model: str | None = None
    dialect: DialectName = "openai"
    params: Params = Params()
    system: str = ""


class Total(Struct, frozen=True):
    """What a conversation used, in one currency. `nano` sums the known costs only; `n_unpriced` rows have none."""

    currency: str
    demo: bool
    n: int
    n_unpriced: int
    n_estimated: int
    nano: int
    in_tokens: int
    out_tokens: int


class Conversation(Struct, frozen=True):
    """A conversation without its messages. `active_leaf` is the public id of the last message of its branch,
    `folder` that of the folder it is in."""

    id: int
    public_id: str
    title: str
    created_ms: int
    last_ms: int
    settings: Settings
    active_leaf: str | None
    n_messages: int
    running: bool
    unread: bool
    queue_paused: bool = False
    deleted_ms: int | None = None
    totals: tuple[Total, ...] = ()
    pinned: bool = False
    archived: bool = False
    folder: str | None = None
    tags: tuple[str, ...] = ()
    title_source: str = ""
    """Who named it: '' its first words, 'user', 'model'."""


class Only(Struct, frozen=True):
    """Which conversations to list; None leaves it open. `folder` is a public id, or "" for those in none."""

    pinned: bool | None = None
    archived: bool | None = None
    folder: str | None = None
    tag: str | None = None


class Folder(Struct, frozen=True):
    """A folder; `n` conversations in it can be seen (not deleted, not archived)."""

    public_id: str
    name: str
    n: int = 0


class Tag(Struct, frozen=True):
    """A tag that `n` conversations wear, archived ones too."""

    name: str
    n: int


class CostLine(Struct, frozen=True):
    """What one answer cost: its ledger rows together. `nano` is None when no attempt has a known cost.

    `n_unpriced` attempts have none; times are of the last attempt, in milliseconds since it was sent.
    """

    count: TokenCount
    nano: int | None
    currency: str
    source: PriceSource | None
    usage_source: UsageSource
    reported_nano: int | None = None
    low_nano: int | None = None
    high_nano: int | None = None
    n_attempts: int = 1
    n_unpriced: int = 0
    first_visible_ms: int | None = None
    duration_ms: int | None = None
    demo: bool = False
    media_ignored: bool = False
    """The reported input is far below what the pictures or video should have added: the gateway dropped them."""


class StoredMessage(Struct, frozen=True):
    """One message of a branch. `siblings` are the public ids of all versions, this one included, oldest first."""

    public_id: str
    parent: str | None
    role: Role
    parts: tuple[Part, ...]
    text: str
    reasoning: str
    created_ms: int
    state: AnswerState | None = None
    error_kind: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    repaired: tuple[str, ...] = ()
    reasoning_ms: int | None = None
    ref: ModelRef | None = None
    siblings: tuple[str, ...] = ()
    cost: CostLine | None = None
    edited: bool = False
    """A person wrote this version over another one; an edited answer has no cost of its own."""
    copied: bool = False
    """Came with a fork: what it cost is counted where it was answered."""
    continues: str | None = None
    """The answer that this one goes on with: its first `kept_chars` characters are that one's text."""
    kept_chars: int = 0

    @property
    def left_out(self) -> int:
        """So many pictures and videos of earlier messages were not sent, because the model takes none."""
        return left_out_media(self.repaired)

    @property
    def sibling_count(self) -> int:
        return len(self.siblings)

    @property
    def sibling_index(self) -> int:
        """0 for the oldest version."""
        return self.siblings.index(self.public_id)


class Transcript(Struct, frozen=True):
    """A branch from its root (or from the first of the turns asked for) to its leaf."""

    messages: tuple[StoredMessage, ...]
    has_earlier: bool = False


class Begun(Struct, frozen=True):
    """An answer that is stored and may be sent. `replayed`: the same key came before, nothing new was written."""

    owner: int
    answer_id: int
    attempt_id: int
    conversation: str
    user_message: str
    message: str
    started_ms: int
    replayed: bool = False
    verdict: Verdict | None = None
    """What the strictest of its budgets says; None when it falls under none."""


class KnownAttempt(Struct, frozen=True):
    """An attempt that was opened; it may have been sent."""

    id: int
    number: int
    started_ms: int
    chars_in: int = 0
    max_out_cap: int | None = None
    media_in: int = 0


class AnswerRow(Struct, frozen=True):
    """An answer as the store has it, for followers in other processes and for the sweep."""

    owner: int
    answer_id: int
    conversation: str
    message: str
    state: AnswerState
    text: str
    reasoning: str
    parts: tuple[Part, ...]
    ref: ModelRef
    params: Params
    system: str
    purpose: Purpose
    epoch: str
    started_ms: int
    heartbeat_ms: int
    stop_requested: bool
    ended_ms: int | None = None
    error_kind: str | None = None
    error_message: str | None = None
    attempts: tuple[KnownAttempt, ...] = ()
    kept_chars: int = 0
    """So much of the text is an earlier answer's, which this one continues."""


class Trashed(Struct, frozen=True):
    """Something deleted that can still be restored: a conversation (`message` None), or a message with what followed.

    `excerpt` is the conversation's title or the message's first words (untrusted), `n_messages` how many come back.
    """

    conversation: str
    message: str | None
    title: str
    excerpt: str
    n_messages: int
    deleted_ms: int
    days_left: int


class Preset(Struct, frozen=True):
    """A system prompt and parameters under a name; `settings.model` None leaves the model as it is."""

    public_id: str
    name: str
    settings: Settings


class QueueItem(Struct, frozen=True):
    """A message that waits for the answer before it."""

    public_id: str
    parts: tuple[Part, ...]
    ref: ModelRef
    params: Params
    system: str
    created_ms: int


class StoredKey(Struct, frozen=True):
    """An encrypted key as it lies in the store; only `lib/keys.py` can read it."""

    cipher: bytes
    nonce: bytes
    hint: str

    def __repr__(self) -> str:
        return f"StoredKey(…{self.hint})"


class CurrentPrice(Struct, frozen=True):
    """The price in force: `version_id` names the row of the price book."""

    version_id: int
    prices: Prices
    source: PriceSource


class PriceVersion(Struct, frozen=True):
    """One row of the price book. `prices` without any value says that the source stopped naming one."""

    id: int
    gateway_id: int
    model: str
    source: PriceSource
    prices: Prices
    valid_from_ms: int
    first_seen_ms: int
    last_seen_ms: int
    note: str = ""


class Mismatch(Struct, frozen=True):
    """A rollup kind whose sum is not the ledger's: a defect, shown and mended by `rebuild`."""

    kind: str
    zone: str
    measure: str
    ledger: int
    rollup: int


class Speed(Struct, frozen=True):
    """How often the first visible token took between `low_ms` and `high_ms`; a histogram merges by adding `n`."""

    day: date
    gateway_id: int
    model: str
    base: str
    family: str
    variant: str
    low_ms: float
    high_ms: float
    n: int


class ImportRun(Struct, frozen=True):
    """One import that was taken: where it came from and what it made. `n_kept` conversations are still there."""

    public_id: str
    at_ms: int
    source: str
    file_name: str
    n_conversations: int
    n_messages: int
    n_attempts: int
    n_kept: int


class Share(Struct, frozen=True):
    """A link to a snapshot. The token is not here: only its hash is kept, so the link is shown once."""

    public_id: str
    conversation: str
    title: str
    created_ms: int
    expires_ms: int
    with_costs: bool
