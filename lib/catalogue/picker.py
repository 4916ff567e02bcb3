"""Model cards in the order and the groups a person looks for them, and a forgiving search."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from lib.cards import VARIANT_RULES, ModelCard
from lib.catalogue.models import families

_VARIANT_ORDER = ("standard", *(rule.variant for rule in VARIANT_RULES))


class PickerModel(Struct, frozen=True):
    """One base model with its variants, the standard one first."""

    base: str
    label: str
    variants: tuple[ModelCard, ...]


class PickerFamily(Struct, frozen=True):
    """The models of one family; `label` is what to show as the group's heading."""

    family: str
    label: str
    vendor: str
    models: tuple[PickerModel, ...]


def picker_groups(cards: Iterable[ModelCard]) -> tuple[PickerFamily, ...]:
    """Cards by family, then base, then variant.

    Families of the catalogue come first, in its order, then the others by name, then models of no known family
    ("Other"). Models of a family stand with the newest version first; an id given twice is kept once.
    """
    grouped: dict[str, dict[str, dict[str, ModelCard]]] = {}
    for card in cards:
        grouped.setdefault(card.family, {}).setdefault(card.base, {}).setdefault(card.id, card)
    return tuple(_family(name, grouped[name]) for name in sorted(grouped, key=_family_rank))


def search(cards: Iterable[ModelCard], words: str) -> tuple[ModelCard, ...]:
    """The cards in which every word of `words` occurs, whatever the case, punctuation or order.

    "son 4.6 hc" finds `claude-sonnet-4-6-hc`; an exact id comes first, the rest keep their order. No words: all.
    """
    wanted = [word for word in map(_squeezed, words.split()) if word]
    found = [card for card in cards if all(word in _haystack(card) for word in wanted)]
    return tuple(sorted(found, key=lambda card: card.id.casefold() != words.strip().casefold()))


def _family(name: str, bases: dict[str, dict[str, ModelCard]]) -> PickerFamily:
    models = tuple(_model(base, tuple(bases[base].values())) for base in sorted(bases, key=_newest_first))
    known = next((family for family in families() if family.id == name), None)
    vendor = known.vendor if known else models[0].variants[0].vendor
    return PickerFamily(name, known.label if known else name.capitalize() or "Other", vendor if name else "", models)


def _model(base: str, cards: tuple[ModelCard, ...]) -> PickerModel:
    variants = tuple(sorted(cards, key=_variant_rank))
    return PickerModel(base, variants[0].label or base, variants)


def _family_rank(name: str) -> tuple[int, str]:
    order = [family.id for family in families()]
    return (order.index(name), "") if name in order else (len(order) + (name == ""), name)


def _variant_rank(card: ModelCard) -> tuple[int, str]:
    known = card.variant in _VARIANT_ORDER
    return _VARIANT_ORDER.index(card.variant) if known else len(_VARIANT_ORDER), card.id


def _newest_first(base: str) -> tuple[str, tuple[int, ...], str]:
    """Names ascending, the version numbers inside them descending: opus-4-7, opus-4-6, sonnet-4-6."""
    return re.sub(r"\d", "", base), tuple(-int(number) for number in re.findall(r"\d{1,9}", base)), base


def _haystack(card: ModelCard) -> str:
    fields = (card.id, card.label, card.variant, card.variant_label, card.vendor, card.family)
    return " ".join(map(_squeezed, fields))


def _squeezed(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
