"""Several owners in one process: each has an engine, a desk and gateways of their own, and sees nothing of the others."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lib.bootstrap import Services
from lib.errors import NotFound, ParlourError, StoreUnwritable
from lib.insight_words import Filter
from lib.ledger import ModelRef, Turn
from lib.messages import TextPart
from lib.search import parse
from lib.secret import Secret
from lib.settings import ConfiguredGateway, Settings
from lib.store import Store, open_store
from lib.store.rows import Settings as Chosen
from tests.generation.scripted import eventually

NAMED = ConfiguredGateway("work", "http://127.0.0.1:9", Secret("sk-0123456789abcdefghij"), ("openai",), "environment")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Services]]:
    """`opened(3)`: a process with three accounts, as the first owner sees it."""
    made: list[Services] = []

    def start(accounts: int, **settings: Any) -> Services:
        store = open_store("", tmp_path / "data")
        for at in range(accounts - len(store.accounts.directory(0).accounts)):
            store.accounts.add(f"name {at}", f"name {at}", "hash")
        store.close()
        made.append(Services(Settings(**{"data_dir": tmp_path / "data", "demo_speed": 0.0} | settings)))
        return made[-1]

    yield start
    for each in made:
        each.close()


def everybody(first: Services) -> list[Services]:
    return [first.house.of(owner) for owner in first.store.owners()]


def chosen(services: Services) -> Chosen:
    [card] = services.gateways.cards()
    usual = services.gateways.usual(card.id)
    assert usual
    return Chosen(card.id, usual.id, dialect="openai")


def test_each_owner_has_everything_of_their_own_but_the_store_and_the_demo(opened: Callable[..., Services]) -> None:
    first = opened(3)
    found = everybody(first)
    assert found[0] is first
    assert [first.house.of(each.owner) for each in found] == found
    for name in ("owner", "engine", "desk", "gateways", "attachments", "batches", "prices", "video_probe"):
        assert len({id(getattr(each, name)) for each in found}) == 3, name
    for name in ("store", "demo", "house"):
        assert len({id(getattr(each, name)) for each in found}) == 1, name
    assert len({each.desk.epoch for each in found}) == 1


def test_a_configured_gateway_is_everybodys(opened: Callable[..., Services]) -> None:
    found = everybody(opened(2, demo="off", gateways=(NAMED,)))
    assert [[card.name for card in each.gateways.cards()] for each in found] == [["work"], ["work"]]
    assert found[0].gateways.cards()[0].id != found[1].gateways.cards()[0].id


def test_a_gateway_that_is_entered_is_its_owners(opened: Callable[..., Services]) -> None:
    one, other = everybody(opened(2, demo="off"))
    card = one.gateways.add("mine", "https://gw.example", "sk-0123456789abcdefghij", ("openai",))
    assert list(other.gateways.cards()) == []
    for use in (other.gateways.door, other.gateways.key_to_hand_on, other.gateways.models):
        with pytest.raises(NotFound):
            use(card.id)


# --- nothing of one is ever in the hands of another ------------------------------------------------------------------

MARK = re.compile(rb"MARK-\d{4}-")


class Player:
    """One owner who does something at random; `ids` are what others may try."""

    def __init__(self, at: int, services: Services) -> None:
        self.mark = f"MARK-{at:04}-"
        self.services = services
        self.chosen = chosen(services)
        self.chats: list[str] = []
        self.ids: dict[str, list[str]] = {"chat": [], "message": [], "temporary": [], "attachment": []}

    def ask(self) -> Any:
        chat = self.chats[-1] if self.chats and len(self.chats) % 2 else None
        sent = self.services.desk.send(chat, f"{self.mark} n=5 say it", self.chosen)
        self.chats.append(sent.conversation)
        self.ids["chat"].append(sent.conversation)
        self.ids["message"] += [sent.message] if sent.message else []
        return sent

    def ask_in_memory(self) -> Any:
        sent = self.services.desk.temporary.send(None, f"{self.mark} n=5 say it", self.chosen)
        self.ids["temporary"].append(sent.conversation)
        return self.services.desk.temporary.messages(sent.conversation)

    def attach(self) -> Any:
        waiting = self.services.attachments.attach_bytes("new", f"{self.mark}.txt", self.mark.encode())
        self.ids["attachment"].append(waiting)
        found = self.services.attachments.list("new")
        if len(found) > 3:
            self.services.attachments.remove(waiting)
        return found

    def draft(self) -> Any:
        self.services.keep_draft("new", f"{self.mark} draft")
        return self.services.draft("new")

    def prefer(self) -> Any:
        self.services.store.preferences.set(self.services.owner, "note", self.mark)
        return self.services.store.preferences.get(self.services.owner, "note")

    def look(self) -> Any:
        store, owner = self.services.store, self.services.owner
        shown = [store.conversations.list(owner), store.ledger.latest(owner, demo=None), store.queue, store.folders]
        shown[2:] = [[list(self.services.engine.running()) and "running"], store.folders.list(owner)]
        return shown + [store.conversations.transcript(owner, chat) for chat in self.chats[-2:]]

    def search(self) -> Any:
        return self.services.store.search.find(self.services.owner, parse("MARK"), limit=50)

    def usage(self) -> Any:
        period = Filter(date(2020, 1, 1), date(2100, 1, 1))
        return self.services.store.insight.choices(self.services.owner, demo=True), period.zone

    def stop(self) -> Any:
        for live in self.services.engine.running():
            self.services.desk.stop(live.message)
        return [live.texts() for live in self.services.engine.running()]

    def steal(self, victim: Player, source: random.Random) -> Any:
        """Ask for what belongs to another; whatever is not refused is returned."""
        services, owner = self.services, self.services.owner
        tries: dict[str, list[Callable[[str], Any]]] = {
            "chat": [
                services.draft,
                lambda chat: services.keep_draft(chat, self.mark),
                lambda chat: services.desk.send(chat, self.mark, self.chosen),
                lambda chat: services.store.conversations.transcript(owner, chat),
                services.desk.temporary.messages,
                services.attachments.list,
                lambda chat: services.desk.resume_queue(chat),
            ],
            "message": [
                services.answer_text,
                lambda message: services.attachments.served(message, 0),
                lambda message: services.store.answers.get(owner, message),
            ],
            "temporary": [services.desk.temporary.messages, services.draft],
            "attachment": [lambda one: services.attachments.served(one, "thumb"), services.attachments.remove],
        }
        found = []
        for kind, ways in tries.items():
            for way in ways if victim.ids[kind] else ():
                try:
                    found.append(way(source.choice(victim.ids[kind])))
                except ParlourError as error:
                    assert isinstance(error, NotFound), (kind, error)
                else:
                    raise AssertionError(f"{kind} of another was not refused")
        services.desk.stop(source.choice(victim.ids["message"])) if victim.ids["message"] else None
        return found


def seen(value: Any) -> set[bytes]:
    return set(MARK.findall(msgspec.json.encode(value, enc_hook=repr)))


def test_whoever_acts_when_nobody_sees_a_mark_of_another(
    opened: Callable[..., Services], count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    owners, each = count(5, 50), count(20, 40)
    source = random.Random(7)
    players = [Player(at, services) for at, services in enumerate(everybody(opened(owners)))]
    deeds = (
        "ask",
        "ask",
        "ask_in_memory",
        "attach",
        "draft",
        "prefer",
        "look",
        "look",
        "search",
        "usage",
        "stop",
        "steal",
    )
    done, own = 0, 0
    for _ in range(owners * each):
        player, deed = source.choice(players), source.choice(deeds)
        if deed == "steal":
            victim = source.choice([other for other in players if other is not player])
            shown = player.steal(victim, source)
        else:
            shown = getattr(player, deed)()
        marks = seen(shown)
        assert marks <= {player.mark.encode()}, (deed, player.mark)
        done, own = done + 1, own + bool(marks)
    for player in players:
        eventually(lambda player=player: not player.services.engine.running(), 30)
        assert seen(player.look()) <= {player.mark.encode()}
    assert own > done / 4
    measured(f"{owners} owners, {done:,} interleaved actions, 0 foreign markers, every foreign id refused")


# --- starting, stopping, recovering ----------------------------------------------------------------------------------


def left_running(store: Store, owner: int, ref: ModelRef) -> str:
    turn = Turn("k" + str(owner), f"c{owner:021}"[:22], (TextPart("hi"),), ref)
    begun = store.answers.begin(owner, turn, epoch="a process that died")
    store.answers.checkpoint(begun.answer_id, "half of it")
    return begun.message


def test_what_a_dead_process_left_is_ended_for_every_owner_at_the_start_at_their_own_prices(
    opened: Callable[..., Services],
) -> None:
    first = opened(3)
    refs = {each.owner: each.gateways.ref(chosen(each)) for each in everybody(first)}
    first.close()
    store = open_store("", first.settings.data_dir)
    messages = {owner: left_running(store, owner, ref) for owner, ref in refs.items()}
    store.close()
    again = opened(3)
    for owner, message in messages.items():
        assert again.store.answers.get(owner, message).state == "interrupted"
        [paid] = again.store.ledger.latest(owner, demo=None)
        assert (paid.outcome, paid.cost.nano is not None) == ("unknown", True)


def test_an_owner_who_comes_later_does_not_end_what_others_run(opened: Callable[..., Services]) -> None:
    first = opened(2)
    sent = first.desk.send(None, "n=400 tps=200 a long one", chosen(first))
    incoming = first.attachments.incoming / "coming in"
    incoming.write_bytes(b"x")
    second = first.house.of(first.store.owners()[1])
    assert second.desk.recover(0) == 0
    assert incoming.exists()
    assert first.store.answers.get(first.owner, sent.message or "").state in ("running", "done")
    eventually(lambda: first.store.answers.get(first.owner, sent.message or "").state == "done", 20)


def test_a_disabled_account_runs_nothing_any_more_and_others_go_on(
    opened: Callable[..., Services], measured: Callable[[str], None]
) -> None:
    one, other = everybody(opened(2))
    one.house.watch()
    sent = [each.desk.send(None, "n=4000 tps=60 a long one", chosen(each)) for each in (one, other)]
    queued = one.desk.send(sent[0].conversation, "and then?", chosen(one))
    assert queued.message is None
    one.store.accounts.set_enabled(one.house.login.accounts()[0].id, False)
    one.house.login.refresh()
    began = time.monotonic()
    eventually(lambda: one.store.answers.get(one.owner, sent[0].message or "").state == "stopped", 20)
    took = time.monotonic() - began
    eventually(lambda: not one.engine.running())
    assert len(one.store.queue.list(one.owner, sent[0].conversation)) == 1
    assert other.store.answers.get(other.owner, sent[1].message or "").state == "running"
    late = one.desk.send(None, "n=4000 tps=60 one more", chosen(one))
    eventually(lambda: one.store.answers.get(one.owner, late.message or "").state == "stopped", 20)
    assert took < 5
    measured(f"a disabled account's answer stopped after {took:.2f} s, its queue is kept, others go on")


def test_a_disabled_account_is_stopped_also_when_what_waits_cannot_be_paused(
    opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = everybody(opened(2))
    sent = [each.desk.send(None, "n=4000 tps=60 a long one", chosen(each)) for each in found]

    def cannot() -> None:
        raise StoreUnwritable("disk full")

    for each, account in zip(found, found[0].house.login.accounts(), strict=True):
        monkeypatch.setattr(each.batches, "pause_all", cannot)
        each.store.accounts.set_enabled(account.id, False)
    found[0].house.login.refresh()
    found[0].house.look_after_accounts()
    for each, one in zip(found, sent, strict=True):
        eventually(lambda each=each, one=one: each.store.answers.get(each.owner, one.message or "").state == "stopped")


def test_closing_keeps_what_every_owner_has(opened: Callable[..., Services]) -> None:
    found = everybody(opened(3))
    sent = [each.desk.send(None, "n=4000 tps=60 a long one", chosen(each)) for each in found]
    found[0].close()
    store = open_store("", found[0].settings.data_dir)
    states = [store.answers.get(each.owner, one.message or "").state for each, one in zip(found, sent, strict=True)]
    store.close()
    assert states == ["interrupted"] * 3
    with pytest.raises(ParlourError):
        found[0].house.of(found[1].owner + 1)
