"""One line of the fault table: what the gateway does wrong, and everything that must come of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lib.cards import DialectName
from tests.faults.speech import HALF, WHOLE, Speech
from tests.gateway.raw_server import Behaviour

BOTH: tuple[DialectName, ...] = ("openai", "anthropic")
Doing = Callable[[Speech], Behaviour]


class Expected(NamedTuple):
    """How the answer ends. `rows` are its ledger rows in order, each `outcome` or `outcome:source of its tokens`.

    There is one POST for each row, except that a row `failed` certainly sent nothing. `calls` are the tool calls
    that are kept with it (their names and arguments).
    """

    state: str
    text: str = ""
    kind: str | None = None
    rows: tuple[str, ...] = ()
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()

    @property
    def posts(self) -> int:
        return sum(row != "failed" for row in self.rows)


class Fault(NamedTuple):
    """`does` in one dialect's words; `to_anthropic` where the same fault ends differently there.

    `place` names the gateway that is asked when it is not the misbehaving one itself; `hasty` asks with deadlines of
    about a second.
    """

    does: Doing
    expected: Expected
    to_anthropic: Expected | None = None
    dialects: tuple[DialectName, ...] = BOTH
    hasty: bool = False
    place: str = ""

    def expect(self, dialect: DialectName) -> Expected:
        return self.to_anthropic if self.to_anthropic and dialect == "anthropic" else self.expected


def fine(text: str = WHOLE, *, source: str = "reported", **more: object) -> Expected:
    """A whole answer."""
    return Expected("done", text, None, (f"ok:{source}",), **more)  # type: ignore[arg-type]


def no(kind: str, times: int = 1, outcome: str = "refused") -> Expected:
    """Nothing came, and nothing is kept but why."""
    return Expected("failed", "", kind, (outcome,) * times)


def broke(kind: str = "truncated", text: str = HALF, *, source: str = "estimated") -> Expected:
    """It ended in the middle; what had arrived stays."""
    return Expected("cut", text, kind, (f"cut:{source}",))


def cut_short(does: Doing, kind: str = "truncated", text: str = HALF, *, hasty: bool = False) -> Fault:
    """The same fault in both dialects: Anthropic's first event has told the input by then."""
    return Fault(does, broke(kind, text), broke(kind, text, source="reported_partial"), hasty=hasty)


def only(dialect: DialectName, does: Doing, expected: Expected) -> Fault:
    """A fault that one dialect alone can have."""
    return Fault(does, expected, dialects=(dialect,))
