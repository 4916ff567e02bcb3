"""A gateway that misbehaves on demand: the model that is asked for names the fault.

A question with the word NEXT is answered whole whatever the model, as by a gateway that has recovered. `steady`
is a model that answers slowly and well until `calm` is set. What comes to the trap was sent where it never may be.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from lib.cards import DialectName
from tests.faults.speech import SPEECH
from tests.faults.table import Fault
from tests.gateway.raw_server import Behaviour, Line, RawServer, Request, answers, head, streams

NEXT = "NEXT"
NEXT_ANSWER = "Whole again."
STEADY = "steady"
BY_QUESTION = "by-question"
PRICE_IN, PRICE_OUT = 2, 10
"""Dollars per 1M tokens, as listed for every model."""
NANO_IN, NANO_OUT = PRICE_IN * 1000, PRICE_OUT * 1000
"""The same in nano-dollars per token."""


class Post(NamedTuple):
    """One request for an answer."""

    model: str
    dialect: DialectName
    question: str
    request: Request
    at: float


class Chaos:
    """The running gateway. `posts` has every request for an answer, in order."""

    def __init__(self, faults: Mapping[str, Fault], *, by_question: bool = False) -> None:
        """With `by_question` there is one model, and the first word of the question names the fault."""
        self._listed = (BY_QUESTION,) if by_question else (*faults, STEADY)
        self.calm = threading.Event()
        self.posts: list[Post] = []
        self._faults = faults
        self._doing: dict[tuple[str, DialectName], Behaviour] = {}
        self._lock = threading.Lock()
        self._server = RawServer()
        self.trap = self._server.endpoint(answers(200, b"{}"))
        self.endpoint = self._server.endpoint(self._behave)
        self.base_url = self.endpoint.base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.calm.set()
        self._server.close()

    def posts_for(self, model: str, dialect: DialectName | None = None) -> list[Post]:
        """Those for one model, without the NEXT ones."""
        found = [post for post in list(self.posts) if post.model == model and NEXT not in post.question]
        return [post for post in found if dialect in (None, post.dialect)]

    def _behave(self, line: Line, request: Request) -> None:
        if request.method == "GET":
            answers(200, json.dumps({"data": [_listed(model) for model in self._listed]}))(line, request)
            return
        dialect: DialectName = "anthropic" if request.path.endswith("/messages") else "openai"
        sent = request.json
        model, question = str(sent["model"]), question_of(sent)
        model = question.partition(" ")[0] if model == BY_QUESTION else model
        with self._lock:
            self.posts.append(Post(model, dialect, question, request, time.monotonic()))
        self._behaviour(model, dialect, question)(line, request)

    def _behaviour(self, model: str, dialect: DialectName, question: str) -> Behaviour:
        say = SPEECH[dialect]
        if NEXT in question:
            return streams(say.opening + say.text(NEXT_ANSWER) + say.end())
        if model == STEADY:
            return self._steadily(dialect)
        with self._lock:
            return self._doing.setdefault((model, dialect), self._faults[model].does(say))

    def _steadily(self, dialect: DialectName) -> Behaviour:
        say = SPEECH[dialect]

        def behave(line: Line, request: Request) -> None:
            line.send(head(200, {"content-type": "text/event-stream", "connection": "close"}) + say.opening)
            number = 0
            while not self.calm.wait(0.05):
                line.send(say.text(f"{number} "))
                number += 1
            line.send(say.text("end") + say.end())
            line.close()

        return behave


def question_of(sent: dict[str, Any]) -> str:
    """The words of the last message of a request, in either dialect."""
    content = sent["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


def _listed(model: str) -> dict[str, Any]:
    prices = {"input_price_per_1m": PRICE_IN, "output_price_per_1m": PRICE_OUT, "currency": "USD"}
    return {"id": model, "object": "model", **prices}
