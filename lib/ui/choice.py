"""What the next message will be asked with: gateway, model, variant, dialect, parameters, system prompt.

The widgets behind the two quiet buttons hold it in the session; `in_force` reads them, so the page and the callback
that sends a message see the same values also when a change and Enter arrive together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import streamlit as st

from lib.cards import DialectName, GatewayCard, ModelCard
from lib.catalogue import PickerModel, picker_groups
from lib.messages import Params
from lib.store.rows import Settings
from lib.ui.parameters import highest_temperature, takes_sampling, takes_stop
from lib.ui.session import services

Number = TypeVar("Number", int, float)


class Choice:
    """The choice for one conversation (`chat`, None for a new one), starting from its `stored` settings."""

    def __init__(self, chat: str | None, stored: Settings) -> None:
        self.stored = stored
        self._chat = chat

    @staticmethod
    def key_for(chat: str | None, *names: object) -> str:
        """The widget key below a conversation's prefix (None: of the next new one)."""
        return "-".join([f"choice-{chat or 'new'}", *map(str, names)])

    def key(self, *names: object) -> str:
        """The widget key below this conversation's prefix."""
        return self.key_for(self._chat, *names)

    def _of(self, key: str, default: Any) -> Any:
        return st.session_state.get(key, default)

    @property
    def gateway(self) -> GatewayCard:
        cards = {card.id: card for card in services().gateways.cards()}
        wanted = self._of(self.key("gateway"), self.stored.gateway_id)
        return cards.get(wanted) or next(iter(cards.values()))

    @property
    def cards(self) -> Sequence[ModelCard]:
        """The models of the chosen gateway."""
        return services().gateways.models(self.gateway.id)

    @property
    def bases(self) -> dict[str, PickerModel]:
        """The base models of the chosen gateway in the order of the picker, by base id."""
        return {model.base: model for family in picker_groups(self.cards) for model in family.models}

    @property
    def base_key(self) -> str:
        return self._key_since_pick(self.gateway.id, "base")

    def variant_key(self, base: str) -> str:
        return self._key_since_pick(self.gateway.id, base, "variant")

    @property
    def dialect_key(self) -> str:
        return self._key_since_pick("dialect")

    def _key_since_pick(self, *names: object) -> str:
        """A key that is another one after each `pick`: of a widget that it has drawn once and hides now, a browser
        does not take a new value, and sends the old one with the next click."""
        picks = self._of(self.key("picks"), 0)
        return self.key(*names, *([picks] if picks else []))

    @property
    def default_card(self) -> ModelCard | None:
        """The stored model, or the usual one of this gateway."""
        found = next((card for card in self.cards if card.id == self.stored.model), None)
        return found or services().gateways.usual(self.gateway.id)

    @property
    def card(self) -> ModelCard | None:
        """The chosen model."""
        default, bases = self.default_card, self.bases
        model = bases.get(self._of(self.base_key, default.base if default else ""))
        if model is None:
            return default
        wanted = self._of(self.variant_key(model.base), None)
        fallback = default if default in model.variants else model.variants[0]
        return next((card for card in model.variants if card.id == wanted), fallback)

    @property
    def dialects(self) -> list[DialectName]:
        """The dialects in which both the gateway and the model can be asked."""
        offered, card = self.gateway.dialects, self.card
        return [name for name in offered if card is None or card.abilities(name).listed is not False] or list(offered)

    @property
    def dialect(self) -> DialectName:
        wanted: DialectName = self._of(self.dialect_key, self.stored.dialect)
        return wanted if wanted in self.dialects else self.dialects[0]

    def parameter_key(self, name: str) -> str:
        """Keyed by model too: another model starts from the stored values that fit it."""
        return self.key(self.card.id if self.card else "", name)

    @property
    def params(self) -> Params:
        """Only what is set and what this model takes."""
        card, stored = self.card, self.stored.params
        if card is None:
            return stored
        temperature = self._of(self.parameter_key("temperature"), stored.temperature)
        top_p = self._of(self.parameter_key("top-p"), stored.top_p)
        if not takes_sampling(card):
            temperature = top_p = None
        elif card.sampling == "one_of_temperature_top_p" and temperature is not None:
            top_p = None
        cap = self._of(self.parameter_key("cap"), stored.max_tokens)
        stop = _words(self._of(self.parameter_key("stop"), " | ".join(stored.stop))) if takes_stop(card) else ()
        return Params(temperature, top_p, int(cap) if cap else None, stop, stored.reasoning_effort)

    @property
    def system(self) -> str:
        return str(self._of(self.key("system"), self.stored.system)).strip()

    def pick(self, card: ModelCard, dialect: DialectName | None = None) -> None:
        """Go to one of this gateway's models, through this dialect or the present one. From a callback."""
        wanted, picks = dialect or self.dialect, self._of(self.key("picks"), 0)
        st.session_state[self.key("picks")] = picks + 1
        st.session_state[self.base_key] = card.base
        st.session_state[self.variant_key(card.base)] = card.id
        st.session_state[self.dialect_key] = wanted if wanted in self.dialects else self.dialects[0]

    def take(self, settings: Settings) -> None:
        """Put a system prompt and parameters into the widgets, as far as this model takes them. From a callback."""
        params, card = settings.params, self.card
        highest, longest = highest_temperature(self.dialect, card), card.max_output if card else None
        values = {
            self.key("system"): settings.system,
            self.parameter_key("temperature"): _at_most(params.temperature, highest),
            self.parameter_key("top-p"): params.top_p,
            self.parameter_key("cap"): _at_most(params.max_tokens, longest),
            self.parameter_key("stop"): " | ".join(params.stop),
        }
        for key, value in values.items():
            st.session_state[key] = value

    def in_force(self) -> Settings:
        """The whole choice as it stands now."""
        card = self.card
        return Settings(self.gateway.id, card.id if card else None, self.dialect, self.params, self.system)


def _at_most(value: Number | None, most: Number | None) -> Number | None:
    return value if value is None or most is None else min(value, most)


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())[:4]
