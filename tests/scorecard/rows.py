"""The rows of the scorecard: what is tested, what must come out, and the tests that say so."""

from __future__ import annotations

from typing import Literal, NamedTuple

Gate = Literal["blocks a release", "tracked"]
BLOCKS: Gate = "blocks a release"
TRACKED: Gate = "tracked"


class Row(NamedTuple):
    """One row. `tests` are what pytest is given; `bench` is a part of `python -m bench` instead; `short` says what is
    not met, or not tested as the target words it, and why."""

    number: int
    title: str
    target: str
    gate: Gate
    tests: tuple[str, ...] = ()
    bench: str = ""
    short: str = ""

    @property
    def command(self) -> list[str]:
        """What comes after `python -m`."""
        return (
            ["pytest", "-q", "--full", "-o", "faulthandler_timeout=1800", *self.tests]
            if self.tests
            else ["bench", *self.bench.split()]
        )


ROWS: tuple[Row, ...] = (
    Row(
        1,
        "The fault list F01 to F52, each with its expected outcome",
        "52 of 52",
        BLOCKS,
        (
            "tests/faults/test_faults.py",
            "tests/browser/test_faults_on_screen.py",
        ),
        short="F01 to F40 in 190 forms are in this run. F41 to F52 are the rows 9 to 24 and 27; they are not counted again here.",
    ),
    Row(
        2,
        "Mutated streams: 10,000 in each dialect, every chunking",
        "0 crashes, 0 hangs, 0 characters lost before the fault, 0 invented",
        BLOCKS,
        ("tests/fuzz/test_fuzzed_streams.py",),
    ),
    Row(
        3,
        "10,000 valid streams in each dialect, read by us and by the official SDK",
        "identical",
        BLOCKS,
        ("tests/fuzz/test_against_the_sdks.py",),
        short="Five places where the SDKs read otherwise are left out and tested by name: a byte order mark, events without data, a blank line after an id, nameless events in Messages, thinking in tags.",
    ),
    Row(
        4,
        "Streams that end without their last event are called cut",
        "200 of 200",
        BLOCKS,
        ("tests/faults/test_truncated.py",),
    ),
    Row(
        5,
        "Deadlines: connect 5 s, first content 300 s, gap 120 s, total 60 min",
        "each fires within ± 1 s",
        BLOCKS,
        ("tests/faults/test_deadlines.py",),
        short="The defaults are checked as values; the moments are measured with deadlines of 1.5 s.",
    ),
    Row(
        6,
        "An event of 10 MB, a gzip bomb, an endless stream: extra memory",
        "< 100 MB, ended with a reason",
        BLOCKS,
        ("tests/faults/test_memory.py",),
    ),
    Row(
        7,
        "Retries after the first word or where it is not known whether the request was billed",
        "0; elsewhere exactly as the retry rules say",
        BLOCKS,
        ("tests/faults/test_retries_seen.py::test_the_gateway_is_asked_as_often_as_the_table_says",),
    ),
    Row(
        8,
        "Retry-After in seconds, as a date, in ms; the longest wait",
        "± 0.5 s; ≤ 60 s",
        BLOCKS,
        ("tests/faults/test_retries_seen.py::test_the_waits_are_those_that_were_asked_for",),
    ),
    Row(
        9,
        "kill -9 at 100 random moments of an answer",
        "0 lost questions, ≤ 1.0 s of text lost, database intact, 0 stuck answers, restart < 3 s",
        BLOCKS,
        (
            "tests/generation/test_dying.py",
            "tests/browser/test_lives.py::test_a_process_that_is_asked_to_go_keeps_what_it_has",
        ),
    ),
    Row(
        10,
        "kill -9 at each commit and each event of an answer's life, enumerated",
        "the promises kept at all of them",
        BLOCKS,
        ("tests/lives/test_every_point.py",),
        short="On SQLite only.",
    ),
    Row(
        11,
        "The n-th database statement or file call fails, for every n (busy, full, I/O, read-only, corrupt)",
        "0 silent losses, 0 POSTs without a stored question",
        BLOCKS,
        (
            "tests/disks/test_every_store_call.py",
            "tests/disks/test_ill_database.py",
            "tests/disks/test_ill_disk.py",
            "tests/browser/test_sick_database.py",
        ),
        short="Every n and every kind for each store function; in the long lives of a chat the kinds take turns over n. `statements.close` and `transfers.undo` can fail after they were done: the user reads that it was refused, nothing is lost.",
    ),
    Row(
        12,
        "Power loss (what was not synced is gone): messages and ledger",
        "0 committed rows lost",
        TRACKED,
        ("tests/disks/test_power_loss.py",),
        short="A recording below SQLite's file layer whose unsynced sectors are dropped stands for the power cut. PostgreSQL is not tested for this.",
    ),
    Row(
        13,
        "The tab is closed in mid-answer and opened again",
        "the whole answer, 50 of 50",
        BLOCKS,
        ("tests/browser/test_lives.py::test_a_closed_tab_ends_no_answer",),
    ),
    Row(
        14,
        "Reload in mid-answer",
        "the text byte for byte, 50 of 50; seen again in < 1 s",
        BLOCKS,
        ("tests/browser/test_lives.py::test_a_reloaded_tab_has_what_it_had_and_what_came_since",),
    ),
    Row(
        15,
        "Two tabs on one chat, 500 random interleavings",
        "0 lost or doubled messages, one running answer a branch",
        BLOCKS,
        (
            "tests/lives/test_two_tabs.py",
            "tests/browser/test_lives.py::test_two_tabs_that_send_at_the_same_moment_both_get_their_answer_once",
        ),
    ),
    Row(
        16,
        "One message handed in twice or replayed, 1,000 tries",
        "one POST each",
        BLOCKS,
        (
            "tests/lives/test_twice.py",
            "tests/browser/test_lives.py::test_a_second_enter_and_a_double_click_send_nothing_more",
            "tests/browser/test_quick_messages.py",
        ),
        short="A websocket frame that is repeated after its answer has ended counts as a new message: a frame of Streamlit's has no identity. No browser was seen to repeat one.",
    ),
    Row(
        17,
        "8 processes × 1,000 writes (SQLite), 32 writers with a history check (PostgreSQL)",
        '0 times "locked" for the user, 0 anomalies',
        BLOCKS,
        (
            "tests/disks/test_many_writers.py::test_eight_processes_write_one_file",
            "tests/disks/test_many_writers.py::test_thirty_two_who_write_and_read_see_one_history",
        ),
        short="Parlour itself admits one process to a SQLite file; the eight write to it without that lock.",
    ),
    Row(
        18,
        "SQLite at the start",
        "≥ 3.51.3 or one writer; WAL, FULL, busy 5 s, foreign keys",
        BLOCKS,
        ("tests/disks/test_many_writers.py::test_a_second_process_is_refused_so_one_process_writes",),
        short="SQLite is the one Python brings, 3.40 on Debian 12: the way of one writer holds, by a lock of the data folder.",
    ),
    Row(
        19,
        "PostgreSQL restarted 50 times under load; a lost commit acknowledgement",
        "0 lost, 0 doubled, well again in < 5 s",
        BLOCKS,
        ("tests/disks/test_postgres_dies.py",),
    ),
    Row(
        20,
        "Migrations from every released schema, a crash at each step",
        "0 lost; a newer schema is refused",
        BLOCKS,
        ("tests/disks/test_migrations_cut_short.py",),
        short="The first schema is kept as it was released; the later ones are made by their frozen steps.",
    ),
    Row(
        21,
        "Backup under load, restored and compared",
        "row for row, 20 of 20",
        BLOCKS,
        ("tests/disks/test_backups.py",),
        short="SQLite. For PostgreSQL its own tools make the backup.",
    ),
    Row(
        22,
        "A million random ledger rows: the parts sum to the total in every grouping, zone and DST day",
        "difference 0",
        BLOCKS,
        ("tests/fuzz/test_sums.py",),
        short="By dialect nothing is summed in the product. Weeks are summed from days.",
    ),
    Row(
        23,
        "Each request to a gateway has exactly one ledger row, also failed and stopped ones",
        "1,000 of 1,000 mixed turns",
        BLOCKS,
        (
            "tests/faults/test_every_post.py",
            "tests/lives/test_every_point.py",
        ),
    ),
    Row(
        24,
        "50 messages at once at the limit of a budget",
        "over it by no more than what was reserved, 0 unreserved",
        BLOCKS,
        ("tests/store/test_store_budgets.py::test_fifty_at_once_never_overshoot",),
    ),
    Row(
        25,
        "50 conversations streaming for 10 minutes, faults mixed in",
        "0 unexpected errors, memory flat after the first minutes, threads and files back to the start",
        BLOCKS,
        bench="soak 10 50",
    ),
    Row(
        26,
        "24 hours, 5 users",
        "memory slope < 1 MB an hour, WAL < 64 MB",
        TRACKED,
        short="Not run: nobody had 24 hours yet. The ten minutes of row 25 stand for it for now.",
    ),
    Row(
        27,
        "The clock jumps by an hour or a day during answers",
        "0 wrong timeouts, order kept",
        TRACKED,
        ("tests/lives/test_clock.py",),
        short="After a jump forward and back, new rows keep the later time until the clock has caught up: their order is kept, their day is the later one.",
    ),
    Row(
        28,
        "A canary key through a whole scenario, then every byte that left or was stored is searched",
        "0 finds; the CC Switch link exactly once",
        BLOCKS,
        (
            "tests/browser/test_key_canary.py",
            "tests/canary/test_searching.py",
            "tests/gateway/test_gateway_echoes.py",
            "tests/test_secret.py",
        ),
        short="One owner; no upgrade in the scenario; no core file is forced. When a gateway writes the key into the words of an answer, they are kept as they came.",
    ),
    Row(
        29,
        "Redirects and wrong origins: key or prompt at a second host",
        "0",
        BLOCKS,
        (
            "tests/faults/test_second_host.py::test_nothing_comes_to_a_second_host",
            "tests/faults/test_second_host.py::test_a_key_is_not_sent_to_an_address_it_was_not_entered_for",
        ),
    ),
    Row(
        30,
        "Headers of requests to gateways; cookies handed on",
        "exactly the list; 0",
        BLOCKS,
        ("tests/faults/test_second_host.py::test_the_headers_are_exactly_those_of_the_list",),
    ),
    Row(
        31,
        "At least 300 injection payloads in every place that draws foreign text",
        "0 executed, 0 dialogs, 0 navigations",
        BLOCKS,
        (
            "tests/browser/test_hostile_output.py::test_nothing_runs_and_nothing_is_fetched",
            "tests/browser/test_hostile_output.py::test_with_neither_the_texts_are_seen_to_work",
            "tests/browser/test_hostile_output.py::test_a_careless_page_is_taken_over",
            "tests/browser/test_hostile_output.py::test_a_paper_by_itself_does_nothing",
            "tests/hostile/test_corpus.py",
        ),
        short="Every payload goes through a title, an answer and every rewriting function; places that hold fewer texts get a part of them. Tables that are painted on a canvas are judged by what they leave in the page.",
    ),
    Row(
        32,
        "At least 60 forms of fetching from elsewhere, while streaming and stored: policy off, rewriting alone",
        "0 fetched",
        BLOCKS,
        (
            "tests/browser/test_hostile_output.py::test_without_the_policy_nothing_is_fetched_either",
            "tests/browser/test_hostile_output.py::test_a_careless_page_fetches_for_everybody",
        ),
    ),
    Row(
        33,
        "The same with rewriting off, policy alone",
        "0 fetched",
        BLOCKS,
        ("tests/browser/test_hostile_output.py::test_without_the_rewriting_the_policy_holds_alone",),
    ),
    Row(
        34,
        "Requests of the browser to other hosts in all browser tests",
        "0",
        BLOCKS,
        ("tests/browser/test_watch.py",),
        short="Every browser test fails on such a request; this run shows that it would.",
    ),
    Row(
        35,
        "Security headers on every route; sandbox on media",
        "100 %",
        BLOCKS,
        (
            "tests/browser/test_headers_everywhere.py",
            "tests/web/test_headers.py",
        ),
    ),
    Row(
        36,
        "Links of other schemes than http, https, mailto from model output",
        "0",
        BLOCKS,
        (
            "tests/browser/test_hostile_output.py::test_nothing_runs_and_nothing_is_fetched",
            "tests/browser/test_hostile_output.py::test_with_neither_the_texts_are_seen_to_work",
            "tests/browser/test_hostile_output.py::test_a_careless_page_is_taken_over",
            "tests/browser/test_hostile_output.py::test_a_paper_by_itself_does_nothing",
            "tests/hostile/test_corpus.py",
        ),
        short="Looked at in every page of the run of row 31.",
    ),
    Row(
        37,
        "Markdown bombs of 12 kinds, 1 MB: the longest freeze of the tab",
        "< 500 ms, tab alive",
        TRACKED,
        ("tests/browser/test_markdown_bombs.py",),
    ),
    Row(
        38,
        "Every store function and route called as another owner",
        "0 rows read, 0 changed, 100 % of functions",
        BLOCKS,
        (
            "tests/store/test_store_owners.py",
            "tests/browser/test_login_sockets.py::test_no_route_answers_for_what_belongs_to_another",
        ),
    ),
    Row(
        39,
        "50 owners at once, each with a marker",
        "0 foreign markers",
        BLOCKS,
        (
            "tests/test_several_owners.py::test_whoever_acts_when_nobody_sees_a_mark_of_another",
            "tests/browser/test_login.py::test_two_owners_in_two_browsers_see_their_own_only",
            "tests/browser/test_login_sockets.py::test_pages_of_many_owners_drawn_at_once_hold_no_foreign_mark",
        ),
    ),
    Row(
        40,
        "Public ids and tokens: entropy; used by others",
        "≥ 122 bits; 404",
        BLOCKS,
        (
            "tests/test_ids.py",
            "tests/test_paths.py",
            "tests/browser/test_login_sockets.py::test_a_known_session_id_is_of_no_use_to_another_user",
        ),
        short="Streamlit's own ids of sessions are its uuid4 with 122 bits; a foreign one gives a new session.",
    ),
    Row(
        41,
        "An owner is disabled or changes the password",
        "effective at the next run of the page, ≤ 5 s in running answers",
        BLOCKS,
        (
            "tests/web/test_login.py::test_whatever_ends_sign_ins_ends_them_for_cookies_and_open_pages",
            "tests/test_several_owners.py::test_a_disabled_account_runs_nothing_any_more_and_others_go_on",
            "tests/browser/test_login.py::test_a_disabled_account_is_out_everywhere_and_its_answer_stops",
        ),
    ),
    Row(
        42,
        "Matrix of Host and Origin on websocket, uploads and routes",
        "only the allowed pass",
        BLOCKS,
        (
            "tests/requests/test_who_may_knock.py",
            "tests/web/test_visitors.py",
        ),
    ),
    Row(
        43,
        "Opening crafted addresses: requests to gateways, changes",
        "0",
        BLOCKS,
        ("tests/requests/test_addresses.py",),
        short="A link that names an older version of an answer turns the chat to it: that is what it is for, and all that changes.",
    ),
    Row(
        44,
        "Self-check: 14 settings under `streamlit run`, `make run`, uvicorn",
        "14 of 14, or the start is refused",
        BLOCKS,
        (
            "tests/test_starting_options.py::test_the_fourteen_settings_are_in_force_or_the_start_says_so",
            "tests/test_starting_options.py::test_a_wall_that_the_environment_takes_down_is_named_or_stays_up",
            "tests/test_starting.py",
            "tests/test_self_check.py",
        ),
        short="There is no image for Docker.",
    ),
    Row(
        45,
        "Sample and weak secrets",
        "the start is refused",
        BLOCKS,
        ("tests/test_starting_options.py::test_a_secret_that_is_none_ends_the_start_without_being_repeated",),
        short="A sample key of a gateway, or the sample password of a database on this computer, is a warning unless others can reach the program.",
    ),
    Row(
        46,
        "200 hostile uploads: bombs, polyglots, places in pictures, traversal",
        "0 taken wrongly, 0 places left, < 200 MB, server alive",
        BLOCKS,
        (
            "tests/intake/test_hostile.py",
            "tests/intake/test_liars.py",
            "tests/intake/test_canary.py",
        ),
    ),
    Row(
        47,
        "30 active files opened at their own address",
        "0 scripts; 404 for another owner",
        BLOCKS,
        (
            "tests/browser/test_active_files.py",
            "tests/browser/test_login_sockets.py::test_no_route_answers_for_what_belongs_to_another",
        ),
        short="Streamlit's own media route asks for a sign-in and not for the owner; its ids are hashes of the content.",
    ),
    Row(
        48,
        "Names that become paths; a canary file beside the data folder",
        "0",
        BLOCKS,
        (
            "tests/test_paths.py",
            "tests/test_architecture.py::test_the_house_keeps",
        ),
    ),
    Row(
        49,
        "40 forms of addresses inside, in everything that holds an address",
        "0 connections",
        BLOCKS,
        ("tests/requests/test_nothing_is_fetched.py",),
    ),
    Row(
        50,
        "Injection into SQL, full-text search, CSV and log",
        "0 crashes, 0 formulas, 0 forged lines",
        BLOCKS,
        (
            "tests/store/test_store_injection.py",
            "tests/fuzz/test_formulas.py",
            "tests/fuzz/test_log_lines.py",
            "tests/test_cells.py",
        ),
        short="A comma-separated file opened with a semicolon as separator can still begin a cell with a formula.",
    ),
    Row(
        51,
        "10,000 malformed frames, requests, multipart bodies and ranges",
        "process alive, another's p95 < 2 ×",
        BLOCKS,
        ("tests/requests/test_malformed.py",),
    ),
    Row(
        52,
        "Guessing passwords",
        "limits exact, 0 others locked out",
        TRACKED,
        (
            "tests/test_login_attempts.py",
            "tests/web/test_login.py::test_too_many_wrong_ones_wait_and_the_right_one_goes_through_afterwards",
        ),
        short="The login only. Messages and uploads of a signed-in owner are not limited.",
    ),
    Row(
        53,
        "The demo gateway: off, without its token, busy",
        "not there; 401; the page as fast as before ± 10 %",
        BLOCKS,
        ("tests/requests/test_demo_gateway.py",),
    ),
    Row(
        54,
        "Dependencies: pinned by hash, audited, few",
        "0 known holes ≥ medium; ≤ 40",
        BLOCKS,
        (
            "tests/test_supply_chain.py",
            "tests/test_tooling.py",
        ),
        short="55 distributions at run time, 34 of them Streamlit's own, against 40. Versions are pinned without hashes: pip then refuses to install a folder. The audit needs a service that was out of reach; known holes were not looked up.",
    ),
    Row(
        55,
        "A hostile gateway, 200 answers",
        "0 scripts, fetches, actions",
        BLOCKS,
        ("tests/faults/test_hostile_gateway.py",),
        short="On the screen 24 such answers are drawn, in the run of row 31.",
    ),
)
