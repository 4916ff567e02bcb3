"""Every fault and every quirk, in both dialects, as a person meets it: through real Services, all at once.

Of each: the question and what had arrived are kept byte for byte; one human sentence says what to do next; the
ledger has one row for each request that was, or may have been, sent; the same conversation takes the next question
at once; and conversations that stream meanwhile do not notice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from lib.cards import DialectName
from lib.generation import Sent
from lib.ledger import LedgerRow
from lib.markdown import quiet
from lib.messages import ToolCallPart
from lib.ui.notices import notice_for_kind
from tests.faults.chaos import NANO_IN, NANO_OUT, NEXT_ANSWER, STEADY, Chaos
from tests.faults.faults import FAULTS
from tests.faults.house import BOTH, CANARY, HASTY, PATIENT, House, Seen, fill
from tests.faults.places import UNKNOWN_HOST, TlsPort, blackhole, forget_host, refused, tls_ports
from tests.faults.quirks import QUIRKS
from tests.faults.speech import N_IN, N_OUT
from tests.faults.table import Expected, Fault
from tests.faults.ways import ENDLESS

EVERYTHING: dict[str, Fault] = {**FAULTS, **QUIRKS}
CASES = [(name, dialect) for name, fault in EVERYTHING.items() for dialect in fault.dialects]
AT_ONCE = 48
Case = tuple[str, DialectName]


class Witness(NamedTuple):
    """A conversation that streamed while the others failed."""

    text: str
    state: str
    n_rows: int
    longest_gap_s: float


class Run(NamedTuple):
    """What everything brought."""

    seen: dict[Case, Seen]
    witnesses: list[Witness]
    chaos: Chaos
    tls: dict[str, TlsPort]
    problems: list[object]
    n_posts: int
    n_rows: int
    seconds: float


def question_for(case: Case) -> str:
    return f"{case[0]} ({case[1]}): “é” 日本 😀 \u2028 <b>*_`$&amp;\n\n  two lines "


def longest_gap(house: House, sent: Sent, until: threading.Event) -> float:
    """The longest time in which nothing was added to a growing answer."""
    longest, seen, at = 0.0, "", time.monotonic()
    while not until.is_set() and not seen.endswith("end"):
        text = house.text_now(sent)
        if text != seen:
            longest, seen, at = max(longest, time.monotonic() - at), text, time.monotonic()
        time.sleep(0.02)
    return longest


def go(house: House, chaos: Chaos, cases: list[Case], total_s: float) -> tuple[dict[Case, Seen], list[Witness]]:
    """All cases, some dozens at once, while one conversation of each dialect streams beside them.

    Those go on until the last case has ended, or until shortly before they would be too long themselves.
    """
    chaos.calm.clear()
    over = threading.Event()
    enough = threading.Timer(total_s - 0.8, chaos.calm.set)
    enough.start()
    steady = [house.send(f"steady {dialect}", STEADY, dialect) for dialect in BOTH]

    def one(case: Case) -> Seen:
        name, dialect = case
        place = EVERYTHING[name].place or "chaos"
        if place == "alone":  # with connections that nobody else uses
            return house.go_through(question_for(case), name, dialect, f"alone-{dialect}", f"alone-{dialect}")
        return house.go_through(question_for(case), name, dialect, place, "chaos")

    with ThreadPoolExecutor(AT_ONCE) as crowd, ThreadPoolExecutor(2) as watching:
        gaps = [watching.submit(longest_gap, house, sent, over) for sent in steady]
        seen = dict(zip(cases, crowd.map(one, cases), strict=True))
        over.set()
        enough.cancel()
        chaos.calm.set()
        ended = [house.ended(sent) for sent in steady]
    rows = house.rows()
    posts: dict[str, int] = {}
    for post in list(chaos.posts):
        posts[post.question] = posts.get(post.question, 0) + 1
    filled = dict(zip(cases, fill(list(seen.values()), rows, posts), strict=True))
    n_rows = [sum(row.message == row_of.message for row in rows) for row_of in ended]
    witnesses = [
        Witness(answer.text, answer.state, n, gap.result())
        for answer, n, gap in zip(ended, n_rows, gaps, strict=True)
    ]  # fmt: skip
    return filled, witnesses


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder, began = tmp_path_factory.mktemp("faults"), time.monotonic()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        forget_host(patch)
        tls = stack.enter_context(tls_ports(folder, patch))
        chaos = stack.enter_context(Chaos(EVERYTHING))
        places = {
            **dict.fromkeys(("chaos", "alone-openai", "alone-anthropic"), chaos.base_url),
            "refused": f"http://127.0.0.1:{stack.enter_context(refused())}",
            "unknown": f"https://{UNKNOWN_HOST}",
            "blackhole": f"http://127.0.0.1:{stack.enter_context(blackhole())}",
            **{name: f"https://localhost:{port.port}" for name, port in tls.items()},
        }
        seen: dict[Case, Seen] = {}
        witnesses: list[Witness] = []
        problems: list[object] = []
        n_rows = 0
        for limits, hasty in ((HASTY, True), (PATIENT, False)):
            with House(folder / f"data-{hasty}", places, deadlines=limits) as house:
                house.listed("chaos")
                asked = [case for case in CASES if EVERYTHING[case[0]].hasty is hasty]
                found, steady = go(house, chaos, asked, limits[3])
                seen |= found
                witnesses += steady
                problems += house.store.ledger.verify(house.owner)
                n_rows += sum(row.outcome != "failed" for row in house.rows())
        yield Run(seen, witnesses, chaos, tls, problems, len(chaos.posts), n_rows, time.monotonic() - began)


every_case = pytest.mark.parametrize(("name", "dialect"), CASES)


@every_case
def test_what_was_said_and_what_had_arrived_are_kept(run: Run, name: str, dialect: DialectName) -> None:
    seen, expected = run.seen[name, dialect], EVERYTHING[name].expect(dialect)
    question, answer = seen.messages
    assert question.text == seen.question == question_for((name, dialect))
    assert (answer.state, answer.error_kind) == (expected.state, expected.kind)
    assert_text(answer.text, expected)
    assert answer.reasoning == expected.reasoning
    assert kept_calls(seen) == expected.calls
    assert (seen.answer.text, seen.answer.state) == (answer.text, answer.state)


def assert_text(text: str, expected: Expected) -> None:
    """A wanted text that ends in * is repeated as often as the time allowed."""
    if expected.text.endswith("*"):
        assert text
        assert text == ENDLESS * (len(text) // len(ENDLESS))
    else:
        assert text == expected.text


def kept_calls(seen: Seen) -> tuple[tuple[str, str], ...]:
    return tuple((part.name, part.arguments) for part in seen.answer.parts if isinstance(part, ToolCallPart))


@every_case
def test_one_sentence_says_what_happened_and_what_to_do(run: Run, name: str, dialect: DialectName) -> None:
    answer = run.seen[name, dialect].answer
    if EVERYTHING[name].expect(dialect).kind is None:
        assert (answer.error_kind, answer.error_message) == (None, None)
        return
    assert answer.error_kind
    notice = notice_for_kind(answer.error_kind)
    assert notice != notice_for_kind("a kind that nobody knows")
    assert notice.what.endswith(".")
    assert notice.then.endswith(".")
    shown = notice.text + quiet(answer.error_message or "")
    assert not [word for word in ("Traceback", "httpx", "<html", "<title", "alert(", "Error(") if word in shown]
    assert not [form for form in (CANARY, CANARY[:16], CANARY[-10:]) if form in shown]
    assert "\n" not in (answer.error_message or "")
    assert len(answer.error_message or "") <= 600


@every_case
def test_each_request_has_its_row_in_the_ledger(run: Run, name: str, dialect: DialectName) -> None:
    seen, expected = run.seen[name, dialect], EVERYTHING[name].expect(dialect)
    assert tuple(map(told, seen.rows)) == expected.rows
    assert seen.posts == expected.posts
    for row in seen.rows:
        assert_honest(row)


def told(row: LedgerRow) -> str:
    return row.outcome if row.usage_source == "none" else f"{row.outcome}:{row.usage_source}"


def assert_honest(row: LedgerRow) -> None:
    """What certainly cost nothing says 0, what was reported is exact, a guess has its range, the rest is unknown."""
    if row.outcome in ("refused", "failed"):
        assert (row.cost.nano, row.count.input) == (0, None)
    elif row.usage_source == "none":
        assert (row.cost.nano, row.count.input, row.count.output) == (None, None, None)
    elif row.usage_source == "reported" and (row.count.input or 0) > 10**12:
        assert row.cost.nano is None  # no price makes a sum of nonsense
    elif row.usage_source == "reported":
        assert (row.count.input, row.count.output) == (N_IN, N_OUT)
        assert row.cost.nano == N_IN * NANO_IN + N_OUT * NANO_OUT
    else:
        assert row.cost.nano is not None
        assert row.cost.low_nano is not None
        assert row.cost.high_nano is not None
        assert row.cost.low_nano <= row.cost.nano <= row.cost.high_nano


@every_case
def test_the_conversation_takes_the_next_question_at_once(run: Run, name: str, dialect: DialectName) -> None:
    seen = run.seen[name, dialect]
    assert seen.next_sent.message, "it was queued"
    assert seen.next_sent.conversation == seen.answer.conversation
    assert (seen.next_answer.state, seen.next_answer.text) == ("done", NEXT_ANSWER)


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("name", "seconds"), [("f13-429-an-hour", 3600), ("q63-503-in-ten-minutes", 600)])
def test_a_wait_that_is_too_long_is_told(run: Run, name: str, seconds: int, dialect: DialectName) -> None:
    assert (run.seen[name, dialect].answer.error_message or "").endswith(f"(retry-after: {seconds} s)")


def test_other_conversations_do_not_notice(run: Run) -> None:
    assert len(run.witnesses) == 2 * len(BOTH)
    for witness in run.witnesses:
        numbers = witness.text.split()
        assert (witness.state, witness.n_rows) == ("done", 1)
        assert numbers == [str(number) for number in range(len(numbers) - 1)] + ["end"]
        assert witness.longest_gap_s < 5  # a piece comes every 0.05 s; the machine is busy with all the others


def test_a_bad_certificate_never_falls_back(run: Run) -> None:
    for name, port in run.tls.items():
        assert port.plain == []
        assert bool(port.requests) is (name == "good"), (
            name
        )  # `good` proves that the others are refused for their fault


def test_nothing_came_to_the_second_host(run: Run) -> None:
    assert run.chaos.trap.requests == []


def test_the_ledger_adds_up(run: Run, measured: Callable[[str], None]) -> None:
    assert run.problems == []
    assert run.n_rows == run.n_posts
    gap = max(witness.longest_gap_s for witness in run.witnesses)
    after = max(seen.next_after_s for seen in run.seen.values())
    measured(
        f"F01–F40: {len(FAULTS)} forms and {len(QUIRKS)} gateway quirks, {len(run.seen)} cases in both dialects as "
        f"expected; {run.n_posts:,} POSTs, {run.n_rows:,} ledger rows; next question taken within {after:.1f} s, a "
        f"conversation beside them waited at most {gap:.1f} s for its next word; {run.seconds:.0f} s in all"
    )


def test_every_fault_of_the_list_is_there() -> None:
    numbers = {name[:3] for name in FAULTS}
    assert numbers == {f"f{number:02}" for number in range(1, 41)}
    for name, fault in EVERYTHING.items():
        assert name == name.lower()
        assert fault.expected.rows
