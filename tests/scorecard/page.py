"""The scorecard as a page: rows and what their last full runs found, in; Markdown, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from tests.scorecard.rows import Row

PAGE = "docs/scorecard.md"
RESULTS = "docs/scorecard.json"
HEAD = """# Scorecard

What Parlour promises about faults and walls, how it is tested, and what the last full run of each row found. Written by
`make scorecard`, which runs every row at the counts below; `make test` runs a fixed slice of each. "Blocks" means that a
release with this row failing is not made.

{tally}

| # | What is done | Must come out | Blocks | Result | What the run found |
|---|---|---|---|---|---|
{rows}

## What is not met, or not as worded

{shorts}

## The commands

Each runs alone in the folder of the repository, after `make test` has made the environment.

{commands}
"""


class Result(msgspec.Struct, frozen=True):
    """What one full run of a row's tests found. `day` is a date in UTC, `commit` the state it ran on."""

    passed: int
    failed: int
    measured: tuple[str, ...]
    seconds: float
    day: str
    commit: str


def read_results(path: Path) -> dict[int, Result]:
    return msgspec.json.decode(path.read_bytes(), type=dict[int, Result]) if path.exists() else {}


def write_results(path: Path, results: Mapping[int, Result]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(results.items()))), indent=1) + b"\n")


def page(rows: Iterable[Row], results: Mapping[int, Result]) -> str:
    """The whole page."""
    rows = tuple(rows)
    return HEAD.format(
        tally=_tally(rows, results),
        rows="\n".join(_line(row, results.get(row.number)) for row in rows),
        shorts="\n".join(f"- **{row.number}** ({row.title}): {row.short}" for row in rows if row.short) or "Nothing.",
        commands="\n".join(_command(row, results.get(row.number)) for row in rows if row.tests or row.bench),
    )


def verdict(row: Row, result: Result | None) -> str:
    """One word or two: met, met in part, failed, not run, not tested."""
    if not (row.tests or row.bench):
        return "not tested"
    if result is None:
        return "not run"
    if result.failed or not result.passed:
        return "failed"
    return "met in part" if row.short else "met"


def _tally(rows: tuple[Row, ...], results: Mapping[int, Result]) -> str:
    verdicts = [verdict(row, results.get(row.number)) for row in rows]
    order = ("met", "met in part", "failed", "not run", "not tested")
    said = ", ".join(f"{verdicts.count(word)} {word}" for word in order if word in verdicts)
    return f"{len(rows)} rows: {said}."


def _line(row: Row, result: Result | None) -> str:
    found = "; ".join(result.measured) if result else ""
    if result and not found:
        found = f"{result.passed} tests passed" + (f", {result.failed} failed" if result.failed else "")
    blocks = "yes" if row.gate == "blocks a release" else ""
    cells = (str(row.number), row.title, row.target, blocks, verdict(row, result), found)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _command(row: Row, result: Result | None) -> str:
    ran = f" ({result.day}, {result.commit}, {result.seconds:.0f} s)" if result else ""
    return f"- **{row.number}** `.venv/bin/python -m {' '.join(row.command)}`{ran}"
