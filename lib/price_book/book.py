"""Which price was valid when: the versions of the book laid out in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from lib.cards import Prices, PriceSource

PRECEDENCE: tuple[PriceSource, ...] = ("entered", "gateway", "demo", "rule")
"""What counts before what. A rule fills gaps only: a price that the gateway names for exactly this model is truer."""


class Version(Protocol):
    """One row of the price book; prices without any value say that its source stopped naming one."""

    @property
    def id(self) -> int: ...
    @property
    def gateway_id(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def source(self) -> PriceSource: ...
    @property
    def prices(self) -> Prices: ...
    @property
    def valid_from_ms(self) -> int: ...
    @property
    def note(self) -> str: ...


class Span(Struct, frozen=True):
    """A stretch of time with one price in force: from `from_ms` to before `to_ms` (None: still).

    `version_id`, `source` and `note` are of the version it comes from; without a price in force they are empty.
    """

    from_ms: int
    to_ms: int | None
    prices: Prices
    source: PriceSource | None = None
    version_id: int | None = None
    note: str = ""


def in_force(versions: Iterable[Version], at_ms: int) -> Version | None:
    """The version that counts at a moment, of the versions of one model at one gateway; None when none has a price."""
    newest: dict[PriceSource, Version] = {}
    for version in versions:
        known = newest.get(version.source)
        if version.valid_from_ms <= at_ms and (known is None or _order(version) > _order(known)):
            newest[version.source] = version
    return next((newest[source] for source in PRECEDENCE if source in newest and newest[source].prices.known), None)


def spans(versions: Iterable[Version]) -> tuple[Span, ...]:
    """The whole life of one model's price at one gateway, the oldest stretch first, without gaps or overlaps.

    A stretch in which the price is known to be unknown has prices without values; before the first version there is
    none.
    """
    book = list(versions)
    found: list[Span] = []
    for at_ms in sorted({version.valid_from_ms for version in book}):
        now = in_force(book, at_ms)
        last = found[-1] if found else None
        if last is None or last.version_id != (now.id if now else None):
            if last is not None:
                found[-1] = Span(last.from_ms, at_ms, last.prices, last.source, last.version_id, last.note)
            found.append(_span(now, at_ms))
    return tuple(found)


def _span(version: Version | None, at_ms: int) -> Span:
    if version is None:
        return Span(at_ms, None, Prices())
    return Span(at_ms, None, version.prices, version.source, version.id, version.note)


def _order(version: Version) -> tuple[int, int]:
    return version.valid_from_ms, version.id
