"""What a run found, read from pytest's report (JUnit XML) or from the lines of a benchmark."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree


def reported(report: Path) -> tuple[int, int, tuple[str, ...]]:
    """(passed, failed, what the tests measured), in the order of the tests, each sentence once."""
    if not report.exists():
        return 0, 1, ("the run ended without a report",)
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = sum(any(child.tag in {"failure", "error", "skipped"} for child in case) for case in cases)
    said = [
        found.get("value", "")
        for case in cases
        for found in case.iter("property")
        if found.get("name") == "measured"
    ]  # fmt: skip
    return len(cases) - failed, failed, tuple(dict.fromkeys(said))


def measured_by_bench(printed: str, status: int) -> tuple[int, int, tuple[str, ...]]:
    """The same of a benchmark's table: each figure is a test, failed when it misses its target."""
    lines = [line for line in printed.splitlines() if line.startswith("| ") and not line.startswith("| What |")]
    figures = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    found = tuple(f"{what}: {value}" + (f" ({note})" if note else "") for what, _, value, _, note in figures)
    missed = sum("\N{BALLOT X}" in ratio for _, _, _, ratio, _ in figures)
    return len(figures) - missed, missed + (status != 0), found
