"""From stored messages to the messages of an ask."""

from __future__ import annotations

from collections.abc import Iterable

from lib.cards import DialectName, ModelCard
from lib.errors import BadInput
from lib.messages import FilePart, Message, Params, Part, TextPart, user
from lib.store.rows import StoredMessage

CONTINUE = (
    "Continue exactly where you stopped, in the middle of the sentence or word if need be. "
    "Do not repeat anything and do not comment."
)
"""For models that do not go on with an answer they are shown: they are asked to."""


def checked(content: str | tuple[Part, ...]) -> tuple[Part, ...]:
    """What a person wrote or attached, as parts. Raises BadInput when there is nothing in it."""
    parts = (TextPart(content),) if isinstance(content, str) else content
    if not any(not isinstance(part, TextPart) or part.text.strip() for part in parts):
        raise BadInput("empty_message")
    return parts


def with_words(parts: Iterable[Part], text: str) -> tuple[Part, ...]:
    """The files among `parts`, with other words behind them."""
    files = tuple(part for part in parts if not isinstance(part, TextPart))
    return (*files, TextPart(text)) if text.strip() else files


def chars_of(parts: Iterable[Part]) -> int:
    """Characters that are sent as text: words, and documents with their names."""
    return sum(_chars(part) for part in parts)


def _chars(part: Part) -> int:
    if isinstance(part, FilePart):
        return len(part.text) + 2 * len(part.name)
    return len(part.text) if isinstance(part, TextPart) else 0


def chars_in(messages: Iterable[Message], system: str) -> int:
    """Characters a request sends: what an estimate of its input tokens starts from."""
    return len(system) + sum(chars_of(message.parts) for message in messages)


def newest(branch: tuple[StoredMessage, ...], keep_last: int | None) -> tuple[StoredMessage, ...]:
    """The question that the branch ends with and at most `keep_last` messages before it, a person's first."""
    if keep_last is None:
        return branch
    kept = branch[max(0, len(branch) - 1 - keep_last) :]
    start = next(at for at, message in enumerate(kept) if message.role == "user")
    return kept[start:]


def sendable(branch: Iterable[StoredMessage]) -> tuple[Message, ...]:
    """Stored messages as they are sent again; an answer that brought no text is left out.

    Reasoning stays here: outside a tool loop no gateway asks for it back, and other models refuse a foreign seal.
    """
    return tuple(message for stored in branch if (message := _sendable(stored)))


def _sendable(stored: StoredMessage) -> Message | None:
    if stored.role == "user":
        return Message("user", stored.parts)
    return Message("assistant", (TextPart(stored.text),)) if stored.text else None


def goes_on_by_itself(card: ModelCard, dialect: DialectName, params: Params) -> bool:
    """Whether the model continues an answer that the messages end with.

    Only Anthropic's wire means that by it, not every model there takes it, and none while it thinks (Anthropic,
    "Prefill Claude's response" and "Building with extended thinking").
    """
    return dialect == "anthropic" and card.prefill is True and not params.reasoning_effort


def kept_text(text: str, *, by_itself: bool) -> str:
    """What a continued answer begins with. A prefill must not end in white space. Raises BadInput when it is empty."""
    kept = text.rstrip() if by_itself else text
    if not kept.strip():
        raise BadInput("nothing_to_continue")
    return kept


def continuing(messages: tuple[Message, ...], kept: str, *, by_itself: bool) -> tuple[Message, ...]:
    """The messages that make a model go on after `kept`."""
    begun = (*messages, Message("assistant", (TextPart(kept),)))
    return begun if by_itself else (*begun, user(CONTINUE))
