"""Reads `models.toml` into model cards, once per process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import Struct, structs

from lib.cards import VARIANT_RULES, Abilities, ModelCard, Prices, Sampling, VariantRule

_DATA = Path(__file__).with_name("models.toml")


class FamilyFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """What all models of a family share: the vendor and what each endpoint takes."""

    id: str
    label: str
    vendor: str
    openai: Abilities
    anthropic: Abilities
    image_max_bytes: int | None = None


class _ModelFacts(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    family: str
    label: str
    variants: tuple[str, ...] = ()
    sampling: Sampling = "full"
    reasons_by_default: bool = False
    context: int | None = None
    max_output: int | None = None
    ends_on: str | None = None
    successor: str | None = None
    prefill: bool | None = None
    vendor_prices: Prices = Prices()


class _Data(Struct, frozen=True, forbid_unknown_fields=True):
    family: tuple[FamilyFacts, ...]
    model: tuple[_ModelFacts, ...]


@cache
def load_catalogue() -> tuple[ModelCard, ...]:
    """All catalogued models, each variant a card of its own, in the order of `models.toml`.

    The cards carry no gateway price (`prices` is unknown); `vendor_prices` is the vendor's list, for reference only.
    """
    by_id = {family.id: family for family in families()}
    return tuple(card for facts in _data().model for card in _cards(facts, by_id[facts.family]))


@cache
def catalogue_by_id() -> MappingProxyType[str, ModelCard]:
    """The catalogue keyed by the exact model id."""
    return MappingProxyType({card.id: card for card in load_catalogue()})


@cache
def families() -> tuple[FamilyFacts, ...]:
    """The families of `models.toml`, in its order."""
    return _data().family


@cache
def _data() -> _Data:
    return msgspec.toml.decode(_DATA.read_bytes(), type=_Data)


def _cards(facts: _ModelFacts, family: FamilyFacts) -> list[ModelCard]:
    standard = ModelCard(
        id=facts.id,
        base=facts.id,
        family=facts.family,
        label=facts.label,
        vendor=family.vendor,
        openai=family.openai,
        anthropic=family.anthropic,
        context=facts.context,
        max_output=facts.max_output,
        sampling=facts.sampling,
        reasons_by_default=facts.reasons_by_default,
        vendor_prices=facts.vendor_prices,
        ends_on=facts.ends_on,
        successor=facts.successor,
        prefill=facts.prefill,
        image_max_bytes=family.image_max_bytes,
    )
    rules = [rule for rule in VARIANT_RULES if rule.variant in facts.variants]
    return [standard, *(_variant(standard, rule) for rule in rules)]


def _variant(standard: ModelCard, rule: VariantRule) -> ModelCard:
    return structs.replace(standard, id=standard.id + rule.suffix, variant=rule.variant, variant_label=rule.label)
