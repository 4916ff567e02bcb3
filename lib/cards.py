"""Cards: what we know of a gateway, of a model there, and of a model's price.

Prices are integers in pico-units of their currency per token, which is the same number as micro-units per
1M tokens: $3 per 1M tokens = 3,000,000. None is unknown, 0 is free.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

DialectName = Literal["openai", "anthropic"]
VideoForm = Literal["image_url", "video_url", "video_url_string", "file"]
Sampling = Literal["full", "one_of_temperature_top_p", "none", "only_when_reasoning_none"]
PriceSource = Literal["entered", "gateway", "reported", "vendor", "demo", "rule"]
"""rule: made from another price by a multiplier that a person wrote down ("low = 0.3 × list")."""


class Prices(Struct, frozen=True):
    """Pico-units per token."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    currency: str = "USD"

    @property
    def known(self) -> bool:
        return self.input is not None or self.output is not None


class ListedModel(Struct, frozen=True):
    """One row of a gateway's model list, normalised. None is 'the list does not say'."""

    id: str
    prices: Prices = Prices()
    context: int | None = None
    max_output: int | None = None
    owned_by: str | None = None
    image: bool | None = None
    video: bool | None = None


class VariantRule(Struct, frozen=True):
    """An id that ends in `suffix` is the price variant `variant` of the id without it."""

    suffix: str
    variant: str
    label: str


VARIANT_RULES: tuple[VariantRule, ...] = (
    VariantRule("-official", "official", "Official"),
    VariantRule("-hc", "hc", "Premium pool"),
    VariantRule("-fd", "fd", "Shared pool"),
    VariantRule("-low", "low", "Budget"),
)
"""The rules of the documented gateway; every gateway carries its own copy, since `-low` means effort elsewhere."""


class WireForm(Struct, frozen=True):
    """How one gateway (or one model there) wants its requests spelt; learnt refusals end up here."""

    max_tokens_name: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    include_usage: bool = True
    dropped: tuple[str, ...] = ()
    video: VideoForm = "image_url"
    auth: Literal["bearer", "x-api-key"] = "bearer"
    anthropic_version: str = "2023-06-01"


class GatewayCard(Struct, frozen=True):
    """An endpoint we call. The key is not here: the door gets it as a `Secret`."""

    id: int
    name: str
    base_url: str
    dialects: tuple[DialectName, ...] = ("openai",)
    variant_rules: tuple[VariantRule, ...] = VARIANT_RULES
    form: WireForm = WireForm()
    demo: bool = False
    public_id: str = ""
    origin_of_key: Literal["stored", "environment", "secrets", "none", "demo"] = "none"
    key_hint: str = ""


class Abilities(Struct, frozen=True):
    """What one model takes through one dialect; None is unknown."""

    listed: bool | None = None
    image: bool | None = None
    video: bool | None = None


class ModelCard(Struct, frozen=True):
    """A model as one gateway serves it: catalogue knowledge merged under the gateway's live list."""

    id: str
    base: str
    family: str
    variant: str = "standard"
    label: str = ""
    variant_label: str = "Standard"
    vendor: str = ""
    openai: Abilities = Abilities()
    anthropic: Abilities = Abilities()
    context: int | None = None
    max_output: int | None = None
    sampling: Sampling = "full"
    reasons_by_default: bool = False
    prices: Prices = Prices()
    price_source: PriceSource | None = None
    vendor_prices: Prices = Prices()
    ends_on: str | None = None
    successor: str | None = None
    image_max_bytes: int | None = None
    prefill: bool | None = None
    """Whether the model goes on with an answer that the messages end with; None is unknown."""
    guessed: bool = False
    """Nothing knows this id: `family` is guessed from its prefix, for grouping only."""

    def abilities(self, dialect: DialectName) -> Abilities:
        return self.openai if dialect == "openai" else self.anthropic
