"""The query language: words, "quoted phrases", -without, and operators such as `model:` or `cost:>0.1`.

Every text is a query. What looks like an operator and is not one is searched as words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Literal, get_args

import msgspec
from msgspec import Struct, structs

from lib.money import nano_from_text
from lib.search.words import fold, runs

Has = Literal["image", "video", "code", "reasoning"]
State = Literal["pinned", "archived", "unread"]
Comparison = Literal["<", "<=", ">", ">="]


class Term(Struct, frozen=True):
    """Words that stand together: `text` as it was written, `words` folded.

    `goes_on`: the last word may be the start of a longer one. `phrase`: it was quoted.
    """

    text: str
    words: tuple[tuple[str, bool], ...]
    goes_on: bool = False
    phrase: bool = False


class CostBound(Struct, frozen=True):
    """What an answer may cost, in nano-units of whatever currency it was billed in."""

    comparison: Comparison
    nano: int


class Query(Struct, frozen=True):
    """What is looked for; everything must hold. `before` is exclusive, `after` inclusive, both local days."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    models: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    has: tuple[Has, ...] = ()
    states: tuple[State, ...] = ()
    costs: tuple[CostBound, ...] = ()
    before: date | None = None
    after: date | None = None

    @property
    def asks_messages(self) -> bool:
        """Whether something is asked that only a message can answer."""
        return bool(self.models or self.variants or self.has or self.costs or self.before or self.after)

    @property
    def is_empty(self) -> bool:
        return self == Query()


_ITEM = re.compile(r'(?P<minus>-)?(?:(?P<name>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)(?P<closed>"?)|(?P<bare>[^\s"]+))')
_COST = re.compile(r"(<=|>=|<|>)?\s*([^\s]+)")
_MOST_CHARS, _MOST_TERMS = 1_000, 40


def parse(text: str, *, typing: bool = True) -> Query:
    """Understand `text` (its first 1,000 characters). `typing`: a last word with nothing after it may go on."""
    query, text = Query(), text[:_MOST_CHARS]
    for item in list(_ITEM.finditer(text))[:_MOST_TERMS]:
        understood = _operated(query, item)
        query = understood or _worded(query, item, typing=typing and item.end() == len(text))
    return query


def _operated(query: Query, item: re.Match[str]) -> Query | None:
    """The query with this operator, None when it is not one."""
    name, value = (item["name"] or "").lower(), (item["quoted"] or item["bare"] or "").strip()
    if item["minus"] or not value or name not in _OPERATORS:
        return None
    return _OPERATORS[name](query, value)


def _worded(query: Query, item: re.Match[str], *, typing: bool) -> Query:
    """The query with these words. A minus before nothing but signs is a sign itself."""
    quoted = item["quoted"] is not None
    text = f"{item['name']}:" if item["name"] else ""
    text += item["quoted"] if quoted else item["bare"]
    words = tuple(runs(fold(text)))
    if not words:
        return query
    term = Term(text.strip(), words, goes_on=typing and not quoted, phrase=quoted)
    if item["minus"]:
        return structs.replace(query, without=(*query.without, structs.replace(term, goes_on=False)))
    return structs.replace(query, terms=(*query.terms, term))


def _more(field: str) -> Callable[[Query, str], Query | None]:
    """An operator whose values add up."""
    return lambda query, value: structs.replace(query, **{field: (*getattr(query, field), value)})


def _one_of(field: str, known: tuple[str, ...]) -> Callable[[Query, str], Query | None]:
    """An operator that takes known words only; a plural is understood."""

    def operate(query: Query, value: str) -> Query | None:
        word = next((word for word in known if value.lower() in (word, f"{word}s")), None)
        return _more(field)(query, word) if word else None

    return operate


def _cost(query: Query, value: str) -> Query | None:
    found = _COST.fullmatch(value)
    nano = nano_from_text(found[2].lstrip("$€£¥")) if found else None
    if found is None or nano is None:
        return None
    bound = msgspec.convert({"comparison": found[1] or ">=", "nano": nano}, CostBound)
    return structs.replace(query, costs=(*query.costs, bound))


def _day(field: str) -> Callable[[Query, str], Query | None]:
    """A day, or a month or year that stands for its first day. Years 1970 to 9998 can be days of a message."""

    def operate(query: Query, value: str) -> Query | None:
        found = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", value, re.ASCII)
        try:
            day = date(*(int(part or 1) for part in found.groups())) if found else None
        except ValueError:
            return None
        return structs.replace(query, **{field: day}) if day and 1970 <= day.year <= 9998 else None

    return operate


_OPERATORS: dict[str, Callable[[Query, str], Query | None]] = {
    "model": _more("models"),
    "variant": _more("variants"),
    "title": _more("titles"),
    "in": _more("folders"),
    "folder": _more("folders"),
    "tag": _more("tags"),
    "has": _one_of("has", get_args(Has)),
    "is": _one_of("states", get_args(State)),
    "cost": _cost,
    "before": _day("before"),
    "after": _day("after"),
}
