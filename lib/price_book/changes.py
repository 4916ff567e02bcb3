"""The feed of price changes: what became dearer or cheaper, when, and what that means for a month like this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from lib.cards import Prices, PriceSource
from lib.money import money, nano_from_pico, price_per_m
from lib.price_book.book import Version
from lib.price_book.columns import PRICE_FIELDS
from lib.tokens import TokenCount

Kind = Literal["up", "down", "first", "gone", "currency"]
"""first: the first price known for it · gone: it is no longer named · currency: named in another one."""

_WORDS = {
    "input": "input",
    "output": "output",
    "cache_read": "cached input",
    "cache_write_5m": "written to cache",
    "cache_write_1h": "written to cache for an hour",
}


class Turned(Protocol):
    """A price that became another; `before` None when it is the first one known."""

    @property
    def at_ms(self) -> int: ...
    @property
    def gateway_id(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def source(self) -> PriceSource: ...
    @property
    def before(self) -> Prices | None: ...
    @property
    def after(self) -> Prices: ...


class Change(Struct, frozen=True):
    """One field of one model's price that changed; pico-units per token, None where it has no price.

    `permille` is by how much, in thousandths of the old price; `effect_nano` what the change means for the tokens of
    the month it is held against. Both None where that cannot be said.
    """

    at_ms: int
    gateway_id: int
    model: str
    source: PriceSource
    field: str
    kind: Kind
    before: int | None
    after: int | None
    currency: str
    permille: int | None = None
    effect_nano: int | None = None

    def words(self, zone: str = "UTC") -> str:
        """ "gpt-5.4-hc output +20 % on 3 May, +$1.20 on your month"; plain text, with dollar signs."""
        at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.at_ms)
        local = at.astimezone(ZoneInfo(zone))
        day = f"{local.day} {local:%B}"
        return f"{self.model} {_WORDS[self.field]} {self._moved()} on {day}{self._effect()}"

    def _moved(self) -> str:
        if self.kind in ("up", "down") and self.permille is not None:
            whole, tenth = divmod(abs(self.permille), 10)
            size = f"{whole}.{tenth}" if tenth else str(whole)
            return f"{'+' if self.kind == 'up' else '−'}{size if self.permille else '<0.1'} %"
        if self.kind == "gone":
            return "without a price"
        return (
            f"at {price_per_m(self.after, self.currency)} / 1M{' for the first time' if self.kind == 'first' else ''}"
        )

    def _effect(self) -> str:
        if not self.effect_nano:
            return ""
        size = money(abs(self.effect_nano), self.currency)
        return f", {'+' if self.effect_nano > 0 else '−'}{size} on your month"


class _Step(Struct, frozen=True):
    at_ms: int
    gateway_id: int
    model: str
    source: PriceSource
    before: Prices | None
    after: Prices


def changes(
    versions: Iterable[Version], month: Mapping[tuple[int, str], TokenCount] | None = None
) -> tuple[Change, ...]:
    """All changes between consecutive versions of the same source, the newest first.

    `month` are the summed tokens of a month by (gateway, model).
    """
    book = sorted(versions, key=lambda one: (one.gateway_id, one.model, one.source, one.valid_from_ms, one.id))
    last: Version | None = None
    steps = []
    for version in book:
        same = last is not None and (last.gateway_id, last.model, last.source) == _key(version)
        before = last.prices if same and last is not None else None
        steps.append(
            _Step(version.valid_from_ms, version.gateway_id, version.model, version.source, before, version.prices)
        )
        last = version
    return feed(steps, month)


def feed(turned: Iterable[Turned], month: Mapping[tuple[int, str], TokenCount] | None = None) -> tuple[Change, ...]:
    """The same from pairs of prices, as the ledger's reads give them."""
    found = [change for one in turned for change in _fields(one, (month or {}).get((one.gateway_id, one.model)))]
    return tuple(sorted(found, key=lambda one: (-one.at_ms, one.model, PRICE_FIELDS.index(one.field))))


def _fields(turned: Turned, count: TokenCount | None) -> list[Change]:
    before, after = turned.before or Prices(currency=turned.after.currency), turned.after
    head = (turned.at_ms, turned.gateway_id, turned.model, turned.source)
    same = before.currency == after.currency or not before.known or not after.known
    found = []
    for field in PRICE_FIELDS:
        old, new = getattr(before, field), getattr(after, field)
        if old == new and same:
            continue
        if old is None and new is None:
            continue
        kind = _kind(old, new, same)
        comparable = same and old is not None and new is not None
        permille = round(Fraction((new - old) * 1000, old)) if comparable and old else None
        effect = _effect(count, field, new - old) if comparable and count is not None else None
        currency = after.currency if new is not None else before.currency
        found.append(Change(*head, field, kind, old, new, currency, permille, effect))
    return found


def _kind(old: int | None, new: int | None, same_currency: bool) -> Kind:
    if old is None:
        return "first"
    if new is None:
        return "gone"
    if not same_currency:
        return "currency"
    return "up" if new > old else "down"


def _effect(count: TokenCount, field: str, pico: int) -> int:
    """The month's tokens that this price is for, times the difference."""
    tokens = {
        "input": count.in_uncached,
        "output": count.output,
        "cache_read": count.in_cache_read,
        "cache_write_5m": count.in_cache_write_5m,
        "cache_write_1h": count.in_cache_write_1h,
    }[field]
    return nano_from_pico((tokens or 0) * pico)


def _key(version: Version) -> tuple[int, str, PriceSource]:
    return version.gateway_id, version.model, version.source
