"""Lives that are ended by kill -9 at a chosen point: every commit and every step of the door is numbered.

A life runs in a process of its own, forked from a server that has imported everything. It tells its parent what it
has promised: the messages it has acknowledged, the requests that have left.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import CodeType
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, event

from lib.budgets import Budget
from lib.cards import ModelCard
from lib.events import AttemptBegan, Finished, ReasoningDelta, Started, TextDelta
from lib.generation import run
from lib.messages import Ask, FilePart
from tests.generation.scripted import SETTINGS, WHOLE, Hold, House, ScriptedDoor, eventually, retried
from tests.generation.test_batches import REF
from tests.generation.test_titles import wanting

QUESTION, NEXT = "the question", "the next question"
FIRST_KEY, SECOND_KEY = "the first key", "the second key"
WORDS = tuple(f"word {number:03d} " for number in range(8))
NAME = "A title"


class Beat:
    """A step: the answer is written down, or shows that it is alive; now, and not by the clock."""

    def __init__(self, name: str) -> None:
        self.name = name


ANSWER = (Started("r", "m"), TextDelta(WORDS[0]), Beat("checkpoint"), TextDelta(WORDS[1]), *WHOLE[3:])


class Points:
    """Numbers what happens; at the `n`-th time that `place` is passed the process kills itself.

    Commits of several threads come in any order, so a point is a place and how often it was passed, not a number.
    """

    def __init__(self, pipe: Pipe, at: str) -> None:
        self._pipe = pipe
        self._at = at
        self._lock = threading.Lock()
        self._passed: Counter[str] = Counter()

    def tell(self, kind: str, what: object) -> None:
        with self._lock:
            self._pipe.send((kind, what))

    def acknowledge(self, text: str) -> None:
        """Whoever sent it has been told that it is kept."""
        self.tell("acknowledged", text)
        self("acknowledged")

    def __call__(self, place: str) -> None:
        with self._lock:
            self._passed[place] += 1
            point = f"{place} {self._passed[place]}"
            self._pipe.send(("point", point))
            if point == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


class DyingDoor(ScriptedDoor):
    """A door whose every step is a point, before and after; what leaves it is told."""

    def __init__(self, points: Points, *script: object) -> None:
        super().__init__(*script)
        self.points = points
        self.house: House | None = None

    async def answer(self, ask: Ask, dialect: str, take: Callable[..., None], *, card: ModelCard | None = None) -> None:
        if ask.system:
            self.scripts.insert(0, (AttemptBegan(1), Started("t", "m"), TextDelta(NAME), Finished("stop")))
        await super().answer(ask, dialect, take, card=card)

    async def _step(self, step: object, ask: Ask, take: Callable[..., None]) -> None:
        which = "title" if ask.system else "answer"
        name = f"{which}: {getattr(step, 'name', type(step).__name__)}"
        self.points(f"before {name}")
        if isinstance(step, Beat):
            await asyncio.to_thread(self._beat, step.name)
        else:
            await super()._step(step, ask, take)
        if isinstance(step, AttemptBegan):
            self.points.tell("posted", ask.messages[-1].text)
        self.points(f"after {name}")

    def _beat(self, name: str) -> None:
        assert self.house
        for one in list(self.house.engine._runs.values()):
            if not one.live.over and one.end is None:
                (one._write_down if name == "checkpoint" else one._beat)()
                if name == "checkpoint":
                    self.points.tell("kept", {one.live.message: len(one.live.texts()[0])})


def watch_commits(house: House, points: Points) -> None:
    """Every commit of a writing transaction is two points, named after the store's function that asked for it."""
    here = threading.local()
    engine = house.store._db.engine
    really = engine.dialect.do_commit

    def before(connection: Connection) -> None:
        here.deed = _deed() if connection.get_execution_options().get("parlour_write") else ""
        if here.deed:
            points(f"before commit of {here.deed}")

    def commit(raw: Any) -> None:
        really(raw)
        deed, here.deed = getattr(here, "deed", ""), ""
        if deed:
            points(f"after commit of {deed}")

    event.listen(engine, "commit", before)
    engine.dialect.do_commit = commit  # type: ignore[method-assign]


def _deed() -> str:
    """The function outside `database.py` that called `Database.write`."""
    frame, inside = sys._getframe(), False
    while frame:
        code: CodeType = frame.f_code
        ours = code.co_filename.endswith("lib/store/database.py")
        if inside and not ours:
            return f"{Path(code.co_filename).stem}.{code.co_name}"
        inside = inside or (ours and code.co_name == "write")
        frame = frame.f_back  # type: ignore[assignment]
    return "?"


# --- the lives ------------------------------------------------------------------------------------------------------


def live(folder: str, pipe: Pipe, life: str, at: str) -> None:
    """Lead the life `life` in `folder`, and die at `at`; with no such point it ends by itself."""
    run.CHECKPOINT_S = 3_600.0  # the script says when: then every run passes the same points
    points = Points(pipe, at)
    door = DyingDoor(points)
    house = door.house = House(Path(folder), door)
    house.store.budgets.add(house.owner, Budget("month", 10**12))
    watch_commits(house, points)
    LIVES[life](house, door, points)
    house.close()
    points.tell("ended", True)


def _chat(house: House, door: DyingDoor, points: Points) -> None:
    """A question, a second attempt, text and its checkpoints, a message that waits, and its turn."""
    queued = threading.Event()
    kept = [step for word in WORDS[:3] for step in (TextDelta(word), Beat("checkpoint"))]
    door.scripts = [
        (
            *retried(),
            Started("r", "m"),
            ReasoningDelta("thinking "),
            Beat("checkpoint"),
            Beat("heartbeat"),
            *kept,
            lambda: queued.wait(5),
            *[TextDelta(word) for word in WORDS[3:]],
            *WHOLE[3:],
        )
    ]
    door.script = ANSWER
    sent = house.send(QUESTION, key=FIRST_KEY)
    points.acknowledge(QUESTION)
    house.send(NEXT, sent.conversation, key=SECOND_KEY)
    points.acknowledge(NEXT)
    queued.set()
    _wait(lambda: len(house.ledger()) == 3 and not house.engine.running())


def _title(house: House, door: DyingDoor, points: Points) -> None:
    """An answer, and the request for a title that follows it."""
    wanting(house)
    door.script = ANSWER
    sent = house.send(QUESTION, key=FIRST_KEY)
    points.acknowledge(QUESTION)
    _wait(lambda: house.store.conversations.get(house.owner, sent.conversation).title == NAME)
    _wait(lambda: len(house.ledger()) == 2)


def _stopped(house: House, door: DyingDoor, points: Points) -> None:
    """An answer that is stopped, and one to other words beside it."""
    hold = Hold()
    door.scripts = [(TextDelta(WORDS[0]), Beat("checkpoint"), hold)]
    door.script = ANSWER
    sent = house.send(QUESTION, key=FIRST_KEY)
    points.acknowledge(QUESTION)
    assert sent.message and hold.reached.wait(5)
    house.desk.stop(sent.message)
    house.end_of(sent.message)
    asked = house.store.conversations.transcript(house.owner, sent.conversation).messages[0]
    again = house.desk.edit_and_send(sent.conversation, asked.public_id, NEXT, SETTINGS, key=SECOND_KEY)
    points.acknowledge(NEXT)
    house.end_of(again.message or "")


def _temporary(house: House, door: DyingDoor, points: Points) -> None:
    """A conversation that is not stored: the money of both its attempts is."""
    door.script = (*retried(), *ANSWER)
    sent = house.desk.temporary.send(None, QUESTION, SETTINGS)
    _wait(lambda: house.desk.running_in(sent.conversation) is None and len(house.ledger()) == 2)


def _batch(house: House, door: DyingDoor, points: Points) -> None:
    """Three rows of a batch, one after another."""
    door.script = ANSWER
    batches = house.store.batches
    batch = batches.create(house.owner, "Letters", QUESTION, parallel=1)
    rows = [(f"{at}.txt", (FilePart(f"{at}.txt", f"letter {at}"),)) for at in range(3)]
    batches.add_rows(house.owner, batch.public_id, rows)
    wanted = batches.add_run(house.owner, batch.public_id, REF)
    house.desk.batches.start(wanted.public_id)
    _wait(lambda: batches.counts(house.owner, wanted.public_id).get("done") == 3)
    _wait(lambda: house.desk.batches.progress(wanted.public_id).state == "done")


def _wait(look: Callable[[], object]) -> None:
    eventually(look, 30)


Life = Callable[[House, DyingDoor, Points], None]
LIVES: dict[str, Life] = {
    "chat": _chat,
    "title": _title,
    "stopped": _stopped,
    "temporary": _temporary,
    "batch": _batch,
}


# --- the other side of the pipe -------------------------------------------------------------------------------------


class Told(Struct):
    """What a life had said when it ended."""

    points: list[str] = []
    acknowledged: list[str] = []
    posted: list[str] = []
    kept: dict[str, int] = {}
    ended: bool = False


_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.lives.acts", "tests.generation.dies"])


def lead(folder: Path, life: str, at: str = "") -> Told:
    """Lead a life in a process of its own, to its end or to its death at the point `at`."""
    here, there = _FORKING.Pipe(duplex=False)
    process = _FORKING.Process(target=live, args=(str(folder), there, life, at))
    process.start()
    there.close()
    told = Told()
    with contextlib.suppress(EOFError):
        while True:
            _hear(told, *here.recv())
    process.join()
    here.close()
    assert process.exitcode == (-signal.SIGKILL if at else 0), (life, at, process.exitcode)
    return told


def _hear(told: Told, kind: str, what: Any) -> None:
    match kind:
        case "point":
            told.points.append(what)
        case "acknowledged":
            told.acknowledged.append(what)
        case "posted":
            told.posted.append(what)
        case "kept":
            told.kept |= what
        case "ended":
            told.ended = True
