"""Starting and ending a whole process: everything that was opened is closed again, also when starting fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from lib import bootstrap
from lib.bootstrap import Services
from lib.errors import SettingsError, StoreBusy, StoreLocked
from lib.ledger import ModelRef, Turn
from lib.messages import TextPart
from lib.secret import Secret
from lib.settings import ConfiguredGateway, Settings
from lib.store import open_store
from lib.store.rows import Settings as Chosen
from tests.generation.scripted import eventually

NAMED = ConfiguredGateway("work", "http://127.0.0.1:9", Secret("sk-0123456789abcdefghij"), ("openai",), "environment")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    yield Settings(data_dir=tmp_path / "data", demo_speed=0)
    bootstrap.close()


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "parlour" in thread.name or "embedded" in thread.name}


def test_many_pages_at_once_start_one_set_of_services(settings: Settings) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: id(bootstrap.services(lambda: settings)), range(32)))
    assert len(found) == 1


def test_a_locked_database_leaves_nothing_behind_and_can_be_tried_again(settings: Settings) -> None:
    other = open_store("", settings.data_dir)
    before = threads()
    for _ in range(2):
        with pytest.raises(StoreLocked):
            bootstrap.services(lambda: settings)
    assert threads() == before
    other.close()
    assert bootstrap.services(lambda: settings).gateways.cards()


def test_a_start_that_fails_late_releases_the_lock_the_engine_and_the_demo(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = threads()

    def fails(self: Services) -> None:
        self.start_demo()
        assert threads() - before
        raise StoreBusy("busy")

    with monkeypatch.context() as patched:
        patched.setattr(Services, "_begin", fails)
        with pytest.raises(StoreBusy):
            bootstrap.services(lambda: settings)
    assert threads() == before
    assert bootstrap.services(lambda: settings).demo


def test_a_damaged_key_file_is_said_and_releases_the_database(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "parlour.key").write_bytes(b"short")
    with pytest.raises(SettingsError):
        bootstrap.services(lambda: settings)
    (settings.data_dir / "parlour.key").unlink()
    assert bootstrap.services(lambda: settings)


def test_closing_twice_and_starting_again_works(settings: Settings) -> None:
    before = threads()
    first = bootstrap.services(lambda: settings)
    bootstrap.close()
    bootstrap.close()
    assert threads() == before
    assert bootstrap.services(lambda: settings) is not first


def test_a_start_empties_the_trash_of_what_is_too_old(settings: Settings) -> None:
    store = open_store("", settings.data_dir)
    for name in ("old", "young"):
        store.conversations.delete(store.owner(), store.conversations.create(store.owner(), title=name).public_id)
    age = text("UPDATE conversation SET deleted_ms = 1 WHERE title = 'old'")
    store._db.write(lambda connection: connection.execute(age) and None)
    store.close()
    services = bootstrap.services(lambda: settings)
    assert [item.title for item in services.store.trash.list(services.owner)] == ["young"]


@pytest.mark.parametrize(
    ("demo", "configured", "offered"),
    [("auto", False, True), ("auto", True, False), ("on", True, True), ("off", False, False)],
)
def test_the_demo_runs_only_when_nothing_else_is_configured_or_it_is_asked_for(
    settings: Settings, demo: str, configured: bool, offered: bool
) -> None:
    gateways = (NAMED,) if configured else ()
    wanted = Settings(data_dir=settings.data_dir, demo=demo, demo_speed=0, gateways=gateways)  # type: ignore[arg-type]
    services = bootstrap.services(lambda: wanted)
    assert (services.demo is not None) is offered
    assert any(card.demo for card in services.gateways.cards()) is offered


def test_a_demo_that_was_asked_for_comes_back_after_a_restart(settings: Settings) -> None:
    with_one = Settings(data_dir=settings.data_dir, demo_speed=0, gateways=(NAMED,))
    bootstrap.services(lambda: with_one).show_demo(True)
    bootstrap.close()
    assert [card.demo for card in bootstrap.services(lambda: with_one).gateways.cards()] == [False, True]
    bootstrap.services().show_demo(False)
    assert [card.demo for card in bootstrap.services().gateways.cards()] == [False]


def test_the_first_demo_answer_is_priced_and_flagged(settings: Settings) -> None:
    services = bootstrap.services(lambda: settings)
    [card] = services.gateways.cards()
    usual = services.gateways.usual(card.id)
    assert usual
    chosen = Chosen(card.id, usual.id)
    sent = services.desk.send(None, "hello", chosen)
    eventually(lambda: services.store.answers.get(services.owner, sent.message or "").state == "done")
    [paid] = services.store.ledger.latest(services.owner, demo=None)
    assert paid.demo and paid.cost.nano and paid.cost.source == "demo"
    assert "demo answer" in services.answer_text(sent.message or "")


def test_with_several_processes_the_dead_ones_answers_are_swept_only_while_the_database_is_well(
    settings: Settings,
) -> None:
    services = bootstrap.services(lambda: settings)
    turn = Turn("k", "c" * 22, (TextPart("hi"),), ModelRef(1, "m"))
    services.store.answers.begin(services.owner, turn, epoch="a process that died")
    assert services._sweep_round(0) and services._sweep_round(2)
    assert len(services.store.answers.running(services.owner)) == 1
    assert services._sweep_round(3)
    assert services.store.answers.running(services.owner) == []
    assert [paid.outcome for paid in services.store.ledger.latest(services.owner)] == ["unknown"]
