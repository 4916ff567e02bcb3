"""Before you send: how much of the model's context the chat takes, and what the next answer will probably cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import streamlit as st

from lib.attachments.fit import without_media
from lib.attachments.tokens import media_tokens
from lib.cards import DialectName, ModelCard
from lib.ledger import Cost
from lib.markdown import label
from lib.messages import FilePart, ImagePart, Part, VideoPart
from lib.money import money
from lib.pricing import guessed_ratio, measured_ratio, price
from lib.quote import AnswerBasis, Known, Quote, estimate, short, tokens_of
from lib.store.measures import MessageSize, Past
from lib.store.rows import StoredMessage
from lib.tokens import TokenCount
from lib.ui.model_picker import model_name
from lib.ui.session import services

if TYPE_CHECKING:
    from lib.ui.chat import Chat

_FEWEST_SAMPLES = 3
_FEWEST_CHARS = 80
_BASIS_WORDS: dict[AnswerBasis, str] = {
    "chat": "the median of this chat’s answers",
    "model": "the median of this model’s answers",
    "assumed": "assumed: this model has hardly answered yet",
}


class Estimate:
    """The quote for the open conversation on any of the gateway's models; the database is read once."""

    def __init__(self, chat: Chat) -> None:
        self._choice = chat.choice
        self._messages = chat.messages
        self._dialect = chat.choice.dialect
        self._waiting = chat.waiting
        self._read: dict[str, Past] = {}
        self.sizes: tuple[MessageSize, ...] = ()
        if chat.temporary:
            self.sizes = tuple(_size(message) for message in chat.messages)
        elif chat.id and chat.conversation:
            self.sizes = services().store.measures.branch(services().owner, chat.id)

    def ratio(self, card: ModelCard) -> Fraction:
        """Tokens per character: as this model counted before, else guessed from the script of what was written."""
        past = self._past(card)
        told = _ratio(past.asked) or _ratio(past.answered)
        written = "".join(message.text for message in self._messages[-4:]) + self._choice.system
        return told or guessed_ratio(written or self._waiting.sample)

    def of(self, card: ModelCard) -> Quote:
        """What the next request takes on `card`."""
        return estimate(
            [size.chars for size in self.sizes],
            len(self._choice.system),
            self.ratio(card),
            known=_known(self._messages, card, self._dialect),
            in_chat=list(_lengths(self._messages, card)),
            of_model=self._past(card).lengths,
            cap=self._choice.params.max_tokens,
            context=card.context,
            attachments=sum(size.attached for size in self.sizes),
            media=[self._media(size, card) for size in self.sizes],
            waiting=self._waiting.tokens(card, self.ratio(card)),
        )

    def tokens(self, size: MessageSize, card: ModelCard) -> int:
        """What one message of the branch takes on `card`."""
        return tokens_of(size.chars, self.ratio(card)) + self._media(size, card)

    def _media(self, size: MessageSize, card: ModelCard) -> int:
        return _media_tokens(size.media, card, self._dialect)

    def _past(self, card: ModelCard) -> Past:
        """Read once per run and model."""
        gateway = self._choice.gateway.id
        if card.id not in self._read:
            self._read[card.id] = services().store.measures.past(services().owner, gateway, card.id)
        return self._read[card.id]


def _size(message: StoredMessage) -> MessageSize:
    """Of a message that is here already."""
    return MessageSize(message.role, chars_of(message), media_of(message))


def chars_of(message: StoredMessage) -> int:
    """Characters of its words and documents."""
    return len(message.text) + sum(
        len(part.text) + 2 * len(part.name) for part in message.parts if isinstance(part, FilePart)
    )


def media_of(message: StoredMessage) -> tuple[ImagePart | VideoPart, ...]:
    return tuple(part for part in message.parts if isinstance(part, ImagePart | VideoPart))


def _media_tokens(media: Sequence[Part], card: ModelCard, dialect: DialectName) -> int:
    """What the model does not take is not sent, and costs nothing."""
    return media_tokens(without_media(media, card, dialect)[0], card) if media else 0


def _ratio(pairs: Sequence[tuple[int, int]]) -> Fraction | None:
    """Of short texts the gateway's own overhead would be most of the count."""
    long_enough = [pair for pair in pairs if pair[1] >= _FEWEST_CHARS]
    return measured_ratio(long_enough) if len(long_enough) >= _FEWEST_SAMPLES else None


def _known(messages: Sequence[StoredMessage], card: ModelCard, dialect: DialectName) -> Known | None:
    """The last answer, when its model counts tokens as `card` does and its whole count was reported."""
    chars_after = media_after = 0
    for message in reversed(messages):
        cost, ref = message.cost, message.ref
        told = cost is not None and cost.usage_source == "reported" and cost.n_attempts == 1 and not message.continues
        if cost and told and ref and ref.base == card.base and cost.count.input and not message.edited:
            output, cached = cost.count.out_visible or 0, cost.count.in_cache_read or 0
            return Known(cost.count.input, output, cached, chars_after, media_after)
        if message.role == "assistant" and message.text:
            return None
        chars_after += chars_of(message)
        media_after += _media_tokens(media_of(message), card, dialect)
    return None


def _lengths(messages: Sequence[StoredMessage], card: ModelCard) -> Iterator[int]:
    for message in messages:
        if message.state == "done" and message.cost and message.ref and message.ref.base == card.base:
            output = message.cost.count.output
            if output:
                yield output


def cost_on(count: TokenCount, card: ModelCard) -> Cost:
    """What these tokens cost on `card`; unpriced when the gateway names no price."""
    return price(count, card.prices, source=card.price_source, reference=card.vendor_prices)


def cost_words(cost: Cost) -> str:
    """'≈ $0.0210' or 'unpriced'."""
    return "unpriced" if cost.nano is None else f"≈ {money(cost.nano, cost.currency)}"


def show_quote(chat: Chat) -> None:
    """One quiet line with the breakdown behind it."""
    card = chat.choice.card
    if card is None:
        return
    found = Estimate(chat).of(card)
    words = f":{'orange' if found.excess() else 'gray'}[{label(meter_words(found, card))}]"
    with st.popover(words, type="tertiary", key="quote-button"):
        _show_breakdown(found, card)
        _show_siblings(found, chat.choice.bases[card.base].variants if card.base in chat.choice.bases else (card,))
        if chat.choice.gateway.demo:
            st.caption("Demo prices: nothing is billed.")


def meter_words(quote: Quote, card: ModelCard) -> str:
    """'≈ 8.2k of 200k tokens · next ≈ $0.0210'."""
    used = f"≈ {short(quote.input)}" if quote.input else "0"
    room = f" of {short(quote.context)}" if quote.context else ""
    return f"{used}{room} tokens · next {cost_words(cost_on(quote.count, card))}"


def _show_breakdown(quote: Quote, card: ModelCard) -> None:
    basis = _BASIS_WORDS[quote.basis]
    lines = [
        f"History: {_tokens(quote.history)}",
        f"System prompt: {_tokens(quote.system)}",
        *([f"Attachments: {_tokens(quote.waiting)}"] if quote.waiting else []),
        f"Expected answer: {_tokens(quote.answer)} ({basis})",
        f"Context: {quote.context:,} tokens" if quote.context else "Context: not known for this model",
    ]
    st.markdown("**The next answer**, without what you are typing")
    st.markdown("\n".join(f"- {line}" for line in lines))
    if quote.cached:
        rest = cost_words(cost_on(quote.count_with_cache, card))
        st.caption(label(f"{quote.cached:,} tokens came from the cache last time: {rest} if it still holds them."))
    if quote.attachments:
        st.caption("Images and video count by the vendors’ rules until an answer has reported them.")


def _tokens(count: int) -> str:
    return f"≈ {count:,} tokens" if count else "0 tokens"


def _show_siblings(quote: Quote, variants: Sequence[ModelCard]) -> None:
    """The same tokens on the other price variants."""
    st.markdown("**The same tokens cost**")
    st.markdown(
        "\n".join(f"- {label(model_name(card))}: {label(cost_words(cost_on(quote.count, card)))}" for card in variants)
    )
