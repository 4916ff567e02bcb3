"""Search without a database: words and bigrams, the query language, and what a hit looks like."""

from __future__ import annotations

from lib.search.explain import HELP, explain
from lib.search.query import CostBound, Query, Term, parse
from lib.search.snippets import Snippet, marked, snippet
from lib.search.terms import fts_match, matches, ts_query
from lib.search.words import document, fold, owner_token, tokens

__all__ = [
    "HELP",
    "CostBound",
    "Query",
    "Snippet",
    "Term",
    "document",
    "explain",
    "fold",
    "fts_match",
    "marked",
    "matches",
    "owner_token",
    "parse",
    "snippet",
    "tokens",
    "ts_query",
]
