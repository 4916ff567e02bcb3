"""A measured figure beside its target, as a line of a Markdown table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; `target` is the most it may be, with `at_least` the least, None when nothing is promised."""

    what: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def row(self) -> str:
        """One line of the table. The ratio is figure ÷ target: at most 1 is good, with `at_least` at least 1."""
        if self.target is None:
            return f"| {self.what} | – | {_number(self.value)} {self.unit} | – | {self.note} |"
        good = self.value >= self.target if self.at_least else self.value <= self.target
        sign = "≥" if self.at_least else "≤"
        target = f"{sign} {_number(self.target)} {self.unit}"
        ratio = f"{self.value / self.target:.2f}" if self.target else "–"
        kept = "" if good else " ✗"
        return f"| {self.what} | {target} | {_number(self.value)} {self.unit} | {ratio}{kept} | {self.note} |"


HEADING = "| What | Target | Measured | Of target | Note |\n|---|---:|---:|---:|---|"


def load_now() -> str:
    """What else this machine does: the load averages of 1, 5 and 15 minutes beside the number of cores."""
    one, five, fifteen = os.getloadavg()
    return f"load {one:.1f} {five:.1f} {fifteen:.1f} on {os.cpu_count()} cores"


def spread(values: Sequence[float]) -> str:
    """The extremes of several tries, as a note."""
    return f"{_number(min(values))} to {_number(max(values))} in {len(values)} tries"


def middle(values: Sequence[float]) -> float:
    """The median, 0 of nothing."""
    return median(values) if values else 0.0


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
