"""What the usage page calls things."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from lib.cards import VARIANT_RULES, GatewayCard
from lib.catalogue import load_catalogue
from lib.insight.waterfall import StepName
from lib.insight_words import OTHER, Only, Order
from lib.local_time import local, zone_of
from lib.ui.usage_view import Pace, PeriodName, Split, TabName, Versus, View, stretch_words

TAB_WORDS: dict[TabName, str] = {
    "overview": "Overview",
    "models": "Models",
    "chats": "Chats",
    "tokens": "Tokens",
    "speed": "Speed",
    "requests": "Requests",
}
PERIOD_WORDS: dict[PeriodName, str] = {
    "today": "Today",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "month": "This month",
    "year": "12 months",
    "custom": "Other days",
}
VERSUS_WORDS: dict[Versus, str] = {
    "before": "Compare: time before",
    "year": "Compare: a year earlier",
    "none": "No comparison",
}
SPLIT_WORDS: dict[Split, str] = {"base": "Model", "family": "Family", "variant": "Variant"}
PACE_WORDS: dict[Pace, str] = {"first": "First words", "rate": "Tokens per second", "errors": "Errors"}
ONLY_WORDS: dict[Only, str] = {
    "all": "All",
    "estimated": "Estimated",
    "unpriced": "Unpriced",
    "odd": "Counts that do not add up",
}
ORDER_WORDS: dict[Order, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "cost": "Costliest first",
    "duration": "Slowest first",
}
STATUS_WORDS = {
    "ok": "Done",
    "stopped": "Stopped",
    "cut": "Cut off",
    "failed": "Not sent",
    "refused": "Refused",
    "unknown": "Unknown",
}
PURPOSE_WORDS = {
    "chat": "Answers",
    "title": "Titles",
    "compare": "Comparisons",
    "batch": "Batches",
    "probe": "Tests of a gateway",
}
STEP_WORDS: dict[StepName | str, str] = {
    "before": "Before",
    "volume": "Requests",
    "mix": "Choice of models",
    "tokens": "Tokens per request",
    "cache": "Cache",
    "price": "Prices",
    "other": "Gateway's own figures",
    "unpriced": "Not explained",
    "after": "Now",
}
STEP_MEANINGS = {
    "volume": "more or fewer requests",
    "mix": "other models and variants",
    "tokens": "longer or shorter requests and answers",
    "cache": "more or less served by a cache",
    "price": "other prices",
    "other": "what only the gateway's own figures say",
    "unpriced": "models with requests that have no price",
}
KIND_WORDS = {
    "in_uncached": "Asked",
    "in_cache_read": "Asked, from cache",
    "in_cache_write": "Written to cache",
    "out_visible": "Answered",
    "out_reasoning": "Thought",
}
MISSING_WORDS = {
    "": "",
    "unpriced": "Unpriced",
    "currency": "Another currency",
    "nothing": "Nothing to compare",
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIELD_WORDS = {
    "gateways": "Gateway",
    "families": "Family",
    "bases": "Model",
    "variants": "Variant",
    "purposes": "Purpose",
    "outcomes": "Status",
    "only": "Only",
    "folder": "Folder",
    "tag": "Tag",
    "conversation": "Chat",
    "from_ms": "Time",
    "weekday": "Weekday",
    "hour": "Hour",
}
NO_FOLDER = "No folder"
NO_MODEL = "No model named"


class Names(Struct, frozen=True):
    """What models, variants, gateways, folders and the conversation that is looked at are called."""

    models: dict[str, str] = {}
    variants: dict[str, str] = {}
    gateways: dict[int, str] = {}
    folders: dict[str, str] = {}
    conversation: str = ""

    def model(self, base: str) -> str:
        return "Other" if base == OTHER else self.models.get(base, base) or NO_MODEL

    def variant(self, variant: str) -> str:
        return "Other" if variant == OTHER else self.variants.get(variant, variant)

    def gateway(self, gateway_id: int) -> str:
        return self.gateways.get(gateway_id, "A gateway that was removed")

    def split(self, by: Split, key: str) -> str:
        """What is drawn by `by` and kept as `key`."""
        if by == "family":
            return "Other" if key == OTHER else key or NO_MODEL
        return self.variant(key) if by == "variant" else self.model(key)


def model_words() -> dict[str, str]:
    """What each base model that is known is called."""
    return {card.base: card.label for card in load_catalogue() if card.label}


def variant_words(gateways: Iterable[GatewayCard]) -> dict[str, str]:
    """What each variant is called: by the gateways' own rules, then by the documented ones."""
    rules = [*VARIANT_RULES, *(rule for gateway in gateways for rule in gateway.variant_rules)]
    return {"standard": "Standard", "": "Standard"} | {rule.variant: rule.label for rule in rules}


def filter_words(view: View, field: str, names: Names) -> str:
    """A filter as its pill says it: "Variant: Premium pool". Foreign text may be in it."""
    return f"{FIELD_WORDS[field]}: {_values(view, field, names)}"


def _values(view: View, field: str, names: Names) -> str:
    value = getattr(view, field)
    match field:
        case "gateways":
            return ", ".join(map(names.gateway, value))
        case "bases":
            return _several([names.model(one) for one in value])
        case "variants":
            return _several([names.variant(one) for one in value])
        case "families":
            return _several([one or NO_MODEL for one in value])
        case "purposes":
            return _several([PURPOSE_WORDS.get(one, one) for one in value])
        case "outcomes":
            return _several([STATUS_WORDS.get(one, one) for one in value])
        case "only":
            return ONLY_WORDS[view.only].lower()
        case "folder":
            return names.folders.get(value, "one that was removed") if value else NO_FOLDER.lower()
        case "conversation":
            return names.conversation or "one that was removed"
        case "from_ms":
            return _stretch(view)
        case "weekday":
            return WEEKDAYS[value]
        case "hour":
            return f"{value:02}:00 to {(value + 1) % 24:02}:00"
    return str(value)


def _several(words: list[str]) -> str:
    return ", ".join(words) if len(words) <= 3 else f"{words[0]}, {words[1]} and {len(words) - 2} more"


def _stretch(view: View) -> str:
    from_ms, to_ms = view.from_ms or 0, view.to_ms or 0
    words = stretch_words(from_ms, to_ms, view.zone or "UTC")
    hours = (to_ms - from_ms) // 3_600_000
    return f"{words}, {hour_words(from_ms, view.zone or 'UTC')}" if hours < 23 else words


def hour_words(ms: int, zone: str) -> str:
    """The clock time of an instant: "14:00"."""
    return f"{local(ms, zone_of(zone)):%H:%M}"


def count_words(number: int) -> str:
    """A count that fits a small place: "1,204", "7.71M", "12.3M"."""
    if number < 1_000_000:
        return f"{number:,}"
    size, sign = (number / 1e6, "M") if number < 999_500_000 else (number / 1e9, "B")
    return f"{size:.{2 if size < 10 else 1 if size < 100 else 0}f}{sign}"


def time_words(ms: float | None) -> str:
    """A time to wait: "640 ms", "3.2 s"; "—" when it is not known."""
    if ms is None:
        return "—"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def percent(part: float | None, sign: str = "") -> str:
    """A part of one as "71 %"; with `sign` "+" an increase is "+71 %", a large one "× 24"; "—" when not known."""
    if part is None:
        return "—"
    if sign and part >= 10:
        return f"× {part + 1:,.0f}"
    if not sign and 0 < part < 0.005:
        return "<1 %"
    return f"{part * 100:{sign},.0f} %"


def several(n: int, one: str) -> str:
    """ "1 request", "1,204 requests"."""
    return f"{n:,} {one}{'' if n == 1 else 's'}"
