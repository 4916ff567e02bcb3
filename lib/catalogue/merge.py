"""One model card out of what the catalogue, the gateway's live list and the person say."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TypeVar

from msgspec import structs

from lib.cards import VARIANT_RULES, Abilities, ListedModel, ModelCard, Prices, PriceSource, VariantRule
from lib.catalogue.models import catalogue_by_id, families
from lib.catalogue.variants import split_variant

_Fact = TypeVar("_Fact", int, bool)

_OTHER_FAMILIES = (
    (r"(chatgpt|o[1-9])\b", "gpt", "OpenAI"),
    (r"gemma", "gemma", "Google"),
    (r"deepseek", "deepseek", "DeepSeek"),
    (r"(qwen|qwq|qvq)", "qwen", "Alibaba"),
    (r"(meta-)?llama", "llama", "Meta"),
    (r"(mistral|mixtral|ministral|codestral|magistral|devstral)", "mistral", "Mistral"),
    (r"grok", "grok", "xAI"),
    (r"(kimi|moonshot)", "kimi", "Moonshot"),
    (r"(glm|chatglm)", "glm", "Zhipu"),
    (r"doubao", "doubao", "ByteDance"),
    (r"command", "command", "Cohere"),
)


def card_for(
    model_id: str,
    *,
    rules: tuple[VariantRule, ...] = VARIANT_RULES,
    listed: ListedModel | None = None,
    entered: Prices | None = None,
    ruled: Prices | None = None,
    known_ids: Collection[str] = frozenset(),
    demo: bool = False,
) -> ModelCard:
    """The card of `model_id` as one gateway serves it.

    `rules` and `known_ids` are the gateway's suffix rules and the ids of its list, `listed` its row for exactly this
    id, `entered` the prices a person typed for exactly this id, `ruled` those that a multiplier rule makes for it.
    Prices follow only that exact id: entered before listed before ruled, as a whole set, never mixed and never from a
    sibling, a base or a vendor. Abilities and limits come from
    the list, then the catalogue by id, then the catalogue by base. For an id neither knows, the family is guessed
    from its prefix for grouping and `guessed` is set.
    """
    base, rule = split_variant(model_id, rules, known_ids)
    card = _knowledge(model_id, base)
    prices, source = _prices(listed, entered, ruled, demo)
    return structs.replace(
        _with_list(card, listed),
        id=model_id,
        base=base,
        variant=rule.variant if rule else "standard",
        variant_label=rule.label if rule else "Standard",
        prices=prices,
        price_source=source,
    )


def _knowledge(model_id: str, base: str) -> ModelCard:
    """What the catalogue knows, under its label for the base; a bare neutral card when it knows nothing."""
    found = catalogue_by_id().get(model_id) or catalogue_by_id().get(base)
    if found is None:
        family, vendor = _guessed_family(model_id)
        return ModelCard(id=model_id, base=base, family=family, vendor=vendor, label=base, guessed=True)
    # Under other rules a catalogued variant id is a model of its own: it then goes by its id, not the base's label.
    return structs.replace(found, label=found.label if found.base == base else base)


def _guessed_family(model_id: str) -> tuple[str, str]:
    """(family, vendor) by the prefix of the id's last path segment; empty strings when nothing fits."""
    name = model_id.rpartition("/")[2].lower()
    for family in families():
        if name.startswith(family.id):
            return family.id, family.vendor
    for pattern, other, vendor in _OTHER_FAMILIES:
        if re.match(pattern, name):
            return other, vendor
    return "", ""


def _prices(
    listed: ListedModel | None, entered: Prices | None, ruled: Prices | None, demo: bool
) -> tuple[Prices, PriceSource | None]:
    if entered is not None and entered.known:
        return entered, "entered"
    if listed is not None and listed.prices.known:
        return listed.prices, "demo" if demo else "gateway"
    if ruled is not None and ruled.known:
        return ruled, "rule"
    return Prices(), None


def _with_list(card: ModelCard, listed: ListedModel | None) -> ModelCard:
    if listed is None:
        return card
    return structs.replace(
        card,
        vendor=card.vendor or listed.owned_by or "",
        context=_first(listed.context, card.context),
        max_output=_first(listed.max_output, card.max_output),
        openai=_openai(card.openai, listed),
        anthropic=_anthropic(card.anthropic, listed),
    )


def _openai(known: Abilities, listed: ListedModel) -> Abilities:
    return Abilities(True, _first(listed.image, known.image), _first(listed.video, known.video))


def _anthropic(known: Abilities, listed: ListedModel) -> Abilities:
    """A list speaks of the model, not of an endpoint: here it may only take away or fill what is unknown.

    GPT through the Anthropic endpoint of the documented gateway takes no images although the model does.
    """
    return Abilities(known.listed, _less(known.image, listed.image), _less(known.video, listed.video))


def _less(known: bool | None, said: bool | None) -> bool | None:
    return said if known is None or said is False else known


def _first(said: _Fact | None, known: _Fact | None) -> _Fact | None:
    return known if said is None else said
