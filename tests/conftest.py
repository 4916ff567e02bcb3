"""Rules for the whole suite: with CI=true nothing may be skipped, and the browser tests come last.

Some tests can be done more often than a daily run has time for: with `--full` the fixture `count` gives them the large
number. What they found goes into the scorecard through the fixture `measured`, see `tests/scorecard`. Tests marked `full`
are left out without it: each has a shorter sister that is not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI") == "true"
if not IN_CI:  # there Hypothesis chooses its own profile: the same examples every time, no deadline
    settings.register_profile("desk", deadline=None)  # a busy machine is not a slow program
    settings.load_profile("desk")
BROWSER_TESTS = Path(__file__).parent / "browser"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the full counts of the scorecard, not a daily slice of them")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--full"):
        settings.register_profile("slice", parent=settings(), max_examples=50)
        settings.load_profile("slice")


@pytest.fixture(scope="session")
def count(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """`count(slice, full)`: how often to do it in this run."""
    return lambda part, full: full if pytestconfig.getoption("--full") else part


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`measured("10,000 streams, 0 crashed")`: what this test found, for its row of the scorecard."""
    return lambda found: record_property("measured", found)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests last: they are slow, and Playwright keeps an event loop running in this thread until the end."""
    if not config.getoption("--full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: BROWSER_TESTS in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and with CI=true nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and with CI=true nothing may be: {report.longrepr}"
    return report
