"""The places of the upload page: a conversation beside its files, and many files that are asked about one by one."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import streamlit as st

from lib.attachments import Attachment
from lib.attachments.fit import Misfit, nearest, problems
from lib.cards import DialectName, ModelCard
from lib.errors import NotFound
from lib.markdown import plain
from lib.messages import Part
from lib.store.rows import Conversation
from lib.ui.attachment_words import misfit_words, problem_words
from lib.ui.chat import Chat
from lib.ui.choice import Choice
from lib.ui.model_picker import DIALECTS, model_name
from lib.ui.session import say_once, services
from lib.ui.waiting_files import Waiting

LOOK, BATCH = "Look", "Batch"
FEW = 6
"""Up to so many files each have a card; more are a table."""


def side_of_url() -> str:
    """Which side of the page the address names."""
    return BATCH if "batch" in st.query_params or st.query_params.get("side") == "batch" else LOOK


def go_to_side(side: str | None) -> None:
    """From a callback: show a side from its beginning."""
    for name in ("batch", "look", "side"):
        st.query_params.pop(name, None)
    if side == BATCH:
        st.query_params["side"] = "batch"


def open_batch(batch: str | None) -> None:
    """Show a batch, or the list of them. From a callback."""
    go_to_side(BATCH)
    if batch:
        st.query_params.pop("side", None)
        st.query_params["batch"] = batch


class Look(Chat):
    """A normal conversation, named by `?look=`, whose files stand beside it."""

    place: ClassVar[str | None] = "look"

    def __init__(self) -> None:
        super().__init__()
        self.choice = Choice("look", self._stored_settings())

    def _read_conversation(self) -> Conversation | None:
        public_id = st.query_params.get("look")
        if not public_id:
            return None
        try:
            return services().store.conversations.get(services().owner, public_id)
        except NotFound:
            st.query_params.pop("look", None)
            say_once("This conversation does not exist or was deleted.", ":material/search_off:")
            return None

    def _open(self, conversation: str) -> None:
        st.query_params["look"] = conversation

    @property
    def sent_files(self) -> list[tuple[str, tuple[Part, ...]]]:
        """Everything that was sent along, by the public ids of the messages."""
        return [(message.public_id, message.parts) for message in self.messages if message.role == "user"]


class BatchFiles(Chat):
    """The files of the next batch, and the model that is to be asked."""

    place: ClassVar[str | None] = "batch"

    def __init__(self) -> None:
        super().__init__()
        self.choice = Choice("batch", self._stored_settings())

    def _read_conversation(self) -> Conversation | None:
        return None

    @cached_property
    def waiting(self) -> EachAlone:
        return EachAlone(self)

    @property
    def going(self) -> list[Attachment]:
        """What can be sent to the chosen model."""
        left_out = {item.public_id for item, _ in self.left_out}
        return [item for item in self.waiting.items if item.public_id not in left_out]

    @cached_property
    def left_out(self) -> list[tuple[Attachment, str]]:
        """What cannot, each with the reason in words."""
        found = [(item, self._why(item)) for item in self.waiting.items]
        return [(item, why) for item, why in found if why]

    def _why(self, item: Attachment) -> str:
        if item.problem or item.form is None:
            return problem_words(item.problem or "unknown_type")
        misfit, card = self.waiting.misfit_of(item.public_id), self.choice.card
        if misfit is None or card is None:
            return ""
        return misfit_words(misfit.reason, plain(model_name(card)), DIALECTS[self.choice.dialect])


class EachAlone(Waiting):
    """Files of which each is a request of its own."""

    together: ClassVar[bool] = False

    def __init__(self, chat: Chat) -> None:
        super().__init__(chat)
        self.compact = len(self.items) > FEW

    @cached_property
    def _misfits(self) -> tuple[tuple[Misfit, str], ...]:
        card, dialect = self._choice.card, self._choice.dialect
        return tuple((misfit, item.public_id) for item in self.ready for misfit in problems(item.parts, card, dialect))

    @property
    def misfit(self) -> Misfit | None:
        """Nothing here keeps the others back."""
        return None

    @cached_property
    def takers(self) -> list[tuple[ModelCard, DialectName]]:
        """The nearest models that take one of each kind that the chosen one does not."""
        choice, kinds = self._choice, {misfit.reason: public_id for misfit, public_id in reversed(self._misfits)}
        parts = [part for item in self.ready if item.public_id in kinds.values() for part in item.parts]
        if choice.card is None or not parts:
            return []
        return list(nearest(parts, choice.cards, choice.card, choice.dialect, choice.gateway.dialects))[:2]
