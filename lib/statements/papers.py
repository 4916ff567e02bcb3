"""A statement on paper: a page that needs nothing else, and the rows behind it as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from html import escape
from zoneinfo import ZoneInfo

from lib.cells import csv_of
from lib.ledger import LedgerRow
from lib.local_time import local, zone_of
from lib.money import money, money_exact, price_per_m
from lib.statements.document import Adjustment, Statement, Sum, Total
from lib.tokens import TokenCount

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td{overflow-wrap:anywhere}
.wide{overflow-x:auto}
code{font-size:.85em;overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none}}
"""
_HEAD = "default-src 'none'; style-src 'unsafe-inline'"
_ABOUT = ("request", "time", "gateway", "model", "base", "variant", "purpose", "status", "usage_source")
_ROW_NAMES = (
    *_ABOUT,
    *TokenCount.__struct_fields__,
    "currency",
    "cost",
    "price_source",
    "price_version",
    "conversation",
)


def html(found: Statement, title: str = "Statement") -> str:
    """A page without scripts or anything to load; every text from elsewhere escaped, hidden characters removed."""
    month = f"{date.fromisoformat(found.month + '-01'):%B %Y}"
    zone = zone_of(found.zone)
    body = [
        f"<h1>{_text(title)} · {month}</h1>",
        f"<p>{_text(_period(found, zone))}</p>",
        *[_total(total) for total in found.totals],
        *([] if found.totals else ["<p>Nothing was asked in this month.</p>"]),
        _models(found),
        _days(found),
        _adjustments(found, zone),
        _prices(found, zone),
        "<h2>Seal</h2>",
        f"<p>SHA-256 over this statement: <code>{_text(found.hash)}</code><br>",
        f"SHA-256 over its {found.n_rows:,} ledger rows: <code>{_text(found.rows_hash)}</code></p>",
    ]
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_HEAD}">'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    name = f"<title>{_text(title)} {month}</title><style>{_STYLE}</style>"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}{view}{name}</head>\n<body>\n'
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def csv(found: Statement) -> str:
    """The statement as CSV (RFC 4180): one line per model and day sum, adjustment, price and total; exact decimals."""
    rows: list[tuple[str, ...]] = [
        ("part", "name", "gateway", "currency", "requests", "unpriced", "estimated", "tokens_in", "tokens_out", "cost")
    ]
    rows += [("model", line.model, line.gateway, line.currency, *_cells(line.sum)) for line in found.models]
    rows += [("day", line.day, "", line.currency, *_cells(line.sum)) for line in found.days]
    rows += [
        ("adjustment", str(one.request), one.month, one.currency, "", "", "", "", "", money_exact(one.nano))
        for one in found.adjustments
    ]
    rows += [
        ("total", found.month, "", total.currency, *_cells(total.sum)[:-1], money_exact(total.nano))
        for total in found.totals
    ]
    rows.append(("seal", found.hash, found.rows_hash, "", str(found.n_rows), "", "", "", "", ""))
    return csv_of(rows)


def rows_csv(rows: Iterable[LedgerRow], zone: str) -> Iterator[str]:
    """The rows behind a statement as pieces of CSV, the heading first; unknown is empty. Demo rows are left out."""
    info = zone_of(zone)
    yield csv_of([_ROW_NAMES])
    for row in rows:
        if not row.demo:
            yield csv_of([_row(row, info)])


def _row(row: LedgerRow, zone: ZoneInfo) -> tuple[str, ...]:
    counts = (getattr(row.count, name) for name in row.count.__struct_fields__)
    return (
        str(row.id),
        local(row.at_ms, zone).isoformat(timespec="milliseconds"),
        row.gateway_name,
        row.model,
        row.base,
        row.variant,
        row.purpose,
        row.outcome,
        row.usage_source,
        *("" if count is None else str(count) for count in counts),
        row.cost.currency,
        money_exact(row.cost.nano),
        row.cost.source or "",
        "" if row.cost.price_version_id is None else str(row.cost.price_version_id),
        row.conversation or "",
    )


def _cells(one: Sum) -> tuple[str, ...]:
    counts = (one.requests, one.unpriced, one.estimated, one.tokens_in, one.tokens_out)
    return (*map(str, counts), money_exact(one.nano))


def _period(found: Statement, zone: ZoneInfo) -> str:
    first, end = local(found.from_ms, zone), local(found.to_ms, zone)
    return f"{first:%Y-%m-%d %H:%M %Z} to before {end:%Y-%m-%d %H:%M %Z}, days in {found.zone}"


def _total(total: Total) -> str:
    sums, words = total.sum, []
    if sums.estimated:
        words.append(f"{sums.estimated:,} with estimated tokens")
    if sums.unpriced:
        words.append(f"{sums.unpriced:,} without a known price, not in the amount")
    said = f" ({', '.join(words)})" if words else ""
    about = "≈ " if sums.estimated and total.nano else ""
    amount = f"{about}{money(total.nano, total.currency)}"
    line = f"<p><strong>{_text(amount)}</strong> for {_many(sums.requests, 'request')}{said}"
    if total.adjustments:
        adjusted = money(total.adjustments_nano, total.currency)
        line += f"; of it {_text(adjusted)} from {_many(total.adjustments, 'adjustment')} of earlier months"
    return line + f"<br>exactly {_text(money_exact(total.nano) or 'unknown')} {_text(total.currency)}</p>"


def _many(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _models(found: Statement) -> str:
    rows = [
        (
            line.model,
            line.gateway,
            line.variant,
            f"{line.sum.requests:,}",
            f"{line.sum.tokens_in:,}",
            f"{line.sum.tokens_out:,}",
            _amount(line.sum, line.currency),
        )
        for line in found.models
    ]
    return _table("Models", ("Model", "Gateway", "Variant", "Requests", "Input", "Output", "Cost"), rows, 3)


def _days(found: Statement) -> str:
    rows = [(line.day, f"{line.sum.requests:,}", _amount(line.sum, line.currency)) for line in found.days]
    return _table("Days", ("Day", "Requests", "Cost"), rows, 1)


def _adjustments(found: Statement, zone: ZoneInfo) -> str:
    rows = [_adjusted(one, zone) for one in found.adjustments]
    return _table("Adjustments", ("Request", "Statement", "Model", "Reason", "Was", "Is", "Difference"), rows, 4)


def _adjusted(one: Adjustment, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        f"{one.request} of {local(one.at_ms, zone):%Y-%m-%d %H:%M}",
        one.month,
        one.model,
        one.reason,
        money(one.before_nano, one.currency),
        money(one.after_nano, one.currency),
        money(one.nano, one.currency),
    )


def _prices(found: Statement, zone: ZoneInfo) -> str:
    rows = [
        (
            line.model,
            line.source,
            f"{local(line.valid_from_ms, zone):%Y-%m-%d %H:%M}",
            price_per_m(line.input, line.currency),
            price_per_m(line.output, line.currency),
            price_per_m(line.cache_read, line.currency),
        )
        for line in found.prices
    ]
    return _table("Prices used, per 1M tokens", ("Model", "Source", "From", "Input", "Output", "Cached"), rows, 3)


def _amount(one: Sum, currency: str) -> str:
    about = "≈ " if one.estimated and one.nano else ""
    return f"{about}{money(one.nano, currency)}" + (
        f" + {one.unpriced:,} unpriced" if one.unpriced and one.nano else ""
    )


def _table(title: str, names: tuple[str, ...], rows: Sequence[tuple[str, ...]], text_columns: int) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col"{_kind(at, text_columns)}>{name}</th>' for at, name in enumerate(names))
    lines = [
        "<tr>" + "".join(f"<td{_kind(at, text_columns)}>{_text(cell)}</td>" for at, cell in enumerate(row)) + "</tr>"
        for row in rows
    ]
    body = "\n".join(lines)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
    return f'<h2>{title}</h2>\n<div class="wide">{table}</div>'


def _kind(at: int, text_columns: int) -> str:
    return "" if at < text_columns else ' class="n"'


def _text(given: str) -> str:
    return escape(_UNSEEN.sub("", given), quote=True)
