"""The price book at work: what pages do with prices, and what follows from it for models, rules and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from lib.cards import ModelCard, Prices
from lib.gateways import Gateways
from lib.insight_words import Filter
from lib.ledger import Tally
from lib.local_time import next_month
from lib.price_book.changes import Change, feed
from lib.price_book.importing import Plan, plan
from lib.price_book.preview import Preview, preview
from lib.price_book.reading import read_prices
from lib.price_book.rules import Multiplier
from lib.store import Store
from lib.store.price_rules import KeptRule
from lib.store.repricing import Unpriced
from lib.tokens import TokenCount


class PriceDesk:
    """The prices of one owner's gateways. Called from page threads."""

    def __init__(self, store: Store, gateways: Gateways, owner: int) -> None:
        self._store = store
        self._gateways = gateways
        self._owner = owner

    # --- the book ---------------------------------------------------------------------------------------------------

    def plan(
        self,
        gateway_id: int,
        text: str | bytes,
        *,
        unit: tuple[int, bool] | None = None,
        currency: str = "USD",
        confirmed: Collection[str] = (),
    ) -> Plan:
        """What entering a pasted or imported list would come to, held against what is known; nothing is entered.

        Raises NotFound, BadInput for a text that is too large or no text.
        """
        return plan(
            read_prices(text),
            self.references(gateway_id),
            self.present(gateway_id),
            unit=unit,
            currency=currency,
            confirmed=confirmed,
        )

    def enter(self, gateway_id: int, prices: Mapping[str, Prices], *, note: str = "") -> int:
        """Enter prices by model id, all or none, from now on; how many. Raises NotFound."""
        done = self._store.prices.enter_many(self._owner, gateway_id, prices, note=note)
        self._gateways.apply_rules(gateway_id)
        return done

    def take_back(self, gateway_id: int, models: Iterable[str]) -> int:
        """End your entries for these models from now on; how many there were. Raises NotFound."""
        done = self._store.prices.take_back(self._owner, gateway_id, models)
        self._gateways.apply_rules(gateway_id)
        return done

    def present(self, gateway_id: int) -> dict[str, Prices]:
        """The prices in force now, by model id."""
        return {model: found.prices for model, found in self._store.prices.all_current(self._owner, gateway_id).items()}

    def references(self, gateway_id: int) -> dict[str, Prices]:
        """The vendors' list prices of what the gateway offers, by its model ids: for comparison only."""
        return {card.id: card.vendor_prices for card in self._models(gateway_id) if card.vendor_prices.known}

    def _models(self, gateway_id: int) -> Iterable[ModelCard]:
        return self._gateways.models(gateway_id)

    # --- rules ------------------------------------------------------------------------------------------------------

    def rules(self, gateway_id: int) -> list[KeptRule]:
        """The rules of a gateway, the oldest first."""
        return self._store.price_rules.list(self._owner, gateway_id)

    def add_rule(self, rule: Multiplier) -> KeptRule:
        """Keep a rule; it makes prices at once, for models that have none. Raises NotFound."""
        kept = self._store.price_rules.add(self._owner, rule)
        self._gateways.apply_rules(rule.gateway_id)
        return kept

    def switch_rule(self, kept: KeptRule, *, on: bool) -> None:
        """Let a rule make prices, or rest. Raises NotFound."""
        self._store.price_rules.switch(self._owner, kept.public_id, on=on)
        self._gateways.apply_rules(kept.rule.gateway_id)

    def remove_rule(self, kept: KeptRule) -> None:
        """Forget a rule: its prices end now. Raises NotFound."""
        self._store.price_rules.remove(self._owner, kept.public_id)
        self._gateways.apply_rules(kept.rule.gateway_id)

    # --- what it means for the ledger ---------------------------------------------------------------------------------

    def preview(self, gateway_id: int, change: Mapping[str, Prices], filter: Filter) -> Preview:
        """What new prices would do to requests without a cost, and to the use in the period of `filter`."""
        only = next(iter(change)) if len(change) == 1 else None
        uses = self._store.repricing.uses(self._owner, gateway_id, filter, only)
        return preview(change, uses, book=self.present(gateway_id), references=self.references(gateway_id))

    def unpriced(self) -> tuple[Unpriced, ...]:
        """Which models have requests without a cost, the most first."""
        return self._store.repricing.unpriced(self._owner)

    def reprice(self, gateway_id: int | None = None, model: str | None = None) -> int:
        """Price requests that have no cost, by new correction rows; how many. May take seconds. Raises StoreError."""
        cards = [card for gateway in self._gateways.cards() for card in self._models(gateway.id)]
        references = {card.base: card.vendor_prices for card in cards if card.vendor_prices.known}
        return self._store.repricing.reprice(self._owner, gateway_id, model, references=references)

    def changes(self, filter: Filter, today: date) -> tuple[Change, ...]:
        """Prices that changed in the period, the newest first, with the effect on the month of `today`."""
        month = Filter(today.replace(day=1), next_month(today), filter.zone)
        tallies = self._store.insight.tallies(self._owner, month, ("gateway", "model"))
        return feed(self._store.insight.price_changes(self._owner, filter), _tokens(tallies))


def _tokens(tallies: Iterable[Tally]) -> dict[tuple[int, str], TokenCount]:
    found: dict[tuple[int, str], TokenCount] = {}
    for one in tallies:
        short = one.in_cache_write - one.in_cache_write_1h
        inputs = (one.in_uncached, one.in_cache_read, short, one.in_cache_write_1h)
        count = TokenCount(*inputs, one.out_visible, one.out_reasoning)
        key = (one.gateway_id, one.model)
        found[key] = _plus(found[key], count) if key in found else count
    return found


def _plus(one: TokenCount, other: TokenCount) -> TokenCount:
    names = TokenCount.__struct_fields__
    return TokenCount(*((getattr(one, name) or 0) + (getattr(other, name) or 0) for name in names))
