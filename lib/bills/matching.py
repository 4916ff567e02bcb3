"""A bill held against the ledger: pairs by id, then by time and tokens; what is left over on either side.

One line goes with one ledger row at most. The rules are greedy and deterministic: the same two sides always give the
same pairs, in whatever order they come.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from lib.bills.line import BillLine

How = Literal["id", "exact", "near"]
"""By the gateway's id · by time, model and exactly these tokens · by time, model and about these tokens."""

WINDOW_MS = 10 * 60_000
_PERCENT, _TOKENS = 5, 16
"""Tokens are about the same within 5 % or 16, whichever is more: gateways count a few of their own."""
_MOST_NEAR = 64
_DATED = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})\Z")


class Entry(Struct, frozen=True):
    """What of a ledger row is needed to find it on a bill. `ids` are the gateway's: of the response, of the request."""

    id: int
    at_ms: int
    model: str
    tokens_in: int | None
    tokens_out: int | None
    nano: int | None
    currency: str = "USD"
    ids: tuple[str, ...] = ()
    ended_ms: int | None = None
    base: str = ""


class Pair(Struct, frozen=True):
    """A line and the row it bills. `difference_nano` is bill minus ledger; None when the ledger has no price for it,
    or another currency. `tokens_differ`: both count tokens, and not the same."""

    line: BillLine
    entry: Entry
    how: How
    difference_nano: int | None
    tokens_differ: bool


class BillSum(Struct, frozen=True):
    """One currency of a match. On either side the paired and the rest add up to the whole.

    `difference_nano` sums the differences of pairs known on both sides, `only_unpriced_nano` what the bill says for
    pairs that the ledger has no price for (in this currency). `bill_nano - ledger_nano` is therefore the difference,
    plus that, plus what only the bill has, minus what only the ledger has, minus `other_currency_nano`: what the
    ledger says in this currency for pairs billed in another one.
    """

    currency: str
    bill_nano: int
    bill_paired_nano: int
    bill_only_nano: int
    ledger_nano: int
    ledger_paired_nano: int
    ledger_only_nano: int
    difference_nano: int
    only_unpriced_nano: int
    other_currency_nano: int


class Match(Struct, frozen=True):
    """The result, everything in the order of time. `outside` ledger rows are not of the bill's period."""

    pairs: tuple[Pair, ...]
    only_bill: tuple[BillLine, ...]
    only_ledger: tuple[Entry, ...]
    sums: tuple[BillSum, ...]
    outside: int = 0


def match(
    lines: Iterable[BillLine], entries: Iterable[Entry], *, window_ms: int = WINDOW_MS, whole: bool = False
) -> Match:
    """The pairs of a bill and the ledger's rows of the same gateway.

    Ids decide where they are unique on both sides (gateways leave them out, and use some twice). Then a line and a row
    belong together when the line's time is within `window_ms` of the row's start or end, the model fits, and the
    tokens are the same; last, when they are about the same. A line without a time or tokens has only its id. A credit
    bills no request: it is only on the bill.

    Ledger rows outside the bill's first and last time are not held against it, unless `whole`.
    """
    listed = sorted(lines, key=lambda line: line.line)
    bill = [line for line in listed if not _is_credit(line)]
    ledger = sorted(entries, key=lambda entry: (entry.at_ms, entry.id))
    inside = ledger if whole else _of_period(listed, ledger, window_ms)
    pairs = _by_id(bill, ledger)
    for how in ("exact", "near"):
        free_lines = _free_lines(bill, pairs)
        free_entries = _free_entries(inside, pairs)
        pairs += _by_time(free_lines, free_entries, how, window_ms)
    only_ledger = _free_entries(inside, pairs)
    only_bill = _free_lines(listed, pairs)
    paired = {pair.entry.id for pair in pairs}
    pairs.sort(key=lambda pair: (pair.entry.at_ms, pair.entry.id))
    outside = sum(entry.id not in paired for entry in ledger) - len(only_ledger)
    return Match(tuple(pairs), tuple(only_bill), tuple(only_ledger), _sums(pairs, only_bill, only_ledger), outside)


def _is_credit(line: BillLine) -> bool:
    return line.nano is not None and line.nano < 0


def _of_period(bill: Sequence[BillLine], ledger: Sequence[Entry], window_ms: int) -> list[Entry]:
    times = [line.at_ms for line in bill if line.at_ms is not None]
    if not times:
        return list(ledger)
    first, last = min(times) - window_ms, max(times) + window_ms
    return [entry for entry in ledger if (entry.ended_ms or entry.at_ms) >= first and entry.at_ms <= last]


def _free_lines(bill: Sequence[BillLine], pairs: Sequence[Pair]) -> list[BillLine]:
    taken = {pair.line.line for pair in pairs}
    return [line for line in bill if line.line not in taken]


def _free_entries(ledger: Sequence[Entry], pairs: Sequence[Pair]) -> list[Entry]:
    taken = {pair.entry.id for pair in pairs}
    return [entry for entry in ledger if entry.id not in taken]


def _by_id(bill: Sequence[BillLine], ledger: Sequence[Entry]) -> list[Pair]:
    in_bill = Counter(one for line in bill for one in set(line.ids))
    in_ledger = Counter(one for entry in ledger for one in set(entry.ids))
    known = {one: entry for entry in ledger for one in entry.ids if in_ledger[one] == 1}
    pairs: list[Pair] = []
    taken: set[int] = set()
    for line in bill:
        named = (known[one] for one in line.ids if one in known and in_bill[one] == 1)
        entry = next((one for one in named if one.id not in taken), None)
        if entry is not None:
            taken.add(entry.id)
            pairs.append(_pair(line, entry, "id"))
    return pairs


def _by_time(lines: Sequence[BillLine], entries: Sequence[Entry], how: How, window_ms: int) -> list[Pair]:
    """The best candidates first, each line and each row once."""
    starts = [entry.at_ms for entry in entries]
    longest = max((max(0, (entry.ended_ms or entry.at_ms) - entry.at_ms) for entry in entries), default=0)
    by_tokens: dict[tuple[int | None, int | None], list[int]] = {}
    for at, entry in enumerate(entries):
        by_tokens.setdefault((entry.tokens_in, entry.tokens_out), []).append(at)
    ranked: list[tuple[tuple[int, ...], BillLine, Entry]] = []
    for line in lines:
        if line.at_ms is None or line.tokens_in is None or line.tokens_out is None:
            continue
        if how == "exact":
            same = by_tokens.get((line.tokens_in, line.tokens_out), [])
            low = bisect_left(same, line.at_ms - window_ms - longest, key=lambda at: starts[at])
            high = bisect_left(same, line.at_ms + window_ms + 1, key=lambda at: starts[at])
            places: Sequence[int] = same[low:high]
        else:
            low = bisect_left(starts, line.at_ms - window_ms - longest)
            places = range(low, bisect_left(starts, line.at_ms + window_ms + 1))
        near = [found for at in places if (found := _distance(line, entries[at], window_ms)) is not None]
        ranked += [(rank, line, entry) for rank, entry in sorted(near, key=lambda one: one[0])[:_MOST_NEAR]]
    ranked.sort(key=lambda found: found[0])
    return _greedy(ranked, how)


def _greedy(ranked: Sequence[tuple[tuple[int, ...], BillLine, Entry]], how: How) -> list[Pair]:
    used_lines: set[int] = set()
    used_entries: set[int] = set()
    pairs = []
    for _, line, entry in ranked:
        if line.line not in used_lines and entry.id not in used_entries:
            used_lines.add(line.line)
            used_entries.add(entry.id)
            pairs.append(_pair(line, entry, how))
    return pairs


def _distance(line: BillLine, entry: Entry, window_ms: int) -> tuple[tuple[int, ...], Entry] | None:
    """How far a row is from a line, to be sorted by; None when they cannot belong together."""
    if line.at_ms is None or line.tokens_in is None or line.tokens_out is None:
        return None
    if entry.tokens_in is None or entry.tokens_out is None or not _is_model(line.model, entry):
        return None
    apart = max(entry.at_ms - line.at_ms, line.at_ms - (entry.ended_ms or entry.at_ms), 0)
    more = abs(entry.tokens_in - line.tokens_in), abs(entry.tokens_out - line.tokens_out)
    if apart > window_ms:
        return None
    if more[0] > _tolerance(entry.tokens_in) or more[1] > _tolerance(entry.tokens_out):
        return None
    return (sum(more), apart, line.line, entry.at_ms, entry.id), entry


def _tolerance(tokens: int) -> int:
    return max(_TOKENS, tokens * _PERCENT // 100)


def _is_model(billed: str, entry: Entry) -> bool:
    """The same model by name, by its base, or a dated version of either; a bill that names none fits all."""
    told = _plain(billed)
    known = [name for name in (_plain(entry.model), _plain(entry.base)) if name]
    return not told or told in known or _DATED.sub("", told) in known


def _plain(model: str) -> str:
    return model.strip().lower().rpartition("/")[2].partition(":")[0].replace(".", "-")


def _pair(line: BillLine, entry: Entry, how: How) -> Pair:
    comparable = line.nano is not None and entry.nano is not None and line.currency == entry.currency
    difference = (line.nano or 0) - (entry.nano or 0) if comparable else None
    counted = [
        (billed, known)
        for billed, known in ((line.tokens_in, entry.tokens_in), (line.tokens_out, entry.tokens_out))
        if billed is not None and known is not None
    ]
    return Pair(line, entry, how, difference, any(billed != known for billed, known in counted))


def _sums(pairs: Sequence[Pair], only_bill: Sequence[BillLine], only_ledger: Sequence[Entry]) -> tuple[BillSum, ...]:
    billed = {line.currency for line in only_bill} | {pair.line.currency for pair in pairs}
    known = {entry.currency for entry in only_ledger} | {pair.entry.currency for pair in pairs}
    return tuple(_sum(currency, pairs, only_bill, only_ledger) for currency in sorted(billed | known))


def _sum(currency: str, pairs: Sequence[Pair], only_bill: Sequence[BillLine], only_ledger: Sequence[Entry]) -> BillSum:
    billed = [pair for pair in pairs if pair.line.currency == currency]
    known = [pair for pair in pairs if pair.entry.currency == currency]
    bill_paired, bill_only = _total(pair.line for pair in billed), _total(_in(only_bill, currency))
    ledger_paired, ledger_only = _total(pair.entry for pair in known), _total(_in(only_ledger, currency))
    return BillSum(
        currency,
        bill_paired + bill_only,
        bill_paired,
        bill_only,
        ledger_paired + ledger_only,
        ledger_paired,
        ledger_only,
        sum(pair.difference_nano or 0 for pair in billed),
        _total(pair.line for pair in billed if pair.difference_nano is None),
        _total(pair.entry for pair in known if pair.difference_nano is None),
    )


def _in(found: Sequence[BillLine] | Sequence[Entry], currency: str) -> list[BillLine | Entry]:
    return [one for one in found if one.currency == currency]


def _total(found: Iterable[BillLine | Entry]) -> int:
    return sum(one.nano or 0 for one in found)
