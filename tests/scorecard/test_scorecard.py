"""The scorecard names tests that exist, and its page is what the rows and the last results say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import HEADING, Figure
from tests.scorecard.page import PAGE, RESULTS, Result, page, read_results, verdict
from tests.scorecard.reading import measured_by_bench, reported
from tests.scorecard.rows import BLOCKS, ROWS, Row

ROOT = Path(__file__).resolve().parents[2]
A_ROW = Row(1, "a | b", "0", BLOCKS, ("tests/x.py",))


def a_result(passed: int = 1, failed: int = 0) -> Result:
    return Result(passed, failed, ("all well",), 1.0, "2026-01-01", "abc")


def test_the_rows_are_numbered_without_a_gap() -> None:
    assert [row.number for row in ROWS] == list(range(1, 56))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_every_row_is_tested_or_says_why_not(row: Row) -> None:
    assert row.tests or row.bench or row.short
    for test in row.tests:
        file, *names = test.split("::")
        assert (ROOT / file).exists(), test
        for name in names:
            assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(), test


def test_the_page_is_up_to_date() -> None:
    """If not: python -m tests.scorecard --write."""
    assert (ROOT / PAGE).read_text() == page(ROWS, read_results(ROOT / RESULTS))


@pytest.mark.parametrize(
    ("row", "result", "word"),
    [
        (A_ROW, a_result(), "met"),
        (A_ROW._replace(short="half"), a_result(), "met in part"),
        (A_ROW, a_result(failed=1), "failed"),
        (A_ROW, a_result(passed=0), "failed"),
        (A_ROW, None, "not run"),
        (A_ROW._replace(tests=(), short="no way"), None, "not tested"),
    ],
)
def test_a_row_has_one_verdict(row: Row, result: Result | None, word: str) -> None:
    assert verdict(row, result) == word


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert r"| a \| b |" in page([A_ROW], {1: a_result()})


def test_what_tests_measured_is_read_from_the_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase name="a"><properties><property name="measured" value="10 of 10"/>'
        '</properties></testcase><testcase name="b"><failure/></testcase></testsuite></testsuites>'
    )
    assert reported(report) == (1, 1, ("10 of 10",))
    assert reported(tmp_path / "nothing.xml")[:2] == (0, 1)


def test_each_figure_of_a_benchmark_is_a_test() -> None:
    good = Figure("memory", 90.0, "MB", target=100.0, note="after a minute").row
    bad = Figure("threads", 12, "more", target=5).row
    assert measured_by_bench(f"{HEADING}\n{good}\n{bad}\n\nBefore: load 1.", 0) == (
        1,
        1,
        ("memory: 90.0 MB (after a minute)", "threads: 12.0 more"),
    )
    assert measured_by_bench("", 1)[:2] == (0, 1)
