"""Runs the tests behind the scorecard at their full counts and writes docs/scorecard.md.

python -m tests.scorecard            every row (most of an hour)
python -m tests.scorecard 2 3 28     these rows; the others keep what their last run found
python -m tests.scorecard --write    only writes the page anew
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.scorecard.page import PAGE, RESULTS, Result, page, read_results, write_results
from tests.scorecard.reading import measured_by_bench, reported
from tests.scorecard.rows import ROWS, Row

ROOT = Path(__file__).resolve().parents[2]
MOST_S = 3600


def main(arguments: list[str]) -> int:
    wanted = {int(word) for word in arguments if word.isdigit()}
    results = read_results(ROOT / RESULTS)
    failed = 0
    done: dict[tuple[str, ...], Result] = {}
    for row in () if "--write" in arguments else ROWS:
        if (wanted and row.number not in wanted) or not (row.tests or row.bench):
            continue
        key = (*row.tests, row.bench)
        done[key] = result = done.get(key) or run(row)
        results[row.number] = result
        write_results(ROOT / RESULTS, results)
        (ROOT / PAGE).write_text(page(ROWS, results), encoding="utf-8")
        failed += result.failed > 0 or not result.passed
        print(f"{row.number:>2}  {result.passed} passed, {result.failed} failed, {result.seconds:.0f} s  {row.title}")
    (ROOT / PAGE).write_text(page(ROWS, results), encoding="utf-8")
    return 1 if failed else 0


def run(row: Row) -> Result:
    """What the tests of a row found in a run of their own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable,
            "-m",
            *row.command,
            *(["-o", "junit_family=xunit1", f"--junitxml={report}"] if row.tests else []),
        ]
        ended = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "CI": "true"}, capture_output=True, text=True, timeout=MOST_S
        )
        if row.tests:
            passed, failed, found = reported(report)
        else:
            passed, failed, found = measured_by_bench(ended.stdout, ended.returncode)
    if failed or not passed:
        print(ended.stdout[-3000:], ended.stderr[-2000:], sep="\n", file=sys.stderr)
    day, commit = time.strftime("%Y-%m-%d", time.gmtime()), _commit()
    return Result(passed, failed, found, round(time.monotonic() - began, 1), day, commit)


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
