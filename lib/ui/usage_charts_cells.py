"""How the cells of the usage page's tables read: amounts, shares, times; what is unknown is a dash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lib.money import UNKNOWN, money, price_per_m
from lib.ui.usage_charts_reasons import signed
from lib.ui.usage_words import percent, time_words


def styled(
    table: pd.DataFrame, shown: Mapping[str, Any], *, whole: tuple[str, ...], costs: Sequence[str] | None = None
) -> Any:
    """The table with texts shown over its numbers."""
    styler = table.style.format(dict.fromkeys(whole, _whole) | dict(shown))
    for row, currency in enumerate(costs or ()):
        styler = styler.format({"Cost": amount(currency)}, subset=pd.IndexSlice[[row], ["Cost"]])
    return styler


def amount(currency: str) -> Any:
    return lambda nano: money(None if pd.isna(nano) else int(nano), currency)


def signed_amount(currency: str) -> Any:
    return lambda nano: UNKNOWN if pd.isna(nano) else signed(int(nano), currency)


def constant(text: str) -> Any:
    return lambda _: text


def _whole(number: Any) -> str:
    return UNKNOWN if pd.isna(number) else f"{int(number):,}"


def share_cell(part: Any) -> str:
    return percent(None if pd.isna(part) else float(part))


def time_cell(ms: Any) -> str:
    return time_words(None if pd.isna(ms) else float(ms))


def rate_cell(rate: Any) -> str:
    return UNKNOWN if pd.isna(rate) else f"{float(rate):,.0f}"


def effective(currency: str) -> Any:
    return lambda pico: UNKNOWN if pd.isna(pico) else price_per_m(_cents(int(pico)), currency)


def _cents(pico: int) -> int:
    """An effective price is a quotient: two decimals are enough from one unit on, four below."""
    step = 10_000 if pico >= 1_000_000 else 100
    return (pico + step // 2) // step * step
