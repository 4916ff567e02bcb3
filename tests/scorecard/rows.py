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


ROWS: tuple[Row, ...] = (
    Row(1, "F01-F52 expected behaviour", "52/52", BLOCKS),
    Row(
        2,
        "Fuzzed SSE: 10 000 streams (grammar + byte mutation, every chunking; both dialects)",
        "0 crash, 0 hang > deadline, 0 chars lost before the fault, 0 chars invented",
        BLOCKS,
    ),
    Row(3, "Differential: our decoder vs openai-python's byte decoder on 10 000 valid streams", "identical", BLOCKS),
    Row(4, "Truncation without terminator detected", "100 % of 200", BLOCKS),
    Row(
        5,
        "Deadlines: connect 5 s, first content 180 s, gap 60 s, total 30 min (configurable) fire within",
        "+- 1 s",
        BLOCKS,
    ),
    Row(6, "10 MB event / gzip bomb / infinite stream: extra RSS", "< 100 MB, ended with reason", BLOCKS),
    Row(
        7,
        "Auto-retries after >= 1 content byte or ambiguous failure; POSTs seen by gateway per turn",
        "0; exactly as table 6.3",
        BLOCKS,
    ),
    Row(8, "Retry-After honoured (secs/date/ms), total wait cap", "+- 0.5 s; <= 60 s", BLOCKS),
    Row(
        9,
        "kill -9 at 100 random points",
        '0 lost ack\'d user messages, <= 1.0 s text lost, integrity ok, 0 stuck "streaming", restart < 3 s',
        BLOCKS,
    ),
    Row(10, "kill -9 at each of N instrumented points (enumerated)", "all N", BLOCKS),
    Row(
        11,
        "Fail-at-n: every store call (BUSY, FULL, IOERR, READONLY, CORRUPT) and FS call",
        "0 silent loss, 0 POST without committed user message",
        BLOCKS,
    ),
    Row(
        12,
        "Power-loss simulation (drop unsynced writes) on message + ledger tables",
        "0 committed lost (FULL)",
        TRACKED,
    ),
    Row(13, "Tab closed mid-answer, reopened", "full answer 50/50", BLOCKS),
    Row(14, "Reload mid-answer: text before + after joined", "byte-equal 50/50; visible < 1 s", BLOCKS),
    Row(15, "Two tabs, 500 random interleavings", "0 lost/duplicated messages, 1 in-flight turn", BLOCKS),
    Row(16, "Double submit / WS replay, 1 000 tries", "1 POST each", BLOCKS),
    Row(
        17,
        "8 processes x 1 000 writes (SQLite), 32 clients (PG) with history checker",
        '0 "locked" to user, 0 anomalies',
        BLOCKS,
    ),
    Row(
        18,
        "SQLite version / pragmas at start",
        ">= 3.51.3 or single-writer mode; WAL, FULL, busy 5 s, foreign keys",
        BLOCKS,
    ),
    Row(19, "PG restart x 50 during load", "0 lost, 0 duplicate, recovery < 5 s", BLOCKS),
    Row(20, "Migrations from all old fixtures, crash at each step", "0 loss; newer schema refused", BLOCKS),
    Row(21, "Backup under load, restore, compare", "row-equal 20/20", BLOCKS),
    Row(22, "Ledger: sum(parts)=total over every grouping/zone/DST, 10^6 random rows", "difference 0", BLOCKS),
    Row(
        23,
        "Each upstream POST has exactly one ledger row (incl. failed, stopped, killed)",
        "100 % of 1 000 mixed",
        BLOCKS,
    ),
    Row(24, "Budget race: 50 parallel sends at the limit", "overshoot <= sum of reservations, 0 unreserved", BLOCKS),
    Row(
        25,
        "50 sessions x 30 min mixed load",
        "0 errors, RSS growth < 10 % after minute 5, threads back to +- 5, fds flat",
        BLOCKS,
    ),
    Row(26, "24 h soak, 5 users", "RSS slope < 1 MB/h, WAL < 64 MB", TRACKED),
    Row(27, "Clock +-1 day steps during streams", "0 wrong timeouts, order kept", TRACKED),
    Row(28, "Canary key, full scenario + DEBUG logs (sec. 2)", "0 (CC Switch: exactly 1)", BLOCKS),
    Row(29, "Redirect / wrong-origin: key or prompt at 2nd host", "0", BLOCKS),
    Row(30, "Upstream header allow-list; cookies forwarded", "exact; 0", BLOCKS),
    Row(
        31,
        "XSS corpus >= 300 payloads x all render channels (answer, title, label, file name, model name, error, export)",
        "0 executed, 0 dialogs, 0 navigations",
        BLOCKS,
    ),
    Row(32, "Remote-fetch corpus >= 60 forms x channels, while streaming and final: CSP off", "0", BLOCKS),
    Row(33, "Same with rewriting off, CSP on", "0", BLOCKS),
    Row(34, "Browser requests to other origins in the whole e2e suite", "0", BLOCKS),
    Row(
        35,
        "Response headers on every route (CSP, nosniff, referrer, frame-ancestors; sandbox on media)",
        "100 %",
        BLOCKS,
    ),
    Row(36, "Links: schemes outside http/https/mailto from model output", "0", BLOCKS),
    Row(37, "Markdown bombs (12 kinds, 1 MB): main thread block", "< 500 ms, tab alive", TRACKED),
    Row(38, "Cross-user matrix (functions x verbs), generated", "0 reads, 0 writes of 100 % functions", BLOCKS),
    Row(39, "Marker interleaving test 50 users (caches)", "0 foreign markers", BLOCKS),
    Row(40, "Session/stream/share/attachment ids: entropy; foreign use", ">= 122 bits; 404", BLOCKS),
    Row(41, "Deactivated user / role change effective", "next rerun, <= 5 s in jobs", BLOCKS),
    Row(
        42,
        "Origin/Host matrix (evil, null, rebinding, missing) on WS + uploads + own routes",
        "only allow-listed",
        BLOCKS,
    ),
    Row(43, "Opening any crafted URL: upstream calls, state changes", "0", BLOCKS),
    Row(
        44,
        "Config self-check: 14 security settings effective under `streamlit run`, `app.run`, uvicorn, Docker",
        "14/14 or refuse start",
        BLOCKS,
    ),
    Row(45, "Default/sample/weak secrets", "refuse start", BLOCKS),
    Row(
        46,
        "Upload bombs, polyglots, EXIF, traversal (200 files)",
        "0 accepted wrongly, 0 GPS, RSS < 200 MB, parent alive",
        BLOCKS,
    ),
    Row(47, "`/media` + file route: 30 active files navigated", "0 scripts; foreign user 404", BLOCKS),
    Row(48, "String-to-path lint + canary file", "0", BLOCKS),
    Row(49, "SSRF corpus 40 URLs on every URL-taking feature", "0 connects", BLOCKS),
    Row(50, "SQL/FTS/CSV/log injection corpus", "0 errors 500, 0 formulas, 0 forged log lines", BLOCKS),
    Row(51, "Malformed WS/HTTP/multipart/Range, 10 000", "process alive, other user p95 < 2 x", BLOCKS),
    Row(52, "Rate limits and login brute force", "limits exact; 0 lock-outs of others", TRACKED),
    Row(53, "Demo gateway: off -> 404; on -> no token 401; cannot stall UI (p95 rerun +-10 %)", "pass", BLOCKS),
    Row(54, "Supply chain: hash-pinned, `pip-audit`", "0 known vulns >= medium; <= 40 runtime deps", BLOCKS),
    Row(55, "Hostile gateway (T9), 200 responses", "0 script/fetch/action", BLOCKS),
)
