"""The owner's gateways at work: their cards and keys, open doors, model lists and the prices in force.

A page never waits for a gateway: model lists come from the store and are refreshed behind its back.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import get_args

from msgspec import structs

from lib.cards import DialectName, GatewayCard, ListedModel, ModelCard, Prices, VariantRule, VideoForm
from lib.catalogue import card_for, load_catalogue
from lib.errors import BadInput, GatewayError, NotFound, ParlourError, SettingsError
from lib.gateway import Deadlines, Gateway, Reach
from lib.generation import Engine, SharedDoor, Tariff
from lib.ids import now_ms
from lib.keys import KeyBox
from lib.ledger import ModelRef
from lib.price_book.rules import ruled
from lib.secret import Secret, key_from
from lib.settings import clean_base_url, origin_of
from lib.store import Store
from lib.store.rows import Settings, StoredKey

REFRESH_S = 600.0
RETRY_S = 30.0
"""A list that could not be fetched is asked for again this soon."""
_log = logging.getLogger("parlour.gateways")
_VIDEO = "video"
_RULES = "variant_rules"
"""Where the settings of a gateway that is configured outside say how video is sent, and which endings are variants."""
_FORMS: tuple[VideoForm, ...] = get_args(VideoForm)
_USUAL = ("claude-sonnet-4-6", "gpt-5.4", "gemini-3-flash-preview")


class Gateways:
    """Everything about one owner's gateways. Used from page threads; only `door` runs on the engine's loop."""

    def __init__(self, store: Store, engine: Engine, keys: KeyBox, owner: int, *, deadlines: Deadlines) -> None:
        self._store = store
        self._engine = engine
        self._keys = keys
        self._owner = owner
        self._deadlines = deadlines
        self._lock = threading.RLock()
        self._held: dict[int, Secret] = {}
        self._configured: dict[int, GatewayCard] = {}
        self._doors: dict[int, SharedDoor[Gateway]] = {}
        self._models: dict[int, tuple[ModelCard, ...]] = {}
        self._asked_at: dict[int, float] = {}
        self._cards: tuple[GatewayCard, ...] | None = None

    def cards(self) -> tuple[GatewayCard, ...]:
        """The usable gateways, real ones first."""
        with self._lock:
            if self._cards is None:
                found = self._store.gateways.list(self._owner)
                shown = [self._configured.get(card.id, card) for card in found]
                usable = [card for card in shown if card.origin_of_key == "stored" or card.id in self._held]
                self._cards = tuple(sorted(usable, key=lambda card: card.demo))
            return self._cards

    def card(self, gateway_id: int) -> GatewayCard:
        """Raises NotFound."""
        for card in self.cards():
            if card.id == gateway_id:
                return card
        raise NotFound("gateway")

    def hold(self, card: GatewayCard, key: Secret, *, slot: str) -> GatewayCard:
        """Use a gateway whose key is never stored (environment, secrets file, embedded) while this process runs.

        `slot` names its fixed place, so that it keeps its id, which the ledger refers to, over restarts.
        """
        held = self._store.gateways.ensure(self._owner, card, slot)
        held = structs.replace(held, origin_of_key=card.origin_of_key, key_hint=key.hint)
        kept = self._store.gateways.settings(self._owner, held.id)
        held = next((_with_video(held, video) for video in _FORMS if video == kept.get(_VIDEO)), held)
        if (rules := _kept_rules(kept.get(_RULES))) is not None:
            held = structs.replace(held, variant_rules=rules)
        with self._lock:
            self._held[held.id], self._configured[held.id] = key, held
            self._forget(held.id)
        return held

    def release(self, gateway_id: int) -> None:
        """Stop offering a gateway whose key is not stored."""
        with self._lock:
            self._held.pop(gateway_id, None)
            self._forget(gateway_id)

    def add(self, name: str, base_url: str, key: str, dialects: tuple[DialectName, ...]) -> GatewayCard:
        """Store a new gateway with its key sealed. Raises SettingsError for a bad URL or key."""
        url, secret = clean_base_url(base_url), key_from(key)
        card = self._store.gateways.add(self._owner, GatewayCard(0, name.strip() or url, url, dialects))
        self._store_key(card, secret)
        self._forget(card.id)
        return self.card(card.id)

    def update(
        self,
        gateway_id: int,
        *,
        name: str,
        base_url: str,
        key: str | None,
        dialects: tuple[DialectName, ...],
        rules: tuple[VariantRule, ...],
        video: VideoForm,
    ) -> None:
        """Change a stored gateway. A new origin needs the key again: a key is bound to the one it was entered for.

        Raises SettingsError, also for a gateway that is configured outside (environment, secrets file, demo), and
        NotFound.
        """
        card = self.card(gateway_id)
        if card.id in self._held:
            raise SettingsError("gateway", "configured_outside")
        url, secret = clean_base_url(base_url), key_from(key) if key else None
        if secret is None:
            _same_origin(card, url)
        changed = structs.replace(
            card,
            name=name.strip() or url,
            base_url=url,
            dialects=dialects,
            variant_rules=rules,
            form=structs.replace(card.form, video=video),
        )
        self._store.gateways.update(self._owner, changed)
        if secret:
            self._store_key(changed, secret)
        self._forget(gateway_id)

    def set_video(self, gateway_id: int, video: VideoForm) -> None:
        """How video is sent there from now on; kept over restarts, also where the rest is configured outside.

        Raises NotFound.
        """
        changed = _with_video(self.card(gateway_id), video)
        if gateway_id in self._held:
            kept = self._store.gateways.settings(self._owner, gateway_id)
            self._store.gateways.save_settings(self._owner, gateway_id, {**kept, _VIDEO: video})
            self._configured[gateway_id] = changed
        else:
            self._store.gateways.update(self._owner, changed)
        self._forget(gateway_id)

    def set_rules(self, gateway_id: int, rules: tuple[VariantRule, ...]) -> None:
        """Which endings make an id a price variant there; kept over restarts, also where it is configured outside.

        What is in the ledger stays under the variant it was asked for. Raises NotFound.
        """
        changed = structs.replace(self.card(gateway_id), variant_rules=rules)
        if gateway_id in self._held:
            kept = self._store.gateways.settings(self._owner, gateway_id)
            told = [structs.astuple(rule) for rule in rules]
            self._store.gateways.save_settings(self._owner, gateway_id, {**kept, _RULES: told})
            self._configured[gateway_id] = changed
        else:
            self._store.gateways.update(self._owner, changed)
        self._forget(gateway_id)
        self.apply_rules(gateway_id)

    def remove(self, gateway_id: int) -> None:
        """Forget a gateway and its key. Its rows in the ledger stay."""
        self._store.gateways.remove(self._owner, gateway_id)
        self.release(gateway_id)

    def _store_key(self, card: GatewayCard, key: Secret) -> None:
        cipher, nonce = self._keys.seal(key, owner=self._owner, gateway=card.public_id, origin=origin_of(card.base_url))
        self._store.gateways.set_key(self._owner, card.id, StoredKey(cipher, nonce, key.hint))

    def key_to_hand_on(self, gateway_id: int) -> Secret:
        """The key, for another program of its owner. To be asked for at the owner's click only, and kept nowhere.

        Raises NotFound, SettingsError, and BadInput for the demo, whose key is of no use elsewhere.
        """
        card = self.card(gateway_id)
        if card.demo:
            raise BadInput("demo_key")
        return self._key(card)

    def _key(self, card: GatewayCard) -> Secret:
        if card.id in self._held:
            return self._held[card.id]
        sealed = self._store.gateways.key(self._owner, card.id)
        if sealed is None:
            raise SettingsError("key", "empty")
        return self._keys.open(
            sealed.cipher, sealed.nonce, owner=self._owner, gateway=card.public_id, origin=origin_of(card.base_url)
        )

    def _forget(self, gateway_id: int) -> None:
        with self._lock:
            self._cards = None
            self._models.pop(gateway_id, None)
            self._asked_at.pop(gateway_id, None)
            door = self._doors.pop(gateway_id, None)
        if door:
            self._engine.spawn(door.retire())

    def door(self, gateway_id: int) -> SharedDoor[Gateway]:
        """The pooled door of a gateway, to be used on the engine's loop. Raises NotFound or SettingsError."""
        with self._lock:
            if gateway_id not in self._doors:
                card = self.card(gateway_id)
                self._doors[gateway_id] = SharedDoor(Gateway(card, self._key(card), deadlines=self._deadlines))
            return self._doors[gateway_id]

    def door_for_video(self, gateway_id: int, video: VideoForm) -> SharedDoor[Gateway]:
        """A door for one answer that sends video in another form than the gateway's own, to try it out.

        Raises NotFound or SettingsError.
        """
        card = self.card(gateway_id)
        return SharedDoor(Gateway(_with_video(card, video), self._key(card), deadlines=self._deadlines), once=True)

    def test(self, base_url: str, key: str, gateway_id: int | None = None) -> Reach:
        """Test a connection as it would be saved; an empty `key` means the stored one. Raises ParlourError."""
        url = clean_base_url(base_url)
        if key or gateway_id is None:
            secret = key_from(key)
        else:
            card = self.card(gateway_id)
            _same_origin(card, url)
            secret = self._key(card)
        return self._engine.call(self._test(GatewayCard(0, "test", url), secret), timeout_s=90)

    async def _test(self, card: GatewayCard, key: Secret) -> Reach:
        door = Gateway(card, key, deadlines=self._deadlines)
        try:
            return await door.reach()
        finally:
            await door.aclose()

    def models(self, gateway_id: int) -> Sequence[ModelCard]:
        """The model cards of a gateway, from memory or the store; asks for a fresh list when they are old."""
        with self._lock:
            if gateway_id not in self._models:
                self._models[gateway_id] = self._read_models(self.card(gateway_id))
            if time.monotonic() - self._asked_at.get(gateway_id, -REFRESH_S) >= REFRESH_S:
                self.refresh(gateway_id)
            return self._models[gateway_id]

    def model(self, gateway_id: int, model: str) -> ModelCard:
        """The card of one model; of an unknown id, a card that knows nothing but its name."""
        found = next((card for card in self.models(gateway_id) if card.id == model), None)
        return found or card_for(model, rules=self.card(gateway_id).variant_rules)

    def label_card(self, ref: ModelRef) -> ModelCard:
        """The card to name an old answer by, also when its gateway has been removed."""
        try:
            return self.model(ref.gateway_id, ref.model)
        except NotFound:
            return card_for(ref.model)

    def usual(self, gateway_id: int) -> ModelCard | None:
        """A sensible first choice: a known good model in its cheapest priced variant, else the first listed."""
        cards = self.models(gateway_id)
        for base in _USUAL:
            of_base = [card for card in cards if card.base == base]
            if of_base:
                return next((card for card in of_base if card.variant == "standard"), of_base[0])
        return cards[0] if cards else None

    def enter_prices(self, gateway_id: int, model: str, prices: Prices) -> None:
        """Prices a person typed for exactly this id; they come before the gateway's list, from the next answer on."""
        self._store.prices.set_entered(self._owner, gateway_id, model, prices)
        self.apply_rules(gateway_id)

    def apply_rules(self, gateway_id: int) -> int:
        """Put what the gateway's price rules make now into the price book, and read its models anew.

        How many prices changed. To be called after every change of its prices or rules. Raises NotFound.
        """
        card = self.card(gateway_id)
        rules = [kept.rule for kept in self._store.price_rules.list(self._owner, gateway_id) if kept.active]
        made = ruled(rules, self._read_models(card)) if rules and not card.demo else ()
        changed = self._store.prices.note_ruled(self._owner, gateway_id, made)
        with self._lock:
            self._models.pop(gateway_id, None)
        return changed

    def refresh(self, gateway_id: int) -> Future[None]:
        """Fetch the model list in the background. The future only says when: a failure is noted beside the list."""
        self._asked_at[gateway_id] = time.monotonic()
        return self._engine.spawn(self._refresh(gateway_id))

    async def _refresh(self, gateway_id: int) -> None:
        try:
            await self._fetch(gateway_id)
        except ParlourError as error:
            _log.warning("model list of gateway %s not refreshed: %s", gateway_id, type(error).__name__)
            with self._lock:
                if gateway_id in self._asked_at:
                    self._asked_at[gateway_id] = time.monotonic() - REFRESH_S + RETRY_S
            if isinstance(error, GatewayError):
                with suppress(ParlourError):
                    await asyncio.to_thread(self._store.models.note_error, self._owner, gateway_id, error.kind)

    async def _fetch(self, gateway_id: int) -> None:
        shared = await asyncio.to_thread(self.door, gateway_id)
        async with shared.using() as door:
            listed = await door.models()
        if self._doors.get(gateway_id) is shared:  # else the gateway was changed meanwhile: this is the old one's list
            await asyncio.to_thread(self._keep, gateway_id, listed)

    def _keep(self, gateway_id: int, listed: list[ListedModel]) -> None:
        card = self.card(gateway_id)
        self._store.models.save_list(self._owner, gateway_id, fetched_ms=now_ms(), raw_json="", models=tuple(listed))
        self._store.prices.note_list(self._owner, gateway_id, listed, source="demo" if card.demo else "gateway")
        self.apply_rules(gateway_id)
        with self._lock:
            self._models[gateway_id] = self._read_models(card)

    def _read_models(self, card: GatewayCard) -> tuple[ModelCard, ...]:
        """The gateway's list over the catalogue; without a list, the catalogue alone."""
        listed = {row.id: row for row in self._store.models.load_list(self._owner, card.id).models}
        ids = list(listed) or [known.id for known in load_catalogue()]
        current = self._store.prices.all_current(self._owner, card.id)
        entered = {model: found.prices for model, found in current.items() if found.source == "entered"}
        made = {model: found.prices for model, found in current.items() if found.source == "rule"}
        cards = (
            card_for(
                model,
                rules=card.variant_rules,
                listed=listed.get(model),
                entered=entered.get(model),
                known_ids=ids,
                demo=card.demo,
            )
            for model in ids
        )
        return tuple(_with_rule(one, made.get(one.id)) for one in cards)

    def ref(self, settings: Settings) -> ModelRef:
        """What a choice resolves to when it is sent. Raises BadInput without a model, NotFound without a gateway."""
        if settings.gateway_id is None or not settings.model:
            raise BadInput("no_model")
        gateway, card = self.card(settings.gateway_id), self.model(settings.gateway_id, settings.model)
        return ModelRef(
            gateway.id,
            card.id,
            card.base,
            card.family,
            card.variant,
            settings.dialect,
            settings.params.reasoning_effort,
            gateway.demo,
        )

    def tariff(self, ref: ModelRef, at_ms: int | None = None) -> Tariff:
        """The price in force at `at_ms` (default: now) for exactly this model id, also of a removed gateway."""
        reference = self.label_card(ref).vendor_prices
        current = self._store.prices.current(self._owner, ref.gateway_id, ref.model, at_ms)
        if current is None:
            return Tariff(reference=reference)
        return Tariff(current.prices, current.source, current.version_id, reference)

    async def aclose(self) -> None:
        """Close every door, on the engine's loop."""
        with self._lock:
            doors, self._doors = list(self._doors.values()), {}
        for door in doors:
            await door.retire()


def _with_video(card: GatewayCard, video: VideoForm) -> GatewayCard:
    return structs.replace(card, form=structs.replace(card.form, video=video))


def _kept_rules(kept: object) -> tuple[VariantRule, ...] | None:
    """The endings in a gateway's settings; None when none were ever set there."""
    if not isinstance(kept, list):
        return None
    rows = [row for row in kept if isinstance(row, list) and len(row) == 3]
    return tuple(VariantRule(*(str(cell) for cell in row)) for row in rows)


def _with_rule(card: ModelCard, made: Prices | None) -> ModelCard:
    """The card with the price that a rule makes, if it has none of its own."""
    if made is None or (card.prices.known and card.price_source not in (None, "vendor")):
        return card
    return structs.replace(card, prices=made, price_source="rule")


def _same_origin(card: GatewayCard, url: str) -> None:
    """Raises SettingsError when a key entered for the card's address would go to another one."""
    if origin_of(url) != origin_of(card.base_url):
        raise SettingsError("key", "needed_for_new_address")
