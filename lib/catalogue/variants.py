"""Which ids are price variants of another id: decided by each gateway's own suffix rules, never by likeness."""

from __future__ import annotations

from collections.abc import Collection

from lib.cards import VariantRule
from lib.catalogue.models import catalogue_by_id


def split_variant(
    model_id: str, rules: tuple[VariantRule, ...], known_ids: Collection[str] = frozenset()
) -> tuple[str, VariantRule | None]:
    """The base id of `model_id` and the rule that makes it a variant (None: it is its own base).

    A suffix makes a variant only when the stem is itself an id that the gateway lists (`known_ids`) or the catalogue
    holds; so `x-mini` never merges into `x`, and `foo-low` without a `foo` stays a model of its own. The longest
    matching suffix wins.
    """
    for rule in sorted(rules, key=lambda rule: len(rule.suffix), reverse=True):
        stem = model_id.removesuffix(rule.suffix)
        if stem != model_id and (stem in known_ids or stem in catalogue_by_id()):
            return stem, rule
    return model_id, None
