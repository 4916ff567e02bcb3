"""What waits to be sent with the next message of a conversation, read once per run."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import streamlit as st

from lib.attachments import Attachment, Form
from lib.attachments.fit import Misfit, nearest, problems
from lib.attachments.limits import body_bytes
from lib.attachments.tokens import media_tokens, part_tokens
from lib.cards import DialectName, ModelCard
from lib.errors import NotFound
from lib.generation.attaching import in_sending_order
from lib.messages import FilePart, ImagePart, Part, TextPart, VideoPart
from lib.ui.session import services

if TYPE_CHECKING:
    from lib.ui.chat import Chat

MOST_OFFERS = 3
_PLACE = "temporary-place"


class Waiting:
    """The attachments of one conversation's composer; those with a problem wait too, and are never sent."""

    compact = False
    """Whether cards are only drawn of what is still on its way."""
    together: ClassVar[bool] = True
    """Whether all of them are one message."""

    def __init__(self, chat: Chat) -> None:
        self._choice = chat.choice
        self.place = _place_of(chat)
        self.items = _items(self.place)

    @property
    def ready(self) -> list[Attachment]:
        return [item for item in self.items if item.form]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Everything that goes along, in the order in which it is sent."""
        return in_sending_order(tuple(part for item in self.ready for part in item.parts))

    @property
    def sample(self) -> str:
        """The beginning of its texts: enough to see in what script they are written."""
        return "".join(part.text[:1000] for part in self.parts if isinstance(part, FilePart))

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them: what could not be sent does not wait for the message after."""
        return tuple(item.public_id for item in self.items)

    def content(self, text: str) -> str | tuple[Part, ...]:
        """The message that `text` and the attachments make."""
        if not self.parts:
            return text
        return (*self.parts, TextPart(text)) if text.strip() else self.parts

    # --- whether the chosen model takes it --------------------------------------------------------------------------

    @cached_property
    def _misfits(self) -> tuple[tuple[Misfit, str], ...]:
        """Each with the public id of the attachment it is about; empty when it is about all of them."""
        parts = tuple(part for item in self.ready for part in item.parts)
        owners = [item.public_id for item in self.ready for _ in item.parts]
        found = problems(parts, self._choice.card, self._choice.dialect)
        return tuple((misfit, "" if misfit.index is None else owners[misfit.index]) for misfit in found)

    @property
    def misfit_is_sound(self) -> bool:
        """Whether the first of them is about a recording, which goes as a video."""
        first = next((owner for _, owner in self._misfits), "")
        return any(item.public_id == first and item.kind == "sound" for item in self.items)

    def misfit_of(self, public_id: str) -> Misfit | None:
        """Why the model does not take this one."""
        return next((misfit for misfit, owner in self._misfits if owner == public_id), None)

    @property
    def misfit(self) -> Misfit | None:
        """The first reason why the message cannot go, if there is one."""
        return next((misfit for misfit, _ in self._misfits), None)

    @cached_property
    def offers(self) -> Sequence[tuple[ModelCard, DialectName]]:
        """A few models that take all of it, the nearest first."""
        choice = self._choice
        if self.misfit is None or choice.card is None:
            return ()
        return nearest(self.parts, choice.cards, choice.card, choice.dialect, choice.gateway.dialects)[:MOST_OFFERS]

    # --- what it takes ----------------------------------------------------------------------------------------------

    def tokens(self, card: ModelCard | None, ratio: Fraction) -> int:
        """About how many tokens all of it is on `card`; `ratio` is its tokens per character."""
        return sum_of(self.parts, card, ratio)

    @property
    def bytes(self) -> int:
        """About what it takes of a request."""
        return body_bytes(self.parts)


def sum_of(parts: Sequence[Part], card: ModelCard | None, ratio: Fraction) -> int:
    """Tokens of the parts; a size or length that nobody knows is assumed."""
    return sum(_tokens(part, card, ratio) for part in parts)


def _tokens(part: Part, card: ModelCard | None, ratio: Fraction) -> int:
    known = part_tokens(part, card, ratio)
    return media_tokens((part,), card) if known is None else known


def form_tokens(form: Form, card: ModelCard | None, ratio: Fraction) -> int:
    """The same for one way of sending an attachment."""
    return sum_of(form.parts, card, ratio)


def unsent_media(chat: Chat) -> tuple[Part, ...]:
    """Pictures and videos of the messages shown that the chosen model does not take: they are left out."""
    card, dialect = chat.choice.card, chat.choice.dialect
    media = [part for message in chat.messages for part in message.parts if isinstance(part, ImagePart | VideoPart)]
    if card is None or not media:
        return ()
    return tuple(media[misfit.index] for misfit in problems(media, card, dialect) if misfit.index is not None)


def takers(chat: Chat, parts: Sequence[Part]) -> Sequence[tuple[ModelCard, DialectName]]:
    """The nearest models that take these."""
    choice = chat.choice
    if choice.card is None:
        return ()
    return nearest(parts, choice.cards, choice.card, choice.dialect, choice.gateway.dialects)


def _items(place: str) -> list[Attachment]:
    try:
        return services().attachments.list(place)
    except NotFound:
        return []


def _place_of(chat: Chat) -> str:
    """Of a temporary chat: a place in memory that this session opened."""
    if chat.place:
        return chat.place
    if not chat.temporary:
        if left := st.session_state.pop(_PLACE, None):
            services().attachments.memory.close_place(left)
        return chat.id or "new"
    place = services().attachments.place_in_memory(st.session_state.get(_PLACE))
    st.session_state[_PLACE] = place
    return place
