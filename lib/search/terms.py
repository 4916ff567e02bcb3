"""Terms as an index is asked for them, and compared with the text itself.

The index answers which messages hold all tokens; whether they stand together as the term has them is read from the
text. So phrases and runs of unspaced script need no positions in the index, and a stale entry does no harm.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lib.search.query import Query, Term
from lib.search.words import LETTER, cut, fold, owner_token, pairs


def fts_match(query: Query, owner: int) -> str:
    """The query for SQLite's FTS5 (SQLite documentation, "Full-text Query Syntax")."""
    wanted = [f'"{owner_token(owner)}"', *(_fts(word, goes_on) for word, goes_on in _wanted(query))]
    return " AND ".join(wanted) + "".join(f" NOT {_fts(word, False)}" for word in _unwanted(query))


def ts_query(query: Query, owner: int) -> str:
    """The query as PostgreSQL's `tsquery` type reads it (manual, "Text Search Types")."""
    wanted = [f"'{owner_token(owner)}'", *(_ts(word, goes_on) for word, goes_on in _wanted(query))]
    return " & ".join([*wanted, *(f"!{_ts(word, False)}" for word in _unwanted(query))])


def _fts(word: str, goes_on: bool) -> str:
    return f'"{word}"' + "*" * goes_on


def _ts(word: str, goes_on: bool) -> str:
    return f"'{word}'" + ":*" * goes_on


def _wanted(query: Query) -> list[tuple[str, bool]]:
    """Every token that a hit holds, each with whether it may go on."""
    return list(dict.fromkeys(token for term in query.terms for token in _tokens(term)))


def _tokens(term: Term) -> list[tuple[str, bool]]:
    found = []
    for at, (word, unspaced) in enumerate(term.words):
        if unspaced:  # a single character may start a pair
            found += [(pair, len(pair) == 1) for pair in pairs(word)]
        else:
            found.append((cut(word), term.goes_on and at == len(term.words) - 1))
    return found


def _unwanted(query: Query) -> list[str]:
    """Tokens that no hit holds: those of excluded single words."""
    single = (term.words[0] for term in query.without if len(term.words) == 1)
    return [word for word, unspaced in single if not unspaced and cut(word) == word]


def matches(query: Query, text: str) -> bool:
    """Whether `text` holds every term and none of the excluded ones."""
    folded = fold(text)
    return all(pattern(term).search(folded) for term in query.terms) and not any(
        pattern(term).search(folded) for term in query.without
    )


@lru_cache(maxsize=256)
def pattern(term: Term) -> re.Pattern[str]:
    """The term as it stands in folded text: its words in their order, with only signs and spaces between them."""
    last = len(term.words) - 1
    return re.compile(r"[\W_]*".join(_piece(*word, term.goes_on and at == last) for at, word in enumerate(term.words)))


def _piece(word: str, unspaced: bool, goes_on: bool) -> str:
    """A word with nothing of another one beside it; a run of unspaced script may be part of a longer one."""
    if unspaced:
        return re.escape(word)
    return f"(?<!{LETTER}){re.escape(word)}" + (f"{LETTER}*+" if goes_on else f"(?!{LETTER})")
