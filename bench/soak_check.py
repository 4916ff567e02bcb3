"""After a soak: every answer beside what its upstream wrote, every request beside the ledger."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.upstream import tokens

_NAME = re.compile(r"id=(\w+)")
_FAULT = re.compile(r"fault=(\w+)")
_ANSWERS = """
SELECT q.parts AS question, a.text AS text, a.state AS state
FROM message a JOIN message q ON q.id = a.parent_id WHERE a.role = 'assistant'
"""
_POSTS = """
SELECT q.parts AS question, count(u.id) AS rows_found
FROM message a JOIN message q ON q.id = a.parent_id LEFT JOIN usage_event u ON u.message_id = a.id
WHERE a.role = 'assistant' GROUP BY a.id
"""
WHOLE = frozenset({"", "busy", "stall", "malformed"})
"""What leaves an answer whole, after all."""


@dataclass
class Found:
    """`wrong`: answers that are neither whole nor labelled and as far as they were sent, with what is wrong."""

    answers: int = 0
    whole: int = 0
    states: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    posts: int = 0
    ledger: int = 0
    unlike: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    waiting: int = 0


def check(database: Path, seen: Mapping[str, Mapping[str, Any]], said: set[str]) -> Found:
    """`seen`: what the upstream noted of each request by its name; `said`: the names of all messages that were sent."""
    found = Found(posts=sum(int(record["posts"]) for record in seen.values()))
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as rows:
        rows.row_factory = sqlite3.Row
        for row in rows.execute(_ANSWERS):
            _look(found, row, seen)
        for row in rows.execute(_POSTS):
            name = _name(row["question"])
            if row["rows_found"] != seen.get(name, {}).get("posts", 0):
                found.unlike.append(f"{name}: {row['rows_found']} rows, {seen.get(name, {}).get('posts', 0)} requests")
        found.ledger = rows.execute("SELECT count(*) FROM usage_event").fetchone()[0]
        kept = set(_names(rows, "SELECT parts FROM message WHERE role = 'user'"))
        waiting = set(_names(rows, "SELECT parts FROM queue_item"))
    rows.close()
    found.waiting = len(waiting)
    found.lost = sorted(said - kept - waiting)
    return found


def _look(found: Found, row: sqlite3.Row, seen: Mapping[str, Mapping[str, Any]]) -> None:
    name = _name(row["question"])
    fault = match[1] if (match := _FAULT.search(row["question"])) else ""
    record = seen.get(name, {"n": 0, "sent": 0})
    sent = tokens(name, int(record["n"]))[: int(record["sent"])]
    found.answers += 1
    found.states[row["state"]] += 1
    wrong = _wrong(row["text"], row["state"], fault, "".join(sent), whole=int(record["sent"]) == int(record["n"]) > 0)
    found.whole += wrong is None and row["state"] == "done"
    if wrong:
        found.wrong.append(f"{name} ({fault or 'no fault'}): {wrong}")


def _wrong(text: str, state: str, fault: str, sent: str, *, whole: bool) -> str | None:
    if not sent.startswith(text):
        return f"{state}, and its text was never sent"
    if state == "done":
        return None if whole and text == sent else f"done with {len(text)} of {len(sent)} characters"
    if state == "stopped":
        return None
    if fault in WHOLE:
        return f"{state} without a reason"
    if fault == "cut" and text != sent:
        return f"{len(text)} of the {len(sent)} characters before the cut"
    return None if state in {"cut", "failed"} else f"still {state}"


def _name(question: str) -> str:
    match = _NAME.search(question)
    return match[1] if match else ""


def _names(rows: sqlite3.Connection, sql: str) -> Iterator[str]:
    return (_name(row[0]) for row in rows.execute(sql))
