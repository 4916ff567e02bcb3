"""A query in words, so that one sees what was understood, and the operators for those who want to know."""

from __future__ import annotations

from datetime import date

from lib.money import money_exact
from lib.search.query import CostBound, Query, Term

HELP = (
    ('"two words"', "exactly these words in this order"),
    ("-word", "without this word"),
    ("title:word", "in the title only"),
    ("model:sonnet", "asked of this model"),
    ("variant:hc", "at this price variant"),
    ("cost:>0.1", "answers that cost more"),
    ("has:image", "also has:video, has:code, has:reasoning"),
    ("after:2026-03-01", "from that day on; before: until the day before"),
    ('in:"My folder"', "in this folder"),
    ("tag:work", "with this tag"),
    ("is:pinned", "also is:archived, is:unread"),
)
"""Operator, meaning."""


def explain(query: Query) -> str:
    """One line of plain text; empty for an empty query."""
    parts = [" and ".join(_term(term) for term in query.terms)] if query.terms else []
    parts += [f"without {_term(term)}" for term in query.without]
    names = (("title with", query.titles), ("model", query.models), ("variant", query.variants))
    parts += [f"{name} “{value}”" for name, values in names for value in values]
    parts += [f"in folder “{value}”" for value in query.folders] + [f"tagged “{value}”" for value in query.tags]
    parts += [f"with {has}" if has in ("code", "reasoning") else f"with an {has}" for has in query.has]
    parts += [*query.states, *(_cost(bound) for bound in query.costs)]
    parts += [f"from {_day(query.after)} on"] if query.after else []
    parts += [f"before {_day(query.before)}"] if query.before else []
    return " · ".join(parts).replace("an video", "a video")


def _term(term: Term) -> str:
    return f"“{term.text}{'…' if term.goes_on and not term.words[-1][1] else ''}”"


def _cost(bound: CostBound) -> str:
    words = {">": "over", ">=": "at least", "<": "under", "<=": "at most"}
    return f"cost {words[bound.comparison]} {money_exact(bound.nano)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
