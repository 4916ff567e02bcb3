"""kill -9 at every commit and at every step of a door, one after another: what a restart finds each time."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.store import open_store
from tests.generation.scripted import SETTINGS, WHOLE, House, ScriptedDoor, eventually
from tests.lives.acts import FIRST_KEY, LIVES, NEXT, QUESTION, SECOND_KEY, WORDS, Told, lead
from tests.lives.sight import all_asked

FULL_TEXT = "".join(WORDS)


@pytest.mark.parametrize("life", LIVES)
def test_wherever_it_is_killed_its_promises_are_kept(
    tmp_path: Path, life: str, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    open_store("", tmp_path / "empty").close()  # made once: most of a life's time would go into that
    whole = lead(shutil.copytree(tmp_path / "empty", tmp_path / "whole"), life)
    assert whole.ended and len(set(whole.points)) == len(whole.points)
    points = spread(whole.points, count(5, len(whole.points)))
    for at in points:
        folder = shutil.copytree(tmp_path / "empty", tmp_path / at)
        told = lead(folder, life, at)
        assert told.points[-1] == at
        _is_well(folder, life, told)
        shutil.rmtree(folder)
    measured(f"{life}: killed at {len(points)} of {len(whole.points)} points, every promise kept after each")


def spread(points: list[str], wanted: int) -> list[str]:
    """So many of them, evenly, the last one included."""
    step = len(points) / wanted
    return [points[round((at + 1) * step) - 1] for at in range(wanted)]


def _is_well(folder: Path, life: str, told: Told) -> None:
    house = House(folder, ScriptedDoor(*WHOLE))
    try:
        house.desk.recover(15_000)
        assert not house.store.answers.running(house.owner)
        assert house.desk.recover(15_000) == 0
        _money_is_right(house, told)
        _text_is_kept(house, life, told)
        _everything_acknowledged_is_there_once(house, told)
        if life in ("chat", "title", "stopped"):
            _nothing_is_sent_twice(house, life, told)
        elif life == "batch":
            _the_rest_is_asked(house, told)
        house.store.check()
        assert not house.store.ledger.verify(house.owner)
    finally:
        house.close()


def _money_is_right(house: House, told: Told) -> None:
    """Every request that left has its row; at most the one that was about to leave has one too many."""
    assert len(told.posted) <= len(house.ledger()) <= len(told.posted) + 1
    (standing,) = house.store.budgets.standings(house.owner) or [None]
    assert standing is None or not standing.held_nano


def _text_is_kept(house: House, life: str, told: Told) -> None:
    for message, chars in told.kept.items() if life != "temporary" else ():
        row = house.row(message)
        assert len(row.text) >= chars and FULL_TEXT.startswith(row.text)
        assert row.state in ("done", "stopped", "interrupted")


def _chats(house: House) -> list[str]:
    return [chat.public_id for chat in house.store.conversations.list(house.owner)]


def _said(house: House) -> Counter[str]:
    """Every user message of every branch, and what waits."""
    found: Counter[str] = Counter()
    for chat in _chats(house):
        found.update(all_asked(house, chat))
        found.update(item.parts[0].text for item in house.store.queue.list(house.owner, chat))  # type: ignore[union-attr]
    return found


def _everything_acknowledged_is_there_once(house: House, told: Told) -> None:
    said = _said(house)
    assert all(said[text] == 1 for text in told.acknowledged)
    assert all(times == 1 for times in said.values())


def _nothing_is_sent_twice(house: House, life: str, told: Told) -> None:
    """The page that sent it asks again with the same keys; then whatever waits is let go."""
    chat = next(iter(_chats(house)), None)
    door = house.doors.behind
    assert isinstance(door, ScriptedDoor)
    if chat is None:
        return
    asked = house.store.conversations.transcript(house.owner, chat).messages[0].public_id
    if QUESTION in told.acknowledged:
        house.desk.send(chat, QUESTION, SETTINGS, key=FIRST_KEY)
    if NEXT in told.acknowledged and life == "chat":
        house.desk.send(chat, NEXT, SETTINGS, key=SECOND_KEY)
    elif NEXT in told.acknowledged:
        house.desk.edit_and_send(chat, asked, NEXT, SETTINGS, key=SECOND_KEY)
    assert not door.asked
    house.desk.resume_queue(chat)
    eventually(lambda: not house.store.queue.list(house.owner, chat) and not house.engine.running())
    assert all(times == 1 for times in _said(house).values())


def _the_rest_is_asked(house: House, told: Told) -> None:
    """The batch goes on where it was: no row is asked about twice, none is forgotten."""
    batches, owner = house.store.batches, house.owner
    for run in [run for batch in batches.list(owner) for run in batch.runs]:
        door = house.doors.behind
        assert isinstance(door, ScriptedDoor)
        waiting = batches.counts(owner, run.public_id).get("waiting", 0)
        if house.desk.batches.progress(run.public_id).state == "interrupted":
            house.desk.batches.resume(run.public_id)
            eventually(lambda run=run: house.desk.batches.progress(run.public_id).state == "done")  # type: ignore[misc]
            assert len(door.asked) == waiting
