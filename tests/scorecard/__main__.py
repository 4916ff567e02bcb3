"""Runs the tests behind the scorecard at their full counts and writes docs/scorecard.md.

python -m tests.scorecard            every row (most of an hour)
python -m tests.scorecard 2 3 28     these rows; the others keep what their last run found
python -m tests.scorecard --write    only writes the page anew
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.scorecard.page import PAGE, RESULTS, Result, page, read_results, write_results
from tests.scorecard.reading import measured_by_bench, reported
from tests.scorecard.rows import ROWS, Row

ROOT = Path(__file__).resolve().parents[2]
MOST_S = 3600


def main(arguments: list[str]) -> int:
    asked = read_arguments(arguments)
    results = read_results(ROOT / RESULTS)
    chosen = [row for row in ROWS if (row.tests or row.bench) and row.number in (asked.rows or range(99))]
    sets: dict[tuple[str, ...], list[Row]] = {}
    for row in () if asked.write else chosen:
        sets.setdefault((*row.tests, row.bench), []).append(row)
    failed = 0
    with ThreadPoolExecutor(asked.jobs) as jobs:
        running = {jobs.submit(run, rows[0]): rows for rows in sets.values()}
        for ended in as_completed(running):
            result = ended.result()
            failed += result.failed > 0 or not result.passed
            for row in running[ended]:
                results[row.number] = result
                print(
                    f"{row.number:>2}  {result.passed} passed, {result.failed} failed, {result.seconds:.0f} s  {row.title}",
                    flush=True,
                )
            write_results(ROOT / RESULTS, results)
    (ROOT / PAGE).write_text(page(ROWS, results), encoding="utf-8")
    return 1 if failed else 0


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m tests.scorecard", description=__doc__)
    reader.add_argument("rows", nargs="*", type=int)
    reader.add_argument("--write", action="store_true", help="only write the page anew")
    reader.add_argument("--jobs", type=int, default=1, help="rows at the same time; figures of time want one")
    return reader.parse_args(arguments)


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
